"""The sweeper: deletes what is due, says so, and proves it (privacy.md section 2).

    judge -> copy what is held by number (``held``) -> note what will be destroyed
          -> take a sample of each key -> destroy the keys
          -> unlink what nobody can read, rewrite what mostly nobody can -> try the samples
          -> write the proof

Killed anywhere it is simply run again: keys are destroyed first, with tombstones, and what they
leave is found by looking. A proof names keys by their ids, and thereby nobody.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgpack

from smsc import __version__, access, files, held, months, records, traffic
from smsc.audit import Audit
from smsc.config import Config
from smsc.errors import KeyDestroyed, SmscError, StorageError
from smsc.held import Held
from smsc.journal import inspect
from smsc.keys import Keyring, keyring
from smsc.periods import bare, month_of
from smsc.records import Kind, MailKind
from smsc.retention import (
    CASES,
    CONTENT,
    HELD,
    SPOOL,
    TRAFFIC,
    Facts,
    Stand,
    Verdict,
    judge,
)
from smsc.traffic import BLOCK, Block

#: A log of which less than this can still be read is rewritten without the rest.
LIVING_SHARE: Final = 0.5

#: A sweep that comes later than this after the newest entry of the audit log asks whether the clock
#: is right; so does one that comes before it.
LONGEST_GAP: Final = 7 * 86_400_000
BACKWARDS: Final = 60_000


class ClockDoubtful(SmscError):
    """The clock says what can't be believed; nothing is deleted by it."""


@dataclass
class Swept:
    """What a sweep did, or would do."""

    verdicts: list[Verdict]
    #: Keys destroyed: id, class, period, when they were due and why; with ``sample``, the hash of
    #: something that could be read with it before and, as was tried, not after.
    keys: list[dict[str, Any]] = field(default_factory=list)
    #: Months of the traffic log that were removed, rewritten, and left for the next time.
    removed: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)
    put_off: list[str] = field(default_factory=list)
    #: Days of the access log that were removed.
    days: list[str] = field(default_factory=list)
    #: Records that a hold concerns, copied from under keys that were destroyed.
    carried: int = 0
    #: Where the proof lies, if there was something to prove.
    proof: str = ""


