"""Group commit: what may leave only once it is durable waits here for its frame.

While one frame is on its way to disk the next one gathers, so frames grow by themselves under
load: no timer, no tuning. All that is staged for a frame leaves when the log reports it durable,
in one call per sink. If the log dies, nothing of it ever leaves: an answer of either kind could be
a lie, so there is none, and the process ends.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from smsc.errors import StorageError
from smsc.ports import Log, Sink

T = TypeVar("T")

#: Seal a frame at this size even while the one before is being written (the log's limit is 1 MiB).
FULL_FRAME = 512 * 1024

#: Octets appended and not durable at which readers are told to pause, and to go on.
CONGESTED = 8 * 1024 * 1024
RELIEVED = 2 * 1024 * 1024

#: A quiet log is sealed after this, in seconds, so that its last real frame is proven whole.
IDLE = 0.1

#: How much further than the monotonic clock the wall clock may jump before it is not believed, ms.
MAX_JUMP = 60_000


class Clock:
    """Milliseconds since the epoch that follow the wall clock but never leap with it.

    A leap (an operator's ``date``, a virtual machine's resume) of more than a minute is walked off
    at twice the speed of time, so that a wrong clock expires nothing at once.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._at = monotonic()
        self._now = wall() * 1000
        #: How far the wall clock is ahead of what we believe, ms.
        self.skew = 0.0

    def __call__(self) -> int:
        at = self._monotonic()
        elapsed = (at - self._at) * 1000
        self._at = at
        wall = self._wall() * 1000
        expected = self._now + elapsed
        self.skew = wall - expected
        if abs(self.skew) <= MAX_JUMP:
            self._now = max(self._now, wall)
        elif self.skew > 0:
            self._now = min(expected + elapsed, wall)
        else:
            self._now = max(expected - elapsed / 2, wall)
        return int(self._now)


class _Frame(NamedTuple):
    """A sealed frame and what waits for it."""

    number: int
    staged: dict[Sink[Any], list[Any]]
    calls: list[Callable[[], None]]
    #: When it was opened, ns.
    opened: int


