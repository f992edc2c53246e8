"""Where a message goes: which route wins, and which carrier of it is used.

Routes are compiled into tables, one dict look-up per distinct prefix length. The longest matching
destination prefix wins; among routes with that prefix, the one that names both account and sender,
then the account, then the sender, then neither. Where no route of the longest prefix fits, the
next shorter one is asked. Routes that name the destination's network go before all others: where a
number is counts for more than what it looks like. Pure: who is alive and the dice are arguments.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from smsc import networks
from smsc.config import InboundConfig, RouteConfig
from smsc.kinds import Share


class Route:
    """One route as it is used: its name, and its carriers in ``groups`` in failover order.

    ``tries_next``: what a carrier has failed for good is given to another.
    """

    def __init__(
        self, name: str, groups: Sequence[Sequence[Share]], tries_next: bool = False
    ) -> None:
        self.name = name
        self.tries_next = tries_next
        self.groups = tuple(tuple(group) for group in groups)
        #: The carrier where there is no choice.
        self.only = self.groups[0][0].carrier if list(map(len, self.groups)) == [1] else None

    def pick(self, alive: Container[bytes], dice: int) -> bytes:
        """The carrier to use: from the first group with one alive, in proportion to the weights.

        With none alive it is the first group's choice, where the message waits. Consecutive dice
        give exact shares.
        """
        if self.only is not None:
            return self.only
        for group in self.groups:
            shares = [share for share in group if share[0] in alive]
            if shares:
                return _by_weight(shares, dice)
        return _by_weight(self.groups[0], dice)

    def another(self, alive: Container[bytes], tried: Container[bytes], dice: int) -> bytes | None:
        """The carrier to use next, as ``pick`` chooses, among those not tried; None if all were."""
        left = [[share for share in group if share[0] not in tried] for group in self.groups]
        for group in left:
            shares = [share for share in group if share[0] in alive]
            if shares:
                return _by_weight(shares, dice)
        return next((_by_weight(group, dice) for group in left if group), None)

    def __repr__(self) -> str:
        return f"<Route {self.name}>"


def _by_weight(shares: Sequence[Share], dice: int) -> bytes:
    if len(shares) == 1:
        return shares[0].carrier
    point = dice % sum(share.weight for share in shares)
    for carrier, weight in shares:
        point -= weight
        if point < 0:
            return carrier
    raise AssertionError("weights are positive, so the point lies within their sum")


#: Longer than any pattern with ``*``, so that a whole network is more specific.
MAX_PATTERN = 8

BySender: TypeAlias = dict[bytes, Route]


class Table:
    """Routes by prefix, account and sender."""

    def __init__(self) -> None:
        # By prefix: the routes that name an account, by that, and those that do not; each by
        # sender, b"" where none is named.
        self._by_prefix: dict[bytes, tuple[dict[bytes, BySender], BySender]] = {}
        self._lengths: tuple[int, ...] = ()

    def add(self, config: RouteConfig) -> None:
        """Put a route in; one that matches the same is before it."""
        route = Route(config.name, config.carriers, config.on_failure == "next")
        senders = config.from_ or (b"",)
        for prefix, sender in itertools.product(config.to, senders):
            named, general = self._by_prefix.setdefault(prefix, ({}, {}))
            rules = named.setdefault(config.account, {}) if config.account else general
            rules.setdefault(sender, route)
        self._lengths = tuple(sorted({len(prefix) for prefix in self._by_prefix}, reverse=True))

    def find(self, account: bytes, source: bytes, destination: bytes) -> Route | None:
        """The route that wins among these."""
        for length in self._lengths:
            rules = self._by_prefix.get(destination[:length] if length else b"")
            if rules is None:
                continue
            named, general = rules
            mine = named.get(account)
            if mine and (route := mine.get(source) or mine.get(b"")):
                return route
            if general and (route := general.get(source) or general.get(b"")):
                return route
        return None


class Router:
    """All routes, of messages or of broadcasts. Immutable; other routes are another Router."""

    def __init__(self, routes: Iterable[RouteConfig], broadcast: bool = False) -> None:
        self._routes = tuple(route for route in routes if route.broadcast == broadcast)
        #: Whether any of them asks who sends, and to which numbers.
        self.by_source = any(route.from_ for route in self._routes)
        self.by_destination = any(any(route.to) for route in self._routes)
        self._anywhere = Table()
        self._by_network: dict[bytes, Table] = {}
        for config in self._routes:
            for network in config.network:
                self._by_network.setdefault(network, Table()).add(config)
            if not config.network:
                self._anywhere.add(config)

    def find(
        self, account: bytes, source: bytes, destination: bytes, network: bytes = b""
    ) -> Route | None:
        """The route that wins, with the carriers it may use; None if there is no way."""
        if destination.startswith(b"+"):
            destination = destination[1:]
        if source.startswith(b"+"):
            source = source[1:]
        if network and self._by_network:
            for pattern in networks.patterns(network):
                table = self._by_network.get(pattern)
                if table is not None:
                    route = table.find(account, source, destination)
                    if route is not None:
                        return route
        return self._anywhere.find(account, source, destination)

    def explain(
        self,
        account: bytes,
        source: bytes,
        destination: bytes,
        alive: Container[bytes] | None = None,
        network: bytes = b"",
        notes: Sequence[str] = (),
    ) -> Explanation:
        """Which route wins and why, and why each other does not; for people, not for speed.

        Without ``alive`` every carrier is taken to be. ``notes`` say where the rest came from.
        """
        number, sender = destination.removeprefix(b"+"), source.removeprefix(b"+")
        ranks = [_rank(route, account, sender, number, network) for route in self._routes]
        best = max((rank for rank in ranks if isinstance(rank, Rank)), default=None)
        verdicts = [_verdict(*pair, best) for pair in zip(self._routes, ranks, strict=True)]
        winner = self.find(account, source, destination, network)
        return Explanation(
            account=account.decode("ascii", "replace"),
            source=source.decode("ascii", "replace"),
            destination=destination.decode("ascii", "replace"),
            network=network.decode("ascii", "replace"),
            notes=tuple(notes),
            verdicts=tuple(verdicts),
            carriers=tuple(_carriers(winner, alive)) if winner else (),
        )


def reachable(routes: Iterable[RouteConfig], account: bytes, beside: bytes) -> frozenset[bytes]:
    """The carriers of all routes that may be this account's; of those with ``beside``, if named."""
    return frozenset(
        share.carrier
        for route in routes
        if not route.account or route.account == account
        if not beside or any(share.carrier == beside for group in route.carriers for share in group)
        for group in route.carriers
        for share in group
    )


