"""What the keeper has done, as integers that only grow; ``metrics`` reads them at scrape time."""

from __future__ import annotations

from collections import defaultdict

#: As many message_states there are.
STATES = 10

#: Why a mail is no more; ``overflow``: it found its mailbox full.
MAIL_ENDS = ("delivered", "refused", "expired", "erased", "overflow")


class Counters:
    """(Not ``collections.Counter``: its item assignment runs in Python, once per message.)"""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused: defaultdict[int, int] = defaultdict(int)
        self.submitted: defaultdict[bytes, int] = defaultdict(int)
        #: (carrier, command_status) of answered attempts.
        self.outcomes: defaultdict[tuple[bytes, int], int] = defaultdict(int)
        #: Of finished messages, by carrier: how many there are of each message_state.
        self.finished: dict[bytes, list[int]] = {}
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
        #: By why it is no more.
        self.mail_done = dict.fromkeys(MAIL_ENDS, 0)
        #: (system_id, accepted | delivered | failed): traffic data, counted only if it is served.
        self.by_account: defaultdict[tuple[bytes, str], int] = defaultdict(int)

    def count_finished(self, carrier: bytes, state: int) -> None:
        """A message has ended."""
        states = self.finished.get(carrier)
        if states is None:
            states = self.finished[carrier] = [0] * STATES
        states[state] += 1
