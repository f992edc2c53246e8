"""What the keeper has done, as integers that only grow; ``metrics`` reads them at scrape time."""

from __future__ import annotations

from collections import defaultdict

from smsc._tally import Tally
from smsc.smpp import MessageState

#: As many message_states there are.
STATES = len(MessageState)

#: How it is called that a mail ended in a message_state.
MAIL_ENDS = {
    MessageState.DELIVERED: "delivered",
    MessageState.REJECTED: "refused",
    MessageState.EXPIRED: "expired",
    MessageState.DELETED: "erased",
}

#: What is counted of each account.
ACCEPTED, DELIVERED, FAILED = 0, 1, 2
ACCOUNT_EVENTS = ("accepted", "delivered", "failed")


class Counters:
    """(Not ``collections.Counter``: its item assignment runs in Python, once per message.)"""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused: defaultdict[int, int] = defaultdict(int)
        self.submitted: defaultdict[bytes, int] = defaultdict(int)
        #: (carrier, command_status) of answered attempts.
        self.outcomes: defaultdict[tuple[bytes, int], int] = defaultdict(int)
        #: Finished messages by the carrier's number and message_state.
        self.finished = Tally(STATES)
        self.retried: defaultdict[bytes, int] = defaultdict(int)
        #: By the carrier that failed a message which another got then.
        self.moved: defaultdict[bytes, int] = defaultdict(int)
        #: (carrier, cause) of attempts that became in doubt.
        self.in_doubt: defaultdict[tuple[bytes, str], int] = defaultdict(int)
        #: How doubts ended: late_response, refused, requeued, failed, expired.
        self.resolved: defaultdict[str, int] = defaultdict(int)
        self.confirmed_duplicates = 0
        #: What became of texts that came in parts, for carriers that want them whole: joined,
        #: incomplete (their time was over), dissolved (joined, and then sent as they came).
        self.joins: defaultdict[str, int] = defaultdict(int)
        self.orphans: defaultdict[str, int] = defaultdict(int)
        self.repeated_receipts = 0
        #: Submits that repeated one whose answer was lost, and got its id.
        self.suppressed = 0
        self.inbound: defaultdict[bytes, int] = defaultdict(int)
        self.inbound_unrouted = 0
        self.mailed = 0
        #: Mails by the message_state they ended in, all in row 0; and those that found their
        #: mailbox full.
        self.mails_ended = Tally(STATES)
        self.mails_refused = 0
        #: By the account's number and what happened (``ACCOUNT_EVENTS``): traffic data, counted
        #: only if it is served.
        self.by_account = Tally(len(ACCOUNT_EVENTS))

    @property
    def mail_done(self) -> dict[str, int]:
        """Mails that are no more, by why."""
        ended = self.mails_ended.row(0)
        done = {why: ended[state] for state, why in MAIL_ENDS.items()}
        return {**done, "overflow": self.mails_refused}
