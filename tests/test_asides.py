"""Messages that their carrier failed and another gets, and doubts while they are open."""

from __future__ import annotations

import pytest

from smsc import records
from smsc.failover import MAX_TRIED
from smsc.records import Kind
from smsc.smpp import Command, Status
from smsc.spool import Stage
from tests.keeper import BASE, Client, Keeper, Relay, submit_sm

THIRD = "  - {name: three, host: 127.0.0.1, port: 3, system_id: smsc, password: pw}\n"
NEXT = BASE.replace("[one, two]}", "[one, two, three], on_failure: next}", 1).replace(
    "routes:\n", THIRD + "routes:\n"
)
NAMES = (b"one", b"two", b"three")
REFUSED = Status.ESME_RINVDSTADR


class World:
    """One message, three carriers that would take it, and its client."""

    def __init__(self, text: str = NEXT, up: tuple[bytes, ...] = NAMES) -> None:
        self.keeper = Keeper(text=text)
        self.up = up
        self.start()
        [self.id] = self.keeper.submit(self.client, submit_sm(registered_delivery=0x01))
        self.keeper.run()

    def start(self) -> None:
        self.client = Client(self.keeper, window=100)
        self.keeper.core.attach(self.client)
        self.relays = {name: Relay(self.keeper, name) for name in self.up}
        for relay in self.relays.values():
            self.keeper.core.carrier_up(relay)
        self.keeper.run()

    def crash(self) -> None:
        self.keeper = self.keeper.crash()
        self.start()

    def refuse(self, name: bytes, number: int) -> None:
        self.relays[name].answer(self.id, number, REFUSED)
        self.keeper.run(200)

    def report(self, name: bytes, number: int, stat: bytes = b"UNDELIV") -> None:
        self.relays[name].answer(self.id, number, carrier_id=b"id-%d" % number)
        self.relays[name].receipt(b"id-%d" % number, stat)
        self.keeper.run(200)

    def sent(self) -> dict[bytes, list[int]]:
        """The numbers of the attempts each carrier got."""
        return {
            name: [number for id, number, _ in relay.sent if id == self.id]
            for name, relay in self.relays.items()
            if relay.sent
        }

    def told(self) -> list[bytes]:
        self.keeper.run(200)
        return [pdu.text.partition(b"stat:")[2][:7] for pdu in self.client.delivered]

    def stage(self) -> int:
        slab = self.keeper.core.state.spool.slab
        slot = slab.find(self.id)
        return slab.state(slot) if slot >= 0 else 0


@pytest.mark.parametrize("fail", [World.refuse, World.report])
def test_what_one_carrier_fails_the_next_gets_and_the_client_hears_of_the_last(fail) -> None:  # type: ignore[no-untyped-def]
    world = World()
    fail(world, b"one", 1)
    assert (world.sent(), world.told()) == ({b"one": [1], b"two": [2]}, [])
    fail(world, b"two", 2)
    assert world.sent() == {b"one": [1], b"two": [2], b"three": [3]}
    fail(world, b"three", 3)
    assert world.told() == [b"REJECTD" if fail is World.refuse else b"UNDELIV"]
    [record] = world.keeper.records()
    assert (record["carrier"], record["attempts"]) == (b"three", 3)
    assert dict(world.keeper.core.counters.moved) == {b"one": 1, b"two": 1}
    assert world.keeper.core.state.asides.count == 0


@pytest.mark.parametrize(
    ("stat", "moved"),
    [
        (b"UNDELIV", True),
        (b"REJECTD", True),
        (b"EXPIRED", True),
        (b"DELIVRD", False),
        (b"DELETED", False),
        (b"ACCEPTD", False),
    ],
)
def test_only_what_another_may_do_better_is_tried_again(stat: bytes, moved: bool) -> None:
    world = World()
    world.report(b"one", 1, stat)
    assert (b"two" in world.sent()) is moved
    assert world.told() == ([] if moved else [stat])


def test_a_route_that_does_not_say_so_reports() -> None:
    world = World(NEXT.replace(", on_failure: next", ""))
    world.refuse(b"one", 1)
    assert (world.sent(), world.told()) == ({b"one": [1]}, [b"REJECTD"])


def test_the_first_carriers_later_word_is_void() -> None:
    world = World()
    world.report(b"one", 1)
    world.relays[b"one"].receipt(b"id-1", b"DELIVRD")
    world.relays[b"one"].answer(world.id, 1, REFUSED)
    world.keeper.run()
    assert (world.told(), world.stage()) == ([], Stage.ATTEMPT)
    assert world.keeper.core.counters.repeated_receipts == 1
    world.report(b"two", 2, b"DELIVRD")
    assert world.told() == [b"DELIVRD"]


def test_a_receipt_that_came_first_moves_it_too() -> None:
    world = World()
    world.relays[b"one"].receipt(b"early", b"UNDELIV")
    world.relays[b"one"].answer(world.id, 1, carrier_id=b"early")
    world.keeper.run(200)
    assert (world.sent(), world.told()) == ({b"one": [1], b"two": [2]}, [])


def test_it_is_over_when_the_validity_is() -> None:
    world = World()
    world.keeper.run(1_000)
    slab = world.keeper.core.state.spool.slab
    world.keeper.now = slab.expiry(slab.find(world.id)) + 1
    world.relays[b"one"].answer(world.id, 1, REFUSED)
    assert (world.sent(), world.told()) == ({b"one": [1]}, [b"REJECTD"])


