"""One carrier as the keeper sees it: its binds, what waits for it, and which bind takes what.

All messages of a *pair* (account, source, destination) go over one bind while the set of binds
stays the same, so that a handset gets them in the order they came. A message whose bind is full is
*parked* there, and the others pass. Where no bind is up and nobody else may carry it, a message is
*stranded* until this carrier, or another of its route, is back.
"""

from __future__ import annotations

from collections.abc import Callable

from smsc import dialect
from smsc._pdu import Message
from smsc._spool import pair_in
from smsc.config import CarrierConfig
from smsc.ports import RelayBind
from smsc.state import State

#: Messages parked at a full bind before the carrier's queue as a whole waits for it.
PARKED = 256


class Berth:
    """A bind, the messages parked at it, and those that it is about to be given."""

    def __init__(self, bind: RelayBind, parked: int) -> None:
        self.bind = bind
        self.parked = parked
        #: How many more it takes of a batch of messages, and which batch.
        self.room = 0
        self.batch = 0
        #: The slot of the message that it was named for last (``Upstream.take``).
        self.slot = -1
        self._attempts: list[tuple[int, int]] = []
        self._messages: list[Message] = []

    def ask(self) -> int:
        """How many more messages the bind takes, beside those that it is about to be given."""
        return self.bind.credit() - len(self._attempts)

    def load(self, id: int, attempt: int, message: Message) -> None:
        """Have it sent with the next ``send``."""
        self._attempts.append((id, attempt))
        self._messages.append(message)

    def send(self) -> int:
        """Give the bind what was loaded, in one call; how many that is.

        A bind that ends gets nothing more: what it was to have is given back when it is removed.
        """
        if not self._attempts or not self.bind.open:
            return 0
        attempts = self.unload()
        messages, self._messages = self._messages, []
        self.bind.send(attempts, messages)
        return len(attempts)

    def unload(self) -> list[tuple[int, int]]:
        """Take back the attempts that it was loaded with and has not sent."""
        attempts, self._attempts = self._attempts, []
        return attempts


