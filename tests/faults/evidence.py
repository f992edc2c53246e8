"""Three witnesses of every message: the client's file, the carrier's file, the server's own logs.

Logs are read as a recovery reads them, and not changed; nobody may write to them meanwhile, but
what is under way then only looks like a torn tail.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from smsc import records
from smsc._pdu import Message
from smsc.journal import Disk, RealDisk, _frame, segment
from smsc.journal.recovery import Checked, walk
from smsc.journal.segment import SEGMENT_HEADER
from smsc.keys import DataKey, Keyring, Master
from smsc.ports import Cipher
from smsc.records import Kind
from smsc.sealing import Epochs
from smsc.sim.carrier import text_token
from smsc.state import State
from smsc.traffic import BLOCK, opened, periods


def acknowledged(directory: Path) -> dict[int, str]:
    """Ids that the client was given, each with the token in its message's text."""
    lines = map(str.split, (directory / "acked").read_text().splitlines())
    return {int(id, 16): f"{int(number):012d}" for id, number in lines}


def taken(directory: Path) -> Counter[str]:
    """How often the carrier took the message with a token."""
    return Counter(line.split()[3] for line in (directory / "taken").read_text().splitlines())


def segments(log: Path, disk: Disk | None = None) -> Iterator[Checked]:
    """Each segment, read and found sound. Raises CorruptLog."""
    disk = disk or RealDisk()
    for checked in walk(disk, segment.find(disk, log)):
        if checked.problem:
            raise checked.problem
        yield checked


def entries(
    log: Path, disk: Disk | None = None, cipher: Cipher | None = None
) -> Iterator[tuple[int, bytes, bytes]]:
    """``(kind, head, body)`` of every record."""
    for checked in segments(log, disk):
        start = SEGMENT_HEADER
        while start < checked.scan.end:
            yield from _frame.unpack(checked.data, start, cipher)[1]
            start += _frame.measure(checked.data, start)[1]


def owed(log: Path) -> set[int]:
    """Ids of the messages that a server started now would still owe."""
    state = State()
    for checked in segments(log):
        base = checked.segment.number << 32 | SEGMENT_HEADER
        if checked.scan.end > SEGMENT_HEADER:
            _frame.feed(checked.data, SEGMENT_HEADER, checked.scan.end, base, state.apply)
    slab = state.spool.slab
    return {slab.id(slot) for slot in slab.slots()}


def keep(log: Path, archive: Path) -> None:
    """Hold on to segments that the server may let go of: a second name costs nothing."""
    archive.mkdir(exist_ok=True)
    for path in log.glob("*.log"):
        if not (archive / path.name).exists():
            os.link(path, archive / path.name)
    # A name that was replaced keeps its octets for us; they are of keys that live for an hour.
    for path in (log.parent / "keys").glob("spool.keys"):
        kept = archive / f"keys-{path.stat().st_ino}"
        kept.mkdir(exist_ok=True)
        shutil.copy(path, kept / path.name)


def sealing_keys(log: Path, archive: Path) -> Epochs:
    """All keys there ever were of the server's log."""
    master, found = Master.read(log.parent / "master.key"), list[DataKey]()
    for directory in (*archive.glob("keys-*"), log.parent / "keys"):
        found += Keyring(directory, master, archive / "none", read_only=True)
    return Epochs(found)


@dataclass
class Account:
    """What the server's own logs say."""

    #: Token of each message, by its id.
    tokens: dict[int, str] = field(default_factory=dict)
    doubted: set[int] = field(default_factory=set)
    #: Traffic records by id, and the tokens in them.
    recorded: Counter[int] = field(default_factory=Counter)
    contents: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, log: Path, traffic: Path) -> Account:
        account, sealed = cls(), sealing_keys(traffic.parent / "journal", log)
        for kind, head, body in entries(log, cipher=sealed):
            if kind == Kind.MESSAGE:
                token = text_token(Message.from_raw(body).text)
                account.tokens[records.read_message(head).id] = token
            elif kind == Kind.DOUBT:
                account.doubted.add(records.read_doubt(head).id)
        beside = traffic.parent
        master = Master.read(beside / "master.key")
        keys = Keyring(beside / "keys", master, beside / "retention" / "destroyed", read_only=True)
        for period in periods(traffic):
            for kind, head, body in entries(traffic / period):
                for record in opened(head, body, keys) if kind == BLOCK else ():
                    account.recorded[record["id"]] += 1
                    account.contents[record["id"]] = text_token(record["content"])
        return account


def lost(directory: Path) -> set[int]:
    """Acknowledged, and neither taken by the carrier nor owed any more."""
    acked, at_carrier = acknowledged(directory), taken(directory)
    missing = {id for id, token in acked.items() if not at_carrier[token]}
    return missing - owed(directory / "journal")


def complaints(directory: Path, archive: Path) -> list[str]:
    """What the three witnesses accuse a server of that was given time to finish everything."""
    acked, at_carrier = acknowledged(directory), taken(directory)
    account = Account.of(archive, directory / "traffic")
    ids = {token: id for id, token in account.tokens.items()}
    found = [f"{id:x} was acknowledged and lost" for id in lost(directory)]
    found += [f"{id:x} is owed for ever" for id in owed(directory / "journal")]
    found += [f"{id:x} has another text" for id in acked if account.tokens.get(id) != acked[id]]
    found += [
        f"{token} reached the carrier and is not in the log" for token in at_carrier.keys() - ids
    ]
    found += [
        f"{ids[token]:x} was sent {copies} times without a doubt"
        for token, copies in at_carrier.items()
        if copies > 1 and ids.get(token) not in account.doubted
    ]
    found += [
        f"{id:x} has {account.recorded[id]} traffic records"
        for id in account.tokens.keys() | account.recorded.keys()
        if account.recorded[id] != 1 or account.contents[id] != account.tokens.get(id)
    ]
    return found