class Sweeper:
    """See the module. ``lend`` and ``take_back`` ask a running server for a month's log."""

    def __init__(
        self,
        config: Config,
        keys: Keyring,
        audit: Audit,
        facts: Facts,
        *,
        lend: Callable[[str], bool] = lambda month: True,
        take_back: Callable[[str], None] = lambda month: None,
        region: Callable[[bytes], str] = lambda account: "",
    ) -> None:
        self._config = config
        self._keys = keys
        self._audit = audit
        self._facts = facts
        self._lend = lend
        self._take_back = take_back
        self._traffic = Path(config.traffic.directory)
        self._proofs = Path(config.retention.directory) / "proofs"
        self._held = Held(Path(config.retention.directory) / held.DIRECTORY, keys, region)

    def verdicts(self, owed: Mapping[bytes, int], now: int) -> list[Verdict]:
        """How things stand with every key."""
        names = {key.name for key in self._keys if key.name.kind not in (SPOOL, CASES)}
        rules = self._config.retention.rules()
        return judge(names, self._facts, owed, rules, now)

    def believe(self, now: int) -> None:
        """Raises ClockDoubtful if nothing should be deleted by this clock."""
        newest = self._audit.newest()
        if newest is None:
            return
        gap = now - newest["at"]
        if not -BACKWARDS <= gap <= LONGEST_GAP:
            days, way = abs(gap) / 86_400_000, "after" if gap > 0 else "before"
            raise ClockDoubtful(
                f"the clock says {days:.1f} days {way} the newest entry of the audit log; if it is "
                "right, `smsc sweep --clock-is-right` goes on"
            )

    def sweep(self, owed: Mapping[bytes, int], now: int) -> Swept:
        """Delete what is due at ``now``. Raises StorageError."""
        self._audit.must_be_newest()
        swept = Swept(self.verdicts(owed, now))
        unfinished, put_off = self._unfinished()
        dying = {verdict.name: verdict for verdict in swept.verdicts if verdict.dies}
        doomed = {key.id: dying[key.name] for key in self._keys if key.name in dying}
        swept.carried = self._carry(doomed)
        if doomed:
            self._audit.add("sweep.begun", keys=[id.hex() for id in doomed])
        samples = self._samples(doomed)
        self._keys.destroy(doomed)
        if doomed or unfinished or put_off:  # else nothing has become unreadable
            try:
                self._tidy(swept, now)
            except OSError as error:
                raise StorageError(f"{self._traffic}: {error.strerror}") from error
        self._held.tidy()
        self._forget_access(swept, now)
        self._prove(swept, doomed, samples, unfinished, now)
        return swept

    def _carry(self, doomed: Mapping[bytes, Verdict]) -> int:
        """Copy what is held by number of what is to be deleted."""
        if not doomed:
            return 0
        names = {id: verdict.name for id, verdict in doomed.items()}
        logs = (self._traffic / month for month in traffic.periods(self._traffic))
        return self._held.carry(self._facts.holds(), names, logs)

    def _forget_access(self, swept: Swept, now: int) -> None:
        directory = Path(self._config.retention.directory) / access.DIRECTORY
        for path in access.over(directory, self._config.retention.access_log, now):
            files.wipe(path)
            swept.days.append(path.stem)

    def _unfinished(self) -> tuple[list[str], list[str]]:
        """Of the sweeps before: ids of keys whose end was not proven, and months put off."""
        meant: list[str] = []
        put_off: list[str] = []
        for entry in self._audit:
            if entry.get("event") == "sweep.begun":
                meant += entry["keys"]
            elif entry.get("event") == "sweep.done":
                meant, put_off = [], entry["put_off"]
        return meant, put_off

    # -- what is left ------------------------------------------------------------------------

    def _samples(self, doomed: Collection[bytes]) -> dict[bytes, tuple[str, bytes]]:
        """For each key something it sealed: class and octets."""
        wanted, found = set(doomed), {}
        for month in traffic.periods(self._traffic) if wanted else ():
            for kind, _time, head, body in inspect.records(self._traffic / month):
                if kind != BLOCK or wanted.isdisjoint(Block.read(head)[1:3]):
                    continue
                block = Block.read(head)
                _ends, sealed, texts = msgpack.unpackb(body)
                for id, class_, octets in (
                    (block.traffic, TRAFFIC, sealed),
                    (block.content, CONTENT, texts),
                ):
                    if id in wanted and octets:
                        found[id] = class_, octets
                        wanted.discard(id)
        for key in self._keys:
            if (
                key.id in wanted
                and key.name.kind == HELD
                and (octets := self._held.sample(key.name))
            ):
                found[key.id] = HELD, octets
        return found

    def _tidy(self, swept: Swept, now: int) -> None:
        alive, current = {key.id for key in self._keys}, month_of(now)
        for month in traffic.periods(self._traffic):
            # What comes next is empty too.
            if month > current or not self._is_waste(month, current, alive):
                continue
            if not self._lend(month):
                swept.put_off.append(month)
                continue
            try:
                self._rewrite(month, alive, swept)
            finally:
                self._take_back(month)

    def _is_waste(self, month: str, current: str, alive: Collection[bytes]) -> bool:
        living, total = _living(self._traffic / month, alive)
        if not total:
            return month < current and not self._has_newest_cursor(month)
        return living <= LIVING_SHARE * total

    def _has_newest_cursor(self, month: str) -> bool:
        """Whether the server would forget how far the records reach without this log."""
        mine = months.cursor(self._traffic / month)
        others = (m for m in traffic.periods(self._traffic) if m != month)
        return all(months.cursor(self._traffic / other) < mine for other in others)

    def _rewrite(self, month: str, alive: Collection[bytes], swept: Swept) -> None:
        directory = self._traffic / month
        # Looked at again: now nobody writes.
        living, _total = _living(directory, alive)
        if living or self._has_newest_cursor(month):
            cursor = months.cursor(directory)
            months.rewrite(self._config, month, lambda head, body: _left(head, body, alive, cursor))
        else:
            months.remove(self._config, month)
        (swept.rewritten if living else swept.removed).append(month)

    # -- proof -------------------------------------------------------------------------------

    def _prove(
        self,
        swept: Swept,
        doomed: Mapping[bytes, Verdict],
        samples: Mapping[bytes, tuple[str, bytes]],
        unfinished: list[str],
        now: int,
    ) -> None:
        on_disk = keyring(self._config, read_only=True)
        left = {key.id for key in on_disk}
        for id, verdict in doomed.items():
            entry = {
                "key": id.hex(),
                "class": verdict.name.kind,
                "period": bare(verdict.name.period),
                "due": verdict.due,
                "why": verdict.why,
            }
            if id in left:
                raise StorageError(f"key {id.hex()} is still on the disk")
            if id in samples:
                kind, octets = samples[id]
                for ring in (self._keys, on_disk):
                    _must_not_open(ring, kind, id, octets)
                entry["sample"] = hashlib.sha256(octets).hexdigest()
            swept.keys.append(entry)
        known = {entry["key"] for entry in swept.keys}
        swept.keys += [
            {"key": id, "why": "a sweep before was cut short"}
            for id in unfinished
            if id not in known and bytes.fromhex(id) not in left
        ]
        details: dict[str, Any] = {
            "keys": len(swept.keys),
            "removed": swept.removed,
            "rewritten": swept.rewritten,
            "put_off": swept.put_off,
            "days": swept.days,
            "carried": swept.carried,
        }
        if swept.keys or swept.removed or swept.rewritten:
            details["proof"] = self._write_proof(swept, now)
        self._audit.add("sweep.done", **details)

    def _write_proof(self, swept: Swept, now: int) -> str:
        """The hash of what was written."""
        counts = {stand.value: 0 for stand in Stand}
        for verdict in swept.verdicts:
            counts[verdict.stand.value] += 1
        proof = {
            "at": now,
            "version": __version__,
            "rules": vars_of(self._config),
            "stood": counts,
            "destroyed": swept.keys,
            "removed": swept.removed,
            "rewritten": swept.rewritten,
        }
        text = json.dumps(proof, indent=1, sort_keys=True).encode() + b"\n"
        self._proofs.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._proofs / f"{now}.json"
        files.replace(path, text)
        swept.proof = str(path)
        return hashlib.sha256(text).hexdigest()


