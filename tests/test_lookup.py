"""Number lookups: the service behind HTTP, what stands before it, and the messages that wait."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from smsc import kinds, lookup
from smsc.config import LookupConfig
from smsc.errors import StorageError
from smsc.lookup import (
    CACHED,
    LEAVE_ALONE,
    LEAVE_ALONE_AT_MOST,
    MAX_ANSWER,
    MAX_WAITING,
    TROUBLE,
    Breaker,
    HttpDirectory,
    Lookup,
    NoAnswer,
    answer,
)

NUMBER, OTHER = b"447700900123", b"447700900124"

#: Real seconds after which a test that waits for something is broken.
PATIENCE = 30


def on_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test on uvloop, within ``PATIENCE``."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def main() -> None:
            async with asyncio.timeout(PATIENCE):
                await test(*args, **kwargs)

        uvloop.run(main())

    return run


# -- what an answer says --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("octets", "network"),
    [
        (b"00101", b"00101"),
        (b" 310410\r\n", b"310410"),
        (b'"00101"', b"00101"),
        (b'{"network": "00101", "name": "x"}', b"00101"),
        (b"", b""),
        (b"null", b""),
        (b'{"network": null}', b""),
        (b'{"network": ""}', b""),
    ],
)
def test_answers(octets: bytes, network: bytes) -> None:
    assert answer(octets) == network


@pytest.mark.parametrize(
    "octets",
    [
        b"1", b"0010101", b"no", b"null x", b"{}", b"[]", b'{"network": 262}', b'{"network": []}',
        b'{"network": {"network": "00101"}}', b"{" * 4000, b'{"network":' * 1000, b"\xff\xfe",
        b"<html>00101</html>", b'"' + b"0" * 4000,
    ],
)  # fmt: skip
def test_what_is_no_answer(octets: bytes) -> None:
    with pytest.raises(NoAnswer) as caught:
        answer(octets)
    assert str(caught.value) == "garbage"


# -- the breaker ----------------------------------------------------------------------------------


def test_a_service_in_trouble_is_left_alone_longer_and_longer() -> None:
    breaker = Breaker()
    for _ in range(TROUBLE - 1):
        assert breaker.admits(0)
        assert not breaker.failed(0)
    assert breaker.failed(0)  # here the trouble begins
    now, pauses = 0, []
    for _ in range(8):
        began = now
        while not breaker.admits(now):
            now += 100
        pauses.append(now - began)
        assert not breaker.admits(now)  # one at a time
        assert not breaker.failed(now)
    assert pauses[0] >= LEAVE_ALONE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LEAVE_ALONE_AT_MOST
    breaker.succeeded()
    assert breaker.admits(now) and breaker.admits(now)


def test_a_question_that_is_never_answered_does_not_close_the_door_for_ever() -> None:
    breaker = Breaker()
    for _ in range(TROUBLE):
        breaker.failed(0)
    assert breaker.admits(LEAVE_ALONE_AT_MOST)
    assert not breaker.admits(LEAVE_ALONE_AT_MOST)
    assert breaker.admits(LEAVE_ALONE_AT_MOST + LEAVE_ALONE)


# -- the service, over HTTP -----------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
Reply = Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]


def says(octets: bytes) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(octets)

    return reply


def plain(text: bytes) -> Reply:
    return says(HEAD % len(text) + text)


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"1000\r\n" + b"0" * 4096 + b"\r\n")
            await writer.drain()


async def trickling(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD % 5 + b"00")
    await writer.drain()
    await asyncio.Event().wait()


class Service:
    """A server that answers every question with what ``reply`` does, and notes what was asked."""

    def __init__(self) -> None:
        self.reply: Reply = plain(b"00101")
        self.asked: list[str] = []
        self.open = 0
        self.most = 0
        self.tasks: set[asyncio.Task[Any]] = set()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(head.split()[1])
                self.open += 1
                self.most = max(self.most, self.open)
                try:
                    await self.reply(writer)
                finally:
                    self.open -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def service() -> AsyncIterator[Service]:
    made = Service()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)
        await asyncio.sleep(0)


def wishes(port: int = 1, **values: Any) -> LookupConfig:
    return LookupConfig(url=f"http://127.0.0.1:{port}/n/{{number}}?key=s3cret", **values)


@contextlib.asynccontextmanager
async def asking(made: Service, **values: Any) -> AsyncIterator[Lookup]:
    loop = asyncio.get_running_loop()
    wanted = wishes(made.port, **values)
    asker = Lookup(wanted, HttpDirectory(wanted), lambda: int(loop.time() * 1_000))
    try:
        yield asker
    finally:
        await asker.close()


def ask(asker: Lookup, number: bytes = NUMBER) -> asyncio.Future[bytes]:
    """What an asker that has to wait is told in the end."""
    told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    assert asker.known(number) is None
    asker.ask(number, told.set_result)
    return told


@on_loop
async def test_a_number_is_asked_for_once_and_remembered() -> None:
    async with service() as made, asking(made) as asker:
        told = [ask(asker) for _ in range(5)]
        assert asker.waiting == 5
        assert await asyncio.gather(*told) == [b"00101"] * 5
        assert made.asked == [f"/n/{NUMBER.decode()}?key=s3cret"]
        assert asker.known(NUMBER) == b"00101"
        assert asker.waiting == 0
        assert asker.outcomes == {"found": 1, "cached": 1}
        assert sum(asker.took) == 1


@on_loop
async def test_a_number_that_is_not_known_there() -> None:
    async with service() as made, asking(made) as asker:
        made.reply = says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        assert await ask(asker) == b""
        assert asker.known(NUMBER) == b""
        assert asker.outcomes == {"unknown": 1, "cached": 1}


def status(line: bytes, more: bytes = b"") -> Reply:
    return says(b"HTTP/1.1 " + line + b"\r\n" + more + b"Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (silent, "timeout"),
        (trickling, "timeout"),
        (status(b"500 Oops"), "error"),
        (status(b"204 No Content"), "error"),
        (status(b"302 Found", b"Location: http://127.0.0.1:1/elsewhere\r\n"), "error"),
        (endless, "error"),
        (plain(b"0" * (MAX_ANSWER + 1)), "error"),
        (plain(b"<html>"), "error"),
        (says(b"garbage\r\n\r\n"), "error"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"), "error"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
         "error"),
    ],
)  # fmt: skip
def test_whatever_the_service_does_the_asker_is_told(
    reply: Reply, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    @on_loop
    async def test() -> None:
        async with service() as made, asking(made, timeout=100) as asker:
            made.reply = reply
            for _ in range(TROUBLE):
                assert await ask(asker) == b""
            assert asker.outcomes == {outcome: TROUBLE}
            # Nothing of a failure is remembered, and no more is asked for a while.
            assert asker.known(NUMBER) == b""
            assert asker.outcomes == {outcome: TROUBLE, "open": 1}
            assert asker.waiting == 0

    caplog.set_level(logging.DEBUG)
    test()
    [warning] = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert warning.getMessage().startswith("the number lookup fails")
    for secret in (NUMBER.decode(), "s3cret", "0000", "html"):
        assert secret not in caplog.text


@on_loop
async def test_a_service_that_is_not_there() -> None:
    async with service() as made:
        async with asking(made) as asker:
            made.port = 1
        asker = Lookup(wishes(1), HttpDirectory(wishes(1)), lambda: 0)
        assert await ask(asker) == b""
        assert asker.outcomes == {"error": 1}
        await asker.close()


@on_loop
async def test_no_more_at_a_time_than_is_allowed_and_no_number_is_forgotten() -> None:
    async with service() as made, asking(made, max_concurrent=3) as asker:
        numbers = [b"44770090%04d" % n for n in range(40)]
        told = [ask(asker, number) for number in numbers]
        assert await asyncio.gather(*told) == [b"00101"] * 40
        assert made.most <= 3
        assert len(made.asked) == 40
        # A question that comes when all workers have just gone has one of its own.
        assert await ask(asker, OTHER) == b"00101"


class Slow:
    """A directory that answers when the test says so, on a clock that is the test's."""

    def __init__(self, **values: Any) -> None:
        self.now = 1_000
        self.gates: dict[bytes, asyncio.Future[bytes]] = {}
        self.lookup = Lookup(wishes(**values), self, lambda: self.now)

    async def network(self, number: bytes) -> bytes:
        gate = self.gates[number] = asyncio.get_running_loop().create_future()
        return await gate

    async def close(self) -> None:
        for gate in self.gates.values():
            gate.cancel()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@on_loop
