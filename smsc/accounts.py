"""The account port: who may bind, and whether it is really them.

``Accounts`` is an immutable snapshot; whatever stands behind it (the file, a database) swaps in
another. ``Authenticator`` verifies a bind against the snapshot of the moment: Argon2id in a small
thread pool, never on the loop, with the same work and the same answer for an unknown system_id, a
wrong password and a foreign address. A right password that was verified lately costs
microseconds; a wrong one always pays, and ``Guard`` says how often it may.

Nothing here keeps, logs or raises a password.
"""

from __future__ import annotations

import asyncio
import functools
import hmac
import ipaddress
import os
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import argon2

from smsc.account import Account, ip_of
from smsc.config import AccountConfig
from smsc.periods import Calendar
from smsc.rating import Tariff
from smsc.throttle import Penalty

#: Argon2id as OWASP's minimum has it: 19 MiB, two passes, one lane. About 20 ms of one core.
HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

#: How long a verified password is remembered, ms: a reconnect storm falls well within.
REMEMBER = 3_600_000

#: How many verified passwords are remembered: one per account and then some.
MAX_REMEMBERED = 10_000

#: Hashes that may wait for a thread: about two seconds of work, less than any bind timer.
MAX_WAITING = 100

#: The same from one address, so that none can take all, nor guess this often at once.
MAX_WAITING_PER_SITE = 20

#: How many keys each of the guard's tables holds; the least recently failed goes first.
MAX_GUARDED = 10_000

#: An IPv6 customer holds at least this much of the address (RFC 6177): one penalty for all of it.
IPV6_SITE = 64


class Accounts:
    """Every account at one moment, by system_id and by index. Immutable."""

    __slots__ = ("_by_index", "_by_system_id", "calendar", "numbering")

    def __init__(
        self,
        configs: Iterable[AccountConfig],
        tariffs: Mapping[bytes, Tariff] | None = None,
        calendar: Calendar | None = None,
    ) -> None:
        """``tariffs`` are by customer."""
        rates = tariffs or {}
        self._by_index = tuple(
            Account(index, config, rates.get(config.customer))
            for index, config in enumerate(configs)
        )
        self._by_system_id = {account.system_id: account for account in self._by_index}
        #: Their customers' billing periods; None if nobody has other ones than months of UTC.
        self.calendar = calendar
        #: Whether any of them has a way of its own to write numbers.
        self.numbering = any(account.numbering is not None for account in self._by_index)

    def without(self, customers: Collection[bytes]) -> Accounts:
        """The same, and those of these customers may not bind."""
        if not customers:
            return self
        configs = [
            replace(one.config, enabled=False) if one.config.customer in customers else one.config
            for one in self._by_index
        ]
        rates = {one.config.customer: one.tariff for one in self._by_index if one.tariff}
        return Accounts(configs, rates, self.calendar)

    def get(self, system_id: bytes) -> Account | None:
        """The account of this system_id, if there is one."""
        return self._by_system_id.get(system_id)

    def bindable(self, system_id: bytes) -> Account | None:
        """The account of this system_id, if it may bind now."""
        account = self.get(system_id)
        return account if account is not None and account.config.enabled else None

    def region(self, system_id: bytes) -> str:
        """The country whose national numbers it writes; empty for none."""
        account = self.get(system_id)
        numbering = None if account is None else account.numbering
        return "" if numbering is None else numbering.region

    def __getitem__(self, index: int) -> Account:
        return self._by_index[index]

    def __len__(self) -> int:
        return len(self._by_index)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_index)


def hash_password(password: str, longest: int = 8) -> str:
    """An Argon2id hash of a password, as ``password_hash`` of the configuration wants it.

    Raises ValueError for one that no bind can carry: SMPP gives it 8 octets (3.4 5.2.2), a
    listener with ``long_passwords`` more.
    """
    if not (1 <= len(password) <= longest and password.isascii() and password.isprintable()):
        raise ValueError(f"a password must be 1 to {longest} printable ASCII characters")
    return HASHER.hash(password.encode())


def matches(password_hash: str, password: bytes) -> bool:
    """Whether this is the password. Takes some 20 ms of CPU, without the GIL."""
    try:
        return HASHER.verify(password_hash, password)
    except argon2.exceptions.VerifyMismatchError:
        return False


class Guard:
    """How often binds may fail, by address, by account from an address, by account, and in all.

    Pure. Where the last two are exhausted, a pair of address and account that is ``known`` to be
    good still gets in, so that nobody can lock a client out from elsewhere.
    """

    def __init__(self) -> None:
        self._by_address = _Penalties(free=20, forgive=6_000)
        self._by_pair = _Penalties(free=5, forgive=60_000)
        self._by_system_id = _Penalties(free=50, forgive=6_000)
        self._in_all = Penalty(free=1_000, forgive=100)

    def admits(self, system_id: bytes, address: str, known: bool, now: int) -> bool:
        """Whether a bind is looked at. ``known``: it comes from where this account belongs."""
        site = _site(address)
        if self._by_address.refuses(site, now) or self._by_pair.refuses((site, system_id), now):
            return False
        if known:
            return True
        return not (self._by_system_id.refuses(system_id, now) or self._in_all.refuses(now))

    def failed(self, system_id: bytes, address: str, now: int) -> None:
        """A bind was looked at, and was wrong."""
        site = _site(address)
        self._by_address.failed(site, now)
        self._by_pair.failed((site, system_id), now)
        self._by_system_id.failed(system_id, now)
        self._in_all.failed(now)


