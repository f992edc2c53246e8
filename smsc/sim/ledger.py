"""What a client was promised and what it got: the check that no message is lost or doubled.

Pure: no socket, no clock. Every acknowledged id must be new; where receipts were asked for, each
id must get exactly one final receipt, which text and TLVs tell alike.
"""

from __future__ import annotations

from collections import Counter

from smsc._pdu import Message
from smsc.smpp import Tag

RECEIPTED_MESSAGE_ID = int(Tag.RECEIPTED_MESSAGE_ID)
MESSAGE_STATE = int(Tag.MESSAGE_STATE)

#: esm_class of a receipt or intermediate notification (SMPP 3.4 5.2.12).
RECEIPT_BITS = 0x24

#: The words of receipt texts (3.4 appendix B) and the message_state they mean (5.0 4.7.15).
STATES: dict[bytes, int] = {
    b"ENROUTE": 1,
    b"DELIVRD": 2,
    b"EXPIRED": 3,
    b"DELETED": 4,
    b"UNDELIV": 5,
    b"ACCEPTD": 6,
    b"UNKNOWN": 7,
    b"REJECTD": 8,
}
WORDS = {state: word.decode() for word, state in STATES.items()}
#: States that announce another receipt.
INTERMEDIATE = frozenset((0, 1))

#: In ``Ledger._ids``: nothing more is expected for this id. No clock starts here.
_CLOSED = 0


class Ledger:
    """Ids acknowledged, receipts owed for them, and every count that should stay zero."""

    __slots__ = (
        "_early",
        "_ids",
        "acknowledged",
        "duplicate_ids",
        "inbound",
        "intermediate",
        "receipts",
        "receipts_doubled",
        "receipts_early",
        "receipts_malformed",
        "receipts_wanted",
        "refused",
        "states",
        "strays",
        "unknown",
    )

    def __init__(self, receipts_wanted: bool) -> None:
        self.receipts_wanted = receipts_wanted
        self._ids: dict[bytes, int] = {}
        self._early: dict[bytes, int] = {}
        self.acknowledged = 0
        self.refused: Counter[int] = Counter()
        #: Submitted on a connection that was lost before the answer came.
        self.unknown = 0
        #: An id given twice, or none.
        self.duplicate_ids = 0
        #: Responses that answer nothing.
        self.strays = 0
        self.receipts = 0
        self.states: Counter[int] = Counter()
        self.intermediate = 0
        self.receipts_doubled = 0
        #: Receipts that were there before their submit_sm_resp, and found it later.
        self.receipts_early = 0
        self.receipts_malformed = 0
        self.inbound = 0

    def acknowledge(self, message_id: bytes, sent_at: int) -> None:
        """A submit_sm sent at ``sent_at`` (us, above 0) was accepted under this id."""
        if not message_id or message_id in self._ids:
            self.duplicate_ids += 1
            return
        self.acknowledged += 1
        self._ids[message_id] = sent_at if self.receipts_wanted else _CLOSED
        if self._early and message_id in self._early:
            self.receipts_early += 1
            self.close(message_id, self._early.pop(message_id))

    def close(self, message_id: bytes, state: int) -> int:
        """A receipt came. Return when its message was sent, or 0 if nothing was awaited."""
        sent_at = self._ids.get(message_id)
        if state in INTERMEDIATE:
            self.intermediate += 1
            return 0
        if not sent_at:
            self._unexpected(message_id, state)
            return 0
        self._ids[message_id] = _CLOSED
        self.receipts += 1
        self.states[state] += 1
        return sent_at

    def _unexpected(self, message_id: bytes, state: int) -> None:
        """Doubled if the id is closed; else its response may be on another connection."""
        if message_id in self._ids or message_id in self._early:
            self.receipts_doubled += 1
        else:
            self._early[message_id] = state

    @property
    def receipts_missing(self) -> int:
        """Acknowledged and not receipted yet."""
        return self.acknowledged - self.receipts if self.receipts_wanted else 0

    @property
    def receipts_unknown(self) -> int:
        """Receipts for ids that no response has named."""
        return len(self._early)

    @property
    def faults(self) -> int:
        """How often the peer broke a promise, not counting refusals and what is still owed."""
        return (
            self.duplicate_ids
            + self.strays
            + self.receipts_doubled
            + self.receipts_malformed
            + self.receipts_unknown
        )


def read_receipt(pdu: Message) -> tuple[bytes, int] | None:
    """``(message id, message_state)`` of a receipt, from text and TLVs; None where they disagree.

    Either alone is enough: 5.0 has no receipt text, 3.3 has no TLVs.
    """
    message_id = pdu.tlv(RECEIPTED_MESSAGE_ID)
    if message_id is not None and message_id.endswith(b"\0"):
        message_id = message_id[:-1]
    state_tlv = pdu.tlv(MESSAGE_STATE)
    state = state_tlv[0] if state_tlv else None
    text = pdu.text
    if text:
        text_id, text_state = _read_text(text)
        if message_id is None:
            message_id = text_id
        if state is None:
            state = text_state
        if message_id != text_id or state != text_state:
            return None
    return (message_id, state) if message_id and state is not None else None


def _read_text(text: bytes) -> tuple[bytes, int | None]:
    """Id and state; the standard order is read where it stands, any other is searched."""
    if text.startswith(b"id:"):
        end = text.find(b" ", 3)
        at = text.find(b" stat:", end) + 6
        state = STATES.get(text[at : at + 7])
        if state is not None:
            return text[3:end], state
    return _word_after(text, b"id:"), STATES.get(_word_after(text, b"stat:"))


def _word_after(text: bytes, label: bytes) -> bytes:
    """What follows ``label`` up to the next space; empty where the label is not there."""
    start = text.find(label)
    if start < 0:
        return b""
    start += len(label)
    end = text.find(b" ", start)
    return text[start:end] if end >= 0 else text[start:]
