"""Old segments: when they go, what is carried out of them, and that nothing is lost with them."""

from __future__ import annotations

from typing import Any

import pytest

from smsc import forgetting, records
from smsc.forgetting import MAX_AGE
from smsc.journal import SimLog
from smsc.records import Kind
from smsc.smpp import Status
from smsc.spool import Stage
from smsc.state import State
from tests.keeper import BASE, Client, Keeper, Relay, deliver_sm, submit_sm

#: A doubt holds longer than these tests last, so that IN_DOUBT is a stage to be carried in.
TEXT = BASE.replace("hold: 60s", "hold: 1d").replace(
    "routes:\n", "routes:\n  - {name: only-two, to: '999', carriers: [two]}\n"
)

#: Small, so that segments come and go: 16 KiB a frame.
SEGMENT_OCTETS = 64 * 1024

HOUR = MAX_AGE
PERIOD = "2026-09"


class World:
    """A keeper that owes something of every kind, all of it in the first segment."""

    def __init__(self, **log: Any) -> None:
        self.keeper = Keeper(
            SimLog(segment_octets=SEGMENT_OCTETS, **log), {PERIOD: SimLog()}, text=TEXT
        )
        self.log, self.core = self.keeper.log, self.keeper.core
        self.client = Client(self.keeper)
        self.relay = Relay(self.keeper, window=3)
        self.core.carrier_up(self.relay)
        #: Ids of owed messages by what became of them.
        self.ids: dict[str, int] = {}

    def owe(self) -> None:
        names = ("acked", "in doubt", "attempt", "queued", "late")
        batch = [
            submit_sm(
                destination_addr=b"4915100000",
                registered_delivery=1,
                short_message=name.encode(),
                schedule_delivery_time=b"000001000000000R" if name == "late" else b"",
            )
            for name in names
        ]
        self.ids = dict(zip(names, self.keeper.submit(self.client, *batch), strict=True))
        self.relay.window = 2  # nothing more is sent
        self.relay.answer(self.ids["acked"], 1, carrier_id=b"abc1")
        self.core.timed_out(self.relay, [(self.ids["in doubt"], 1)])
        self.relay.outstanding += [(0, 0)] * 2
        for text in (b"mail 1", b"mail 2"):
            self.core.inbound(
                self.relay, [deliver_sm(destination_addr=b"80888", short_message=text)]
            )
        self.keeper.run(HOUR // 2)
        self.relay.receipt(b"nobody's")
        self.keeper.run()

    def finish(self, count: int, text: bytes = b"Hello") -> None:
        """So many messages that come and are done, by the other carrier."""
        two = Relay(self.keeper, b"two", window=1 << 30)
        self.core.carrier_up(two)
        message = submit_sm(destination_addr=b"999000000000001", short_message=text)
        ids = self.keeper.submit(self.client, *[message] * count)
        for id in ids:
            two.answer(id, 1, Status.ESME_RINVDSTADR)
        self.core.carrier_down(two, [], [])
        self.keeper.turn.run()

    def tick(self, ms: int = 100) -> None:
        self.keeper.now += ms
        self.core.tick()
        self.keeper.traffic.sync()
        self.keeper.turn.run()

    def bodies(self) -> dict[int, bytes]:
        """What is owed and its octets, by id, as the log has it."""
        found = {}
        for slab in (self.core.state.spool.slab, self.core.state.mailboxes.slab):
            for slot in slab.slots():
                found[slab.id(slot)] = self.log.read(slab.position(slot))[2]
        return found

    def rows(self) -> dict[int, tuple[int, ...]]:
        """What is known of each that is owed, but for where it lies."""
        found = {}
        for slab in (self.core.state.spool.slab, self.core.state.mailboxes.slab):
            for slot in slab.slots():
                id, _position, *rest = slab.row(slot)
                found[id] = tuple(rest)
        return found


def replayed(log: SimLog) -> State:
    state = State()
    log.lose_tail().replay(state.apply)
    return state


@pytest.fixture
def world() -> World:
    world = World()
    world.owe()
    return world


# -- carried forward -----------------------------------------------------------------------------


def test_the_world_owes_something_of_every_kind(world: World) -> None:
    slab = world.core.state.spool.slab
    stages = {name: slab.state(slab.find(id)) for name, id in world.ids.items()}
    assert stages == {
        "acked": Stage.ACKED, "in doubt": Stage.IN_DOUBT, "attempt": Stage.ATTEMPT,
        "queued": Stage.QUEUED, "late": Stage.QUEUED,
    }  # fmt: skip
    assert slab.key(slab.find(world.ids["acked"])) != 0
    assert len(world.core.state.mailboxes) == 2
    assert len(world.core.state.orphans) == 1
    assert world.log.oldest_segment() == world.core.state.oldest_segment() == 1


def test_what_is_owed_is_carried_out_of_a_segment_that_is_an_hour_old(world: World) -> None:
    bodies, rows = world.bodies(), world.rows()
    world.keeper.run(HOUR // 2 - 10_000)
    assert world.core.forgetting.carried == 0
    world.keeper.run(20_000)
    assert world.core.forgetting.carried == 7
    assert (world.log.oldest_segment(), world.core.forgetting.released) == (2, 1)
    assert world.bodies() == bodies, "octet by octet"
    assert world.rows() == rows
    assert len(world.core.state.orphans) == 1


def test_a_replay_without_the_old_segments_ends_in_the_same_state(world: World) -> None:
    before = replayed(world.log).fingerprint()
    assert before == world.core.state.fingerprint()
    world.keeper.run(HOUR)
    assert world.log.oldest_segment() == 2
    after = replayed(world.log)
    assert after.fingerprint() == world.core.state.fingerprint() != before
    kinds = {kind for kind, _head, _body in world.log._records.values()}
    assert {Kind.ACKED, Kind.ATTEMPT}.isdisjoint(kinds), "they went with the segment"


def test_what_was_carried_goes_on_as_if_nothing_had_been(world: World) -> None:
    world.keeper.run(HOUR)
    world.keeper = world.keeper.crash()
    world.core = world.keeper.core
    relay = Relay(world.keeper, window=10)
    world.core.carrier_up(relay)
    relay.receipt(b"abc1")
    world.keeper.run()
    assert world.core.state.spool.slab.find(world.ids["acked"]) == -1, "found by its key"
    sent = {id: message.text for id, _attempt, message in relay.sent}
    assert sent == {world.ids["queued"]: b"queued"}
    world.keeper.run(86_400_000)
    sent = {id: (number, message.text) for id, number, message in relay.sent}
    assert sent == {
        world.ids["queued"]: (1, b"queued"),
        world.ids["late"]: (1, b"late"),
        world.ids["in doubt"]: (2, b"in doubt"),
        world.ids["attempt"]: (2, b"attempt"),
    }
    client = Client(world.keeper)
    world.core.attach(client)
    world.keeper.run()
    texts = [message.short_message for message in client.delivered]
    assert texts[:2] == [b"mail 1", b"mail 2"]
    assert b"id:%x " % world.ids["acked"] in texts[2]


def test_it_is_carried_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "CARRY_PORTION", 2)
    bodies = world.bodies()
    carried = [0]
    for _ in range(40):
        world.tick(HOUR // 60)
        carried.append(world.core.forgetting.carried)
    steps = [after - before for before, after in zip(carried, carried[1:], strict=False)]
    assert sum(steps) == 7
    assert max(steps) <= 2 + 2, "of messages and of mails"
    assert world.log.oldest_segment() == 2
    assert world.bodies() == bodies


def test_it_is_scanned_in_portions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "SCAN_PORTION", 1)
    world.keeper.run(HOUR)
    assert world.core.forgetting.carried == 7
    assert world.log.oldest_segment() == 2


def test_a_log_much_larger_than_what_is_owed_is_tidied_before_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forgetting, "SLACK", 4 * SEGMENT_OCTETS)
    world = World()
    world.owe()
    bodies = world.bodies()
    world.finish(300, bytes(100))
    assert world.core.forgetting._newest == 1, "it was not told"
    for _ in range(10):
        world.tick()
    assert world.log.oldest_segment() == 1, "not worth it"
    world.finish(1_000, bytes(100))
    for _ in range(10):
        world.tick()
    assert world.core.forgetting.carried == 7
    assert world.log.oldest_segment() > 4
    assert {id: body for id, body in world.bodies().items() if id in bodies} == bodies


