"""Power loss at every step of the whole keeper, in every state the disks may be left in.

The keeper, its commit, its log and its traffic logs are the real ones; each log lies on a simulated
disk that loses what was not synced: single sectors, sizes, names. The machine's disks are cut at
the same moment, each in a state of its own. From every state a new keeper recovers, and must keep
what the old one had let out: an answer to a client, an attempt to a carrier, an answer to a
carrier's receipt or inbound message. Then the power fails during and after that recovery.

The negative control is a disk that says fdatasync is done and does nothing.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import evidence
import pytest

from smsc._pdu import Message
from smsc.errors import SmscError
from smsc.journal import Journal
from smsc.journal.simdisk import SimDisk, crashes
from smsc.smpp import MessageState, Status
from smsc.spool import Stage
from smsc.traffic import BLOCK, Plain, opened
from tests.keeper import BASE, START, Client, Keeper, Relay, deliver_sm, submit_sm

pytestmark = pytest.mark.faults

SEGMENT = 4096
#: A frame of it holds a block of all that ends between two ticks.
TRAFFIC_SEGMENT = 16_384
#: The keeper's own log; the others are named after their periods.
LOG = "log"
#: States looked at per moment; and every how many moments what follows is cut short as well, and
#: of how many of the last moments, when hardly anything is owed and segments go.
STATES = 24
EVERY = 40
LAST = 16
#: Batches of ordinary traffic before the special cases.
ROUNDS = 6
HOUR = 3_600_000

#: The directories of all disks: name -> file -> octets.
Left = dict[str, dict[str, bytes]]


class Disks:
    """One machine's disks, a log on each, and how far each was at every moment."""

    def __init__(self, left: Left | None = None, dishonest: Sequence[str] = ()) -> None:
        self.dishonest = frozenset(dishonest)
        self.disks: dict[str, SimDisk] = {}
        #: How many steps each disk had done.
        self.moments: list[dict[str, int]] = []
        #: The time of day at each moment, from the clock of the keeper that runs.
        self.times: list[int] = []
        self.clock: Callable[[], int] = lambda: START
        for name, files in (left or {}).items():
            self._make(name, files)

    def _make(self, name: str, files: dict[str, bytes]) -> SimDisk:
        disk = self.disks[name] = SimDisk(files, dishonest=self.dishonest)
        disk.fault = lambda call: self.note()
        return disk

    def open(self, name: str) -> Journal:
        disk = self.disks.get(name) or self._make(name, {})
        octets = SEGMENT if name == LOG else TRAFFIC_SEGMENT
        return Journal(Path(name), segment_octets=octets, disk=disk)

    def note(self) -> int:
        """The number of this moment."""
        now = {name: len(disk.history) for name, disk in self.disks.items()}
        if not self.moments or self.moments[-1] != now:
            self.moments.append(now)
            self.times.append(self.clock())
        return len(self.moments) - 1

    def periods(self) -> list[str]:
        return sorted(name for name in self.disks if name != LOG)

    def kill(self) -> None:
        for disk in self.disks.values():
            disk.kill()

    def left_at(self, moment: int, most: int) -> Iterator[Left]:
        """What a power loss may leave: everything, nothing more than was synced, and between."""
        dice = random.Random(moment)
        names = list(self.moments[moment])
        states = [
            list(crashes(self.disks[name].history[:steps], seed=moment))
            for name, steps in self.moments[moment].items()
        ]
        yield dict(zip(names, (each[0] for each in states), strict=True))
        yield dict(zip(names, (each[-1] for each in states), strict=True))
        for _ in range(min(most, max(map(len, states))) - 2):
            yield dict(zip(names, map(dice.choice, states), strict=True))


