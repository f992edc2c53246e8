"""Messages that are held until it is known where their number is.

Such a message is stored and answered like any other, queued on the route that its prefix says, and
due when the time-out of the lookup is over: what comes first, that or the answer, lets it go. An
answer is one more MESSAGE record, without HELD and with the network, so that a replay sends it the
same way; no answer needs no record. What it costs was agreed when it was accepted. After a start
what is still held is asked for again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from smsc import records
from smsc._pdu import Message
from smsc._spool import FIRST_LIST
from smsc.accounts import Accounts
from smsc.addressing import Numbering
from smsc.bodies import Bodies
from smsc.book import Book
from smsc.commit import Commit
from smsc.placement import Placement
from smsc.ports import Lookup
from smsc.records import Flag, Kind
from smsc.routing import Route
from smsc.spool import Stage

#: What a due time is kept to, ms.
TICK = 100


class Inquiries:
    """See the module. ``pick`` chooses a route's carrier, ``pump`` sends what waits for it."""

    def __init__(
        self,
        lookup: Lookup,
        timeout: int,
        placement: Placement,
        book: Book,
        bodies: Bodies,
        accounts: Accounts,
        commit: Commit,
        pick: Callable[[Route, bytes, Message], bytes],
        pump: Callable[[bytes], None],
    ) -> None:
        self._lookup = lookup
        self._timeout = timeout
        self._placement = placement
        self._book = book
        self._spool = book.state.spool
        self._bodies = bodies
        self._accounts = accounts
        self._commit = commit
        self._pick = pick
        self._pump = pump

    def adopt(self, accounts: Accounts) -> None:
        """Work with these accounts from now on."""
        self._accounts = accounts

    def known(
        self,
        account: bytes,
        numbering: Numbering | None,
        message: Message,
        network: bytes,
        route: Route,
    ) -> tuple[bytes, Route, bytes]:
        """Network and route as they are known now, and the number to ``ask`` for; empty for none.

        Where nothing is known better they are as given. A network that no route leads to leaves
        the route.
        """
        number = self._placement.question(account, numbering, message, route)
        if not number:
            return network, route, b""
        known = self._lookup.known(number)
        if known is None:
            return network, route, number
        if not known or known == network:
            return network, route, b""
        return known, self._placement.route(account, numbering, message, known) or route, b""

    def until(self, due: int, now: int) -> int:
        """How long a message that is due then is held."""
        return max(due, now + self._timeout)

    def ask(self, id: int, number: bytes, due: int, until: int) -> None:
        """Let a message that is held ``until`` then go at the answer, and not before it is due."""
        self._lookup.ask(number, functools.partial(self._answered, id, due, until))

    def resume(self, now: int) -> None:
        """Ask again for what is still held after a start, as far as there is room to ask."""
        slab = self._spool.slab
        for slot in slab.in_state(Stage.QUEUED):
            if not self._held(slot) or slab.linked(slot) >= FIRST_LIST:
                continue
            account = self._accounts.get(self._book.state.accounts[slab.account(slot)])
            body = self._bodies.get(slab.id(slot), slab.position(slot))
            numbering = account.numbering if account is not None else None
            number = self._placement.number(numbering, body.message)
            if self._lookup.known(number) is not None:
                return
            due = slab.due(slot)
            until = self.until(due, now)
            slab.schedule(slot, until)
            self.ask(slab.id(slot), number, due, until)

    def _held(self, slot: int) -> bool:
        slab = self._spool.slab
        held = slab.flags(slot) & Flag.HELD and not slab.attempt(slot)
        return bool(held and slab.state(slot) == Stage.QUEUED)

    def _answered(self, id: int, due: int, until: int, network: bytes) -> None:
        slab = self._spool.slab
        slot = slab.find(id)
        if slot < 0 or not self._held(slot):
            return
        now = self._commit.begin()
        if slab.due(slot) > until + TICK:
            due = slab.due(slot)  # it was put off meanwhile (replace_sm)
        if network:
            self._placed(slot, due, network, now)
        elif slab.linked(slot) < FIRST_LIST:
            self._let_go(slot, due, now)
        self._pump(self._book.state.carriers[slab.carrier(slot)])

    def _placed(self, slot: int, due: int, network: bytes, now: int) -> None:
        slab, state = self._spool.slab, self._book.state
        id, position, _key, _due, expiry, sent, owner, carrier, stage, lane, attempt, flags = (
            slab.row(slot)
        )
        body = self._bodies.get(id, position)
        name = state.accounts[owner]
        account = self._accounts.get(name)
        numbering = account.numbering if account is not None else None
        route = self._placement.route(name, numbering, body.message, network)
        chosen = state.carriers[carrier]
        if route is not None:
            chosen = self._pick(route, name, body.message)
        head = records.message(
            id, body.submitted, due, expiry, sent, 0, stage, lane, attempt, flags & ~Flag.HELD,
            name, chosen, body.kin, body.charge, slab.pair(slot), network,
        )  # fmt: skip
        self._book.append(Kind.MESSAGE, now, head, body.message.raw)
        self._bodies.drop(id)
        self._bodies.put(id, body.message, body.submitted, body.kin, body.charge, network)

    def _let_go(self, slot: int, due: int, now: int) -> None:
        """It waits no more than any other: nothing that a record would say."""
        if due > now:
            self._spool.slab.schedule(slot, due)
        else:
            self._spool.slab.unlink(slot)
            self._spool.ready(slot)