async def test_who_gets_no_turn_in_time_is_told_nothing() -> None:
    slow = Slow(max_concurrent=1)
    first, second = ask(slow.lookup), ask(slow.lookup, OTHER)
    await turns()
    slow.now += 500
    slow.gates[NUMBER].set_result(b"00101")
    assert await first == b"00101"
    assert await second == b""
    assert OTHER not in slow.gates
    assert slow.lookup.outcomes == {"found": 1, "late": 1}
    await slow.lookup.close()


@on_loop
async def test_answers_count_for_a_while_and_are_let_go() -> None:
    slow = Slow(cache=10_000)
    for number in (NUMBER, OTHER):
        told = ask(slow.lookup, number)
        await turns()
        slow.gates[number].set_result(b"00101")
        await told
        slow.now += 6_000
    assert slow.lookup.known(OTHER) == b"00101"
    assert slow.lookup.known(NUMBER) is None
    told = ask(slow.lookup, NUMBER)
    await turns()
    slow.gates[NUMBER].set_result(b"00102")
    await told
    slow.now += 6_000
    assert slow.lookup.known(NUMBER) == b"00102"
    told = ask(slow.lookup, OTHER)
    await turns()
    slow.gates[OTHER].set_exception(NoAnswer("status 500"))
    await told
    await slow.lookup.close()


