"""Submits that are sent again because their answer was lost, for accounts that want them known.

A client that loses its connection does not know which of its submits were taken, and a careful one
sends those without an answer again. Such a repeat has the same addresses, payload and
user_message_reference, comes soon, and what it repeats came on a connection that is gone without
a leave-taking. Nothing else counts as a repeat: people do send the same text twice.

In memory. After a crash, which loses every connection, it is made anew of what the log has; after
an orderly stop nobody waits for an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from hashlib import blake2b

from smsc import records
from smsc._pdu import Message
from smsc.ports import EdgeBind, Log, Mark
from smsc.records import Flag, Kind
from smsc.smpp import Tag

_USER_MESSAGE_REFERENCE = int(Tag.USER_MESSAGE_REFERENCE)

#: What is no submit of a client, or is not looked for among them.
_OTHERS = Flag.MEMBER | Flag.PART | Flag.WHOLE | Flag.BROADCAST

#: ``digest -> (id, when)`` in order of arrival.
_Taken = dict[bytes, tuple[int, int]]


def _digest(message: Message) -> bytes:
    reference = message.tlv(_USER_MESSAGE_REFERENCE)
    parts = (
        message.source_addr,
        message.destination_addr,
        b"" if reference is None else b"\1" + reference,
        bytes((message.data_coding, message.esm_class)),
        message.text,
    )
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


class Repeats:
    """What was taken lately, by the bind it came on; and of binds that were lost, by account."""

    def __init__(self) -> None:
        self._by_bind: dict[EdgeBind, _Taken] = {}
        self._lost: defaultdict[bytes, _Taken] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, (*self._by_bind.values(), *self._lost.values())))

    def find(self, bind: EdgeBind, message: Message, since: int) -> int:
        """The id of the message that this one repeats, if that came after ``since``; else 0."""
        lost = self._lost.get(bind.account)
        if lost is None:
            return 0
        _prune(lost, since)
        if not lost:
            del self._lost[bind.account]
            return 0
        digest = _digest(message)
        id, when = lost.pop(digest, (0, 0))
        if when <= since:
            return 0
        # The answer may be lost with this bind, too.
        self._by_bind.setdefault(bind, {})[digest] = id, when
        return id

    def note(self, bind: EdgeBind, message: Message, id: int, now: int, since: int) -> None:
        """A message was taken; what came before ``since`` is of no use any more."""
        taken = self._by_bind.setdefault(bind, {})
        _prune(taken, since)
        taken[_digest(message)] = id, now

    def gone(self, bind: EdgeBind) -> None:
        """A bind is gone; if it took its leave, it has had all answers."""
        taken = self._by_bind.pop(bind, None)
        if taken and not bind.unbound:
            self._lost[bind.account].update(taken)

    def recall(self, recent: Recent, log: Log, now: int) -> None:
        """The last run crashed: what it took lately came on connections that are gone."""
        for id, (when, position, account) in recent.taken(now):
            _kind, _head, raw = log.read(position)
            self._lost[account][_digest(Message.from_raw(raw))] = id, when


class Recent:
    """What was taken lately, as it is met at the replay, for accounts with a window (ms)."""

    def __init__(self, windows: Mapping[bytes, int]) -> None:
        self._windows = windows
        self._longest = max(windows.values(), default=0)
        self._met: dict[int, tuple[int, int, bytes]] = {}

    def met(self, kind: int, position: int, time: int, head: bytes) -> None:
        """A record of the log; its body is read later, if it is a message and still recent."""
        if kind != Kind.MESSAGE:
            return
        message = records.read_message(head)
        window = self._windows.get(message.account, 0)
        if not window or message.flags & _OTHERS or message.submitted <= time - window:
            return
        # The first record is the message as it came; it may have been replaced since.
        self._met.setdefault(message.id, (message.submitted, position, message.account))
        while self._met:
            oldest = next(iter(self._met))
            if self._met[oldest][0] > time - self._longest:
                return
            del self._met[oldest]

    def behind(self, log: Log, mark: Mark) -> Recent:
        """The same with what was taken before a mark, of which only what came behind was met."""
        both = Recent(self._windows)
        log.glance(both.met, mark, mark.time_ms - self._longest)
        for id, met in self._met.items():
            both._met.setdefault(id, met)
        return both

    def taken(self, now: int) -> list[tuple[int, tuple[int, int, bytes]]]:
        """The id of each, and when it came, where it lies, and whose it is."""
        return [(id, met) for id, met in self._met.items() if met[0] > now - self._windows[met[2]]]


def _prune(taken: _Taken, since: int) -> None:
    """Forget what came before ``since``; they stand in order."""
    while taken:
        oldest = next(iter(taken))
        if taken[oldest][1] > since:
            return
        del taken[oldest]
