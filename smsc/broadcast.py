"""Cell broadcasts as values: what a broadcast_sm must look like, and what it is kept as (5.0 4.4).

A broadcast is kept and carried like a message: as a submit_sm without a destination, whose TLVs
say where, what and how often. No client can submit such a thing, since a submit_sm without a
destination is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Final, NamedTuple

from smsc import message as rules
from smsc import times
from smsc._pdu import Message, Pdu, encode
from smsc.smpp import LAYOUTS, Command, Status, Tag, Version

#: broadcast_area_success of an area of which nothing is known (5.0 4.8.4.10).
UNKNOWN_SUCCESS: Final = b"\xff"

#: A broadcast_sm to more areas than this is refused.
MAX_AREAS: Final = 255

#: broadcast_sm has one priority more than messages: 1 is at once.
_PRIORITIES = frozenset(range(5))
_IMMEDIATE = 1
#: Units of broadcast_frequency_interval: as often as possible, seconds to years.
_UNITS = frozenset({0, *range(0x08, 0x0F)})
#: Format of an area: a name, an ellipsoid arc, a polygon.
_NAME, _FORMATS = 0, frozenset(range(3))

#: The fields that a broadcast_sm has in common with a submit_sm.
_COMMON = tuple(
    field.name
    for field in LAYOUTS[Command.BROADCAST_SM]
    if field.name not in ("message_id", "replace_if_present_flag")
)
#: Those that are judged as they are there, before and behind priority_flag, in wire order.
_BEFORE = ("source_addr_ton", "source_addr_npi", "source_addr")
_BEHIND = ("schedule_delivery_time", "validity_period")
_LAST = ("data_coding", "sm_default_msg_id")


class View(NamedTuple):
    """A broadcast as its sender may see it."""

    id: int
    #: A message_state.
    state: int
    #: None of one that has ended: of those the state is kept, and not what they were.
    message: Message | None
    #: When it ended, in ms; 0 while it has not.
    done: int = 0

    @property
    def areas(self) -> list[bytes]:
        """Its broadcast_area_identifiers, in order."""
        if self.message is None:
            return []
        return [value for tag, value in self.message.tlvs if tag == Tag.BROADCAST_AREA_IDENTIFIER]


def _areas(pdu: Pdu) -> int:
    areas = [value for tag, value in pdu.tlvs if tag == Tag.BROADCAST_AREA_IDENTIFIER]
    if len(areas) > MAX_AREAS:
        return Status.ESME_RINVNUMBCAST_AREAS
    for area in areas:
        if area[0] not in _FORMATS:
            return Status.ESME_RINVBCASTAREAFMT
        if area[0] == _NAME and len(area) == 1:
            return Status.ESME_RINVBCASTALIAS_NAME
    return 0


def _repetitions(pdu: Pdu) -> int:
    """Repeating for ever needs an end; what is sent at once is not repeated (5.0 4.8.4.13)."""
    endless = pdu.tlv(Tag.BROADCAST_REP_NUM) == b"\0\0" and not pdu.fields["validity_period"]
    repeated = pdu.fields["priority_flag"] != _IMMEDIATE
    return Status.ESME_RINVBCAST_REP if endless and repeated else 0


def _first_octet(tag: Tag, values: frozenset[int], status: Status) -> Callable[[Pdu], int]:
    def rule(pdu: Pdu) -> int:
        value = pdu.tlv(tag)
        return 0 if value is None or value[0] in values else status

    return rule


def _replacing(pdu: Pdu) -> int:
    """message_id is for replacing alone, and so is named by it or by its reference, not by both."""
    by_id = bool(pdu.fields["message_id"])
    if not pdu.fields["replace_if_present_flag"]:
        return Status.ESME_RINVMSGID if by_id else 0
    by_reference = pdu.tlv(Tag.USER_MESSAGE_REFERENCE) is not None
    return Status.ESME_RBCASTFAIL if by_id == by_reference else 0


_RULES: tuple[Callable[[Pdu], int], ...] = (
    _areas,
    _first_octet(Tag.BROADCAST_CONTENT_TYPE, frozenset(range(4)), Status.ESME_RINVBCASTCNTTYPE),
    _repetitions,
    _first_octet(Tag.BROADCAST_FREQUENCY_INTERVAL, _UNITS, Status.ESME_RINVBCASTFREQINT),
    _first_octet(Tag.BROADCAST_MESSAGE_CLASS, frozenset(range(4)), Status.ESME_RINVBCASTMSGCLASS),
    _first_octet(
        Tag.BROADCAST_CHANNEL_INDICATOR, frozenset(range(2)), Status.ESME_RINVBCASTCHANIND
    ),
    _replacing,
)


def check(pdu: Pdu, now: int) -> int:
    """0, or the command_status to refuse this broadcast_sm with; it must be decoded.

    That the mandatory TLVs are there is seen to by decoding.
    """
    subject = SimpleNamespace(**pdu.fields, esm_class=0, tlv=pdu.tlv, tlvs=pdu.tlvs)

    def fields(names: Sequence[str]) -> int:
        return rules.check_fields(subject, names, Version.V50, now)

    if status := fields(_BEFORE):
        return status
    if pdu.fields["priority_flag"] not in _PRIORITIES:
        return Status.ESME_RINVPRTFLG
    if status := fields(_BEHIND):
        return status
    if pdu.fields["replace_if_present_flag"] > 1:
        return Status.ESME_RINVREPFLAG
    if status := fields(_LAST):
        return status
    for rule in _RULES:
        if status := rule(pdu):
            return status
    return rules.check_lifetime(subject, Version.V50, now)


def kept(pdu: Pdu) -> Message:
    """A sound broadcast_sm as it is kept: a submit_sm without a destination."""
    fields = {name: pdu.fields[name] for name in _COMMON}
    return Message.from_raw(encode(Command.SUBMIT_SM, pdu.sequence_number, 0, pdu.tlvs, **fields))


def request(message: Message, sequence_number: int) -> bytes:
    """The broadcast_sm that was ``kept``."""
    fields = {name: message.fields[name] for name in _COMMON}
    return encode(Command.BROADCAST_SM, sequence_number, 0, message.tlvs, **fields)


def answer(view: View, sequence_number: int, message_id: bytes) -> bytes:
    """What a query_broadcast_sm is told: how each area fares is not known to us.

    One that has ended has no areas any more.
    """
    tlvs = [(int(Tag.MESSAGE_STATE), bytes([view.state]))]
    tlvs += [(int(Tag.BROADCAST_AREA_IDENTIFIER), area) for area in view.areas]
    tlvs += [(int(Tag.BROADCAST_AREA_SUCCESS), UNKNOWN_SUCCESS)] * len(view.areas)
    if view.done:
        end = times.format_absolute(view.done)
        tlvs.append((int(Tag.BROADCAST_END_TIME), end))
    reference = None if view.message is None else view.message.tlv(Tag.USER_MESSAGE_REFERENCE)
    if reference is not None:
        tlvs.append((int(Tag.USER_MESSAGE_REFERENCE), reference))
    return encode(Command.QUERY_BROADCAST_SM_RESP, sequence_number, 0, tlvs, message_id=message_id)
