"""What of a submit the message centre takes upon itself: when, until when, and from whom.

A schedule is kept in our queue and not passed on; a validity is kept and passed on; an absent
source address is replaced by the account's default. A datagram has neither schedule nor receipt,
and is attempted once. The rest of the PDU stays as it came.
"""

from __future__ import annotations

from typing import Any

from smsc import message as rules
from smsc._pdu import Message
from smsc.config import AccountConfig
from smsc.smpp import Tag

_QOS_TIME_TO_LIVE, _MESSAGE_PAYLOAD = int(Tag.QOS_TIME_TO_LIVE), int(Tag.MESSAGE_PAYLOAD)
_MODE, _DATAGRAM = rules.MODE, rules.DATAGRAM


def terms(message: Message, now: int, limits: AccountConfig) -> tuple[int, int]:
    """``(due, expiry)`` in ms: when to send it, and when it is no longer worth sending."""
    if (
        not message.validity_period
        and not message.schedule_delivery_time
        and message.tlv(_QOS_TIME_TO_LIVE) is None
    ):
        return now, now + limits.default_validity
    due = rules.due(message, now)
    return due, rules.expiry(message, now, limits.default_validity, limits.max_validity)


def ours(message: Message, limits: AccountConfig) -> Message:
    """The message as it is to be kept: without a schedule, with a source address."""
    sender = None if message.source_addr else limits.default_sender
    unreported = message.esm_class & _MODE == _DATAGRAM and message.registered_delivery
    if not message.schedule_delivery_time and sender is None and not unreported:
        return message
    fields: dict[str, Any] = {"schedule_delivery_time": b""}
    if unreported:
        fields["registered_delivery"] = 0
    if sender is not None:
        fields.update(
            source_addr_ton=sender.ton, source_addr_npi=sender.npi, source_addr=sender.address
        )
    return rules.changed(message, **fields)


def one_text(message: Message) -> Message:
    """The message with one text: a message_payload overrides short_message (5.0 4.8.4.36)."""
    if not message.sm_length or not message.tlv(_MESSAGE_PAYLOAD):
        return message
    return rules.changed(message, short_message=b"")
