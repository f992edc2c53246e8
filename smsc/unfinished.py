"""What of a customer's is not finished: asked over the control socket before a period is closed.

Walks what is owed in portions, so that no message waits for it, and answers only when the traffic
records of all that had ended by then are on disk: whoever reads them then misses none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

from smsc import records
from smsc._spool import Slab
from smsc.accounts import Accounts
from smsc.control import Asked, Control
from smsc.core import Core
from smsc.endings import text_id
from smsc.errors import ControlError
from smsc.journal import Journal
from smsc.records import Flag, MailKind
from smsc.spool import Stage
from smsc.traffic import Traffic

#: Slots looked at, of which some are read from the log, between two turns of the loop.
PORTION = 1_000

#: How many are named.
NAMED = 20

#: Between two looks at whether the traffic records are on disk, seconds.
PAUSE = 0.02

_INBOUND, _APART = int(MailKind.INBOUND), int(Flag.PART | Flag.WHOLE)

#: A slab is scanned for what expires before a time, in some states: this is all of it.
_NEVER, _ANY = 1 << 52, 0xFF


class Keeping(Protocol):
    """The parts of ``smsc.app.App`` that are asked."""

    accounts: Accounts
    core: Core
    log: Journal
    traffic: Traffic


class Unfinished:
    """See the module."""

    def __init__(self, app: Keeping, control: Control) -> None:
        self._app = app
        control.add("GET", "/unfinished/{customer}", self._answer)

    async def _answer(self, asked: Asked) -> Any:
        try:
            since, until = int(asked.query["since"]), int(asked.query["until"])
        except (KeyError, ValueError):
            raise ControlError("since and until are needed, in ms") from None
        return await self.of(asked.path["customer"].encode(), since, until)

    async def of(self, customer: bytes, since: int, until: int) -> dict[str, Any]:
        """How many messages accepted in this span are owed, how many in doubt, and which."""
        owed, doubts = 0, 0
        ids: list[str] = []
        state, log = self._app.core.state, self._app.log
        async for slab, slot in self._slots(customer):
            head = log.read(slab.position(slot))[1]
            if slab is state.spool.slab:
                accepted = records.read_message(head).submitted
                doubt = slab.state(slot) == Stage.IN_DOUBT
            else:
                accepted, doubt = records.read_mail(head).received, False
            if since <= accepted < until:
                owed, doubts = owed + 1, doubts + doubt
                if len(ids) < NAMED:
                    ids.append(text_id(slab.id(slot), False).decode())
        # What ended while we looked was not counted, so its record must be there.
        ended = self._app.traffic.staged
        while self._app.traffic.covered < ended:
            self._app.traffic.sync()
            await asyncio.sleep(PAUSE)
        return {"owed": owed, "in_doubt": doubts, "ids": ids}

    async def _slots(self, customer: bytes) -> AsyncIterator[tuple[Slab, int]]:
        """Where the customer's messages and inbound mails stand."""
        state = self._app.core.state
        for slab, inbound in ((state.spool.slab, False), (state.mailboxes.slab, True)):
            cursor = 0
            while True:
                slots, cursor = slab.scan_expired(cursor, PORTION, _NEVER, _ANY)
                for slot in slots:
                    if slab.lane(slot) != _INBOUND if inbound else slab.flags(slot) & _APART:
                        continue  # a receipt; a part or a whole of what is counted itself
                    if self._customer(state.accounts[slab.account(slot)]) == customer:
                        yield slab, slot
                if not cursor:
                    break
                await asyncio.sleep(0)

    def _customer(self, account: bytes) -> bytes:
        owner = self._app.accounts.get(account)
        return account if owner is None else owner.config.customer