@on_loop
async def test_without_a_cache_nothing_is_remembered() -> None:
    slow = Slow(cache=0)
    told = ask(slow.lookup)
    await turns()
    slow.gates[NUMBER].set_result(b"00101")
    assert await told == b"00101"
    assert slow.lookup.known(NUMBER) is None
    await slow.lookup.close()


@on_loop
async def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CACHED <= 100_000 and MAX_WAITING <= 10_000
    monkeypatch.setattr(lookup, "CACHED", 3)
    monkeypatch.setattr(lookup, "MAX_WAITING", 5)
    async with service() as made, asking(made) as asker:
        told = [ask(asker, b"44770090%04d" % n) for n in range(5)]
        assert asker.known(NUMBER) == b""
        assert asker.outcomes["full"] == 1
        await asyncio.gather(*told)
        assert len(asker._cache) == 3


@on_loop
async def test_a_bug_in_the_directory_is_an_outcome(caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()
    told = ask(slow.lookup)
    await turns()
    slow.gates[NUMBER].set_exception(RuntimeError("about " + NUMBER.decode()))
    assert await told == b""
    assert slow.lookup.outcomes == {"error": 1}
    await slow.lookup.close()


@on_loop
async def test_a_dead_log_ends_the_asking_quietly() -> None:
    slow = Slow()

    def dead(network: bytes) -> None:
        raise StorageError("the log is dead")

    slow.lookup.ask(NUMBER, dead)
    await turns()
    slow.gates[NUMBER].set_result(b"00101")
    await turns()
    assert slow.lookup.waiting == 0
    await slow.lookup.close()


@on_loop
async def test_closing_waits_for_nobody() -> None:
    slow = Slow()
    told = ask(slow.lookup)
    await turns()
    await slow.lookup.close()
    assert not told.done()


# -- the configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/{number}", "https://example.net/mnp?n={number}&key=s"]
)
def test_urls(url: str) -> None:
    assert kinds.lookup_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "http://h/s3cret", "ftp://h/{number}", "http:///{number}", "{number}", "http://[h/{number}",
     "http://h:x/{number}", "http://h/{number}/{number}", "http://h/ä{number}"],
)  # fmt: skip
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="must be like") as caught:
        kinds.lookup_url(url)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(wishes())