# -- let go --------------------------------------------------------------------------------------


def test_one_owed_message_keeps_its_segment_and_all_after_it() -> None:
    world = World()
    [id] = world.keeper.submit(world.client, submit_sm(destination_addr=b"4915100000"))
    world.finish(1_000, bytes(100))
    world.keeper.run(1_000)
    assert world.log.oldest_segment() == 1
    world.relay.answer(id, 1, Status.ESME_RINVDSTADR)
    world.keeper.run(2 * HOUR)
    newest = max(world.log._records) >> 32
    assert world.log.oldest_segment() == newest > 4
    assert world.core.forgetting.released == newest - 1


def test_a_segment_waits_for_the_traffic_records_of_what_ended() -> None:
    world = World()
    traffic = world.keeper.traffic_logs[PERIOD]
    traffic.hold = True
    world.finish(1_000, bytes(100))
    world.keeper.run(2_000)
    assert world.log.oldest_segment() == 1
    assert len(world.keeper.crash().records()) == 1_000, "written again from the log"
    traffic.hold = False
    traffic.advance()
    world.keeper.run(2 * HOUR)
    assert world.log.oldest_segment() > 4
    assert len(world.keeper.crash().records()) == 1_000


def test_what_ended_before_a_crash_is_waited_for_as_well() -> None:
    world = World()
    world.keeper.traffic_logs[PERIOD].hold = True
    world.finish(300)
    again = world.keeper.crash()
    again.run(2 * HOUR)
    assert again.log.oldest_segment() == 1, "the records were written again, and are on their way"
    once_more = again.crash()
    assert len(once_more.records()) == 300
    once_more.traffic_logs[PERIOD].hold = False
    once_more.traffic_logs[PERIOD].advance()
    once_more.run(2 * HOUR)
    assert once_more.log.oldest_segment() > 1
    assert len(once_more.records()) == 300


