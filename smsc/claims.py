"""What people may claim of the server that holds their data: asked over the control socket.

    POST /claims/find      what is owed to or of somebody
    POST /claims/block     keep and do not process what is theirs, until the case ends
    POST /claims/unblock   go on
    POST /claims/note      open a case of another kind, whose doing is not the server's
    POST /claims/over      such a one is over
    POST /claims/terminate end a contract, or go on with it
    POST /claims/erase     delete what is theirs: now what may go, the rest when it may

The command line does the rest (traffic records, the database, access logs), and does this too where
no server runs, on one that is recovered for it (``app.resting``). Cases are in ``smsc.cases``; what
they mean for messages in ``smsc.subjects``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from smsc.cases import BLOCK, DISCLOSE, ERASE, TERMINATE, Case, Cases
from smsc.commit import Clock, Commit
from smsc.config import Config
from smsc.control import Asked, Control
from smsc.core import Core
from smsc.endings import text_id
from smsc.erasing import Kept
from smsc.errors import ControlError, SmscError
from smsc.journal import Journal
from smsc.keys import Keyring
from smsc.subject import Subject
from smsc.subjects import Item
from smsc.traffic import Traffic, moment

if TYPE_CHECKING:
    from smsc.housekeeping import Housekeeping

#: How many messages are told of one by one.
TOLD: Final = 10_000

#: How often it is looked whether old segments are gone: for ten seconds.
PATIENCE: Final = 500

#: For how long what has ended can be read at the most: its key is used for an hour, its segment
#: is carried after another, and both take a look.
_KEYS_LIVE: Final = 3 * 3_600_000
_SEALED: Final = (
    "sealed octets of what was ended",
    1,
    "the keys of their hour open others' messages still",
)

#: Between two looks at whether the traffic records are on disk, seconds.
PAUSE: Final = 0.02


class _Sent(NamedTuple):
    """Messages that a carrier has, and until when the last of them is waited for."""

    how_many: int
    until: int


class Keeping(Protocol):
    """The parts of ``smsc.app.App`` that take part in it."""

    config: Config
    clock: Clock
    commit: Commit
    core: Core
    housekeeping: Housekeeping
    keys: Keyring
    log: Journal
    traffic: Traffic

    def renew_accounts(self) -> None: ...
    def look_again(self) -> None: ...


class Claims:
    """See the module."""

    def __init__(self, app: Keeping, control: Control) -> None:
        self._app = app
        self.cases = Cases.of(app.config, app.keys)
        self.cases.mend()
        #: Customers whose accounts may not bind.
        self.blocked: Collection[bytes] = ()
        self._one_at_a_time = asyncio.Lock()
        self._answers = {
            "find": self._find,
            "block": self._block,
            "unblock": self._unblock,
            "note": self._note,
            "over": self._over,
            "erase": self._erase,
            "terminate": self._terminate,
        }
        control.add("POST", "/claims/{act}", self._asked)

    async def _asked(self, asked: Asked) -> Any:
        return await self.answer(asked.path["act"], asked.body)

    async def answer(self, act: str, body: Any) -> Any:
        """What a request gets. Raises ControlError."""
        try:
            answer = self._answers[act]
        except KeyError:
            raise ControlError(f"nobody can claim {act!r}") from None
        async with self._one_at_a_time:
            try:
                return await answer(body)
            except SmscError as error:
                raise ControlError(str(error)) from error
            except (KeyError, TypeError, ValueError):
                raise ControlError("a claim names its case and whose data it is about") from None

    def enforce(self) -> None:
        """Keep back what is blocked, from now on."""
        restricted = self.cases.restricted()
        self._app.core.restrict(restricted)
        blocked = () if restricted is None else restricted.customers
        if set(blocked) != set(self.blocked):
            self.blocked = blocked
            self._app.renew_accounts()

    # -- what is asked -----------------------------------------------------------------------

    async def _find(self, body: Any) -> Any:
        subject = Subject(body["kind"], body["value"])
        found: list[dict[str, Any]] = []
        count = 0
        for portion in self._app.core.subjects.of(subject):
            count += len(portion)
            found += [_told(item) for item in portion[: max(0, TOLD - len(found))]]
            await asyncio.sleep(0)
        # What ended while we looked was not found, so its record must be there.
        await self._recorded()
        return {"count": count, "items": found}

    async def _recorded(self) -> None:
        """Wait until the traffic records of all that has ended are on disk."""
        ended = self._app.traffic.staged
        while self._app.traffic.covered < ended:
            self._app.traffic.sync()
            await asyncio.sleep(PAUSE)

    async def _block(self, body: Any) -> Any:
        await self._begin(BLOCK, body)
        self.enforce()
        return {"case": body["case"]}

    async def _note(self, body: Any) -> Any:
        if body["act"] != DISCLOSE:
            raise ControlError(f"{body['act']!r} has a claim of its own")
        await self._begin(body["act"], body)
        return {"case": body["case"]}

    async def _over(self, body: Any) -> Any:
        case = self.cases.find(body["case"])
        if case is None or case.act != DISCLOSE:
            raise ControlError(f"there is no such case as {body['case']}")
        await asyncio.to_thread(self.cases.end, case.id)
        return {"case": case.id}

    async def _begin(self, act: str, body: Any) -> Case:
        subject = Subject(body["kind"], body["value"])
        case = Case(body["case"], act, subject, self._app.clock(), body["by"])
        await asyncio.to_thread(self.cases.begin, case)
        return case

    async def _unblock(self, body: Any) -> Any:
        case = self.cases.find(body["case"])
        if case is None or case.act != BLOCK:
            raise ControlError(f"there is no block by the name of {body['case']}")
        await asyncio.to_thread(self.cases.end, case.id)
        self.enforce()
        went_on = 0
        accounts = set()
        for portion in self._app.core.subjects.of(case.subject, parts=True):
            now = self._app.commit.begin()
            for item in portion:
                went_on += self._app.core.subjects.go_on(item, now)
                accounts.add(item.account)
            await asyncio.sleep(0)
        for account in accounts:
            self._app.core.subjects.deliver(account)
        return {"case": case.id, "went_on": went_on}

    async def _erase(self, body: Any) -> Any:
        """Told is what went, and what stays for now and why."""
        case = await self._begin(ERASE, body)
        ended, sent = await self._withdraw(case)
        unreadable = await self._forgotten()
        outcome = (await self._app.housekeeping.erase())[case.id]
        gone = {"messages and mails": ended, **outcome.gone}
        kept = [one._asdict() for one in outcome.kept]
        if sent.how_many:
            kept.append(
                Kept(
                    "messages that a carrier has",
                    sent.how_many,
                    "what became of them is not known yet",
                    moment(sent.until),
                )._asdict()
            )
        if ended and not unreadable:
            kept.append(Kept(*_SEALED, moment(self._app.clock() + _KEYS_LIVE))._asdict())
        return {"case": case.id, "gone": gone, "kept": kept}

    async def _terminate(self, body: Any) -> Any:
        """``cancel``: what waits is deleted, and not delivered."""
        case = self.cases.find(body["case"])
        if case is None:
            case = await self._begin(TERMINATE, body)
        elif (case.act, case.subject) != (TERMINATE, Subject(body["kind"], body["value"])):
            raise ControlError(f"there is a case {case.id} already, of another kind")
        begin = self._app.housekeeping.terminator.begin
        await asyncio.to_thread(begin, case.subject.value, self._app.clock())
        self._app.look_again()
        ended = await self._drop(case, all_that_waits=bool(body.get("cancel")))
        await self._forgotten()
        outcome = (await self._app.housekeeping.erase())[case.id]
        gone = {"messages and mails": ended, **outcome.gone}
        return {"case": case.id, "gone": gone, "kept": [one._asdict() for one in outcome.kept]}

    async def _drop(self, case: Case, *, all_that_waits: bool) -> int:
        """End the mail of a customer that can't bind any more; how much ended."""
        ended = 0
        for portion in self._app.core.subjects.of(case.subject):
            now = self._app.commit.begin()
            for item in portion:
                if item.is_mail or all_that_waits:
                    ended += self._app.core.subjects.withdraw(item, now)
            await asyncio.sleep(0)
        await self._app.commit.drain()
        await self._recorded()
        return ended

    async def resume(self) -> None:
        """End what has come to wait again of those whose erasure is not over."""
        async with self._one_at_a_time:
            for case in self.cases.open(ERASE):
                await self._withdraw(case)
            for case in self.cases.open(TERMINATE):
                await self._drop(case, all_that_waits=False)

    async def _withdraw(self, case: Case) -> tuple[int, _Sent]:
        """End what may be ended of what there was; how much, and what is beyond that."""
        ended = sent = until = 0
        for portion in self._app.core.subjects.of(case.subject):
            now = self._app.commit.begin()
            for item in portion:
                if item.came > case.at:
                    continue
                if self._app.core.subjects.withdraw(item, now):
                    ended += 1
                else:
                    sent, until = sent + 1, max(until, item.due)
            await asyncio.sleep(0)
        await self._app.commit.drain()
        await self._recorded()
        return ended, _Sent(sent, until)

    async def _forgotten(self) -> bool:
        """Have the octets and keys of what was ended go; whether they have."""
        core, log = self._app.core, self._app.log
        core.tick()
        newest = core.forgetting.hurry()
        for _ in range(PATIENCE):
            if log.oldest_segment() > newest:
                return True
            core.tick()  # where the server is at rest nobody else does
            self._app.traffic.sync()
            await asyncio.sleep(PAUSE)
        return False


def _told(item: Item) -> dict[str, Any]:
    """An item as plain values, for JSON; its text in hexadecimal."""
    message = item.message
    return {
        "id": text_id(item.id, False).decode(),
        "what": ("receipt" if item.is_receipt else "inbound") if item.is_mail else "message",
        "account": _text(item.account),
        "customer": _text(item.customer),
        "accepted": item.came,
        "expiry": item.expiry,
        "stage": item.stage,
        "carrier": _text(item.carrier),
        "source_addr": _text(message.source_addr),
        "destination_addr": _text(message.destination_addr),
        "data_coding": message.data_coding,
        "esm_class": message.esm_class,
        "content": message.text.hex(),
    }


def _text(octets: bytes) -> str:
    return octets.decode("ascii", "backslashreplace")