def vars_of(config: Config) -> dict[str, Any]:
    """The promises, as a proof names them."""
    rules = config.retention.rules()
    return {"objection": rules.objection, "content": rules.content, "maximum": rules.maximum}


def _must_not_open(ring: Keyring, kind: str, id: bytes, octets: bytes) -> None:
    try:
        ring.open(kind, id, octets)
    except KeyDestroyed:
        return
    raise StorageError(f"what key {id.hex()} sealed can still be read")


def _living(directory: Path, alive: Collection[bytes]) -> tuple[int, int]:
    """How many octets of a log's blocks somebody can read, and how many there are."""
    living = total = 0
    for kind, _time, head, body in inspect.records(directory):
        if kind == BLOCK:
            total += len(body)
            living += len(_readable(head, body, alive))
    return living, total


def _left(
    head: bytes, body: bytes, alive: Collection[bytes], cursor: int
) -> tuple[bytes, bytes] | None:
    left = _readable(head, body, alive)
    if not left and Block.read(head).newest > cursor:
        # The next start meets these ends again, and must know that they had their records.
        left = traffic.body(msgpack.unpackb(body)[0], b"", b"")
    return (head, left) if left else None


def _readable(head: bytes, body: bytes, alive: Collection[bytes]) -> bytes:
    """A block's body without what nobody can read; nothing if that is all."""
    block = Block.read(head)
    if block.traffic not in alive:
        return b""
    if block.content in alive:
        return body
    ends, sealed, _texts = msgpack.unpackb(body)
    packed: bytes = msgpack.packb((ends, sealed, b""))
    return packed


# -- what is owed --------------------------------------------------------------------------------


def owed_on_disk(directory: Path, customer_of: Callable[[bytes], bytes]) -> dict[bytes, int]:
    """When each customer's oldest unfinished message came, by the log of a server that is down."""
    open_: dict[int, tuple[bytes, int]] = {}
    for kind, _time, head, _body in inspect.records(directory) if directory.exists() else ():
        if kind == Kind.MESSAGE:
            message = records.read_message(head)
            open_[message.id] = message.account, message.submitted
        elif kind == Kind.FINAL:
            open_.pop(records.read_final(head).id, None)
        elif kind == Kind.MAIL:
            mail = records.read_mail(head)
            if mail.kind == MailKind.INBOUND:
                open_[mail.id] = mail.account, mail.received
        elif kind == Kind.MAIL_DONE:
            open_.pop(records.read_mail_done(head).id, None)
    oldest: dict[bytes, int] = {}
    for account, came in open_.values():
        customer = customer_of(account)
        oldest[customer] = min(came, oldest.get(customer, came))
    return oldest