def test_a_segment_waits_until_what_was_carried_out_of_it_is_durable(world: World) -> None:
    bodies = world.bodies()
    world.log.rotate()
    world.keeper.run()
    world.finish(1)
    assert max(world.log._records) >> 32 == 2, "a new segment is begun, and that is durable"
    world.log.hold = True
    world.tick(HOUR // 2 + 1)
    for _ in range(20):
        world.tick()
    assert world.core.forgetting.carried == 7
    assert world.log.oldest_segment() == 1
    lost = replayed(world.log)
    assert (len(lost.spool), len(lost.mailboxes), len(lost.orphans)) == (5, 2, 1)
    world.log.hold = False
    world.log.advance()
    for _ in range(5):
        world.tick()
    assert world.log.oldest_segment() == 2
    assert world.bodies() == bodies


# -- the age of a log where nothing happens ------------------------------------------------------


def test_the_texts_of_a_quiet_log_are_gone_after_an_hour() -> None:
    world = World()
    world.finish(3, b"a secret")
    world.keeper.run(HOUR // 2)
    assert any(b"a secret" in body for _kind, _head, body in world.log._records.values())
    world.keeper.run(HOUR // 2)
    world.keeper.run(10_000)
    assert not any(b"a secret" in body for _kind, _head, body in world.log._records.values())
    assert world.log.oldest_segment() == 2
    world.keeper.run(10 * HOUR)
    assert world.log.oldest_segment() == 2, "nothing to forget, no new segment"
    assert replayed(world.log).epoch == 1


def test_an_owed_message_moves_once_an_hour_at_most(world: World) -> None:
    slab = world.core.state.spool.slab
    at = set()
    for _ in range(60):
        world.keeper.run(HOUR // 10)
        at.add(slab.position(slab.find(world.ids["acked"])) >> 32)
    assert 2 <= len(at) <= 7
    assert replayed(world.log).fingerprint() == world.core.state.fingerprint()


def test_a_carried_record_is_the_whole_of_its_message(world: World) -> None:
    world.keeper.run(HOUR)
    slab = world.core.state.spool.slab
    heads = {
        name: records.read_message(world.log.read(slab.position(slab.find(id)))[1])
        for name, id in world.ids.items()
    }
    assert {name: head.state for name, head in heads.items()} == {
        "acked": 3, "in doubt": 4, "attempt": 2, "queued": 1, "late": 1,
    }  # fmt: skip
    assert heads["acked"].key == slab.key(slab.find(world.ids["acked"])) != 0
    assert [heads[name].attempt for name in ("acked", "in doubt", "attempt", "queued")] == [
        1, 1, 1, 0,
    ]  # fmt: skip
    assert {head.submitted for head in heads.values()} == {1_790_000_000_000}
    assert heads["late"].due >= 1_790_000_000_000 + 10 * HOUR


def test_in_a_hurry_nothing_stays_where_it_was() -> None:
    """What is owed is carried, what has ended goes with its segment, however young that is."""
    keeper = Keeper()
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.carrier_up(relay)
    done, waits = keeper.submit(client, submit_sm(), submit_sm(registered_delivery=1))
    for id in (done, waits):
        relay.answer(id, 1, 0, b"c%d" % id)
    keeper.run(1_000)
    newest = keeper.core.forgetting.hurry()
    keeper.run(2_000)
    assert keeper.log.oldest_segment() > newest
    slab = keeper.core.state.spool.slab
    assert slab.find(done) < 0 and slab.position(slab.find(waits)) >> 32 > newest
