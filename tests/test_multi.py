"""A submit_multi taken apart, and what of it is wrong with all or with one."""

from __future__ import annotations

from typing import Any

import pytest

from smsc import multi, reading
from smsc._pdu import Decoder, Pdu, encode
from smsc.config import AccountConfig
from smsc.message import OURS
from smsc.smpp import Command, Status, Tag
from tests.keeper import BASE, SOURCE, START

ONE, TWO, THREE = b"447700900123", b"447700900124", b"447700900125"
LISTS = "distribution_lists: {staff: ['+447700900124', '12345'], all: [%s]}, "


def sme(number: bytes, ton: int = 1, npi: int = 1) -> tuple[Any, ...]:
    return 1, ton, npi, number


def limits(lists: bool = True) -> AccountConfig:
    numbers = ", ".join(f"'+447700900{n:03}'" for n in range(254))
    text = BASE.replace("acme, ", "acme, " + LISTS % numbers, 1) if lists else BASE
    return reading.loads(text).accounts[0]


def submit_multi(*destinations: tuple[Any, ...], **fields: Any) -> Pdu:
    tlvs = fields.pop("tlvs", ())
    values = {**SOURCE, "short_message": b"Hello", "service_type": b"CMT"} | fields
    raw = encode(Command.SUBMIT_MULTI, 7, 0, tlvs, dest_address=list(destinations), **values)
    [pdu] = Decoder().feed(raw)
    assert pdu.decode() == 0
    return pdu


def members(pdu: Pdu, version: int = 0x34, lists: bool = True) -> Any:
    return multi.members(pdu, limits(lists), version, START, OURS)


def test_each_destination_is_a_message_of_its_own() -> None:
    reference = (int(Tag.USER_MESSAGE_REFERENCE), b"\0\7")
    pdu = submit_multi(
        sme(ONE), sme(TWO, 2, 8), priority_flag=2, registered_delivery=1, tlvs=[reference]
    )
    messages, refused = members(pdu)
    assert not refused
    for message, to in zip(messages, ((1, 1, ONE), (2, 8, TWO)), strict=True):
        fields = message.fields
        assert message.command_id == Command.SUBMIT_SM
        assert message.tlvs == (reference,)
        assert to == (
            message.dest_addr_ton, message.dest_addr_npi, message.destination_addr
        )  # fmt: skip
        for name in ("service_type", "source_addr", "priority_flag", "short_message"):
            assert fields[name] == pdu.fields[name]


def test_a_list_stands_for_its_numbers() -> None:
    messages, _refused = members(submit_multi(sme(ONE), (2, b"staff"), sme(ONE)))
    assert [(m.dest_addr_ton, m.dest_addr_npi, m.destination_addr) for m in messages] == [
        (1, 1, ONE), (1, 1, TWO), (0, 1, b"12345"), (1, 1, ONE),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("destinations", "fields", "version", "status"),
    [
        ([(2, b"nobody")], {}, 0x34, Status.ESME_RINVDLNAME),
        ([sme(ONE)] * 255, {}, 0x34, Status.ESME_RINVNUMDESTS),
        ([sme(ONE)] * 255, {}, 0x33, Status.ESME_RINVNUMDESTS),
        ([(2, b"all"), sme(ONE), sme(ONE)], {}, 0x50, Status.ESME_RINVNUMDESTS),
        ([sme(ONE)], {"replace_if_present_flag": 1}, 0x34, Status.ESME_RINVREPFLAG),
        ([sme(ONE)], {"replace_if_present_flag": 2}, 0x50, Status.ESME_RINVREPFLAG),
        ([sme(ONE)], {"priority_flag": 9}, 0x34, Status.ESME_RINVPRTFLG),
        ([sme(b""), sme(ONE)], {"esm_class": 2}, 0x34, Status.ESME_RINVESMCLASS),
        ([sme(ONE)], {"sm_default_msg_id": 9}, 0x34, Status.ESME_RINVDFTMSGID),
    ],
)
def test_what_is_wrong_with_all_of_it(
    destinations: list[Any], fields: dict[str, Any], version: int, status: Status
) -> None:
    assert members(submit_multi(*destinations, **fields), version) == status


@pytest.mark.parametrize(
    ("destinations", "fields", "count"),
    [
        ([sme(ONE)] * 255, {}, 255),
        ([(2, b"all"), sme(ONE)], {}, 255),
        ([sme(ONE)], {"replace_if_present_flag": 1}, 1),
    ],
)
def test_what_version_5_allows(destinations: list[Any], fields: dict[str, Any], count: int) -> None:
    messages, refused = members(submit_multi(*destinations, **fields), 0x50)
    assert (len(messages), refused) == (count, [])


def test_lists_that_nobody_offers_are_not_supported() -> None:
    pdu = submit_multi((2, b"staff"))
    assert members(pdu, lists=False) == Status.ESME_RCNTSUBDL


def test_what_is_wrong_with_one_destination_is_said_of_it() -> None:
    bad = [(7, 1, TWO), (1, 2, TWO), (1, 1, b"x"), (1, 1, b""), (5, 0, b"ACME")]
    pdu = submit_multi(sme(ONE), *[(1, *to) for to in bad], sme(THREE))
    messages, refused = members(pdu)
    assert [m.destination_addr for m in messages] == [ONE, THREE]
    assert [entry[:3] for entry in refused] == bad
    assert [entry[3] for entry in refused] == [0x50, 0x51, 0x0B, 0x0B, 0x50]


@pytest.mark.parametrize(
    ("statuses", "status"),
    [([0x0B, 0x0B], 0x0B), ([0x14], 0x14), ([0x0B, 0x14], Status.ESME_RSUBMITFAIL)],
)
def test_when_none_is_left_the_common_status_speaks(statuses: list[int], status: int) -> None:
    assert multi.failure([(1, 1, ONE, each) for each in statuses]) == status
