"""The spool: every message that is owed to a carrier or awaits its receipt, as a fold over the log.

Bodies stay on disk; here stand some dozen octets each (``_spool.Slab``). A message is in one state:

    QUEUED    to be sent: in a ready queue of its carrier, or on the wheel until it is due
    ATTEMPT   handed to a bind; its outcome is awaited there
    ACKED     the carrier has it; on the wheel until its receipt comes or is given up
    IN_DOUBT  handed to a bind that is gone; on the wheel until the policy decides
    SPLIT     its parts are owed in its stead, each in a state of its own (``splits``)
    JOINED    it is a part, and the whole of its text is owed in its stead (``joins``)

and FINAL is to be gone from here: of what has ended only its final state is kept for a while, for
its client to ask about (``_finished.FinalStates``). The methods named after records are the fold:
they take what the record says, decide nothing and know no clock, so that a replay ends where the
live run stood. What they are told of a message that is not owed (any more) is void: evidence may
come late and twice.

The ready queues are derived: which messages are ready follows from the states, who goes first is
the business of ``lanes``.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from enum import IntEnum
from typing import Any

from smsc import records
from smsc._finished import FinalStates, Remembered, error_octet
from smsc._spool import FIRST_LIST, Slab
from smsc.asides import Doubt, Doubts
from smsc.joins import Joins
from smsc.lanes import RETRY_LANE, CarrierLanes
from smsc.records import Flag
from smsc.splits import Splits


class Stage(IntEnum):
    """Where a message stands. The numbers are on disk (see ``records``)."""

    QUEUED = 1
    ATTEMPT = 2
    ACKED = 3
    IN_DOUBT = 4
    SPLIT = 5
    JOINED = 6


# Plain numbers: comparing with an enum's member costs more than all the rest of a fold.
_QUEUED, _ATTEMPT = int(Stage.QUEUED), int(Stage.ATTEMPT)
_ACKED, _IN_DOUBT = int(Stage.ACKED), int(Stage.IN_DOUBT)
_SPLIT, _JOINED = int(Stage.SPLIT), int(Stage.JOINED)
_MAY_REPEAT, _PART = int(Flag.MAY_REPEAT), int(Flag.PART)
_BROADCAST, _WHOLE = int(Flag.BROADCAST), int(Flag.WHOLE)
_APART = int(Flag.PART | Flag.WHOLE)

#: Keys of finished messages that are remembered, so that a repeated receipt is known as such.
REMEMBERED = 100_000

#: States in which a message is still worth nothing but sending, so that its validity ends it.
UNSENT = 1 << Stage.QUEUED


class Names:
    """Names of accounts or carriers as small integers, in the order they were first met."""

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self.names: list[bytes] = []
        # What was asked last is mostly asked again, and mostly as the same object (``records``).
        self._last = b""
        self._last_number = 0

    def index(self, name: bytes) -> int:
        """The number of a name; a new one if it has none yet."""
        if name is self._last and self.names:
            return self._last_number
        number = self._index.get(name)
        if number is None:
            number = self._index[name] = len(self.names)
            self.names.append(name)
        self._last, self._last_number = name, number
        return number

    def __getitem__(self, number: int) -> bytes:
        return self.names[number]


class Spool:
    """See the module. ``slab`` and ``ended`` are for reading: they change through the records."""

    def __init__(self, accounts: Names, carriers: Names, ended: FinalStates) -> None:
        self.slab = Slab()
        self.ended = ended
        self.accounts = accounts
        self.carriers = carriers
        #: Those that are sent in parts.
        self.splits = Splits()
        #: Those that are parts and are sent as one.
        self.joins = Joins()
        #: The ids of those that are broadcasts, per account.
        self.broadcasts: defaultdict[int, set[int]] = defaultdict(set)
        #: Attempts whose outcome is unknown.
        self.doubts = Doubts()
        #: The keys that carriers' receipts named finished messages by.
        self.remembered = Remembered(REMEMBERED)
        #: Position of the record that ended a message its client knows last.
        self.newest_end = 0
        self._lanes: list[CarrierLanes] = []

    def __len__(self) -> int:
        return len(self.slab)

    def lanes(self, carrier: int) -> CarrierLanes:
        """The ready queues of a carrier, by its number."""
        while len(self._lanes) <= carrier:
            self._lanes.append(CarrierLanes(self.slab))
        return self._lanes[carrier]

    def ready(self, slot: int) -> None:
        """Put a message that is due into its carrier's ready queue."""
        slab = self.slab
        lane = RETRY_LANE if slab.attempt(slot) else slab.lane(slot)
        self.lanes(slab.carrier(slot)).put(slot, slab.account(slot), lane)

    def reroute(self, slot: int, carrier: int) -> None:
        """Let another carrier have a message that is ready and was not sent."""
        slab = self.slab
        slab.set_attempt(slot, slab.attempt(slot), carrier)
        self.ready(slot)

    # -- as octets ---------------------------------------------------------------------------

    def dump(self) -> tuple[Any, ...]:
        """Plain values of which ``load``, with the slab, makes the same again."""
        return (
            tuple([(account, tuple(sorted(ids))) for account, ids in self.broadcasts.items()]),
            self.splits.dump(),
            self.joins.dump(),
            self.doubts.dump(),
            self.newest_end,
            tuple([lanes.dump() for lanes in self._lanes]),
        )

    def load(
        self, values: tuple[Any, ...], slab: Slab, accounts: array[int], carriers: array[int]
    ) -> None:
        """Become what was dumped, with names numbered anew. Nothing was owed here before."""
        broadcasts, splits, joins, doubts, self.newest_end, lanes = values
        later = self.slab.become(slab, accounts, carriers)
        self.broadcasts.update({accounts[of]: set(ids) for of, ids in broadcasts})
        self.splits.load(splits)
        self.joins.load(joins)
        self.doubts.load(doubts, carriers)
        for carrier, queues in enumerate(lanes):
            self.lanes(carriers[carrier]).load(queues, later, accounts)

    # -- the fold ----------------------------------------------------------------------------

    def message(self, position: int, time: int, head: bytes) -> None:
        m = records.read_message(head)
        slab = self.slab
        slot = slab.find(m.id)
        if slot >= 0:  # the same message at a new place: carried forward, or replaced
            slab.move(slot, position)
            if m.state == _QUEUED and slab.state(slot) == _QUEUED:
                self._revise(slot, m, time)
            return
        # Its record may stand before, where the message was carried forward.
        state = _SPLIT if self.splits.count and self.splits.has(m.id) else m.state
        account = self.accounts.index(m.account)
        slot = slab.add(
            m.id,
            position,
            account,
            self.carriers.index(m.carrier),
            state,
            m.lane,
            m.attempt,
            m.flags,
            m.expiry,
        )
        if m.flags & _BROADCAST:
            self.broadcasts[account].add(m.id)
        if m.key:
            slab.set_key(slot, m.key)
        elif m.pair and m.state != _ACKED:
            slab.set_pair(slot, m.pair)
        if m.sent:
            slab.set_sent(slot, m.sent)
        if m.flags & _PART and m.kin is not None:
            self.splits.part(m.id, m.kin.group)
        if state == _QUEUED:
            self._queue(slot, m.due, time)
        elif state not in (_ATTEMPT, _SPLIT, _JOINED):
            slab.schedule(slot, m.due)

    def attempt(self, position: int, time: int, head: bytes) -> None:
        a = records.read_attempt(head)
        slab = self.slab
        slot = slab.find(a.id)
        if slot >= 0 and slab.state(slot) not in (_SPLIT, _JOINED):
            slab.unlink(slot)
            slab.set_attempt(slot, a.attempt, self.carriers.index(a.carrier))
            slab.set_sent(slot, time)
            slab.set_state(slot, _ATTEMPT)
            if slab.flags(slot) & (_PART | _WHOLE):
                self._relatives_sent(slot, time)

    def _relatives_sent(self, slot: int, time: int) -> None:
        """What is true of the newest attempt of a part is true of the text, and of a whole of its
        parts.
        """
        slab = self.slab
        id = slab.id(slot)
        part_of = self.splits.whole_of(id)
        if part_of:
            self._sent_with(slab.find(part_of), slot, time)
            return
        for relative in self.joins.parts(id):
            self._sent_with(slab.find(relative), slot, time)

    def _sent_with(self, relative: int, slot: int, time: int) -> None:
        slab = self.slab
        if relative >= 0:
            number = max(slab.attempt(relative), slab.attempt(slot))
            slab.set_attempt(relative, number, slab.carrier(slot))
            slab.set_sent(relative, time)

    def acked(self, position: int, time: int, head: bytes) -> None:
        a = records.read_acked(head)
        slab = self.slab
        slot = slab.find(a.id)
        if slot >= 0 and slab.state(slot) not in (_ACKED, _SPLIT, _JOINED):
            if slab.state(slot) == _IN_DOUBT:
                self.doubts.settled(a.id)
            slab.set_key(slot, a.key)
            slab.set_state(slot, _ACKED)
            slab.schedule(slot, a.until)

    def queued(self, position: int, time: int, head: bytes) -> None:
        q = records.read_queued(head)
        slab = self.slab
        slot = slab.find(q.id)
        if slot < 0 or slab.state(slot) in (_ACKED, _SPLIT):
            return
        if slab.state(slot) == _IN_DOUBT:
            slab.set_flag(slot, _MAY_REPEAT)
            self.doubts.settled(q.id)
        if slab.state(slot) == _JOINED:
            self.joins.left(q.id)
        slab.set_attempt(slot, q.attempt, slab.carrier(slot))
        slab.set_state(slot, _QUEUED)
        self._queue(slot, q.due, time)

    def moved(self, position: int, time: int, head: bytes) -> None:
        m = records.read_moved(head)
        slab = self.slab
        slot = slab.find(m.id)
        if slot < 0 or slab.state(slot) == _JOINED:
            return
        if slab.state(slot) == _IN_DOUBT:
            self.doubts.settled(m.id)
        elif slab.state(slot) == _SPLIT:
            self.splits.undone(m.id)
        # What the carrier before says from now on is no longer evidence.
        key = slab.key(slot)
        if key:
            self.remembered.add(key)
            slab.set_key(slot, 0)
        if m.pair and not slab.pair(slot):
            slab.set_pair(slot, m.pair)
        slab.set_attempt(slot, m.attempt, self.carriers.index(m.carrier))
        slab.set_state(slot, _QUEUED)
        self._queue(slot, m.due, time)

    def doubt(self, position: int, time: int, head: bytes) -> None:
        d = records.read_doubt(head)
        slab = self.slab
        slot = slab.find(d.id)
        if slot >= 0 and slab.state(slot) == _ATTEMPT and slab.attempt(slot) == d.attempt:
            slab.set_state(slot, _IN_DOUBT)
            slab.schedule(slot, d.until)
        if slot >= 0 and slab.state(slot) == _IN_DOUBT:
            self.doubts.open(d.id, Doubt(time, slab.carrier(slot), d.cause))

    def final(self, position: int, time: int, head: bytes) -> None:
        end = records.read_final(head)
        if end.account is not None:
            self.ended.add(
                end.id,
                end.check,
                time,
                position >> 32,
                self.accounts.index(end.account),
                end.state,
                error_octet(end.network_error, end.error, end.status),
                end.flags,
                end.members,
            )
        slab = self.slab
        # Also where the message itself was forgotten, with a segment before this one.
        if self.splits.count and self.splits.has(end.id):
            self.splits.ended(end.id)
        if self.joins.count:
            for part in self.joins.ended(end):
                self._as_it_came(part, end.carrier, time)
        slot = slab.find(end.id)
        if slot >= 0:
            if slab.state(slot) == _IN_DOUBT:
                self.doubts.settled(slab.id(slot))
            key = slab.key(slot)
            if key:
                self.remembered.add(key)
            if slab.flags(slot) & _PART:
                self.splits.part_ended(end.id)
            if not slab.flags(slot) & _APART:
                self.newest_end = position
            if slab.flags(slot) & _BROADCAST:
                self.broadcasts[slab.account(slot)].discard(slab.id(slot))
            slab.remove(slot)

    def _as_it_came(self, part: int, carrier: bytes, time: int) -> None:
        slab = self.slab
        slot = slab.find(part)
        if slab.state(slot) != _JOINED:
            return
        slab.set_attempt(slot, slab.attempt(slot), self.carriers.index(carrier))
        slab.set_state(slot, _QUEUED)
        slab.schedule(slot, time)  # it was due when its wait was over
        self.ready(slot)

    def joined(self, position: int, time: int, head: bytes) -> None:
        id, whole = records.read_joined(head)
        slab = self.slab
        slot = slab.find(id)
        if slot >= 0 and slab.state(slot) in (_QUEUED, _JOINED):
            self.joins.joined(id, whole)
            slab.unlink(slot)
            slab.set_state(slot, _JOINED)

    def split(self, position: int, time: int, head: bytes) -> None:
        slab = self.slab
        id = self.splits.split(position, head)
        slot = slab.find(id)
        if slot >= 0:
            if slab.state(slot) == _IN_DOUBT:
                self.doubts.settled(id)
            slab.unlink(slot)
            slab.set_state(slot, _SPLIT)

    def states(self, position: int, time: int, head: bytes) -> None:
        s = records.read_states(head)
        self.ended.take(self.accounts.index(s.account), s.entries, position >> 32)

    def _revise(self, slot: int, m: records.MessageHead, time: int) -> None:
        """What a record says of a message that waits; it keeps its place if it is ready still."""
        slab = self.slab
        carrier = self.carriers.index(m.carrier)
        stays = carrier == slab.carrier(slot) and slab.linked(slot) >= FIRST_LIST
        slab.set_attempt(slot, m.attempt, carrier)
        slab.set_flags(slot, m.flags)
        slab.set_expiry(slot, m.expiry)
        self._queue(slot, m.due, time, stays)

    def _queue(self, slot: int, due: int, time: int, is_ready: bool = False) -> None:
        if due > time:
            self.slab.schedule(slot, due)
        elif not is_ready:
            self.ready(slot)