class Rank(NamedTuple):
    """How well a route fits; the greatest wins."""

    network: int
    prefix: int
    account: bool
    sender: bool


class Verdict(NamedTuple):
    """What became of one route, and why."""

    route: str
    wins: bool
    reason: str


class CarrierView(NamedTuple):
    """A carrier of the route that won, as it stands now."""

    group: int
    carrier: str
    weight: int
    alive: bool
    used: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a message goes where it goes. ``str()`` is for people, ``as_dict`` for programs."""

    account: str
    source: str
    destination: str
    network: str
    notes: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    carriers: tuple[CarrierView, ...]

    @property
    def winner(self) -> str | None:
        """The name of the route that wins."""
        return next((verdict.route for verdict in self.verdicts if verdict.wins), None)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "account": self.account,
            "source": self.source,
            "destination": self.destination,
            "network": self.network,
            "notes": list(self.notes),
            "winner": self.winner,
            "routes": [verdict._asdict() for verdict in self.verdicts],
            "carriers": [view._asdict() for view in self.carriers],
        }

    def __str__(self) -> str:
        lines = [f"to {self.destination} from {self.source or '(none)'} account {self.account}"]
        lines += [f"  {note}" for note in self.notes]
        for verdict in sorted(self.verdicts, key=lambda verdict: not verdict.wins):
            lines.append(
                f"  {'wins ' if verdict.wins else 'loses'}  {verdict.route}: {verdict.reason}"
            )
        if self.winner is None:
            return "\n".join([*lines, "no route: the message is refused"])
        lines += [f"  {_carrier_line(view)}" for view in self.carriers]
        if not any(view.alive for view in self.carriers):
            lines.append("no carrier is alive: the message waits for the first group")
        return "\n".join(lines)


def _rank(
    route: RouteConfig, account: bytes, sender: bytes, number: bytes, network: bytes
) -> Rank | str:
    """How well a route fits, or why it does not."""
    named = next((one for one in networks.patterns(network) if one in route.network), b"")
    if route.network and not named:
        return f"it is for network {_words(route.network)}"
    prefix = max((to for to in route.to if number.startswith(to)), key=len, default=None)
    if prefix is None:
        return f"the destination does not begin with {_words(route.to)}"
    if route.account and route.account != account:
        return f"it is for account {route.account.decode()}"
    if route.from_ and sender not in route.from_:
        return f"it is for senders {_words(route.from_)}"
    weight = MAX_PATTERN if named == network else len(named)
    return Rank(weight if named else 0, len(prefix), bool(route.account), bool(route.from_))


def _verdict(route: RouteConfig, rank: Rank | str, best: Rank | None) -> Verdict:
    if isinstance(rank, str):
        return Verdict(route.name, False, rank)
    if rank == best:
        return Verdict(route.name, True, _strength(rank))
    assert best is not None
    return Verdict(route.name, False, f"{_strength(rank)}; {_weakness(rank, best)}")


def _strength(rank: Rank) -> str:
    matched = ["network"] * bool(rank.network)
    matched += [f"prefix of {rank.prefix} digits" if rank.prefix else "any destination"]
    matched += ["account"] * rank.account + ["sender"] * rank.sender
    return f"matches by {', '.join(matched)}"


def _weakness(rank: Rank, best: Rank) -> str:
    if rank.network < best.network:
        return "one that names the network is more specific"
    if rank.prefix < best.prefix:
        return f"a prefix of {best.prefix} digits is longer"
    if rank.account < best.account:
        return "one that names the account is more specific"
    return "one that names the sender is more specific"


def _carriers(route: Route, alive: Container[bytes] | None) -> Iterable[CarrierView]:
    used = None
    for at, group in enumerate(route.groups):
        lives = [alive is None or share.carrier in alive for share in group]
        if used is None and any(lives):
            used = at
        for (carrier, weight), living in zip(group, lives, strict=True):
            yield CarrierView(at, carrier.decode(), weight, living, at == used and living)


def _carrier_line(view: CarrierView) -> str:
    state = "used" if view.used else "waits for its turn" if view.alive else "dead"
    return f"carrier {view.carrier}, group {view.group + 1}, weight {view.weight}: {state}"


def _words(values: Iterable[bytes]) -> str:
    return " or ".join(value.decode() for value in values)


class InboundRouter:
    """Whose an inbound message is, by its destination and the first word of its text."""

    __slots__ = ("_accounts",)

    def __init__(self, rules: Iterable[InboundConfig]) -> None:
        self._accounts: Mapping[tuple[bytes, bytes], bytes] = {
            (to, rule.keyword.upper()): rule.account for rule in rules for to in rule.to
        }

    def find(self, destination: bytes, first_word: bytes) -> bytes | None:
        """The account's system_id: the keyword's (in any case), else the number's, else None."""
        if destination[:1] == b"+":
            destination = destination[1:]
        found = self._accounts.get((destination, first_word.upper()))
        return found or self._accounts.get((destination, b""))