class Upstream:
    """See the module. ``index`` is the carrier's number in the state."""

    def __init__(self, config: CarrierConfig, state: State) -> None:
        self.config = config
        self.name = config.name
        self._always = config.receipts == "always"
        self._as_asked = config.receipts == "as_asked"
        #: How long a receipt is waited for, ms.
        self.receipt_wait = config.receipt_wait
        self.index = state.carriers.index(config.name)
        self.lanes = state.spool.lanes(self.index)
        self._speak(config.version)
        self._accounts = state.accounts
        self._slab = state.spool.slab
        self._berths: list[Berth] = []
        self._stranded = self._slab.new_list()
        #: Stranded messages are being asked whether another carrier may have them; those that were
        #: asked, all older than those that were not; whether to ask all of them once more.
        self._asking = False
        self._asked = self._slab.new_list()
        self._ask_again = False
        #: The newest batch of which something waits already: what follows goes behind it.
        self._behind = 0
        #: When its last bind went, in ms; 0 before there was one.
        self.away_since = 0

    @property
    def alive(self) -> bool:
        """Whether any bind is up."""
        return bool(self._berths)

    @property
    def binds(self) -> list[RelayBind]:
        return [berth.bind for berth in self._berths]

    def add(self, bind: RelayBind) -> None:
        self._berths.append(Berth(bind, self._slab.new_list()))
        self._speak(min([berth.bind.version for berth in self._berths]))

    def _speak(self, version: int) -> None:
        """Speak as every bind understands it: a carrier may be older than was agreed."""
        #: What it must be told otherwise; None if it takes everything as it is.
        self.dialect = dialect.compiled(self.config, version)
        whole = self.dialect is not None and self.dialect.long_messages == "payload"
        #: Whether parts that clients cut are to be joined for it.
        self.joins = whole and self.config.join_wait > 0

    def remove(self, bind: RelayBind) -> list[tuple[int, int]]:
        """The bind is gone: what was parked at it goes before all else.

        Returned are the attempts that it was about to be given.
        """
        unsent: list[tuple[int, int]] = []
        for berth in [berth for berth in self._berths if berth.bind is bind]:
            self._berths.remove(berth)
            unsent += berth.unload()
            parked = []
            while (slot := self._slab.pop(berth.parked)) >= 0:
                parked.append(slot)
            for slot in reversed(parked):
                self.first(slot)
        if not self._berths:
            self.recheck()
        return unsent

    def first(self, slot: int) -> None:
        """A message was taken and could not be sent: it goes before all else."""
        if self._slab.length(self._asked):
            self._slab.push_front(slot, self._asked)
            self._ask_again = True
        else:
            self._slab.push_front(slot, self._stranded)

    def ahead(self, berth: Berth, slots: list[int]) -> None:
        """These go over this bind next, in order."""
        for slot in reversed(slots):
            self._slab.push_front(slot, berth.parked)

    def say(self, message: Message) -> Message | None:
        """A new message as this carrier needs it; None if others may go in its stead.

        Raises Unsayable.
        """
        if self.dialect is None:
            return message
        told = self.dialect.say(message)
        return None if self.joins and dialect.is_part(message) else told

    def asks_receipt(self, client_asked: bool) -> bool:
        """Whether this carrier was asked for a receipt."""
        return self._always or (self._as_asked and client_asked)

    def waiting(self) -> int:
        """Messages that could be sent now if a bind took them."""
        slab = self._slab
        parked = sum(slab.length(berth.parked) for berth in self._berths)
        return self.lanes.waiting() + self._stranded_count() + parked

    def _stranded_count(self) -> int:
        return self._slab.length(self._asked) + self._slab.length(self._stranded)

    def has_work(self) -> bool:
        """Whether ``take`` may have something to give."""
        if not self._berths:
            return False
        if not self.lanes.idle() or self._stranded_count():
            return True
        for berth in self._berths:  # noqa: SIM110 - compiled: no closures in typed methods
            if self._slab.length(berth.parked):
                return True
        return False

    def _berth(self, pair: int) -> Berth:
        berths = self._berths
        return berths[pair % len(berths)]

    def direct(self, pair: int, batch: int) -> Berth | None:
        """The berth that takes a new message of this pair at once, if nothing stands before it.

        A bind is asked for its credit once per ``batch``; whoever gets a berth loads it when all of
        the batch was asked for. Once a message of a batch was not taken, none behind it is.
        """
        if self._behind == batch:
            return None
        if self._berths and self.lanes.idle() and not self._stranded_count():
            berth = self._berth(pair)
            if not self._slab.length(berth.parked):
                if berth.batch != batch:
                    berth.batch, berth.room = batch, berth.ask()
                if berth.room > 0:
                    berth.room -= 1
                    return berth
        self._behind = batch
        return None

    def stand(self, batch: int) -> None:
        """A message of this batch waits, whoever may be free for it: what follows is behind it."""
        self._behind = batch

    def send(self) -> int:
        """Send what the berths were loaded with; how many messages that is."""
        sent = 0
        for berth in self._berths:
            sent += berth.send()
        return sent

    def ask(self) -> bool:
        """Ask every bind for its credit; whether any has some.

        Binds share their carrier's rate, so each is used for its part of it at a time.
        """
        count = len(self._berths)
        some = False
        for berth in self._berths:
            berth.batch, berth.room = 0, -(-berth.ask() // count)
            some = some or berth.room > 0
        return some

    def take(self, message_of: Callable[[int], Message]) -> Berth | None:
        """A berth for what is to be sent now, which is ``slot`` there and stands in no list any
        more; None if that is nothing.

        The binds were asked before. Whoever gets a berth loads it, or gives ``room`` back. There
        may be more after ``send``.
        """
        slab = self._slab
        some = False
        for berth in self._berths:
            if berth.room > 0:
                some = True
                if slab.length(berth.parked):
                    berth.room -= 1
                    berth.slot = slab.pop(berth.parked)
                    return berth
        while some:
            slot = self._next()
            if slot < 0:
                return None
            # Only what was acknowledged once has lost its pair.
            pair = slab.pair(slot) or pair_in(self._accounts[slab.account(slot)], message_of(slot))
            berth = self._berth(pair)
            if berth.room > 0:
                berth.room -= 1
                berth.slot = slot
                return berth
            if slab.length(berth.parked) >= PARKED:
                self.first(slot)
                return None
            slab.push(slot, berth.parked)
        return None

    def _next(self) -> int:
        slot = self._slab.pop(self._asked)
        if slot < 0:
            slot = self._slab.pop(self._stranded)
        return slot if slot >= 0 else self.lanes.take()

    # -- while it is away --------------------------------------------------------------------

    def recheck(self) -> None:
        """Another carrier is back: ask again for every stranded message."""
        self._asking = True
        self._ask_again = bool(self._slab.length(self._asked))

    def leave(self, portion: int, elsewhere: Callable[[int], bool]) -> None:
        """Let up to ``portion`` waiting messages go to other carriers, where ``elsewhere`` can."""
        slab = self._slab
        for _ in range(portion):
            if self._asking:
                slot = slab.pop(self._stranded)
                if slot < 0:
                    self._all_asked()
                    continue
                queue = self._asked
            else:
                slot = self.lanes.take()
                if slot < 0:
                    return
                queue = self._stranded
            if not elsewhere(slot):
                slab.push(slot, queue)

    def _all_asked(self) -> None:
        self._stranded, self._asked = self._asked, self._stranded
        self._asking, self._ask_again = self._ask_again, False
