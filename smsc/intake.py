"""What of a submit the message centre takes upon itself: when, until when, from whom, which text.

A schedule and the wish to replace an older message are kept in our queue and not passed on; a
validity is kept and passed on; an absent source address is replaced by the account's default, and
the number of a predefined message by its text. An account with a default alphabet of its own is
heard in ours. A datagram has neither schedule nor receipt, and is attempted once. The rest of the
PDU stays as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smsc import message as rules
from smsc import times
from smsc._pdu import Message, Pdu
from smsc.account import Account
from smsc.config import AccountConfig
from smsc.dialect import heard
from smsc.kinds import Predefined
from smsc.smpp import Tag
from smsc.text import Charset

_GSM = Charset.GSM
_QOS_TIME_TO_LIVE, _MESSAGE_PAYLOAD = int(Tag.QOS_TIME_TO_LIVE), int(Tag.MESSAGE_PAYLOAD)
_MODE, _DATAGRAM = rules.MODE, rules.DATAGRAM
_UDHI = 0x40

Predefineds = Mapping[int, Predefined]
_NO_TEXTS: Predefineds = {}


def due(message: Message, now: int) -> int:
    """When to send it, in ms."""
    return now if message.timeless else rules.due(message, now)


def expiry(message: Message, now: int, account: Account) -> int:
    """When it is no longer worth sending, in ms."""
    if message.timeless:
        return now + account.default_validity
    return rules.expiry(message, now, account.default_validity, account.config.max_validity)


def source(ton: int, npi: int, address: bytes, limits: AccountConfig) -> tuple[int, int, bytes]:
    """The source address that a client means: what it gives, or its default if it gives none."""
    if address or limits.default_sender is None:
        return ton, npi, address
    return limits.default_sender


def ours(message: Message, account: Account, predefined: Predefineds = _NO_TEXTS) -> Message:
    """The message as it is to be kept: to be sent as it is, from somebody, its text in our words.

    Raises Unsayable for what is not of the account's alphabet.
    """
    if message.bare and account.writes_gsm:
        return message
    limits = account.config
    if limits.default_alphabet is not _GSM:
        message = heard(message, limits.default_alphabet)
    unreported = message.esm_class & _MODE == _DATAGRAM and message.registered_delivery
    if (
        not message.schedule_delivery_time
        and (message.source_addr or limits.default_sender is None)
        and not message.replace_if_present_flag
        and not message.sm_default_msg_id
        and not unreported
    ):
        return message
    fields: dict[str, Any] = {"schedule_delivery_time": b"", "replace_if_present_flag": 0}
    if unreported:
        fields["registered_delivery"] = 0
    ton, npi, address = source(
        message.source_addr_ton, message.source_addr_npi, message.source_addr, limits
    )
    fields.update(source_addr_ton=ton, source_addr_npi=npi, source_addr=address)
    text = predefined.get(message.sm_default_msg_id)
    if text is None:
        return rules.changed(message, **fields)
    return _with_text(message, text, fields)


def one_text(message: Message) -> Message:
    """The message with one text: a message_payload overrides short_message (5.0 4.8.4.36)."""
    if not message.sm_length or not message.tlv(_MESSAGE_PAYLOAD):
        return message
    return rules.changed(message, short_message=b"")


def replaced(message: Message, request: Pdu, predefined: Predefineds) -> Message:
    """A kept message as a decoded replace_sm has it (3.4 4.10): other text, other receipts.

    Its coding and its kind stay, and so does a validity that the request leaves empty.
    """
    asked = request.fields
    tlvs = list(message.tlvs)
    unreported = message.esm_class & _MODE == _DATAGRAM
    fields: dict[str, Any] = {
        "registered_delivery": 0 if unreported else asked["registered_delivery"]
    }
    if asked["validity_period"]:
        fields["validity_period"] = asked["validity_period"]
        tlvs = [tlv for tlv in tlvs if tlv[0] != _QOS_TIME_TO_LIVE]
    text = predefined.get(asked["sm_default_msg_id"])
    if text is not None:
        return _with_text(message, text, fields)
    payload = request.tlv(_MESSAGE_PAYLOAD)
    tlvs = [tlv for tlv in tlvs if tlv[0] != _MESSAGE_PAYLOAD]
    if payload:
        return rules.changed(
            message, [*tlvs, (_MESSAGE_PAYLOAD, payload)], short_message=b"", **fields
        )
    return rules.changed(message, tlvs, short_message=asked["short_message"], **fields)


def _with_text(message: Message, text: Predefined, fields: dict[str, Any]) -> Message:
    """A predefined text brings its own coding, and no header; it wins over a text that is there."""
    return rules.changed(
        message,
        [tlv for tlv in message.tlvs if tlv[0] != _MESSAGE_PAYLOAD],
        sm_default_msg_id=0,
        data_coding=text.data_coding,
        short_message=text.octets,
        esm_class=message.esm_class & ~_UDHI,
        **fields,
    )


def revised(
    request: Pdu, due: int, expiry: int, now: int, limits: AccountConfig
) -> tuple[int, int]:
    """``(due, expiry)`` of a message that a replace_sm finds with these; what is empty stays."""
    schedule, validity = request.fields["schedule_delivery_time"], request.fields["validity_period"]
    due = max(times.parse(schedule, now) or due, now)
    end = times.parse(validity, now)
    return due, expiry if end is None else min(end, due + limits.max_validity)
