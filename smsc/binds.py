"""Who is connected and who is bound: the registry of live binds, and the limits on their number.

Owns the counts that decide whether one more may come, and the token bucket that all binds of an
account share. It sends nothing and knows no socket.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Protocol, TypeVar

from smsc.config import AccountConfig
from smsc.throttle import TokenBucket


class Lobby:
    """Connections that have not bound yet: how many in all, and how many per address."""

    def __init__(self, limit: int, limit_per_address: int) -> None:
        self.limit = limit
        self.limit_per_address = limit_per_address
        #: Connections turned away at the door.
        self.refused = 0
        self.waiting = 0
        self._addresses: dict[str, int] = {}

    def enter(self, address: str) -> bool:
        """Whether there is room for one more from this address; if so, it is counted."""
        here = self._addresses.get(address, 0)
        if self.waiting >= self.limit or here >= self.limit_per_address:
            self.refused += 1
            return False
        self.waiting += 1
        self._addresses[address] = here + 1
        return True

    def leave(self, address: str) -> None:
        """One that entered has bound or gone."""
        self.waiting -= 1
        here = self._addresses.pop(address) - 1
        if here:
            self._addresses[address] = here


class Probed(Hashable, Protocol):
    """A bind that can be asked for a sign of life."""

    def probe(self) -> None:
        """Ask; a dead peer's bind is gone a response time later."""


B = TypeVar("B", bound=Probed)


class AccountBinds(Generic[B]):
    """The live binds of one account, and what they share."""

    __slots__ = ("binds", "bucket", "limits", "throttled")

    def __init__(self, limits: AccountConfig, now: int) -> None:
        self.limits = limits
        self.binds: set[B] = set()
        self.bucket = TokenBucket(limits.rate, limits.burst, now)
        #: Submits answered ESME_RTHROTTLED for their rate.
        self.throttled = 0

    def renew(self, limits: AccountConfig, now: int) -> None:
        """Take the limits as they are configured now."""
        if limits is not self.limits:
            self.limits = limits
            self.bucket.change(limits.rate, limits.burst, now)


class Binds(Generic[B]):
    """All clients' binds, by account. An account stays known when its last bind goes.

    Otherwise a client could fill its bucket again by binding again.
    """

    def __init__(self) -> None:
        self.accounts: dict[bytes, AccountBinds[B]] = {}

    def __iter__(self) -> Iterator[B]:
        return (bind for account in self.accounts.values() for bind in account.binds)

    def __len__(self) -> int:
        return sum(len(account.binds) for account in self.accounts.values())

    def enter(self, bind: B, limits: AccountConfig, now: int) -> AccountBinds[B] | None:
        """Count one more bind of an account; None if it has as many as it may.

        Then those it has are asked for a sign of life, so that a client which lost its network
        is not kept out by its own dead binds; a live one is never evicted.
        """
        account = self.accounts.get(limits.system_id)
        if account is None:
            account = self.accounts[limits.system_id] = AccountBinds(limits, now)
        account.renew(limits, now)
        if len(account.binds) >= limits.binds:
            for other in account.binds:
                other.probe()
            return None
        account.binds.add(bind)
        return account

    def renew(self, limits: Callable[[bytes], AccountConfig | None], now: int) -> list[B]:
        """Take every account's limits as they are now; the binds of those that have none."""
        homeless: list[B] = []
        for system_id, account in self.accounts.items():
            fresh = limits(system_id)
            if fresh is None:
                homeless += account.binds
            else:
                account.renew(fresh, now)
        return homeless

    def leave(self, bind: B, system_id: bytes) -> None:
        """It is gone, or going; asking twice does no harm."""
        self.accounts[system_id].binds.discard(bind)
