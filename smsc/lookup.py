"""Where a number really is: a service that is asked over HTTP, and what stands before it.

Owns what was asked and what was answered: a cache, a queue with a bound, a limit on how much is
asked at a time, and a breaker that lets a service in trouble alone. It implements ``ports.Lookup``:
the keeper asks, goes on, and is told later, in any case and soon. A number is asked for once,
however many messages wait for it. Whatever the service does costs at most the time-out of those.

A number stands in the URL that is asked. So neither URL nor answer nor an error's text is ever
logged; only what kind of trouble there is.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Any, Protocol, cast

import aiohttp

from smsc import networks
from smsc.config import LookupConfig
from smsc.errors import StorageError
from smsc.throttle import backoff

log = logging.getLogger(__name__)

#: Numbers whose answers are remembered, the oldest goes first: some 20 MB.
CACHED = 100_000

#: Messages that may wait for answers; beyond that they are not held.
MAX_WAITING = 10_000

#: Failures in a row after which the service is left alone, and for how long, ms. Then one question
#: is let through at a time.
TROUBLE = 10
LEAVE_ALONE, LEAVE_ALONE_AT_MOST = 1_000, 60_000

#: Octets of an answer that are read. One that is longer is none.
MAX_ANSWER = 4096


class NoAnswer(Exception):
    """The service answered nothing that says where the number is. Holds no word of the answer."""


class Directory(Protocol):
    """Somebody who knows where numbers are."""

    async def network(self, number: bytes) -> bytes:
        """The network of a number; empty for one that is not known there.

        Raises NoAnswer; may take for ever, since the asker has a time-out.
        """

    async def close(self) -> None:
        """Let go of what is open."""


def answer(octets: bytes) -> bytes:
    """The network that an answer names: ``26201``, or JSON with a member ``network``.

    Empty for nothing, ``null`` or ``""``. Raises NoAnswer for anything else.
    """
    try:
        text = octets.decode("ascii").strip()
        found: Any = json.loads(text) if text[:1] in ('"', "{", "n") else text
        if isinstance(found, dict):
            found = found["network"]
        return b"" if found is None or found == "" else networks.code(found)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise NoAnswer("garbage") from None


class HttpDirectory:
    """A service that is asked by GET; ``{number}`` in the URL is the number's E.164 digits.

    404 is a number that it does not know. Redirections are not followed: a number goes to nobody
    else.
    """

    def __init__(self, config: LookupConfig) -> None:
        self._url = config.url
        self._limit = config.max_concurrent
        self._session: aiohttp.ClientSession | None = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._limit),
                headers={"Accept": "application/json, text/plain", "Accept-Encoding": "identity"},
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def network(self, number: bytes) -> bytes:
        url = self._url.replace("{number}", number.decode("ascii"))
        try:
            async with self._opened().get(url, allow_redirects=False) as response:
                if response.status == 404:
                    return b""
                if response.status != 200:
                    raise NoAnswer(f"status {response.status}")
                octets = b""
                async for chunk in response.content.iter_any():
                    octets += chunk
                    if len(octets) > MAX_ANSWER:
                        raise NoAnswer("too long")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise NoAnswer(type(error).__name__) from None
        return answer(octets)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


class Breaker:
    """Whether a service in trouble may be asked. Pure: ``now`` is in ms."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0

    def admits(self, now: int) -> bool:
        """Whether one may ask now; in trouble the next may not before this one is answered."""
        if self._failures < TROUBLE:
            return True
        if now < self._until:
            return False
        self._until = now + LEAVE_ALONE
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, now: int) -> bool:
        """Whether the trouble begins with this."""
        self._failures += 1
        if self._failures >= TROUBLE:
            rounds = self._failures - TROUBLE
            self._until = now + backoff(rounds, LEAVE_ALONE, LEAVE_ALONE_AT_MOST, 1.0)
        return self._failures == TROUBLE


Then = Callable[[bytes], None]


