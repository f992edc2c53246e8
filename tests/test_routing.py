"""Routing: which route wins, which carrier is picked, what the explanation says."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc.config import InboundConfig, RouteConfig
from smsc.kinds import Share
from smsc.routing import InboundRouter, Route, Router

SIM = ((Share(b"sim", 1),),)
UK, UK_MOBILE, DE, ANY = b"44", b"447700", b"49", b""


def route(
    name: str,
    *to: bytes,
    account: bytes = b"",
    senders: tuple[bytes, ...] = (),
    network: tuple[bytes, ...] = (),
) -> RouteConfig:
    return RouteConfig(
        name=name,
        to=to or (ANY,),
        account=account,
        from_=senders,
        network=network,
        carriers=SIM,
    )


ROUTES = [
    route("any"),
    route("uk", UK, b"353"),
    route("mobile", UK_MOBILE, account=b"acme"),
    route("uk-acme", UK, account=b"acme"),
    route("uk-shop", UK, senders=(b"SHOP", b"447700900001")),
    route("uk-acme-shop", UK, account=b"acme", senders=(b"SHOP",)),
    route("demo", account=b"demo"),
]

FINDS = [
    (b"x", b"1", b"33123", "any"),
    (b"x", b"1", b"", "any"),
    (b"x", b"1", b"4", "any"),
    (b"x", b"1", b"44", "uk"),
    (b"x", b"1", b"353861234567", "uk"),
    (b"x", b"1", b"447700900123", "uk"),
    (b"x", b"1", b"+447700900123", "uk"),
    (b"acme", b"1", b"447700900123", "mobile"),
    (b"acme", b"SHOP", b"447700900123", "mobile"),
    (b"acme", b"1", b"4420123", "uk-acme"),
    (b"acme", b"SHOP", b"4420123", "uk-acme-shop"),
    (b"x", b"SHOP", b"4420123", "uk-shop"),
    (b"x", b"+447700900001", b"4420123", "uk-shop"),
    (b"x", b"SHOPS", b"4420123", "uk"),
    (b"demo", b"SHOP", b"33123", "demo"),
    (b"demo", b"SHOP", b"4420123", "uk-shop"),
    (b"", b"", b"33123", "any"),
]


@pytest.mark.parametrize(("account", "source", "destination", "name"), FINDS)
@pytest.mark.parametrize("order", [1, -1], ids=["as written", "reversed"])
def test_finds(account: bytes, source: bytes, destination: bytes, name: str, order: int) -> None:
    router = Router(ROUTES[::order])
    found = router.find(account, source, destination)
    assert found is not None
    assert found.name == name
    assert router.explain(account, source, destination).winner == name


def test_without_a_route_there_is_none() -> None:
    assert Router([]).find(b"demo", b"1", b"447700900123") is None
    only = Router([route("de", DE), route("acme", account=b"acme")])
    assert only.find(b"demo", b"1", b"447700900123") is None
    assert only.explain(b"demo", b"1", b"447700900123").winner is None


DIGITS = st.text("47", max_size=4).map(str.encode)
NAMES = st.sampled_from([b"a", b"b"])
SENDERS = st.lists(st.sampled_from([b"S", b"T"]), max_size=2, unique=True).map(tuple)
PATTERNS = st.sampled_from([b"00101", b"00102", b"001*", b"0*", b"00101*", b"99999"])
NETWORKS = st.lists(PATTERNS, max_size=2, unique=True).map(tuple)
CONFIGS = st.builds(
    RouteConfig,
    name=st.just("x"),
    to=st.lists(DIGITS, min_size=1, max_size=3, unique=True).map(tuple),
    account=st.one_of(st.just(b""), NAMES),
    from_=SENDERS,
    network=NETWORKS,
    carriers=st.just(SIM),
)


def specific(pattern: bytes) -> int:
    """How much a pattern says of a network: whole ones most."""
    return len(pattern) if pattern.endswith(b"*") else 2 * len(pattern)


def by_the_rules(
    routes: list[RouteConfig], account: bytes, source: bytes, to: bytes, network: bytes
) -> str | None:
    fits = [
        (specific(pattern), len(prefix), bool(route.account), bool(route.from_), -at, route.name)
        for at, route in enumerate(routes)
        for prefix in route.to
        for pattern in route.network or (b"",)
        if to.startswith(prefix)
        and (
            not pattern
            or pattern == network
            or network.startswith(pattern[:-1]) & (pattern[-1:] == b"*")
        )
        and route.account in (b"", account)
        and (not route.from_ or source in route.from_)
    ]
    return max(fits)[-1] if fits else None


@given(
    st.lists(CONFIGS, max_size=8),
    NAMES,
    st.sampled_from([b"S", b"T", b"U", b""]),
    DIGITS,
    st.sampled_from([b"", b"00101", b"00102", b"001010", b"26201"]),
)
def test_tables_and_rules_and_explanation_agree(
    configs: list[RouteConfig], account: bytes, source: bytes, destination: bytes, network: bytes
) -> None:
    routes = [dataclasses.replace(c, name=str(at)) for at, c in enumerate(configs)]
    router = Router(routes)
    expected = by_the_rules(routes, account, source, destination, network)
    found = router.find(account, source, destination, network)
    assert (found.name if found else None) == expected
    assert router.explain(account, source, destination, network=network).winner == expected


BY_NETWORK = [
    route("any"),
    route("long", b"447700900"),
    route("mcc", network=(b"001*",)),
    route("one", network=(b"00101", b"00103")),
    route("one-uk", UK, network=(b"00101",)),
]


@pytest.mark.parametrize(
    ("destination", "network", "name"),
    [
        (b"33123", b"", "any"),
        (b"33123", b"26201", "any"),
        (b"447700900123", b"26201", "long"),
        (b"447700900123", b"00102", "mcc"),
        (b"447700900123", b"00101", "one-uk"),
        (b"33123", b"00101", "one"),
        (b"33123", b"00103", "one"),
        (b"33123", b"001030", "mcc"),
    ],
)
def test_a_route_that_names_the_network_goes_first(
    destination: bytes, network: bytes, name: str
) -> None:
    for routes in (BY_NETWORK, BY_NETWORK[::-1]):
        found = Router(routes).find(b"x", b"1", destination, network)
        assert found is not None
        assert found.name == name


# -- picking --------------------------------------------------------------------------------------

GROUPS = ((Share(b"a", 3), Share(b"b", 1)), (Share(b"c", 1),), (Share(b"d", 1), Share(b"e", 2)))

PICKS = [
    (b"abcde", {b"a": 300, b"b": 100}),
    (b"ab", {b"a": 300, b"b": 100}),
    (b"a", {b"a": 400}),
    (b"bcde", {b"b": 400}),
    (b"cde", {b"c": 400}),
    (b"de", {b"d": 134, b"e": 266}),
    (b"e", {b"e": 400}),
    (b"", {b"a": 300, b"b": 100}),
    (b"z", {b"a": 300, b"b": 100}),
]


@pytest.mark.parametrize(("alive", "shares"), PICKS)
def test_picks_by_group_and_weight(alive: bytes, shares: dict[bytes, int]) -> None:
    names = {bytes([name]) for name in alive}
    route = Route("r", GROUPS)
    assert Counter(route.pick(names, dice) for dice in range(400)) == shares
    assert [route.pick(names, 7) for _ in range(3)] == [route.pick(names, 7)] * 3


@pytest.mark.parametrize("alive", [{b"a"}, set()])
def test_a_single_carrier_is_always_picked(alive: set[bytes]) -> None:
    assert Route("r", ((Share(b"a", 5),),)).pick(alive, 12345) == b"a"


# -- explaining -----------------------------------------------------------------------------------


def test_explains_every_route_and_carrier() -> None:
    routes = [*ROUTES[:1], RouteConfig(name="uk", to=(UK,), carriers=GROUPS), *ROUTES[2:5]]
    found = Router(routes).explain(b"x", b"1", b"447700900123", {b"c", b"e"})
    assert str(found).splitlines() == [
        "to 447700900123 from 1 account x",
        "  wins   uk: matches by prefix of 2 digits",
        "  loses  any: matches by any destination; a prefix of 2 digits is longer",
        "  loses  mobile: it is for account acme",
        "  loses  uk-acme: it is for account acme",
        "  loses  uk-shop: it is for senders SHOP or 447700900001",
        "  carrier a, group 1, weight 3: dead",
        "  carrier b, group 1, weight 1: dead",
        "  carrier c, group 2, weight 1: used",
        "  carrier d, group 3, weight 1: dead",
        "  carrier e, group 3, weight 2: waits for its turn",
    ]
    plain = json.loads(json.dumps(found.as_dict()))
    assert plain["winner"] == "uk"
    assert [carrier["used"] for carrier in plain["carriers"]] == [False, False, True, False, False]


@pytest.mark.parametrize(
    ("account", "source", "line"),
    [
        (b"acme", b"1", "uk-shop: it is for senders SHOP or 447700900001"),
        (b"acme", b"1", "any: matches by any destination; a prefix of 2 digits is longer"),
        (b"acme", b"SHOP", "uk-acme: matches by prefix of 2 digits, account; "
         "one that names the sender is more specific"),
        (b"acme", b"SHOP", "uk-shop: matches by prefix of 2 digits, sender; "
         "one that names the account is more specific"),
        (b"acme", b"SHOP", "mobile: the destination does not begin with 447700"),
        (b"x", b"", "uk: matches by prefix of 2 digits"),
    ],
)  # fmt: skip
def test_says_why(account: bytes, source: bytes, line: str) -> None:
    assert line in str(Router(ROUTES).explain(account, source, b"4420123"))


def test_says_what_happens_without_route_or_carrier() -> None:
    lost = str(Router([route("de", DE)]).explain(b"x", b"", b"4420123"))
    assert lost.endswith("no route: the message is refused")
    waits = str(Router([route("any")]).explain(b"x", b"", b"4420123", set()))
    assert waits.endswith("no carrier is alive: the message waits for the first group")
    unknown = Router([route("any")]).explain(b"x", b"", b"4420123")
    assert [view.used for view in unknown.carriers] == [True]


# -- inbound --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("destination", "word", "account"),
    [
        (b"12345", b"", b"demo"),
        (b"12345", b"hello", b"demo"),
        (b"12345", b"NEWS", b"acme"),
        (b"+12345", b"nEwS", b"acme"),
        (b"12345", b"NEWSX", b"demo"),
        (b"54321", b"news", b"acme"),
        (b"54321", b"hello", None),
        (b"99999", b"news", None),
    ],
)
def test_inbound(destination: bytes, word: bytes, account: bytes | None) -> None:
    rules = [
        InboundConfig(to=(b"12345",), account=b"demo"),
        InboundConfig(to=(b"12345", b"54321"), keyword=b"News", account=b"acme"),
    ]
    assert InboundRouter(rules).find(destination, word) == account
