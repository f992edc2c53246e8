"""Accounts and who may bind: the decisions by table, the threads by running them."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

import argon2
import pytest

from smsc import accounts
from smsc.accounts import Accounts, Authenticator, Guard, hash_password
from smsc.config import AccountConfig
from smsc.periods import Calendar

HERE, THERE = "192.0.2.1", "198.51.100.1"

#: The cheapest hash that argon2 makes: what is tested is not how long it takes.
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASHES = {password: CHEAP.hash(password) for password in (b"right", b"other")}


def account(
    system_id: bytes = b"demo", password: bytes = b"right", *networks: str
) -> AccountConfig:
    return AccountConfig(
        system_id=system_id,
        password_hash=HASHES[password],
        allowed_addresses=tuple(map(ip_network, networks)),
    )


class Clock:
    """Milliseconds that pass when the test says so."""

    now = 1_000_000

    def __call__(self) -> int:
        return self.now


@asynccontextmanager
async def authenticator(
    *configs: AccountConfig, clock: Callable[[], int] | None = None
) -> AsyncIterator[Authenticator]:
    subject = Authenticator(Accounts(configs or (account(),)), clock or Clock())
    try:
        yield subject
    finally:
        subject.close()


def runs(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    def run() -> None:
        asyncio.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


# -- the snapshot ---------------------------------------------------------------------------------


def test_without_some_customers_all_else_is_as_it_was() -> None:
    calendar = Calendar()
    snapshot = Accounts([account(b"a"), account(b"b")], None, calendar)
    less = snapshot.without({b"a"})
    assert less.bindable(b"a") is None and less.get(b"a") is not None
    assert less.bindable(b"b") and less.calendar is calendar


def test_a_snapshot_finds_by_system_id_and_index() -> None:
    snapshot = Accounts([account(b"a"), account(b"b")])
    assert [(one.index, one.system_id) for one in snapshot] == [(0, b"a"), (1, b"b")]
    assert snapshot.get(b"b") is snapshot[1]
    assert snapshot.get(b"c") is None
    assert len(snapshot) == 2


def test_a_hash_is_argon2id_salted_and_of_that_password() -> None:
    one, two = hash_password("demo1234"), hash_password("demo1234")
    assert one != two
    assert argon2.extract_parameters(one).type is argon2.Type.ID
    assert accounts.matches(one, b"demo1234")
    assert not accounts.matches(one, b"demo1235")


@pytest.mark.parametrize("password", ["", "123456789", "pässword", "a\x00"])
def test_a_password_that_no_bind_can_carry_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        hash_password(password)


# -- verifying ------------------------------------------------------------------------------------

VERIFIES = [
    ((b"demo", b"right", HERE), b"demo", None),
    ((b"demo", b"wrong", HERE), None, "wrong"),
    ((b"demo", b"", HERE), None, "wrong"),
    ((b"demo", b"righ\xff", HERE), None, "wrong"),
    ((b"none", b"right", HERE), None, "wrong"),
    ((b"", b"right", HERE), None, "wrong"),
    ((b"d\xffmo", b"right", HERE), None, "wrong"),
    ((b"home", b"right", HERE), b"home", None),
    ((b"home", b"right", THERE), None, "address"),
    ((b"home", b"wrong", THERE), None, "wrong"),
]


@pytest.mark.parametrize(("bind", "system_id", "reason"), VERIFIES)
def test_verify(
    bind: tuple[bytes, bytes, str], system_id: bytes | None, reason: str | None
) -> None:
    async def run() -> None:
        async with authenticator(account(), account(b"home", b"right", "192.0.2.0/24")) as subject:
            found = await subject.verify(*bind)
            assert (found.system_id if found else None) == system_id
            assert dict(subject.refused) == ({reason: 1} if reason else {})
            # Only what was right is known without the work.
            assert (subject.try_cached(*bind) is not None) == (system_id is not None)

    asyncio.run(run())


@runs
async def test_a_verified_password_is_remembered_for_a_while() -> None:
    clock = Clock()
    async with authenticator(clock=clock) as subject:
        assert subject.try_cached(b"demo", b"right", HERE) is None
        assert await subject.verify(b"demo", b"right", HERE)
        for password, address, known in [
            (b"right", HERE, True),
            (b"right", THERE, True),
            (b"wrong", HERE, False),
            (b"", HERE, False),
        ]:
            assert (subject.try_cached(b"demo", password, address) is not None) is known
        clock.now += accounts.REMEMBER - 1
        assert subject.try_cached(b"demo", b"right", HERE)
        clock.now += 1
        assert subject.try_cached(b"demo", b"right", HERE) is None


@runs
async def test_a_remembered_password_does_not_pass_from_a_foreign_address() -> None:
    async with authenticator(account(b"demo", b"right", "192.0.2.0/24")) as subject:
        assert await subject.verify(b"demo", b"right", HERE)
        assert subject.try_cached(b"demo", b"right", THERE) is None


@runs
async def test_a_changed_or_removed_account_is_not_remembered() -> None:
    async with authenticator() as subject:
        assert await subject.verify(b"demo", b"right", HERE)
        subject.accounts = Accounts([account(b"demo", b"other")])
        assert subject.try_cached(b"demo", b"right", HERE) is None
        assert await subject.verify(b"demo", b"right", HERE) is None
        assert await subject.verify(b"demo", b"other", HERE)
        subject.accounts = Accounts([])
        assert subject.try_cached(b"demo", b"other", HERE) is None
        assert await subject.verify(b"demo", b"other", HERE) is None


@runs
async def test_what_counts_is_the_snapshot_at_the_answer() -> None:
    async with authenticator() as subject:
        for changed in (Accounts([]), Accounts([account(b"demo", b"other")])):
            subject.accounts = Accounts([account()])
            verifying = asyncio.create_task(subject.verify(b"demo", b"right", HERE))
            await asyncio.sleep(0)
            subject.accounts = changed
            assert await verifying is None


@runs
async def test_the_account_is_the_snapshots_own() -> None:
    async with authenticator(account(b"first"), account()) as subject:
        found = await subject.verify(b"demo", b"right", HERE)
        assert found is subject.accounts[1]
        subject.accounts = Accounts([account()])
        assert subject.try_cached(b"demo", b"right", HERE) is subject.accounts[0]


@runs
async def test_an_unknown_system_id_costs_the_same_work() -> None:
    async with authenticator() as subject:
        verified: list[str] = []
        pool, subject._pool = subject._pool, _Recording(verified)  # type: ignore[assignment]
        pool.shutdown()
        await subject.verify(b"none", b"right", HERE)
        assert argon2.extract_parameters(verified[0]) == argon2.extract_parameters(
            hash_password("demo1234")
        )


class _Recording(accounts.ThreadPoolExecutor):
    """A pool that notes which hashes were verified."""

    def __init__(self, verified: list[str]) -> None:
        super().__init__(1)
        self.verified = verified

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.verified.append(args[0])
        return super().submit(fn, *args, **kwargs)


@runs
async def test_binds_with_the_same_password_share_the_work() -> None:
    async with authenticator() as subject:
        verified: list[str] = []
        pool, subject._pool = subject._pool, _Recording(verified)  # type: ignore[assignment]
        pool.shutdown()
        binds = [subject.verify(b"demo", b"right", HERE) for _ in range(300)]
        assert all(await asyncio.gather(*binds))
        assert len(verified) == 1


@runs
async def test_who_hangs_up_does_not_cancel_the_others() -> None:
    async with authenticator() as subject:
        first, second = (
            asyncio.create_task(subject.verify(b"demo", b"right", HERE)) for _ in range(2)
        )
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        with pytest.raises(asyncio.CancelledError):
            await first


@runs
async def test_no_address_can_fill_the_queue() -> None:
    async with authenticator() as subject:
        binds = [
            subject.verify(b"demo", b"x%d" % n, HERE)
            for n in range(accounts.MAX_WAITING_PER_SITE + 5)
        ]
        binds.append(subject.verify(b"demo", b"right", THERE))
        assert [found is not None for found in await asyncio.gather(*binds)][-1]
        assert subject.refused["busy"] == 5


@runs
async def test_the_queue_has_an_end() -> None:
    async with authenticator() as subject:
        binds = [
            subject.verify(b"demo", b"x%d" % n, f"192.0.2.{n % 250}")
            for n in range(accounts.MAX_WAITING + 7)
        ]
        await asyncio.gather(*binds)
        assert subject.refused == {"busy": 7, "wrong": accounts.MAX_WAITING}
        assert not subject._running
        assert not subject._sites


@runs
async def test_guessing_is_refused_even_when_the_guess_is_right() -> None:
    clock = Clock()
    async with authenticator(clock=clock) as subject:
        assert await subject.verify(b"demo", b"right", THERE)
        while not subject.refused["guarded"]:
            assert await subject.verify(b"demo", b"wrong", HERE) is None
        assert subject.refused["wrong"] < 20
        assert subject.try_cached(b"demo", b"right", HERE) is None
        assert await subject.verify(b"demo", b"right", HERE) is None
        # Elsewhere, and a minute later here, the account is as before.
        assert subject.try_cached(b"demo", b"right", THERE)
        clock.now += 60_000
        assert subject.try_cached(b"demo", b"right", HERE)


def test_the_key_of_a_remembered_password_is_not_the_password() -> None:
    async def run() -> None:
        async with authenticator() as one, authenticator() as two:
            arguments = (b"demo", HASHES[b"right"], b"right")
            assert one._digest(*arguments) != two._digest(*arguments)
            assert one._digest(b"demo", "h", b"x") != one._digest(b"demoh", "", b"x")
            assert hmac.compare_digest(one._digest(*arguments), one._digest(*arguments))

    asyncio.run(run())


# -- the guard ------------------------------------------------------------------------------------


def failures(guard: Guard, binds: list[tuple[bytes, str]], now: int = 0) -> int:
    """How many of these were looked at; each of them fails."""
    looked_at = 0
    for system_id, address in binds:
        if guard.admits(system_id, address, known=False, now=now):
            guard.failed(system_id, address, now)
            looked_at += 1
    return looked_at


def many(count: int) -> list[str]:
    return [f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::1" for n in range(count)]


@pytest.mark.parametrize(
    ("binds", "looked_at"),
    [
        ([(b"demo", HERE)] * 100, 6),
        ([(b"x%d" % n, HERE) for n in range(100)], 21),
        ([(b"x%d" % n, f"2001:db8::{n:x}") for n in range(100)], 21),
        ([(b"demo", address) for address in many(200)], 51),
        ([(b"x%d" % n, address) for n, address in enumerate(many(2_000))], 1_001),
    ],
    ids=["one pair", "one address", "one IPv6 site", "one account", "all"],
)
def test_failures_are_limited(binds: list[tuple[bytes, str]], looked_at: int) -> None:
    assert failures(Guard(), binds) == looked_at


def test_nobody_locks_a_client_out_from_elsewhere() -> None:
    guard = Guard()
    failures(guard, [(b"demo", address) for address in many(200)])
    failures(guard, [(b"x%d" % n, address) for n, address in enumerate(many(5_000)[200:])])
    assert not guard.admits(b"demo", HERE, known=False, now=0)
    assert guard.admits(b"demo", HERE, known=True, now=0)
    assert guard.admits(b"demo", HERE, known=False, now=60_000)


def test_a_guard_forgets_the_oldest_and_stays_bounded() -> None:
    penalties = accounts._Penalties(free=0, forgive=60_000)
    for key in range(accounts.MAX_GUARDED + 1):
        penalties.failed(key, 0)
    assert not penalties.refuses(0, 0)
    assert penalties.refuses(1, 0)
    assert penalties.refuses(accounts.MAX_GUARDED, 0)


def test_what_is_remembered_is_bounded() -> None:
    remembered = accounts._Remembered(lifetime=100, size=2)
    for key in ("a", "b", "a", "c"):
        remembered.add(key, 0)
    assert [remembered.holds(key, 99) for key in "abc"] == [True, False, True]
    assert not remembered.holds("c", 100)
