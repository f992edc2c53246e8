"""Handing mail out: turns, windows, what a lost bind had, and where the octets come from."""

from __future__ import annotations

import pytest

from smsc import mailroom, records
from smsc.commit import Commit
from smsc.journal import SimLog
from smsc.mailbox import MailState
from smsc.mailroom import RUN, Mailroom
from smsc.records import Kind, MailKind
from smsc.state import State
from tests.keeper import START, Turn, deliver_sm


class Bind:
    """A client's bind: takes as much as its window has room."""

    receives, version = True, 0x34

    def __init__(self, window: int, account: bytes = b"acme") -> None:
        self.account = account
        self.window = window
        self.took: list[int] = []
        self.pdus: list[bytes] = []
        self.calls = 0

    def credit(self) -> int:
        return self.window - len(self.took)

    def deliver(self, mail_ids: list[int], pdus: list[bytes]) -> None:
        assert len(mail_ids) == len(pdus) <= self.credit()
        self.calls += 1
        self.took += mail_ids
        self.pdus += pdus


class CountingLog(SimLog):
    """A log that counts how often it is read."""

    reads = 0

    def read(self, position: int) -> tuple[int, bytes, bytes]:
        self.reads += 1
        return super().read(position)


class Bench:
    """A mailroom on a log; mails have the ids 1, 2, 3, ... and say so."""

    def __init__(self) -> None:
        self.log = CountingLog()
        self.log.replay(lambda *record: None)
        self.log.begin(START)
        self.state = State()
        self.turn = Turn()
        self.commit = Commit(self.log, self.turn, lambda: START, pytest.fail)  # type: ignore[arg-type]
        self.room = Mailroom(self.state.mailboxes, self.log, self.commit)
        self.account = self.state.accounts.index(b"acme")
        self.other = self.state.accounts.index(b"other")
        self.count = 0

    def arrive(self, count: int = 1, account: bytes = b"acme") -> list[int]:
        ids = []
        self.commit.begin()
        for _ in range(count):
            self.count += 1
            head = records.mail(
                self.count, START, START + 60_000, MailKind.INBOUND, account, b"one"
            )
            position = self.log.append(Kind.MAIL, head, self.pdu(self.count))
            self.state.apply(Kind.MAIL, position, START, head)
            self.room.arrived(self.state.accounts.index(account), self.count, self.pdu(self.count))
            ids.append(self.count)
        self.turn.run()
        return ids

    def pdu(self, id: int) -> bytes:
        return deliver_sm(short_message=b"mail %d" % id).raw

    def attach(self, window: int) -> Bind:
        bind = Bind(window)
        self.room.attach(self.account, bind)
        return bind

    def answer(self, bind: Bind, count: int) -> None:
        """The client has answered its first ones: they are delivered."""
        for id in bind.took[:count]:
            self.state.apply(Kind.MAIL_DONE, 1, START, records.mail_done(id, 2))
        bind.took = bind.took[count:]
        self.room.deliver(self.account)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# -- turns and windows ---------------------------------------------------------------------------


def test_binds_take_turns_as_far_as_their_windows_go(bench: Bench) -> None:
    small, large = bench.attach(2), bench.attach(10)
    bench.arrive(9)
    assert (small.took, large.took) == ([1, 2], [3, 4, 5, 6, 7, 8, 9])
    bench.arrive(10)
    assert (len(small.took), len(large.took)) == (2, 10)
    bench.answer(small, 1)
    assert small.took == [2, 13], "the oldest that waits"


def test_a_bind_is_called_once_for_what_a_turn_of_the_loop_brings(bench: Bench) -> None:
    binds = [bench.attach(20), bench.attach(20)]
    ids = bench.arrive(2 * RUN + 1)
    assert [bind.calls for bind in binds] == [1, 1]
    assert binds[0].took == ids[:RUN] + ids[-1:]
    assert binds[1].took == ids[RUN:-1], "some in a row, since each bind's are a write"


def test_the_least_mail_goes_to_all_in_turn(bench: Bench) -> None:
    binds = [bench.attach(10) for _ in range(3)]
    for _ in range(6):
        bench.arrive(1)
    assert [bind.took for bind in binds] == [[1, 4], [2, 5], [3, 6]]


def test_mail_waits_for_the_first_bind(bench: Bench) -> None:
    ids = bench.arrive(5)
    assert bench.attach(3).took == ids[:3]
    assert bench.attach(3).took == ids[3:]