class Station(Keeper):
    """A keeper on disks, and time as the process gives it: tick, sync, and the loop's turn."""

    def __init__(self, disks: Disks, now: int = START) -> None:
        self.disks = disks
        self.now = now
        disks.clock = lambda: self.now
        super().__init__(disks.open(LOG), dict.fromkeys(disks.periods()), now, BASE)  # type: ignore[arg-type]

    def _traffic_log(self, period: str) -> Journal:  # type: ignore[override]
        log = self.disks.open(period)
        self.traffic_logs[period] = log  # type: ignore[assignment]
        return log

    def run(self, ms: int = 0) -> None:
        end = self.now + ms
        while True:
            self.turn.run()
            self.tick()
            self.turn.run()
            if self.now >= end:
                return
            self.now = min(end, self.now + max(100, ms // 50))

    def tick(self) -> None:
        """What a timer does ten times a second, whether the disk keeps up or not."""
        self.core.tick()
        self.traffic.sync()

    def records(self) -> list[dict[str, Any]]:
        return [
            fields
            for period in self.disks.periods()
            for kind, head, body in evidence.entries(Path(period), self.disks.disks[period])
            for fields in (opened(head, body, Plain()) if kind == BLOCK else ())
        ]


@dataclass
class Told:
    """What left the keeper, and at which moment; for everybody's sake but its own."""

    station: Station
    #: Text of everything that was submitted, by id.
    texts: dict[int, bytes] = field(default_factory=dict)
    #: Answered yes: message ids.
    accepted: list[tuple[int, int]] = field(default_factory=list)
    #: Handed to a carrier: (id, attempt).
    sent: list[tuple[int, tuple[int, int]]] = field(default_factory=list)
    #: Deliveries of a carrier that were answered yes: the message's id of a receipt, or a text.
    taken_in: list[tuple[int, int | bytes]] = field(default_factory=list)
    #: Deliveries that a client has answered: what they speak of.
    given_out: list[tuple[int, int | bytes]] = field(default_factory=list)

    def release(self, staged: list[tuple[list[tuple[int, Any]], Any]]) -> None:
        moment = self.station.disks.note()
        for facts, fact in staged:
            facts.append((moment, fact))

    def when_out(self, facts: list[tuple[int, Any]], fact: Any) -> None:
        """Note it when what is staged with it leaves."""
        self.station.commit.stage(self, (facts, fact))

    def __hash__(self) -> int:
        return id(self)


def subject(mail: Message) -> int | bytes:
    """What a delivery to a client speaks of: the message it is the receipt of, or itself."""
    if mail.esm_class & 4:
        return int(mail.text.split(b" ")[0].removeprefix(b"id:"), 16)
    return mail.text


class Scene:
    """The workload's hands: a client, carrier binds, and a note of whatever is let out to them."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.core = station.core
        self.told = Told(station)
        self.client = Client(station, window=2)
        self.core.attach(self.client)
        self.relays: list[Relay] = []
        self.serial = 0

    def relay(self, name: bytes, window: int) -> Relay:
        relay = Relay(self.station, name, window)
        release = relay.release

        def note(staged: list[tuple[int, int, Message]]) -> None:
            if relay not in self.relays:
                return  # the connection is gone, and nothing leaves on it
            moment = self.station.disks.note()
            self.told.sent += [(moment, (id, attempt)) for id, attempt, _ in staged]
            release(staged)

        relay.release = note  # type: ignore[method-assign]
        self.relays.append(relay)
        self.core.carrier_up(relay)
        return relay

    def down(self, relay: Relay) -> None:
        """Its connection is lost: what had left is in doubt, the rest was never sent."""
        self.relays.remove(relay)
        left = {(id, attempt) for id, attempt, _ in relay.sent}
        unsent = [item for item in relay.outstanding if item not in left]
        self.core.carrier_down(relay, unsent, [item for item in relay.outstanding if item in left])

    def submit(self, count: int, **fields: Any) -> None:
        messages = []
        for _ in range(count):
            self.serial += 1
            text = b"%03d " % self.serial + b"x" * (self.serial * 37 % 156)
            messages.append(submit_sm(**{"registered_delivery": 1} | fields, short_message=text))
        ids = self.core.submit(self.client, messages)
        for id, message in zip(ids, messages, strict=True):
            assert id > 0
            self.told.texts[id] = message.text
            self.told.when_out(self.told.accepted, id)

    def answer(self, relay: Relay, status: int = 0) -> None:
        """The carrier answers the oldest attempt."""
        id, attempt = relay.outstanding[0]
        relay.answer(id, attempt, status, b"%x" % id)

    def receipt(self, relay: Relay, id: int) -> None:
        assert relay.receipt(b"%x" % id) == 0
        self.told.when_out(self.told.taken_in, id)

    def inbound(self, relay: Relay, text: bytes) -> None:
        pdu = deliver_sm(destination_addr=b"80888", short_message=text)
        assert self.core.inbound(relay, [pdu]) == [0]
        self.told.when_out(self.told.taken_in, text)

    def client_answers(self) -> None:
        moment = self.station.disks.note()
        for _, pdu in self.client.held:
            self.told.given_out.append((moment, subject(Message.from_raw(pdu))))
        self.client.answer()


def ordinary(scene: Scene, one: Relay) -> None:
    """As it is under load: what comes in one turn is several frames, sector upon sector."""
    for round in range(ROUNDS + 10):
        for id, _attempt in list(one.outstanding):
            scene.answer(one)
            scene.receipt(one, id)
        if round < ROUNDS:
            scene.submit(5)
        scene.client_answers()
        scene.station.run()
    while scene.client.held:  # what is loaded when a turn is over comes with the next
        scene.client_answers()
        scene.station.run()
    assert not one.outstanding


def trouble(scene: Scene, one: Relay) -> None:
    """Retries, a receipt before its response, a refusal, a bind that is lost with a full window."""
    station = scene.station
    scene.submit(4)  # three leave, one waits for the window
    station.run()
    first = one.outstanding[0][0]
    scene.answer(one)
    scene.answer(one, Status.ESME_RSYSERR)
    scene.receipt(one, one.outstanding[0][0])
    station.run()
    scene.answer(one)
    scene.receipt(one, first)
    scene.inbound(one, b"hello")
    station.run()
    scene.client_answers()
    station.run()
    scene.submit(3, destination_addr=b"4915100012")
    scene.answer(one, Status.ESME_RINVDSTADR)
    station.run(200)
    station.log.idle(station.now)
    station.turn.run()
    scene.answer(one)
    scene.submit(1)
    scene.down(one)  # two have left and one has not
    station.run()
    scene.submit(4, destination_addr=b"4915100013")
    station.tick()  # the disk is slow: a tick passes before it has the submits
    station.run(61_000)  # the doubts' time is over


def an_hour(scene: Scene, one: Relay) -> None:
    """Messages are owed for so long that they are carried out of their old segment, which goes;
    and the disk is slow meanwhile."""
    station = scene.station
    station.run()
    scene.client_answers()
    while len(one.outstanding) > 2:
        scene.answer(one)
    station.run()
    slab = station.core.state.spool.slab
    for id in sorted(slab.id(slot) for slot in slab.in_state(Stage.ACKED)):
        scene.receipt(one, id)
    for _ in range(70):
        station.now += HOUR // 60
        for _ in range(5):
            station.tick()
        scene.client_answers()
        station.run()
    assert station.core.forgetting.carried and station.core.forgetting.released


def the_end(scene: Scene, one: Relay) -> None:
    """All is finished; the last leaves nothing behind but its record, which is not on disk yet."""
    station, state = scene.station, scene.core.state
    while one.outstanding:
        id = one.outstanding[0][0]
        scene.answer(one)
        station.run()
        scene.receipt(one, id)
        station.run()
    while scene.client.held:
        scene.client_answers()
        station.run(200)
    scene.submit(1, registered_delivery=0)
    station.turn.run()
    scene.answer(one)
    station.turn.run()
    assert not len(state.spool) and not len(state.mailboxes)
    station.run(300)


def work(station: Station) -> Told:
    """The workload: what a day brings, in small."""
    scene = Scene(station)
    one = scene.relay(b"one", 3)
    ordinary(scene, one)
    trouble(scene, one)
    one = scene.relay(b"one", 20)
    an_hour(scene, one)
    the_end(scene, one)
    assert not station.failures
    return scene.told


@dataclass
class Known:
    """What had been told by a moment; and the texts of all that there ever was."""

    texts: dict[int, bytes]
    accepted: set[int]
    sent: set[tuple[int, int]]
    taken_in: set[int | bytes]
    given_out: set[int | bytes]

    @classmethod
    def by(cls, told: Told, moment: int) -> Known:
        facts = (told.accepted, told.sent, told.taken_in, told.given_out)
        return cls(told.texts, *({what for at, what in each if at <= moment} for each in facts))


def judge(left: Left, known: Known, now: int) -> Iterator[str]:
    """Recover from what is left, and say which promise is broken."""
    try:
        station = Station(Disks(left), now)
        yield from broken(station, known)
        before, records = station.core.state.fingerprint(), _by_id(station)
        station.disks.kill()
        again = Station(station.disks, now)
        if again.core.state.fingerprint() != before:
            yield "the second recovery differs"
        if _by_id(again) != records:
            yield "the second recovery wrote other traffic records"
    except SmscError as error:
        yield f"no start: {error}"


def _by_id(station: Station) -> Counter[int]:
    return Counter(record["id"] for record in station.records())


def broken(station: Station, known: Known) -> Iterator[str]:
    station.run(200)  # so that traffic records are on disk
    records = station.records()
    slab = station.core.state.spool.slab
    owed = {slab.id(slot): slot for slot in slab.slots()}
    recorded = Counter(record["id"] for record in records if not record["inbound"])
    for id in known.accepted - owed.keys() - recorded.keys():
        yield f"{id:x} was answered yes and is gone"
    for id in (owed.keys() | recorded.keys()) - known.texts.keys():
        yield f"{id:x} was never submitted"
    for id in owed.keys() & recorded.keys():
        yield f"{id:x} is finished and owed"
    for id in recorded:
        if recorded[id] > 1:
            yield f"{id:x} has {recorded[id]} traffic records"
    texts = [(record["id"], record["content"]) for record in records if not record["inbound"]]
    for id, slot in owed.items():
        texts.append((id, station.core.bodies.get(id, slab.position(slot)).message.text))
    yield from (f"{id:x} has another text" for id, text in texts if text != known.texts.get(id))
    for id, attempt in known.sent:
        slot = owed.get(id, -1)
        if slot >= 0 and slab.state(slot) == Stage.QUEUED and slab.attempt(slot) < attempt:
            yield f"attempt {attempt} of {id:x} has left and is forgotten"
        if slot >= 0 and slab.state(slot) == Stage.ATTEMPT:
            yield f"{id:x} is under way to nobody"
    yield from _inward(station, known, records)


def _inward(station: Station, known: Known, records: list[dict[str, Any]]) -> Iterator[str]:
    """What a carrier delivered and was told we have: receipts and inbound messages."""
    core, mail = station.core, station.core.state.mailboxes.slab
    waiting = Counter(subject(core.mailroom.read(mail.position(slot))[1]) for slot in mail.slots())
    states = {record["id"]: record["state"] for record in records if not record["inbound"]}
    inbound = Counter(record["content"] for record in records if record["inbound"])
    orphans = len(core.state.orphans)
    for what in known.taken_in:
        arrived = waiting[what] or what in known.given_out
        if isinstance(what, bytes):
            if not arrived or waiting[what] + inbound[what] != 1:
                yield f"inbound {what!r}: {waiting[what]} waiting, {inbound[what]} recorded"
        elif not arrived and not orphans:
            yield f"the receipt of {what:x} was answered and is gone"
        elif arrived and states.get(what) != MessageState.DELIVERED:
            yield f"{what:x} was delivered and is recorded as {states.get(what)}"
    yield from (f"{what!r} waits twice" for what, count in waiting.items() if count > 1)


def losses(told: Told, disks: Disks) -> Iterator[str]:
    """What the judge has to say of the states after a crash at each moment."""
    seen: set[str] = set()
    for moment, now in enumerate(disks.times):
        known = Known.by(told, moment)
        for left in fresh(disks.left_at(moment, STATES), seen, str(known)):
            yield from (f"moment {moment}: {what}" for what in judge(left, known, now))
    print(f"{len(seen)} states after {len(disks.moments)} moments")


def fresh(states: Iterator[Left], seen: set[str], expected: str) -> Iterator[Left]:
    """Those that were not seen with the same expectations."""
    for left in states:
        key = hashlib.sha256(repr((left, expected)).encode()).hexdigest()
        if key not in seen:
            seen.add(key)
            yield left


def worked(*dishonest: str) -> tuple[Told, Disks]:
    disks = Disks(dishonest=dishonest)
    return work(Station(disks)), disks


def test_power_loss_at_every_moment_breaks_no_promise() -> None:
    told, disks = worked()
    assert list(losses(told, disks)) == []


def test_power_loss_at_every_moment_after_a_power_loss_breaks_no_promise() -> None:
    """Recovery, its first decisions, and the letting go of old segments are cut short too."""
    told, disks = worked()
    states, moments = 0, len(disks.moments)
    for moment in [*range(0, moments - LAST, EVERY), *range(moments - LAST, moments)]:
        known = Known.by(told, moment)
        for left in disks.left_at(moment, 2):
            second, seen = Disks(left), set[str]()
            station = Station(second, disks.times[moment])
            for _ in range(4):
                station.tick()
                station.turn.run()
            for cut, now in enumerate(second.times):
                for again in fresh(second.left_at(cut, 3), seen, ""):
                    assert list(judge(again, known, now)) == [], (moment, cut)
            states += len(seen)
    print(f"{states} states")


def test_control_a_disk_that_lies_is_found_out() -> None:
    """Were nothing synced, this suite would turn red."""
    told, disks = worked("fdatasync")
    found = losses(told, disks)
    assert any("was answered yes and is gone" in what for what in found)
