"""Seeded worlds: clients, carriers, time, slow disks and crashes, and what must hold in each.

Every run is determined by its seed, and a failing seed is a regression test. What is checked:

* nothing that was answered yes is ever lost: it is owed, or its traffic record is on disk
* nothing that was never answered yes, or was refused, becomes more than one message
* one traffic record per message, exactly, over any number of crashes
* a carrier gets a message twice only if the log itself doubted the attempt before
* a text that was sent in parts is delivered if all of them were
* a part that a client cut is delivered only if it was sent, or the whole that it was joined in
* a message moves on only where its route says so, and never back to a carrier that failed it
* what was cancelled or erased ends so, and nobody reaches a message of another account
* a replay of the log ends in the very state of the run, and so it does from a checkpoint on
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import pytest

from smsc import image, records
from smsc._pdu import Message
from smsc.records import Flag, Kin, Kind
from smsc.smpp import Command, MessageState, Status
from smsc.spool import Stage
from smsc.state import State
from smsc.subject import NUMBER, Restricted, Subject
from tests.keeper import BASE, Asked, Client, Keeper, Relay, deliver_sm, submit_sm
from tests.test_image import octets

#: One carrier is sent long texts in parts; the other takes them whole, and so parts joined.
TEXT = BASE.replace("in_doubt: {policy", "long_messages: udh\n    in_doubt: {policy").replace(
    "{name: two,", "{name: two, long_messages: payload, join_wait: 20s,"
)

SEEDS = range(60)
STEPS = 150


def looked_up(text: str) -> str:
    """Numbers are looked up, and where they are decides who carries them."""
    net = "  - {name: net, network: '00102', carriers: [two, one]}\ninbound:"
    return text.replace("inbound:", net) + "lookup: {url: 'http://127.0.0.1:1/{number}'}\n"


class World:
    """One keeper over several lives, and what its neighbours know."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        #: In every other world what one carrier fails the next one gets.
        self.moves = bool(seed % 2)
        text = NEXT if self.moves else TEXT
        # Every third world looks its numbers up.
        lookup = Asked() if seed % 3 == 0 else None
        self.keeper = Keeper(text=text if lookup is None else looked_up(text), lookup=lookup)
        self.relays: list[Relay] = []
        self.clients: list[Client] = []
        #: Ids answered yes, durable; how often a carrier took or may have taken each; receipts due.
        self.acknowledged: set[int] = set()
        self.taken: Counter[int] = Counter()
        self.doubted: set[int] = set()
        self.moved: set[int] = set()
        #: Texts that are sent in parts, and what every part is a part of.
        self.split: set[int] = set()
        self.kin: dict[int, Kin] = {}
        #: Parts that clients cut, by the wholes that they were joined in.
        self.joined: defaultdict[int, set[int]] = defaultdict(set)
        self.pending: list[tuple[bytes, bytes]] = []
        #: (account, id) of each submit_multi, and ids that were cancelled, durable.
        self.groups: list[tuple[bytes, int]] = []
        self.cancelled: set[int] = set()
        #: Whose messages are kept back.
        self.blocked: Subject | None = None
        self.serial = 0

    # -- what may happen ---------------------------------------------------------------------

    def submit(self) -> None:
        if not self.clients:
            return self.bind()
        client = self.dice.choice(self.clients)
        asked = self.dice.choice((0, 0, 1, 0x11))
        batch = [self.message(asked) for _ in range(self.dice.randrange(1, 6))]
        results = self.keeper.core.submit(client, batch)
        frame = [id for id in results if id > 0]
        # The answer leaves when the frame is durable, and only then does the client know.
        self.keeper.commit.then(lambda: self.acknowledged.update(frame))

    def submit_multi(self) -> None:
        if not self.clients:
            return self.bind()
        client = self.dice.choice(self.clients)
        members = [self.message(1) for _ in range(self.dice.randrange(1, 5))]
        taken = [id for id in self.keeper.core.submit_multi(client, members) if id > 0]
        self.groups += [(client.account, id) for id in taken[:1]]
        self.keeper.commit.then(lambda: self.acknowledged.update(taken))

    def ask(self) -> None:
        """A client cancels, replaces, or asks after, something that it, or another, has sent."""
        owed = self.keeper.core.state.spool.slab
        names = self.keeper.core.state.accounts
        known = [
            (names[owed.account(slot)], owed.id(slot))
            for slot in owed.slots()
            if not owed.flags(slot) & (Flag.PART | Flag.WHOLE)
        ]
        if not known + self.groups or not self.clients:
            return
        account, id = self.dice.choice(known + self.groups)
        client = self.dice.choice(self.clients)
        command = self.dice.choice((Command.QUERY_SM, Command.CANCEL_SM, Command.REPLACE_SM))
        fields: dict[str, Any] = {"message_id": b"%x" % id}
        if command == Command.REPLACE_SM:
            later = self.dice.choice((b"", b"000000000200000R"))
            fields |= {"short_message": b"Other", "schedule_delivery_time": later}
        alone = owed.find(id) >= 0 and not owed.flags(owed.find(id)) & Flag.MEMBER
        stage = owed.state(owed.find(id)) if alone else None
        answer = self.keeper.ask(client, command, **fields)
        if client.account != account:
            assert answer == Status.ESME_RINVMSGID, "another account's"
        elif command != Command.QUERY_SM and alone:
            cancels = command == Command.CANCEL_SM
            if answer == Status.ESME_ROK:
                assert stage in (Stage.QUEUED, Stage.JOINED, Stage.SPLIT)[: 2 + cancels]
            elif cancels:
                assert stage != Stage.QUEUED
            if answer == Status.ESME_ROK and cancels:
                self.keeper.commit.then(lambda: self.cancelled.add(id))

    def block(self) -> None:
        """Somebody has what is theirs kept back, or lets it go on."""
        subjects = self.keeper.core.subjects
        if self.blocked is None:
            self.blocked = Subject(NUMBER, self.number().decode())
            self.keeper.core.restrict(Restricted([self.blocked.octets]))
            return
        self.keeper.core.restrict(None)
        now = self.keeper.commit.begin()
        for portion in subjects.of(self.blocked, parts=True):
            for item in portion:
                subjects.go_on(item, now)
        self.blocked = None

    def erase(self) -> None:
        """Somebody has what waits and is theirs ended."""
        subjects = self.keeper.core.subjects
        now = self.keeper.commit.begin()
        gone = {
            item.id
            for portion in subjects.of(Subject(NUMBER, self.number().decode()))
            for item in portion
            if subjects.withdraw(item, now) and not item.is_mail
        }
        self.keeper.commit.then(lambda: self.cancelled.update(gone))

    def number(self) -> bytes:
        to = self.dice.choice((b"49151000", b"44770090"))
        return to + b"%04d" % self.dice.randrange(20)

    def message(self, asked: int) -> Message:
        to = self.number()
        octets, header = b"a" * self.dice.choice((5, 5, 200)), 0
        if self.dice.random() < 0.3:
            reference, number = self.dice.choice((1, 2)), self.dice.choice((1, 2))
            header, octets = 0x40, bytes((5, 0, 3, reference, 2, number)) + octets[:5]
            to = to[:-2] + b"00"
        return submit_sm(
            destination_addr=to,
            registered_delivery=asked,
            short_message=octets,
            esm_class=header,
            replace_if_present_flag=self.dice.random() < 0.1,
        )

    def bind(self) -> None:
        client = Client(self.keeper, self.dice.choice((b"acme", b"other")), window=3)
        self.clients.append(client)
        self.keeper.core.attach(client)

    def unbind(self) -> None:
        if self.clients:
            client = self.clients.pop(self.dice.randrange(len(self.clients)))
            self.keeper.core.detach(client)

    def carrier_up(self) -> None:
        relay = Relay(self.keeper, self.dice.choice((b"one", b"two")), window=4)
        self.relays.append(relay)
        self.keeper.core.carrier_up(relay)

    def carrier_down(self) -> None:
        if self.relays:
            relay = self.relays.pop(self.dice.randrange(len(self.relays)))
            written = {(id, attempt) for id, attempt, _ in relay.sent}
            self.arrive(relay)
            unsent = [item for item in relay.outstanding if item not in written]
            unanswered = [item for item in relay.outstanding if item in written]
            self.keeper.core.carrier_down(relay, unsent, unanswered)

    def arrive(self, relay: Relay) -> None:
        """What left and won't be answered may have been taken."""
        for id, _attempt, _message in relay.sent:
            self.taken[id] += 1
        relay.sent = []

    def answer(self) -> None:
        for relay in self.relays:
            sent, relay.sent = relay.sent, []
            for id, attempt, _message in sent:
                self.answer_one(relay, id, attempt)

    def answer_one(self, relay: Relay, id: int, attempt: int) -> None:
        what = self.dice.random()
        self.serial += 1
        self.taken[id] += what < 0.7 or what >= 0.9
        carrier_id = b"c%d" % self.serial
        if what < 0.7:
            if self.dice.random() < 0.2:  # the receipt overtakes the response
                relay.receipt(carrier_id)
                relay.answer(id, attempt, carrier_id=carrier_id)
            else:
                relay.answer(id, attempt, carrier_id=carrier_id)
                self.pending.append((relay.carrier, carrier_id))
        elif what < 0.8:
            relay.answer(id, attempt, self.dice.choice(RETRIED))
        elif what < 0.9:
            relay.answer(id, attempt, Status.ESME_RINVDSTADR)
        else:
            relay.outstanding.remove((id, attempt))
            self.keeper.core.timed_out(relay, [(id, attempt)])
            if self.dice.random() < 0.5:  # and then it does come
                self.keeper.core.outcomes(relay, [(id, attempt, 0, carrier_id)])

    def receipts(self) -> None:
        self.dice.shuffle(self.pending)
        for relay in self.relays:
            mine = [pair for pair in self.pending if pair[0] == relay.carrier][:5]
            for pair in mine:
                self.pending.remove(pair)
                relay.receipt(pair[1], self.dice.choice((b"DELIVRD", b"UNDELIV")))
                if self.dice.random() < 0.1:
                    relay.receipt(pair[1])

    def inbound(self) -> None:
        for relay in self.relays[:1]:
            self.keeper.core.inbound(relay, [deliver_sm(destination_addr=b"80888")])

    def deliveries(self) -> None:
        for client in self.clients:
            client.answer(0 if self.dice.random() < 0.9 else Status.ESME_RX_T_APPN)

    def look_up(self) -> None:
        """Some numbers are found, some are not, and some never hear."""
        lookup = self.keeper.lookup
        if lookup is not None and lookup.questions:
            if self.dice.random() < 0.2:
                lookup.questions.clear()
            else:
                lookup.answer(self.dice.choice((b"", b"00101", b"00102")))

    def time(self) -> None:
        self.keeper.run(self.dice.choice((0, 100, 1_000, 30_000, 120_000)))

    def slow_disk(self) -> None:
        self.keeper.log.hold = not self.keeper.log.hold
        if not self.keeper.log.hold:
            self.keeper.log.advance()
        self.keeper.turn.run()

    def check_point(self) -> None:
        """A checkpoint is made of the log up to some frame."""
        if self.keeper.log.durable:
            self.keeper.check_point(self.dice.randint(1, self.keeper.log.durable))

    def crash(self) -> None:
        for relay in self.relays:
            self.arrive(relay)  # what had left before is on the wire
        self.check_replay()
        self.keeper = self.keeper.crash()
        if self.blocked is not None:
            self.keeper.core.restrict(Restricted([self.blocked.octets]))
        self.relays, self.clients = [], []

    # -- what must hold ----------------------------------------------------------------------

    def check_replay(self) -> None:
        log = self.keeper.log
        held, log.hold = log.hold, False
        log.advance()
        self.keeper.turn.run()
        log.hold = held
        replayed = State()
        log.lose_tail().replay(replayed.apply)
        assert replayed.fingerprint() == self.keeper.core.state.fingerprint()
        after, from_there = log.lose_tail(), State()
        mark = image.restore(after, from_there, log.octets << 32)
        if mark is not None:
            after.replay(from_there.apply, mark)
            assert from_there.fingerprint() == replayed.fingerprint()
            if log.oldest_segment() == 1:  # nothing was forgotten since: not a slot is elsewhere
                assert octets(from_there) == octets(replayed)

    def note_doubts(self) -> None:
        """What the log itself says: doubts, what one carrier failed for another, parts."""
        failed: set[tuple[int, bytes]] = set()
        for _position, (kind, head, _body) in sorted(self.keeper.log._records.items()):
            if kind == Kind.DOUBT:
                self.doubted.add(records.read_doubt(head).id)
            elif kind == Kind.ASIDE:
                aside = records.read_aside(head)
                failed.update((aside.id, carrier) for carrier in aside.tried)
            elif kind == Kind.MOVED:
                self.moved.add(records.read_moved(head).id)
            elif kind == Kind.ATTEMPT:
                attempt = records.read_attempt(head)
                assert (attempt.id, attempt.carrier) not in failed, "back to who failed it"
            elif kind == Kind.SPLIT:
                self.split.add(records.read_split(head).id)
            elif kind == Kind.JOINED:
                part, whole = records.read_joined(head)
                self.joined[whole].add(part)
            elif kind == Kind.MESSAGE:
                message = records.read_message(head)
                if message.kin is not None and message.flags & Flag.PART:
                    self.kin[message.id] = message.kin

    def settle(self) -> None:
        """Let everything come to its end: a healthy carrier, a patient client."""
        self.keeper.log.hold = False
        self.keeper.log.advance()
        if self.blocked is not None:
            self.block()
        self.carrier_up()
        self.relays += [Relay(self.keeper, name) for name in (b"one", b"two")]
        for relay in self.relays[-2:]:
            self.keeper.core.carrier_up(relay)
        self.bind()
        for _ in range(400):
            self.keeper.run(60_000)
            self.note_doubts()
            for relay in self.relays:
                sent = [(id, attempt) for id, attempt, _ in relay.sent]
                self.arrive(relay)
                for id, attempt in sent:
                    self.serial += 1
                    relay.answer(id, attempt, carrier_id=b"c%d" % self.serial)
                    self.pending.append((relay.carrier, b"c%d" % self.serial))
                relay.outstanding = []
            for name, carrier_id in self.pending:
                for relay in [relay for relay in self.relays if relay.carrier == name][:1]:
                    relay.receipt(carrier_id)
            self.pending = []
            if not len(self.keeper.core.state.spool):
                break
            self.keeper.run(6 * 3_600_000)
        self.keeper.run(1_000)

    def check(self) -> None:
        assert not len(self.keeper.core.state.spool)
        finished = Counter(
            record["id"] for record in self.keeper.records() if not record["inbound"]
        )
        assert set(finished) >= self.acknowledged, "answered yes and lost"
        assert max(finished.values(), default=1) == 1, "billed twice"
        doubles = {id for id, copies in self.taken.items() if copies > 1}
        assert doubles <= self.doubted | self.moved, "sent twice without a doubt"
        assert self.moves or not self.moved, "no route says so"
        deleted = {r["id"] for r in self.keeper.records() if r["state"] == MessageState.DELETED}
        assert deleted >= self.cancelled, "cancelled, and something else came of it"
        assert not finished.keys() & self.kin.keys(), "a part was billed"
        assert not finished.keys() & self.joined.keys(), "a whole was billed"
        self.check_parts()

    def check_parts(self) -> None:
        sent: defaultdict[int, set[int]] = defaultdict(set)
        for part, kin in self.kin.items():
            if self.taken[part]:
                sent[kin.group].add(kin.index)
        delivered = {
            record["id"]
            for record in self.keeper.records()
            if record["state"] == MessageState.DELIVERED and not record["inbound"]
        }
        for id in delivered & self.split:
            whole = self.taken[id]  # one carrier failed its parts, the other takes it as it is
            assert whole or sent[id] == {0, 1}, "delivered, and a part was never sent"
        carried = {id for whole, parts in self.joined.items() if self.taken[whole] for id in parts}
        for id in delivered - self.split:
            assert self.taken[id] or id in carried, "delivered, and never sent"


NEXT = TEXT.replace("carriers: [one, two]}", "carriers: [one, two], on_failure: next}")

RETRIED = (Status.ESME_RSYSERR, Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL)

ACTIONS = {
    World.submit: 30,
    World.submit_multi: 4,
    World.ask: 8,
    World.block: 2,
    World.erase: 2,
    World.bind: 4,
    World.unbind: 3,
    World.carrier_up: 5,
    World.carrier_down: 4,
    World.answer: 25,
    World.receipts: 15,
    World.inbound: 5,
    World.deliveries: 15,
    World.look_up: 10,
    World.time: 15,
    World.slow_disk: 4,
    World.check_point: 3,
    World.crash: 2,
}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world(seed: int) -> None:
    world = World(seed)
    actions, weights = list(ACTIONS), list(ACTIONS.values())
    for _ in range(STEPS):
        world.dice.choices(actions, weights)[0](world)
        world.keeper.turn.run()
        world.note_doubts()
    world.check_replay()
    world.settle()
    world.check()