def test_a_crash_forgets_no_carrier_that_was_tried() -> None:
    world = World()
    world.refuse(b"one", 1)
    world.report(b"two", 2)
    world.crash()
    world.keeper.run(120_000)
    sent = world.sent()
    assert set(sent) == {b"three"}
    world.refuse(b"three", sent[b"three"][0])
    assert world.told() == [b"REJECTD"]


def test_what_was_tried_outlives_its_segment() -> None:
    world = World()
    world.refuse(b"one", 1)
    world.relays[b"two"].answer(world.id, 2, carrier_id=b"x")
    before = world.keeper.log.oldest_segment()
    world.keeper.run(3 * 3_600_000)
    assert world.keeper.log.oldest_segment() > before
    assert Kind.MOVED not in kinds(world.keeper)
    world.crash()
    world.relays[b"two"].receipt(b"x", b"UNDELIV")
    world.keeper.run(200)
    assert world.sent() == {b"three": [3]}


def test_it_waits_for_the_next_while_that_is_away_and_goes_to_none_that_was_tried() -> None:
    world = World(up=(b"one",))
    world.refuse(b"one", 1)
    world.keeper.run(60_000)
    assert (world.sent(), world.stage()) == ({b"one": [1]}, Stage.QUEUED)
    world.relays[b"three"] = Relay(world.keeper, b"three")
    world.keeper.core.carrier_up(world.relays[b"three"])
    world.keeper.run(1_000)
    assert world.sent() == {b"one": [1], b"three": [2]}


def test_the_next_carriers_own_retries_begin_anew() -> None:
    world = World(NEXT.replace("name: two,", "name: two, retry: {delays: [1s, 1h]},"))
    for number in (1, 2, 3):
        world.relays[b"one"].answer(world.id, number, Status.ESME_RSYSERR)
        world.keeper.run(3_600_000)
    world.refuse(b"one", 4)
    world.relays[b"two"].answer(world.id, 5, Status.ESME_RSYSERR)
    world.keeper.run(2_000)
    assert world.sent()[b"two"] == [5, 6], "after one second, as the first of its delays says"


def test_a_doubt_is_no_failure() -> None:
    world = World(NEXT.replace("policy: hold, hold: 60s", "policy: fail, hold: 60s"))
    world.keeper.core.timed_out(world.relays[b"one"], [(world.id, 1)])
    world.keeper.run(61_000)
    assert (world.sent(), world.told()) == ({b"one": [1]}, [b"UNKNOWN"])


# -- doubts --------------------------------------------------------------------------------------


def doubts(keeper: Keeper) -> list[tuple[bytes, int, bytes]]:
    state = keeper.core.state
    return [(state.carriers[d.carrier], d.since, d.cause) for d in state.spool.doubts]


def settle_by_response(world: World) -> None:
    world.keeper.core.outcomes(world.relays[b"one"], [(world.id, 1, 0, b"x")])


def settle_by_refusal(world: World) -> None:
    world.keeper.core.outcomes(world.relays[b"one"], [(world.id, 1, REFUSED, b"")])


def settle_by_time(world: World) -> None:
    world.keeper.run(61_000)


@pytest.mark.parametrize("text", [BASE, NEXT])
@pytest.mark.parametrize("settle", [settle_by_response, settle_by_refusal, settle_by_time])
def test_a_doubt_is_open_until_something_settles_it(text: str, settle) -> None:  # type: ignore[no-untyped-def]
    world = World(text, up=(b"one",))
    world.keeper.core.timed_out(world.relays[b"one"], [(world.id, 1)])
    assert doubts(world.keeper) == [(b"one", world.keeper.now, b"response_timeout")]
    settle(world)
    world.keeper.run()
    assert doubts(world.keeper) == []


@pytest.mark.parametrize("after", [0, 2 * 3_600_000])
def test_a_doubt_is_known_after_a_restart(after: int) -> None:
    world = World(BASE.replace("hold: 60s", "hold: 12h"), up=(b"one",))
    since = world.keeper.now
    world.keeper.core.carrier_down(world.relays[b"one"], [], [(world.id, 1)])
    world.keeper.run(after)
    assert doubts(world.keeper) == [(b"one", since, b"bind_lost")]
    again = world.keeper.crash()
    [(carrier, known_since, cause)] = doubts(again)
    assert (carrier, cause) == (b"one", b"bind_lost")
    assert known_since >= since


def test_what_a_start_doubts_says_so() -> None:
    world = World(up=(b"one",))
    again = world.keeper.crash()
    assert doubts(again) == [(b"one", again.now, b"restart")]


def kinds(keeper: Keeper) -> list[int]:
    return [kind for kind, _head, _body in keeper.log._records.values()]


def test_a_plain_message_has_no_asides() -> None:
    world = World()
    world.report(b"one", 1, b"DELIVRD")
    assert {Kind.ASIDE, Kind.MOVED}.isdisjoint(kinds(world.keeper))


def test_tried_carriers_fit_in_a_record() -> None:
    """As many names as a message can have, each as long as it can be."""
    tried = tuple(b"%015d" % number for number in range(MAX_TRIED))
    assert records.read_aside(records.aside(1, 10, 255, tried)).tried == tried


def test_a_message_that_moved_is_found_by_its_addresses() -> None:
    """Its carrier had acknowledged it before it failed it; and a restart changes nothing."""
    world = World(up=(b"one",))
    world.report(b"one", 1)
    assert world.stage() == Stage.QUEUED
    world.crash()
    group = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": b"447700900123"}
    assert world.keeper.ask(world.client, Command.CANCEL_SM, message_id=b"", **group) == 0
    assert world.stage() == 0 and world.told() == [b"DELETED"]
