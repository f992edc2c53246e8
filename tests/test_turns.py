"""Turns of the loop: who is served in which, counted in requests and never in seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers import Edge, Wire, bind, brief, submit
from test_connection import Desk

from smsc._pdu import header_only
from smsc.client import ClientConnection
from smsc.connection import MAX_PAUSE
from smsc.smpp import Command, Status
from smsc.turns import CARRIERS, CLIENTS, LARGE, PATIENCE, Share

ENQUIRE = header_only(Command.ENQUIRE_LINK, 0, 7)
UNBIND = header_only(Command.UNBIND, 0, 9)
GARBAGE = b"\0\0\0\1" * 4

#: Of every peer here.
WINDOW = 100


class Loop:
    """Peers of both sides, read in turns that end when the test says so."""

    def __init__(self) -> None:
        self.edge = Edge()
        self.soon = self.edge.soon
        self.links = self.edge.links
        self.turns = self.links.turns

    def peer(self, share: Share, window: int = WINDOW) -> Wire:
        desk = Desk(self.links, receive_window=window)
        desk.share = share
        return Wire(desk)

    def clients(self, count: int) -> list[Wire]:
        return [self.peer(self.turns.clients) for _ in range(count)]

    def carriers(self, count: int) -> list[Wire]:
        return [self.peer(self.turns.carriers) for _ in range(count)]

    def turn(self) -> None:
        """This turn is over, and what it brought is durable."""
        soon, self.soon[:] = list(self.soon), []
        for call in soon:
            call()
        self.edge.stage.durable()


@pytest.fixture
def loop() -> Loop:
    return Loop()


def served(wires: list[Wire]) -> int:
    """How many requests of theirs were handled since the last time."""
    count = 0
    for wire in wires:
        happened = wire.connection.happened
        count += sum(event[1] for event in happened if event[0] == "submit")
        happened.clear()
    return count


FULL = b"".join(map(submit, range(1, WINDOW + 1)))


def fill(wires: list[Wire]) -> None:
    """A window of submits from each of them."""
    for wire in wires:
        wire.send(FULL)


# -- shares ----------------------------------------------------------------------------------------


def test_new_work_is_taken_no_faster_than_work_ends(loop: Loop) -> None:
    """A hundred clients beside one carrier that has something in every turn."""
    clients, (carrier,) = loop.clients(100), loop.carriers(1)
    taken, ended = [], []
    fill(clients)
    for _ in range(20):
        fill([carrier])
        loop.turn()
        taken.append(served(clients))
        ended.append(served([carrier]))
    assert ended == [WINDOW] * 20
    assert taken[1:] == [CLIENTS] * 19


def test_each_side_has_its_share_of_a_turn(loop: Loop) -> None:
    plenty = 2 * LARGE
    clients = [loop.peer(loop.turns.clients, plenty)]
    carriers = [loop.peer(loop.turns.carriers, plenty)]
    carriers[0].send(*[submit()] * (4 * CARRIERS))
    clients[0].send(*[submit()] * (LARGE + 5 * CLIENTS))
    assert (served(carriers), served(clients)) == (CARRIERS, LARGE)
    for _ in range(3):
        loop.turn()
        assert (served(carriers), served(clients)) == (CARRIERS, CLIENTS)
    loop.turn()
    assert (served(carriers), served(clients)) == (0, CLIENTS), "a carrier was busy till now"
    loop.turn()
    assert (served(carriers), served(clients)) == (0, CLIENTS), "all that is left"
    assert not loop.soon


@pytest.mark.parametrize("answers", [False, True])
def test_alone_clients_have_the_turn_to_themselves(loop: Loop, answers: bool) -> None:
    clients = loop.clients(100)
    fill(clients)
    taken = [served(clients)]
    while loop.soon:
        loop.turns.answered = answers
        loop.turn()
        taken.append(served(clients))
    assert sum(taken) == 100 * WINDOW
    assert taken[1] == (CLIENTS if answers else LARGE)


def test_who_came_first_is_served_first(loop: Loop) -> None:
    clients = loop.clients(60)
    fill(clients)
    assert [served([wire]) for wire in clients] == [WINDOW] * 20 + [0] * 40
    fill(clients[:1])
    for place in (20, 40, 0):
        loop.turn()
        first = [wire for wire in clients if served([wire])]
        assert first == (clients[place : place + 20] if place else clients[:1])


def test_a_read_larger_than_a_turn_is_taken_in_portions_and_in_order(loop: Loop) -> None:
    client = loop.peer(loop.turns.clients, window=10 * LARGE)
    client.send(*map(submit, range(1, LARGE + 11)), ENQUIRE)
    assert client.received() == []
    loop.turn()
    received = brief(client.received())
    assert [sequence for _, _, sequence in received[-LARGE - 11 :]] == [
        7,
        *range(1, LARGE + 11),
    ], "what needs no record leaves at once, the answers in the order of their requests"
    assert served([client]) == LARGE + 10


def test_nobody_waits_until_it_gives_up(loop: Loop) -> None:
    clients, (carrier,) = loop.clients(100), loop.carriers(1)
    fill(clients)
    fill([carrier])
    loop.turn()
    served(clients)
    for ms, portion in ((PATIENCE - 1, CLIENTS), (1, LARGE)):
        loop.edge.clock.now += ms
        fill([carrier])
        loop.turn()
        assert served(clients) == portion


# -- those who wait --------------------------------------------------------------------------------


@pytest.fixture
def crowd(loop: Loop) -> list[Wire]:
    """Clients of which the last has everything still before it."""
    wires = loop.clients(LARGE // WINDOW + 1)
    fill(wires[:-1])
    served(wires)
    return wires


def test_responses_do_not_wait(loop: Loop, crowd: list[Wire]) -> None:
    last = crowd[-1]
    sequence = last.connection.ask(7)  # type: ignore[attr-defined]
    loop.edge.stage.durable()
    last.send(submit(1), header_only(Command.DELIVER_SM_RESP, 0, sequence))
    assert last.connection.happened == [("settled", [7])]  # type: ignore[attr-defined]


def test_who_keeps_to_its_window_is_read_on_while_it_waits(loop: Loop, crowd: list[Wire]) -> None:
    last = crowd[-1]
    fill([last])
    assert last.transport.reading
    last.send(submit(WINDOW + 1))
    assert not last.transport.reading, "no more than its window is kept in memory"
    loop.turn()
    assert served([last]) == WINDOW + 1
    assert last.transport.reading


def test_who_waits_is_not_turned_away_for_it(loop: Loop, crowd: list[Wire]) -> None:
    last = crowd[-1]
    last.send(FULL, submit(WINDOW + 1))
    for _ in range(MAX_PAUSE // 100 + 20):
        loop.edge.clock.now += 100
        loop.links.tick()
    assert not last.connection.shedding
    loop.turn()
    loop.edge.stage.durable()
    assert {status for _, status, _ in brief(last.received())} == {0}


@pytest.mark.parametrize(
    ("octets", "end"),
    [
        (b"", lambda wire: wire.close()),
        (b"", lambda wire: wire.connection.unbind()),
        (UNBIND, lambda wire: None),
        (GARBAGE, lambda wire: None),
    ],
    ids=["peer closes", "we unbind", "peer unbinds", "framing lost"],
)
def test_what_came_before_the_end_is_answered(
    loop: Loop, crowd: list[Wire], octets: bytes, end: Callable[[Wire], None]
) -> None:
    last = crowd[-1]
    last.send(*map(submit, range(1, 11)), octets)
    end(last)
    loop.turn()
    loop.turn()
    answered = [one for one in brief(last.received()) if one[0] == Command.SUBMIT_SM_RESP]
    assert answered == [(Command.SUBMIT_SM_RESP, 0, sequence) for sequence in range(1, 11)]


def test_nothing_is_done_for_who_is_gone(loop: Loop, crowd: list[Wire]) -> None:
    last = crowd[-1]
    last.send(submit(1))
    last.close(abruptly=True)
    loop.turn()
    assert served([last]) == 0
    assert not loop.soon


def test_a_fault_in_a_later_turn_ends_this_connection_alone(loop: Loop, crowd: list[Wire]) -> None:
    last = crowd[-1]
    last.send(submit(1), submit(2, b"2"))
    loop.edge.stage.stage_all = lambda *_: 1 / 0  # type: ignore[method-assign]
    loop.turn()
    assert last.transport.aborted
    assert not crowd[0].transport.aborted


# -- clients ---------------------------------------------------------------------------------------


def busy(edge: Edge) -> None:
    """Nothing more of any client is taken in this turn."""
    edge.links.turns.clients.take(LARGE)


def test_a_bind_waits_for_nobody() -> None:
    edge = Edge()
    busy(edge)
    edge.bound()


def test_a_clients_submits_wait_and_its_bind_does_not() -> None:
    edge = Edge()
    wire = edge.bound()
    edge.soon.clear()
    busy(edge)
    wire.connection.data_received(submit())
    assert edge.keeper.called("submit") == []
    while edge.soon:
        edge.soon.pop(0)()
    assert edge.keeper.called("submit") == [(1,)]


def test_who_is_throttled_beyond_its_window_hears_that_at_once() -> None:
    edge = Edge(window=2, window_full="throttle")
    wire = Wire(ClientConnection(edge.listener))
    wire.send(bind())
    busy(edge)
    statuses = [status for _, status, _ in brief(wire.send(submit(2), submit(3), submit(4)))]
    assert statuses == [Status.ESME_RTHROTTLED]
