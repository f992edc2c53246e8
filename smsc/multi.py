"""A submit_multi taken apart: one submit_sm per destination, and the answer put together again.

A distribution list stands for the numbers that the account's configuration gives it (5.0 4.2.3).
What is wrong with the message is wrong with all of it; what is wrong with one destination is told
in the answer, and the others are served.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from smsc._pdu import Message, Pdu, encode
from smsc.config import AccountConfig
from smsc.message import Manners, check
from smsc.smpp import RULES, Command, Status, Version

#: Statuses that concern one destination and not the message.
_OF_ONE: Final = frozenset((Status.ESME_RINVDSTTON, Status.ESME_RINVDSTNPI, Status.ESME_RINVDSTADR))
#: dest_flag of a distribution list (3.4 5.2.25).
_LIST: Final = 2

#: Destinations of one submit_multi, its lists spelled out: as many as the PDU itself may name.
MOST: Final = 255

#: ``(ton, npi, address, command_status)`` of a destination that was refused.
Unsuccess = tuple[int, int, bytes, int]


def members(
    pdu: Pdu, limits: AccountConfig, version: int, now: int, manners: Manners
) -> tuple[list[Message], list[Unsuccess]] | int:
    """A decoded submit_multi as submits, and the destinations that can't be one.

    Or the command_status to refuse it with as a whole.
    """
    asked = pdu.fields
    modern = version >= Version.V50
    if asked["number_of_dests"] > RULES[Version.V50 if modern else Version.V34].number_of_dests:
        return Status.ESME_RINVNUMDESTS
    if asked["replace_if_present_flag"] and not modern:
        return Status.ESME_RINVREPFLAG
    for flag, *name in asked["dest_address"]:
        if flag == _LIST and name[0] not in limits.distribution_lists:
            known = limits.distribution_lists
            return Status.ESME_RINVDLNAME if known else Status.ESME_RCNTSUBDL
    destinations = list(_destinations(asked["dest_address"], limits))
    if len(destinations) > MOST:
        return Status.ESME_RINVNUMDESTS
    sound: list[Message] = []
    refused: list[Unsuccess] = []
    for ton, npi, address in destinations:
        message = _member(pdu, ton, npi, address)
        status = check(message, version, now, manners)
        if not status:
            sound.append(message)
        elif status in _OF_ONE:
            refused.append((ton, npi, address, status))
        else:
            return status
    return sound, refused


def _destinations(
    named: Iterable[tuple[Any, ...]], limits: AccountConfig
) -> Iterator[tuple[int, int, bytes]]:
    for flag, *rest in named:
        if flag == _LIST:
            yield from limits.distribution_lists[rest[0]]
        else:
            yield rest[0], rest[1], rest[2]


def _member(pdu: Pdu, ton: int, npi: int, address: bytes) -> Message:
    fields = dict(pdu.fields)
    for name in ("number_of_dests", "dest_address", "sm_length"):
        del fields[name]
    fields.update(dest_addr_ton=ton, dest_addr_npi=npi, destination_addr=address)
    raw = encode(Command.SUBMIT_SM, pdu.sequence_number, 0, pdu.tlvs, **fields)
    return Message.from_raw(raw)


def unsuccess(message: Message, status: int) -> Unsuccess:
    """A member that was refused."""
    return message.dest_addr_ton, message.dest_addr_npi, message.destination_addr, status


def failure(refused: list[Unsuccess]) -> int:
    """What to say when no destination is left: what was wrong with all of them, if it is one."""
    statuses = {status for _, _, _, status in refused}
    return statuses.pop() if len(statuses) == 1 else Status.ESME_RSUBMITFAIL