class _Penalties:
    """A penalty per key, for the keys that failed last."""

    def __init__(self, free: int, forgive: int) -> None:
        self._free = free
        self._forgive = forgive
        self._penalties: OrderedDict[Hashable, Penalty] = OrderedDict()

    def refuses(self, key: Hashable, now: int) -> bool:
        penalty = self._penalties.get(key)
        return penalty is not None and penalty.refuses(now)

    def failed(self, key: Hashable, now: int) -> None:
        penalty = self._penalties.pop(key, None) or Penalty(self._free, self._forgive, now)
        self._penalties[key] = penalty
        penalty.failed(now)
        if len(self._penalties) > MAX_GUARDED:
            self._penalties.popitem(last=False)


class _Remembered:
    """Keys that expire, at most so many; the oldest goes first."""

    def __init__(self, lifetime: int, size: int) -> None:
        self._lifetime = lifetime
        self._size = size
        self._expiries: OrderedDict[Hashable, int] = OrderedDict()

    def add(self, key: Hashable, now: int) -> None:
        self._expiries.pop(key, None)
        self._expiries[key] = now + self._lifetime
        if len(self._expiries) > self._size:
            self._expiries.popitem(last=False)

    def holds(self, key: Hashable, now: int) -> bool:
        return self._expiries.get(key, now) > now


def _steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Authenticator:
    """Says who a bind is from. One per process, used on one loop.

    ``accounts`` may be replaced at any time; a changed password is asked for anew at the next
    bind. ``refused`` counts by reason: wrong, address, guarded, busy. ``clock`` is steady ms.
    """

    def __init__(self, accounts: Accounts, clock: Callable[[], int] = _steady_ms) -> None:
        self.accounts = accounts
        self.refused: Counter[str] = Counter()
        self._clock = clock
        self._guard = Guard()
        self._key = secrets.token_bytes(32)
        self._verified = _Remembered(REMEMBER, MAX_REMEMBERED)
        self._good_pairs = _Remembered(REMEMBER, MAX_REMEMBERED)
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._sites: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="password")
        #: What an unknown system_id is verified against; nobody knows its password.
        self._nobody = HASHER.hash(secrets.token_bytes(32))

    def try_cached(self, system_id: bytes, password: bytes, address: str) -> Account | None:
        """The account, if this very password was verified lately; None says nothing."""
        account = self.accounts.bindable(system_id)
        if account is None or not self._admits(account, system_id, address):
            return None
        digest = self._digest(system_id, account.config.password_hash, password)
        if not self._verified.holds(digest, self._clock()) or not account.allows(address):
            return None
        self._good_pairs.add((system_id, address), self._clock())
        return account

    async def verify(self, system_id: bytes, password: bytes, address: str) -> Account | None:
        """The account that may bind with this password from this IP address, or None."""
        outcome = await self.examine(system_id, password, address)
        return outcome if isinstance(outcome, Account) else None

    async def examine(self, system_id: bytes, password: bytes, address: str) -> Account | str:
        """As ``verify``, or the reason why not, as it is counted in ``refused``."""
        outcome = self.try_cached(system_id, password, address) or await self._examine(
            system_id, password, address
        )
        if not isinstance(outcome, Account):
            self.refused[outcome] += 1
        return outcome

    def close(self) -> None:
        """Stop the threads; what is being verified is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _examine(self, system_id: bytes, password: bytes, address: str) -> Account | str:
        """The account, or the reason why not."""
        account = self.accounts.bindable(system_id)
        if not self._admits(account, system_id, address):
            return "guarded"
        password_hash = account.config.password_hash if account else self._nobody
        digest = self._digest(system_id, password_hash, password)
        if digest not in self._running and not self._has_room(address):
            return "busy"
        right = await self._hashed(digest, password_hash, password, address)
        now = self._clock()
        # The snapshot may have changed meanwhile: what counts is what is true at the answer.
        account = self.accounts.bindable(system_id)
        if account is None or account.config.password_hash != password_hash or not right:
            self._guard.failed(system_id, address, now)
            return "wrong"
        if not account.allows(address):
            self._guard.failed(system_id, address, now)
            return "address"
        self._verified.add(digest, now)
        self._good_pairs.add((system_id, address), now)
        return account

    def _has_room(self, address: str) -> bool:
        here = self._sites[_site(address)]
        return len(self._running) < MAX_WAITING and here < MAX_WAITING_PER_SITE

    def _admits(self, account: Account | None, system_id: bytes, address: str) -> bool:
        now = self._clock()
        known = self._good_pairs.holds((system_id, address), now)
        if account is not None and not known:
            known = account.lists(address)
        return self._guard.admits(system_id, address, known, now)

    def _digest(self, system_id: bytes, password_hash: str, password: bytes) -> bytes:
        # None of the three can hold a NUL: two are C-octet strings, the hash is base64.
        secret = b"\0".join((system_id, password_hash.encode(), password))
        return hmac.digest(self._key, secret, "sha256")

    async def _hashed(
        self, digest: bytes, password_hash: str, password: bytes, address: str
    ) -> bool:
        """Verify in the pool; binds that come with the same password share the work."""
        running = self._running.get(digest)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._pool, matches, password_hash, password)
            site = _site(address)
            self._running[digest] = running
            self._sites[site] += 1
            running.add_done_callback(lambda _: self._ended(digest, site))
        # A client that hangs up while it waits must not cancel the others' work.
        return await asyncio.shield(running)

    def _ended(self, digest: bytes, site: str) -> None:
        del self._running[digest]
        self._sites[site] -= 1
        if not self._sites[site]:
            del self._sites[site]


@functools.lru_cache(MAX_REMEMBERED)
def _site(address: str) -> str:
    ip = ip_of(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ipaddress.ip_network((int(ip), IPV6_SITE), strict=False))