class Lookup:
    """See the module. ``clock`` is steady ms. Used on one loop."""

    def __init__(
        self, config: LookupConfig, directory: Directory, clock: Callable[[], int]
    ) -> None:
        self._config = config
        self._directory = directory
        self._clock = clock
        self._breaker = Breaker()
        #: Answers and until when they count; all count as long, so the oldest stands first.
        self._cache: OrderedDict[bytes, tuple[bytes, int]] = OrderedDict()
        #: Who waits, by number; and the numbers nobody has asked for yet, and since when.
        self._asked: dict[bytes, list[Then]] = {}
        self._queue: deque[tuple[bytes, int]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        #: Messages that wait for an answer.
        self.waiting = 0
        #: How lookups ended: found, unknown, timeout, error; and why there was none: cached, open
        #: (the breaker), full, late (no turn within the time-out).
        self.outcomes: Counter[str] = Counter()
        #: How long answers took: bucket n counts below 2**n microseconds; and the sum.
        self.took = [0] * 32
        self.took_us = 0

    # -- ports.Lookup --------------------------------------------------------------------------

    def known(self, number: bytes) -> bytes | None:
        """The network; empty if none is to be had; None if it is worth to ``ask``."""
        now = self._clock()
        network, until = self._cache.get(number, (b"", 0))
        if now < until:
            self.outcomes["cached"] += 1
            return network
        if self.waiting >= MAX_WAITING:
            self.outcomes["full"] += 1
            return b""
        if number not in self._asked and not self._breaker.admits(now):
            self.outcomes["open"] += 1
            return b""
        return None

    def ask(self, number: bytes, then: Then) -> None:
        """Find out; ``then`` gets the network, or nothing, once and never from within this."""
        self.waiting += 1
        if number in self._asked:
            self._asked[number].append(then)
            return
        self._asked[number] = [then]
        self._queue.append((number, self._clock()))
        if len(self._workers) < self._config.max_concurrent:
            self._workers.add(asyncio.get_running_loop().create_task(self._work()))

    # -- asking --------------------------------------------------------------------------------

    async def _work(self) -> None:
        try:
            while self._queue:
                number, since = self._queue.popleft()
                self._tell(number, await self._look(number, since))
        except StorageError:
            pass  # the log is dead: whoever watches it says so
        finally:
            # Within the step that saw the queue empty, so that the next question has a worker.
            self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _tell(self, number: bytes, network: bytes) -> None:
        waiting = self._asked.pop(number)
        self.waiting -= len(waiting)
        for then in waiting:
            then(network)

    async def _look(self, number: bytes, since: int) -> bytes:
        began = self._clock()
        left = self._config.timeout - (began - since)
        if left <= 0:
            self.outcomes["late"] += 1
            return b""
        network, failure = b"", ""
        try:
            async with asyncio.timeout(left / 1_000):
                network = await self._directory.network(number)
        except TimeoutError:
            failure = "timeout"
        except NoAnswer as error:
            failure = str(error)
        except Exception as error:  # the border
            failure = type(error).__name__
        now = self._clock()
        self._note(now - began)
        if failure:
            self.outcomes["timeout" if failure == "timeout" else "error"] += 1
            if self._breaker.failed(now):
                log.warning("the number lookup fails, it is left alone for a while: %s", failure)
            return b""
        self._breaker.succeeded()
        self.outcomes["found" if network else "unknown"] += 1
        self._remember(number, network, now)
        return network

    def _note(self, ms: int) -> None:
        self.took[min((ms * 1_000).bit_length(), len(self.took) - 1)] += 1
        self.took_us += ms * 1_000

    def _remember(self, number: bytes, network: bytes, now: int) -> None:
        if not self._config.cache:
            return
        self._cache.pop(number, None)
        self._cache[number] = network, now + self._config.cache
        while len(self._cache) > CACHED or next(iter(self._cache.values()))[1] <= now:
            self._cache.popitem(last=False)

    async def close(self) -> None:
        """Ask nothing more. Who still waits is not told: a restart asks again."""
        self._queue.clear()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._directory.close()
