"""Mailboxes as a fold: what waits for whom, in order, and where a mail stands."""

from __future__ import annotations

import pytest

from smsc import records
from smsc.mailbox import PERISHABLE, Mailboxes, MailState
from smsc.records import MailKind
from smsc.spool import Names
from tests.keeper import START

SEGMENT = 1 << 32


class Bench:
    """Mailboxes whose accounts are ``a`` (0) and ``b`` (1)."""

    def __init__(self) -> None:
        self.boxes = Mailboxes(Names(), Names())
        self.boxes.slab.start(START)
        self.accounts = [self.boxes.accounts.index(name) for name in (b"a", b"b")]

    def mail(self, id: int, account: bytes = b"a", position: int = 0) -> None:
        head = records.mail(id, START, START + 60_000, MailKind.INBOUND, account, b"one")
        self.boxes.mail(position or SEGMENT | id, START, head)

    def done(self, id: int) -> None:
        self.boxes.mail_done(SEGMENT, START, records.mail_done(id, 2))

    def take(self, account: int = 0) -> int:
        """The id of the account's next mail; 0 when none waits."""
        slot = self.boxes.take(account)
        return self.boxes.slab.id(slot) if slot >= 0 else 0

    def state(self, id: int) -> int:
        return self.boxes.slab.state(self.boxes.slab.find(id))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_each_account_has_its_own_in_order_of_arrival(bench: Bench) -> None:
    for id in range(1, 7):
        bench.mail(id, b"a" if id % 2 else b"b")
    assert [bench.boxes.waiting(account) for account in bench.accounts] == [3, 3]
    assert [bench.take(0) for _ in range(4)] == [1, 3, 5, 0]
    assert [bench.take(1) for _ in range(4)] == [2, 4, 6, 0]
    assert [bench.boxes.slab.of_account(account) for account in bench.accounts] == [3, 3]


def test_what_a_mail_says_is_kept(bench: Bench) -> None:
    bench.mail(7, b"b", 3 * SEGMENT | 99)
    id, position, _key, _due, expiry, _sent, account, carrier, state, kind, _n, _flags = (
        bench.boxes.slab.row(bench.boxes.slab.find(7))
    )
    assert (id, position, expiry, state, kind) == (
        7, 3 * SEGMENT | 99, START + 60_000, MailState.WAITING, MailKind.INBOUND,
    )  # fmt: skip
    assert (bench.boxes.accounts[account], bench.boxes.carriers[carrier]) == (b"b", b"one")


def test_mails_that_were_put_back_are_the_next(bench: Bench) -> None:
    for id in (1, 2, 3):
        bench.mail(id)
    taken = bench.boxes.slab.new_list()
    for _ in range(2):
        bench.boxes.slab.push(bench.boxes.take(0), taken)
    assert [bench.state(id) for id in (1, 2, 3)] == [2, 2, 1]
    bench.boxes.put_back(taken)
    assert [bench.state(id) for id in (1, 2, 3)] == [1, 1, 1]
    assert [bench.take() for _ in range(3)] == [1, 2, 3]
    assert not bench.boxes.slab.length(taken)


def test_a_deferred_mail_waits_again_when_it_is_due(bench: Bench) -> None:
    for id in (1, 2):
        bench.mail(id)
    bench.boxes.defer(bench.boxes.take(0), START + 30_000)
    assert bench.state(1) == MailState.DEFERRED
    assert bench.take() == 2
    assert bench.boxes.slab.expire(START + 29_900, 10) == []
    [slot] = bench.boxes.slab.expire(START + 30_000, 10)
    bench.mail(3)
    bench.boxes.recall(slot)
    assert bench.state(1) == MailState.WAITING
    assert [bench.take() for _ in range(2)] == [3, 1], "behind what came since"


def test_only_what_nobody_has_can_perish(bench: Bench) -> None:
    for id in (1, 2, 3):
        bench.mail(id)
    bench.boxes.take(0)
    bench.boxes.defer(bench.boxes.take(0), START + 30_000)
    slots, _cursor = bench.boxes.slab.scan_expired(0, 100, START + 60_000, PERISHABLE)
    assert [bench.boxes.slab.id(slot) for slot in slots] == [2, 3]


@pytest.mark.parametrize("where", ["waiting", "taken", "deferred"])
def test_a_mail_ends_wherever_it_stands(bench: Bench, where: str) -> None:
    bench.mail(1)
    if where != "waiting":
        slot = bench.boxes.take(0)
    if where == "deferred":
        bench.boxes.defer(slot, START + 30_000)
    bench.done(1)
    bench.done(1)
    bench.done(99)
    assert len(bench.boxes) == 0
    assert bench.boxes.slab.of_account(0) == 0
    assert bench.take() == 0
    assert bench.boxes.slab.expire(START + 60_000, 10) == []


def test_a_mail_that_is_carried_forward_keeps_its_place(bench: Bench) -> None:
    for id in (1, 2):
        bench.mail(id)
    bench.mail(1, position=5 * SEGMENT)
    assert bench.boxes.slab.position(bench.boxes.slab.find(1)) == 5 * SEGMENT
    assert bench.boxes.slab.of_account(0) == 2
    assert [bench.take() for _ in range(3)] == [1, 2, 0]
