"""Cases: found again, sealed, over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsc.accounts import Accounts
from smsc.cases import BLOCK, ERASE, Case, Cases, hides, read
from smsc.errors import StorageError
from smsc.keys import Keyring, keyring
from smsc.subject import CUSTOMER, NUMBER, Subject
from tests import canary
from tests.keeper import START
from tests.serving import configuration

ADA = Subject(NUMBER, "447700900701")


def case(id: str = "D-1", act: str = BLOCK, subject: Subject = ADA, at: int = START) -> Case:
    return Case(id, act, subject, at, "root")


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[Keyring]:
    ring = keyring(configuration(tmp_path))
    yield ring
    ring.close()


@pytest.fixture
def cases(tmp_path: Path, keys: Keyring) -> Cases:
    return Cases.of(configuration(tmp_path), keys)


def test_a_case_is_there_until_it_is_over(tmp_path: Path, keys: Keyring, cases: Cases) -> None:
    cases.begin(case())
    cases.begin(case("D-2", ERASE, Subject(CUSTOMER, "C-1")))
    assert list(cases) == read(configuration(tmp_path)) == [
        case(), case("D-2", ERASE, Subject(CUSTOMER, "C-1"))
    ]  # fmt: skip
    assert cases.open(ERASE) == [cases.find("D-2")]
    cases.end("D-2")
    assert list(cases) == [case()]
    assert len(keys) == 1


def test_whom_it_is_about_is_nowhere_in_clear(tmp_path: Path, cases: Cases) -> None:
    cases.begin(case())
    assert canary.found([ADA.value], canary.files(tmp_path)) == []
    path = tmp_path / "plain"
    path.write_bytes(ADA.octets)
    assert canary.found([ADA.value], [path]), "the search finds it"


def test_a_name_is_given_once(cases: Cases) -> None:
    cases.begin(case())
    with pytest.raises(StorageError, match="there is a case D-1 already"):
        cases.begin(case(act=ERASE))


def test_a_key_without_a_case_is_destroyed(
    tmp_path: Path, keys: Keyring, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a crash between the two leaves it: at the beginning, or at the end."""
    cases.begin(case())
    monkeypatch.setattr(Keyring, "destroy", lambda self, ids: None)
    cases.end("D-1")
    monkeypatch.undo()
    assert len(keys) == 1
    cases.mend()
    assert len(keys) == 0


def test_a_damaged_file_is_said(tmp_path: Path, cases: Cases) -> None:
    cases.begin(case())
    (tmp_path / "retention" / "cases").write_bytes(b"[{")
    with pytest.raises(StorageError, match="is damaged"):
        list(cases)


FIELDS = {
    "source_addr_ton": 1, "source_addr_npi": 1, "source_addr": b"447700900001",
    "dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": ADA.octets,
    "account": b"acme", "customer": b"C-1", "accepted": START,
}  # fmt: skip
OTHER = Subject(NUMBER, "447700900702")


@pytest.mark.parametrize(
    ("open_", "hidden"),
    [
        (case(), True),
        (case(subject=OTHER), False),
        (case(at=START - 1), True),
        (case(act=ERASE), True),
        (case(act=ERASE, at=START - 1), False),
        (case(subject=Subject(CUSTOMER, "C-1")), True),
        (case(subject=Subject(CUSTOMER, "C-2")), False),
    ],
)
def test_what_is_in_no_view(open_: Case, hidden: bool) -> None:
    """An erasure hides what there was when it was asked for."""
    look = hides([open_], Accounts([]))
    assert look is not None and look(FIELDS) is hidden


def test_without_a_case_there_is_nothing_to_hide(tmp_path: Path) -> None:
    assert read(configuration(tmp_path)) == []
    assert hides([], Accounts([])) is None