def test_nobody_gets_what_is_anothers(bench: Bench) -> None:
    mine = bench.attach(10)
    bench.arrive(3, b"other")
    assert mine.took == []
    theirs = Bind(10, b"other")
    bench.room.attach(bench.other, theirs)
    assert theirs.took == [1, 2, 3]


def test_a_bind_without_a_window_gets_nothing_and_stops_nobody(bench: Bench) -> None:
    closed, open_ = bench.attach(0), bench.attach(10)
    ids = bench.arrive(4)
    assert (closed.took, open_.took) == ([], ids)


# -- a bind goes ---------------------------------------------------------------------------------


def test_what_it_had_waits_again_in_order_before_all_else(bench: Bench) -> None:
    bind = bench.attach(4)
    ids = bench.arrive(6)
    bench.answer(bind, 1)  # and so it has 2 to 5
    bench.room.detach(bench.account, bind)
    assert bench.state.mailboxes.waiting(bench.account) == 5
    assert bench.attach(10).took == ids[1:]


def test_what_it_had_goes_to_the_others_at_once(bench: Bench) -> None:
    first = bench.attach(2)
    bench.arrive(2)
    second = bench.attach(10)
    bench.room.detach(bench.account, first)
    assert second.took == [1, 2]
    bench.arrive()
    assert (first.took, second.took) == ([1, 2], [1, 2, 3])


def test_what_it_had_answered_or_what_has_ended_stays_away(bench: Bench) -> None:
    bind = bench.attach(3)
    bench.arrive(3)
    bench.state.mailboxes.defer(bench.state.mailboxes.slab.find(1), START + 1_000)
    bench.state.apply(Kind.MAIL_DONE, 1, START, records.mail_done(2, 3))
    bench.room.detach(bench.account, bind)
    assert bench.attach(3).took == [3]
    assert bench.state.mailboxes.slab.state(0) == MailState.DEFERRED


def test_a_detach_too_much_is_harmless(bench: Bench) -> None:
    bench.room.detach(bench.account, Bind(1))
    bind = bench.attach(1)
    bench.arrive()
    bench.room.detach(bench.account, bind)
    bench.room.detach(bench.account, bind)
    assert bench.attach(2).took == [1]


# -- where the octets come from ------------------------------------------------------------------


def test_new_mail_is_handed_out_without_reading(bench: Bench) -> None:
    bind = bench.attach(2)
    bench.arrive(3)
    bench.answer(bind, 1)
    assert bind.pdus == [bench.pdu(id) for id in (1, 2, 3)]
    assert bench.log.reads == 0


def test_mail_that_came_while_nobody_was_there_is_read_back(bench: Bench) -> None:
    bench.arrive(3)
    assert bench.attach(3).pdus == [bench.pdu(id) for id in (1, 2, 3)]
    assert bench.log.reads == 3


def test_mail_that_was_taken_before_is_read_back(bench: Bench) -> None:
    bench.room.detach(bench.account, bind := bench.attach(2))
    bind = bench.attach(2)
    bench.arrive(2)
    bench.room.detach(bench.account, bind)
    assert bench.attach(2).pdus == [bench.pdu(1), bench.pdu(2)]
    assert bench.log.reads == 2


def test_so_much_and_no_more_is_kept_at_hand(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bind = bench.attach(0)
    bench.arrive(mailroom.FRESH + 5)
    bind.window = mailroom.FRESH + 5
    bench.room.deliver(bench.account)
    assert bench.log.reads == 5
    assert bind.pdus[-1] == bench.pdu(mailroom.FRESH + 5)


def test_mail_that_ended_makes_room(bench: Bench) -> None:
    bind = bench.attach(0)
    bench.arrive(mailroom.FRESH)
    for id in range(1, mailroom.FRESH + 1):
        bench.room.forget(id)
        bench.state.apply(Kind.MAIL_DONE, 1, START, records.mail_done(id, 3))
    bench.arrive(1)
    bind.window = 10
    bench.room.deliver(bench.account)
    assert len(bind.took) == 1
    assert bench.log.reads == 0


def test_a_mail_is_read_with_its_time(bench: Bench) -> None:
    bench.arrive()
    position = bench.state.mailboxes.slab.position(bench.state.mailboxes.slab.find(1))
    received, message = bench.room.read(position)
    assert (received, message.short_message) == (START, b"mail 1")
