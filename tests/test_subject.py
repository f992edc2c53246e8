"""Whose a number is, however it is written."""

from __future__ import annotations

from typing import Any

import pytest

from smsc.smpp import Status
from smsc.subject import CUSTOMER, NUMBER, USER, Restricted, Subject, case, parties
from tests.keeper import submit_sm

ADA = b"447700900701"


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (NUMBER, "+44 7700 900701", "447700900701"),
        (NUMBER, "0044-7700-900701\n", "447700900701"),
        (NUMBER, "447700900701", "447700900701"),
        (USER, " Ada@Example.com ", "ada@example.com"),
        (CUSTOMER, "C-1047", "C-1047"),
    ],
)
def test_a_subject_is_read(kind: str, text: str, value: str) -> None:
    assert Subject.read(kind, text) == (kind, value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (NUMBER, "07700 900701"),
        (NUMBER, "447700"),
        (NUMBER, "4477009007010000"),
        (NUMBER, "44770090070a"),
        (NUMBER, ""),
        (CUSTOMER, " "),
        ("person", "ada"),
    ],
)
def test_what_is_none_is_refused_and_not_repeated(kind: str, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Subject.read(kind, text)
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize("text", ["D-17", "2026-044", "dpo.3"])
def test_a_case_has_a_name(text: str) -> None:
    assert case(text) == text


@pytest.mark.parametrize(
    "text", ["", "a b", "447700900701", "D-4477009", "ada@example.com", "x" * 41]
)
def test_a_case_is_not_named_by_whom_it_is_about(text: str) -> None:
    with pytest.raises(ValueError):
        case(text)


WAYS: list[tuple[str, dict[str, Any]]] = [
    ("", {"dest_addr_ton": 1, "destination_addr": b"447700900701"}),
    ("", {"dest_addr_ton": 1, "destination_addr": b"+447700900701"}),
    ("", {"dest_addr_ton": 0, "dest_addr_npi": 0, "destination_addr": b"447700900701"}),
    ("", {"dest_addr_ton": 0, "dest_addr_npi": 0, "destination_addr": b"00447700900701"}),
    ("GB", {"dest_addr_ton": 2, "destination_addr": b"7700900701"}),
    ("GB", {"dest_addr_ton": 0, "destination_addr": b"07700900701"}),
]


@pytest.mark.parametrize(("region", "fields"), WAYS)
def test_a_number_is_known_however_it_is_written(region: str, fields: dict[str, Any]) -> None:
    message = submit_sm(**fields)
    assert parties(message, region)[1] == ADA
    assert Restricted([ADA]).concerns(message, region)
    assert not Restricted([b"447700900702"]).concerns(message, region)


def test_a_name_is_nobodys_number() -> None:
    message = submit_sm(source_addr_ton=5, source_addr_npi=0, source_addr=b"ACME")
    assert parties(message, "") == (b"ACME", b"447700900123")


def test_a_refusal_says_which_address_it_is() -> None:
    to, by = submit_sm(destination_addr=ADA), submit_sm(source_addr=ADA)
    restricted = Restricted([ADA])
    assert restricted.refusal(to, "") == Status.ESME_RINVDSTADR
    assert restricted.refusal(by, "") == Status.ESME_RINVSRCADR
    assert restricted.refusal(submit_sm(), "") == 0


def test_where_nobody_is_restricted_there_is_nothing_to_ask() -> None:
    assert Restricted.of([]) is None
    assert Restricted.of([Subject(USER, "ada@example.com")]) is None, "no message is a user's"
    found = Restricted.of([Subject(NUMBER, "447700900701"), Subject(CUSTOMER, "C-1")])
    assert found is not None and (found.numbers, found.customers) == ({ADA}, {b"C-1"})
