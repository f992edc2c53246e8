"""What of a submit we take upon ourselves: schedule, validity, sender, predefined text."""

from __future__ import annotations

from typing import Any

import pytest

from smsc import intake, reading
from smsc._pdu import Message, encode
from smsc.account import Account
from smsc.config import AccountConfig
from smsc.intake import one_text, ours, replaced, revised, source
from smsc.kinds import Predefined
from smsc.smpp import Command, Tag
from tests.keeper import BASE, START, request, submit_sm

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

#: START is 2026-09-21T14:13:20Z; absolute times have a tenth of a second and no zone.
LATER, TOMORROW = b"260921151320000+", b"260922141320000+"


def limits(**values: str) -> AccountConfig:
    """The account ``acme`` with these values more."""
    more = "".join(f", {name}: {value}" for name, value in values.items())
    text = BASE.replace("{system_id: acme,", "{system_id: acme" + more + ",")
    return reading.loads(text).accounts[0]


def submit(tlvs: tuple[tuple[int, bytes], ...] = (), **fields: Any) -> Message:
    values = {"destination_addr": b"447700900123", "short_message": b"Hello"} | fields
    return Message.from_raw(encode(Command.SUBMIT_SM, 7, 0, tlvs, **values))


def time_to_live(seconds: int) -> tuple[tuple[int, bytes], ...]:
    return ((int(Tag.QOS_TIME_TO_LIVE), seconds.to_bytes(4, "big")),)


# -- when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "due", "expiry"),
    [
        (submit(), 0, 2 * DAY),
        (submit(schedule_delivery_time=b"000000010000000R"), HOUR, HOUR + 2 * DAY),
        (submit(schedule_delivery_time=LATER), HOUR, HOUR + 2 * DAY),
        (submit(validity_period=b"000000003000000R"), 0, 30 * MINUTE),
        (submit(validity_period=TOMORROW), 0, DAY),
        (submit(validity_period=b"000030000000000R"), 0, 7 * DAY),
        (submit(time_to_live(90)), 0, 90_000),
        (submit(schedule_delivery_time=LATER, validity_period=TOMORROW), HOUR, DAY),
        # A datagram has no schedule.
        (submit(schedule_delivery_time=LATER, esm_class=1), 0, 2 * DAY),
        (submit(schedule_delivery_time=LATER, validity_period=TOMORROW, esm_class=0x41), 0, DAY),
    ],
)
def test_terms(message: Message, due: int, expiry: int) -> None:
    found = intake.due(message, START), intake.expiry(message, START, Account(0, limits()))
    assert found == (START + due, START + expiry)


@pytest.mark.parametrize(
    ("message", "expiry"),
    [
        (submit(), 3 * HOUR),
        (submit(validity_period=b"000001000000000R"), 5 * HOUR),
        (submit(validity_period=b"000000040000000R"), 4 * HOUR),
    ],
)
def test_the_account_says_how_long_at_most(message: Message, expiry: int) -> None:
    account = limits(default_validity="3h", max_validity="5h")
    assert intake.due(message, START) == START
    assert intake.expiry(message, START, Account(0, account)) == START + expiry


# -- from whom, and as what ----------------------------------------------------------------------


def test_a_message_that_needs_nothing_stays_the_octets_it_came_in() -> None:
    message = submit(source_addr=b"447700900001", validity_period=TOMORROW)
    assert ours(message, Account(0, limits(default_sender="ACME"))) is message
    without = submit()
    assert ours(without, Account(0, limits())) is without


def test_a_schedule_is_ours_and_all_else_stays() -> None:
    message = submit(
        ((int(Tag.USER_MESSAGE_REFERENCE), b"\0\7"), (0x1401, b"vendor")),
        service_type=b"CMT", source_addr=b"447700900001", source_addr_ton=1, source_addr_npi=1,
        dest_addr_ton=1, dest_addr_npi=1, esm_class=0x40, protocol_id=3, priority_flag=2,
        schedule_delivery_time=LATER, validity_period=TOMORROW, registered_delivery=1,
        data_coding=8, sm_default_msg_id=4,
        short_message=b"\5\0\3\1\1\1\0H",
    )  # fmt: skip
    kept = ours(message, Account(0, limits(default_sender="ACME")))
    assert kept.schedule_delivery_time == b""
    assert kept.fields == message.fields | {"schedule_delivery_time": b""}
    assert kept.tlvs == message.tlvs
    assert kept.sequence_number == message.sequence_number
    assert len(kept.raw) == len(message.raw) - len(LATER)


def test_a_datagram_has_no_receipt() -> None:
    message = submit(esm_class=0x41, registered_delivery=1, schedule_delivery_time=LATER)
    kept = ours(message, Account(0, limits()))
    assert kept.fields == message.fields | {"registered_delivery": 0, "schedule_delivery_time": b""}
    for esm_class in (0x00, 0x03, 0x40):
        asked = submit(esm_class=esm_class, registered_delivery=1)
        assert ours(asked, Account(0, limits())) is asked


@pytest.mark.parametrize(
    ("text", "payload", "kept"),
    [(b"Hello", b"payload", b"payload"), (b"Hello", b"", b"Hello"), (b"", b"payload", b"payload")],
)
def test_of_two_texts_the_payload_counts(text: bytes, payload: bytes, kept: bytes) -> None:
    message = submit(((int(Tag.MESSAGE_PAYLOAD), payload),), short_message=text)
    one = one_text(message)
    assert one.text == kept
    assert (one is message) == (not text or not payload)
    plain = submit()
    assert one_text(plain) is plain