class Commit:
    """Gathers staged octets and callbacks per frame, seals frames, and releases what is durable.

    ``on_failure`` is called once, with the error, when the log is dead.
    """

    def __init__(
        self,
        log: Log,
        loop: asyncio.AbstractEventLoop,
        clock: Callable[[], int],
        on_failure: Callable[[StorageError], None],
    ) -> None:
        self._log = log
        self._loop = loop
        self._clock = clock
        self._on_failure = on_failure
        self._staged: dict[Sink[Any], list[Any]] = {}
        self._calls: list[Callable[[], None]] = []
        self._frames: deque[_Frame] = deque()
        self._scheduled = False
        self._failed = False
        self._last: list[Callable[[], None]] = []
        self._relief: list[Callable[[], None]] = []
        self._draining: list[asyncio.Future[None]] = []
        #: Whether so much is on its way to disk that nothing more should be read.
        self.congested = False
        self._held = False
        #: Frames made durable.
        self.frames = 0
        #: What was staged, by how long it waited, from the opening of its frame to its release:
        #: bucket n counts below 2**n microseconds; and the sum.
        self.waits = [0] * 32
        self.waits_us = 0
        self._opened = 0
        loop.add_reader(log.fileno(), self._on_news)

    def now(self) -> int:
        """The time, in ms, for what needs no frame."""
        return self._clock()

    def begin(self) -> int:
        """The open frame's time; opens one, to be sealed when this turn of the loop is over."""
        if self._failed:
            raise StorageError("the log is dead")
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn_over)
        if not self._opened:
            self._opened = time.monotonic_ns()
        return self._log.begin(self._clock())

    def stage(self, sink: Sink[T], item: T) -> None:
        """Hand ``item`` to ``sink.release`` when all that was appended so far is durable."""
        staged = self._staged.get(sink)
        if staged is None:
            self.begin()
            self._staged[sink] = [item]
        else:
            staged.append(item)

    def stage_all(self, sink: Sink[T], items: list[T]) -> None:
        """``stage`` for several at once, in order; the list is the caller's no more."""
        if not items:
            return
        staged = self._staged.get(sink)
        if staged is None:
            self.begin()
            self._staged[sink] = items
        else:
            staged += items

    def then(self, call: Callable[[], None]) -> None:
        """Call ``call()`` when all that was appended so far is durable."""
        self.begin()
        self._calls.append(call)

    def before_seal(self, call: Callable[[], None]) -> None:
        """Call ``call()`` once, when the open frame is about to be sealed.

        What ``call`` appends and stages goes into that frame. What is to be done for all of a frame
        at once is done so, over as many turns of the loop as the disk takes.
        """
        self.begin()
        self._last.append(call)

    def on_relief(self, call: Callable[[], None]) -> None:
        """Call ``call()`` once, when ``congested`` has become false."""
        self._relief.append(call)

    def _turn_over(self) -> None:
        self._scheduled = False
        if not self._open or (self._log.busy and self._log.open_octets < FULL_FRAME):
            return  # already sealed; or sealed when the news of the frame before comes
        self._seal()

    @property
    def _open(self) -> bool:
        return bool(self._log.open_octets or self._staged or self._calls or self._last)

    def _seal(self) -> None:
        last, self._last = self._last, []
        try:
            for call in last:
                call()
            number = self._log.seal()
        except StorageError as error:
            self._fail(error)
            return
        self._frames.append(_Frame(number, self._staged, self._calls, self._opened))
        self._staged, self._calls, self._opened = {}, [], 0
        if self._log.pending_octets > CONGESTED:
            self.congested = True

    def _on_news(self) -> None:
        try:
            durable = self._log.poll()
        except StorageError as error:
            self._fail(error)
            return
        if self._open and not self._log.busy:
            self._seal()
        try:
            self._release(durable)
        except StorageError as error:  # a sink's own log: what it did not take is met at a restart
            self._fail(error)
            return
        self._maybe_relieve()

    def hold(self, on: bool) -> None:
        """Be congested while ``on``, however little is pending: the disk stands still."""
        self._held = on
        if on:
            self.congested = True
        else:
            self._maybe_relieve()

    def _maybe_relieve(self) -> None:
        if self.congested and not self._held and self._log.pending_octets < RELIEVED:
            self.congested = False
            relief, self._relief = self._relief, []
            for call in relief:
                call()

    def _release(self, durable: int) -> None:
        frames = self._frames
        while frames and frames[0].number <= durable:
            frame = frames.popleft()
            self.frames += 1
            for sink, items in frame.staged.items():
                sink.release(items)
            for call in frame.calls:
                call()
            self._note(frame)

    def _note(self, frame: _Frame) -> None:
        count = sum(map(len, frame.staged.values()))
        waited = (time.monotonic_ns() - frame.opened) // 1_000
        self.waits[min(waited.bit_length(), len(self.waits) - 1)] += count
        self.waits_us += waited * count

    def _fail(self, error: StorageError) -> None:
        if not self._failed:
            self._failed = True
            self._frames.clear()
            self._staged, self._calls, self._last = {}, [], []
            self._loop.remove_reader(self._log.fileno())
            self._drained()
            self._on_failure(error)

    async def drain(self) -> None:
        """Return when all that was appended is durable and released, or the log is dead."""
        while not self._failed and (self._frames or self._open):
            done = self._loop.create_future()
            self._draining.append(done)
            self.then(self._drained)
            await done

    def _drained(self) -> None:
        draining, self._draining = self._draining, []
        for done in draining:
            if not done.done():
                done.set_result(None)

    def close(self) -> None:
        """Stop listening to the log."""
        if not self._failed:
            self._loop.remove_reader(self._log.fileno())
