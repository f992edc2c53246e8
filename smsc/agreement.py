"""What must agree between the settings of one configuration.

Owns the checks that no value can be put to alone: names that must exist, ports and matches that
must differ, limits that must be in order, what a version of SMPP cannot do. A finding is the key
of a setting and what is wrong with it.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Container, Iterator
from typing import TypeAlias, get_args

from smsc import numbers
from smsc.config import AccountConfig, Config
from smsc.kinds import VERSIONS

#: A submit_multi names 255 destinations.
MAX_LIST = 255

Findings: TypeAlias = Iterator[tuple[str, str]]


def _present(config: Config) -> Findings:
    if not config.listeners:
        yield "listeners", "at least one listener is needed"
    if not config.accounts and not config.database.url:
        yield "accounts", "at least one account is needed, or a database that has some"


def _unique(config: Config) -> Findings:
    for section, name in (
        ("listeners", "name"),
        ("accounts", "system_id"),
        ("carriers", "name"),
        ("routes", "name"),
    ):
        first: dict[object, int] = {}
        for at, item in enumerate(getattr(config, section)):
            other = first.setdefault(getattr(item, name), at)
            if other != at:
                yield f"{section}[{at}].{name}", f"is the same as that of {section}[{other}]"


def _one_port_each(config: Config) -> Findings:
    places = [(f"listeners[{at}]", x.host, x.port) for at, x in enumerate(config.listeners)]
    places.append(("metrics", config.metrics.host, config.metrics.port))
    for at, (key, host, port) in enumerate(places):
        for other, other_host, other_port in places[:at]:
            if port and port == other_port and _overlap(host, other_host):
                yield f"{key}.port", f"{port} is already taken by {other}"


def _overlap(one: str, other: str) -> bool:
    return one == other or bool({one, other} & {"0.0.0.0", "::"})


def _existing(config: Config) -> Findings:
    carriers = {carrier.name for carrier in config.carriers}
    accounts = {account.system_id for account in config.accounts}
    for at, route in enumerate(config.routes):
        if not route.carriers:
            yield f"routes[{at}].carriers", "at least one carrier is needed"
        for group, shares in enumerate(route.carriers):
            for share in shares:
                if share.carrier not in carriers:
                    yield f"routes[{at}].carriers[{group}]", _no_such("carrier", share.carrier)
    if config.database.url:
        return  # the other accounts are there: who reads them says what is missing
    yield from unknown_accounts(config, accounts)


def unknown_accounts(config: Config, accounts: Container[bytes]) -> Findings:
    """Where an account is named that is none of these."""
    for at, route in enumerate(config.routes):
        if route.account and route.account not in accounts:
            yield f"routes[{at}].account", _no_such("account", route.account)
    if config.lookup is not None:
        for at, name in enumerate(config.lookup.accounts):
            if name not in accounts:
                yield f"lookup.accounts[{at}]", _no_such("account", name)
        routes = {one.name for one in config.routes}
        for at, wanted in enumerate(config.lookup.routes):
            if wanted not in routes:
                yield f"lookup.routes[{at}]", _no_such("route", wanted.encode())
    for at, inbound in enumerate(config.inbound):
        if inbound.account not in accounts:
            yield f"inbound[{at}].account", _no_such("account", inbound.account)


def _no_such(what: str, name: bytes) -> str:
    return f"there is no {what} named {name.decode()}"


def _ambiguous(config: Config) -> Findings:
    routes: dict[object, int] = {}
    for at, route in enumerate(config.routes):
        senders, where = route.from_ or (b"",), route.network or (b"",)
        fixed = (route.account,), (route.broadcast,)
        for match in itertools.product(route.to, senders, where, *fixed):
            other = routes.setdefault(match, at)
            if other != at:
                yield f"routes[{at}]", f"matches the same as routes[{other}] and never wins"
                break
    inbound: dict[object, int] = {}
    for at, rule in enumerate(config.inbound):
        for to in rule.to:
            other = inbound.setdefault((to, rule.keyword.upper()), at)
            if other != at:
                yield f"inbound[{at}]", f"matches the same as inbound[{other}] and never wins"


def _ordered(config: Config) -> Findings:
    for at, account in enumerate(config.accounts):
        for key, message in ordered_account(account):
            yield f"accounts[{at}].{key}", message
    for at, carrier in enumerate(config.carriers):
        if carrier.reconnect.min > carrier.reconnect.max:
            yield f"carriers[{at}].reconnect", "min is longer than max"
    slow = config.storage.slow_sync
    if not slow.warn <= slow.throttle <= slow.pause <= slow.unready:
        yield "storage.slow_sync", "must grow from warn over throttle and pause to unready"
    retention = config.retention
    for key, value in (("objection", retention.objection), ("content", retention.content or 0)):
        if value > retention.maximum:
            yield f"retention.{key}", "is longer than maximum"
    timers = config.limits.timers
    if 0 < timers.inactivity < 2 * timers.enquire_link:
        yield "limits.timers.inactivity", "must be 0 or at least twice enquire_link"


def ordered_account(account: AccountConfig) -> Findings:
    """What must agree within one account, by keys of its own."""
    if account.default_validity > account.max_validity:
        yield "default_validity", "is longer than max_validity"
    for name, members in account.distribution_lists.items():
        if not 1 <= len(members) <= MAX_LIST:
            yield f"distribution_lists.{name.decode()}", f"must have 1 to {MAX_LIST} numbers"


def _bindable(config: Config) -> Findings:
    for at, carrier in enumerate(config.carriers):
        if carrier.version < VERSIONS["3.4"] and carrier.bind == "trx":
            yield f"carriers[{at}].bind", "SMPP 3.3 has no transceiver; use tx+rx"
        if carrier.version < VERSIONS["3.4"] and carrier.long_messages in ("sar", "payload"):
            yield f"carriers[{at}].long_messages", "SMPP 3.3 has no TLVs; use udh"


def _writable(config: Config) -> Findings:
    for at, carrier in enumerate(config.carriers):
        key, wishes = f"carriers[{at}].numbers", carrier.numbers
        for side, form in (("source", wishes.source), ("destination", wishes.destination)):
            if form.form == "national" and not wishes.region:
                yield f"{key}.{side}", "national numbers need a region"
        sender = wishes.replacement
        if sender is None and set(wishes.senders) != set(get_args(numbers.Kind)):
            yield f"{key}.senders", "the other kinds need a replacement"
        elif sender is not None and numbers.kind(sender.ton, sender.address) not in wishes.senders:
            yield f"{key}.replacement", "is not of a kind that senders names"
        for number, rule in enumerate(carrier.rewrite):
            try:
                re.compile(rule.match, re.ASCII).sub(rule.replace, "")
            except (re.error, IndexError) as error:
                yield f"carriers[{at}].rewrite[{number}].replace", f"does not fit match: {error}"


def _broadcasting(config: Config) -> Findings:
    versions = {carrier.name: carrier.version for carrier in config.carriers}
    for at, route in enumerate(config.routes):
        if not route.broadcast:
            continue
        if route.to != (b"",):
            yield f"routes[{at}].to", "a broadcast has no destination"
        for group, shares in enumerate(route.carriers):
            for share in shares:
                if versions.get(share.carrier, 0x50) < VERSIONS["5.0"]:
                    name = share.carrier.decode()
                    yield f"routes[{at}].carriers[{group}]", f"{name} has no broadcasts before 5.0"


def _pinned(config: Config) -> Findings:
    for at, carrier in enumerate(config.carriers):
        rule = carrier.id_rule
        if (rule.response == "learn") != (rule.receipt == "learn"):
            yield f"carriers[{at}].id_rule", "pins response and receipt, or neither"


def _apart(config: Config) -> Findings:
    if os.path.abspath(config.storage.directory) == os.path.abspath(config.traffic.directory):
        yield "traffic.directory", "must not be storage.directory"


CHECKS: tuple[Callable[[Config], Findings], ...] = (
    _present,
    _unique,
    _one_port_each,
    _existing,
    _ambiguous,
    _ordered,
    _bindable,
    _writable,
    _broadcasting,
    _pinned,
    _apart,
)