def test_a_payload_is_kept_whole() -> None:
    payload = bytes(range(256)) * 40
    message = submit(
        ((int(Tag.MESSAGE_PAYLOAD), payload),), schedule_delivery_time=LATER, short_message=b""
    )
    assert ours(message, Account(0, limits())).text == payload


@pytest.mark.parametrize(
    ("sender", "ton", "npi", "address"),
    [
        ("'+447700900001'", 1, 1, b"447700900001"),
        ("'80888'", 0, 1, b"80888"),
        ("ACME", 5, 0, b"ACME"),
    ],
)
def test_an_absent_sender_is_the_accounts(sender: str, ton: int, npi: int, address: bytes) -> None:
    kept = ours(submit(source_addr_ton=2), Account(0, limits(default_sender=sender)))
    assert kept.source_addr == address
    assert (kept.source_addr_ton, kept.source_addr_npi) == (ton, npi)
    assert kept.short_message == b"Hello"
    assert kept.destination_addr == b"447700900123"


def test_a_sender_that_is_there_stays() -> None:
    message = submit_sm(schedule_delivery_time=LATER)
    kept = ours(message, Account(0, limits(default_sender="ACME")))
    assert (kept.source_addr, kept.source_addr_ton) == (b"447700900001", 1)


@pytest.mark.parametrize("default", ["ACME", ""])
def test_who_an_absent_source_is(default: str) -> None:
    account = limits(**({"default_sender": default} if default else {}))
    assert source(1, 1, b"447700900001", account) == (1, 1, b"447700900001")
    assert source(2, 3, b"", account) == ((5, 0, b"ACME") if default else (2, 3, b""))


def test_the_wish_to_replace_is_not_passed_on() -> None:
    message = submit(source_addr=b"447700900001", replace_if_present_flag=1)
    kept = ours(message, Account(0, limits()))
    assert kept.fields == message.fields | {"replace_if_present_flag": 0}


# -- other texts ---------------------------------------------------------------------------------

TEXTS = {9: Predefined(8, b"\0H\0i")}
PAYLOAD, REFERENCE = int(Tag.MESSAGE_PAYLOAD), (int(Tag.USER_MESSAGE_REFERENCE), b"\0\7")


def test_a_predefined_text_wins_and_brings_its_coding() -> None:
    tlvs = ((PAYLOAD, b"payload"), REFERENCE)
    header = {"esm_class": 0xC0, "short_message": b"\2\x24\0Hi"}
    kept = ours(submit(tlvs, sm_default_msg_id=9, **header), Account(0, limits()), TEXTS)
    assert (kept.text, kept.data_coding, kept.sm_default_msg_id) == (b"\0H\0i", 8, 0)
    assert (kept.esm_class, kept.tlvs) == (0x80, (REFERENCE,))


def replace(**fields: Any) -> Any:
    return request(Command.REPLACE_SM, **{"message_id": b"1"} | fields)


def test_a_replacement_is_of_the_text_and_what_is_asked_alone() -> None:
    stored = submit(
        (REFERENCE, *time_to_live(90)),
        service_type=b"CMT", data_coding=3, esm_class=0x80, protocol_id=5, priority_flag=2,
        registered_delivery=1, validity_period=TOMORROW,
    )  # fmt: skip
    kept = replaced(stored, replace(short_message=b"Other"), {})
    text = {"short_message": b"Other", "sm_length": 5}
    assert kept.fields == stored.fields | text | {"registered_delivery": 0}
    assert kept.tlvs == stored.tlvs
    asked = {"short_message": b"Other", "registered_delivery": 2, "validity_period": LATER}
    kept = replaced(stored, replace(**asked), {})
    assert kept.fields == stored.fields | text | asked
    assert kept.tlvs == (REFERENCE,), "a validity that is given is the last word"


def test_a_replacement_may_be_a_payload_or_a_predefined_text() -> None:
    stored = submit(((PAYLOAD, b"before"), REFERENCE), short_message=b"")
    for asked, text, tlvs in (
        (replace(short_message=b"Other"), b"Other", (REFERENCE,)),
        (replace(tlvs=[(PAYLOAD, b"after")]), b"after", (REFERENCE, (PAYLOAD, b"after"))),
        (replace(sm_default_msg_id=9), b"\0H\0i", (REFERENCE,)),
    ):
        kept = replaced(stored, asked, TEXTS)
        assert (kept.text, kept.tlvs) == (text, tlvs)


def test_a_datagram_that_is_replaced_has_no_receipt_either() -> None:
    kept = replaced(submit(esm_class=1), replace(registered_delivery=1), {})
    assert kept.registered_delivery == 0


@pytest.mark.parametrize(
    ("fields", "due", "expiry"),
    [
        ({}, HOUR, DAY),
        ({"schedule_delivery_time": b"000000020000000R"}, 2 * HOUR, DAY),
        ({"schedule_delivery_time": b"200101000000000+"}, 0, DAY),
        ({"validity_period": b"000003000000000R"}, HOUR, 3 * DAY),
        ({"validity_period": b"000030000000000R"}, HOUR, HOUR + 7 * DAY),
    ],
)
def test_what_a_replacement_leaves_empty_stays(
    fields: dict[str, Any], due: int, expiry: int
) -> None:
    found = revised(replace(**fields), START + HOUR, START + DAY, START, limits())
    assert found == (START + due, START + expiry)
