"""What an operator is told of the carriers: configured, learned, bound, waiting, in doubt.

Owns the answer of ``GET /carriers`` on the control socket, and how ``smsc carrier show`` prints it.
There is no number and no text in it: rules, counts, ages and the configuration's own names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from smsc.carrier import Carrier
from smsc.commit import Clock
from smsc.config import CarrierConfig
from smsc.control import Asked, Control
from smsc.core import Core
from smsc.errors import ControlError
from smsc.kinds import VERSIONS
from smsc.profile import ENOUGH, QUARTER, Evidence, Profile

_HOUR = 60 * 60_000
_MINUTE = 60_000

_VERSIONS = {value: name for name, value in VERSIONS.items()}


class Served(Protocol):
    """What is asked about: parts of ``smsc.app.App``."""

    core: Core
    clock: Clock
    carriers: list[Carrier]


def register(control: Control, app: Served) -> None:
    """Answer for the carriers of ``app`` on its control socket."""

    async def show(asked: Asked) -> Any:
        name = asked.path.get("name")
        known = [one for one in app.carriers if name in (None, _word(one.config.name))]
        if not known:
            raise ControlError(f"there is no carrier named {name}")
        return [_told(app, carrier) for carrier in known]

    control.add("GET", "/carriers", show)
    control.add("GET", "/carriers/{name:path}", show)


def _word(name: bytes) -> str:
    return name.decode("ascii")


def _told(app: Served, carrier: Carrier) -> dict[str, Any]:
    config = carrier.config
    upstream = app.core.upstreams[config.name]
    profile: Profile = app.core.correlations[config.name].profile
    doubts = app.core.state.spool.doubts.survey()
    now = app.clock()
    return {
        "carrier": _word(config.name),
        "configured": _configured(config),
        "binds": [
            {
                "up": bind.up,
                "unanswered": bind.outstanding,
                "made": bind.made,
                "failed": bind.failed,
            }
            for bind in carrier.binds
        ],
        "waiting": upstream.waiting(),
        "in_doubt": [
            {"cause": cause.decode(), "open": count, "oldest_seconds": (now - since) / 1_000}
            for (of, cause), (count, since) in sorted(doubts.items())
            if of == upstream.index
        ],
        "learned": {
            "ids": _evidence(profile.ids),
            "clock": _evidence(profile.ahead, _clock),
            "receipts": _evidence(profile.pattern, lambda pattern: pattern._asdict()),
        },
    }


def _configured(config: CarrierConfig) -> dict[str, Any]:
    rule, zone = config.id_rule, config.receipt_time_zone
    return {
        "host": config.host,
        "port": config.port,
        "version": _VERSIONS[config.version],
        "bind": config.bind,
        "receipts": config.receipts,
        "id_rule": {"response": rule.response, "receipt": rule.receipt},
        "receipt_time_zone": "learn" if zone is None else zone.name,
    }


def _evidence(evidence: Evidence[Any], shown: Any = lambda value: value) -> dict[str, Any]:
    verdict = evidence.verdict
    return {
        "verdict": None if verdict is None else shown(verdict),
        "seen": [shown(value) for value in evidence.seen],
        "in_a_row": evidence.count,
    }


def _clock(ahead: int) -> str:
    """``+05:45``: so far ahead of UTC."""
    sign, ms = "-" if ahead < 0 else "+", abs(ahead) * QUARTER
    return f"{sign}{ms // _HOUR:02}:{ms % _HOUR // _MINUTE:02}"


# -- for people ----------------------------------------------------------------------------------

#: What is said of each rule for ids.
IDS = {
    "verbatim": "the same in responses and receipts",
    "any": "the same but for case and leading zeros",
    "hex-decimal": "hexadecimal in responses, decimal in receipts",
    "decimal-hex": "decimal in responses, hexadecimal in receipts",
}


def text(told: Sequence[dict[str, Any]]) -> str:
    """The answer as lines for people."""
    return "\n".join(line for one in told for line in _lines(one))


def _lines(one: dict[str, Any]) -> Iterator[str]:
    configured, learned, binds = one["configured"], one["learned"], one["binds"]
    yield "{carrier}: {host}:{port}, SMPP {version}, {bind}".format(**one, **configured)
    up = sum(bind["up"] for bind in binds)
    unanswered, made, failed = (
        sum(bind[count] for bind in binds) for count in ("unanswered", "made", "failed")
    )
    yield f"  binds     {up} of {len(binds)} up; made {made} times, failed {failed} times"
    yield f"  messages  {one['waiting']} waiting, {unanswered} unanswered"
    for doubt in one["in_doubt"]:
        yield "  in doubt  {open} by {cause}, the oldest for {oldest_seconds:.0f} s".format(**doubt)
    rule = configured["id_rule"]
    if rule["response"] == "learn":
        yield f"  ids       {_verdict(learned['ids'], IDS.__getitem__)}"
    else:
        yield "  ids       pinned: {response} in responses, {receipt} in receipts".format(**rule)
    if configured["receipt_time_zone"] == "learn":
        yield f"  clock     {_verdict(learned['clock'], lambda ahead: f'UTC{ahead}')}"
    else:
        yield f"  clock     pinned: {configured['receipt_time_zone']}"
    yield f"  receipts  {_verdict(learned['receipts'], _pattern)}"


def _verdict(evidence: dict[str, Any], shown: Any) -> str:
    verdict, seen, count = evidence["verdict"], evidence["seen"], evidence["in_a_row"]
    if verdict is not None and (not seen or verdict in seen):
        return f"learned: {shown(verdict)} ({count} receipts in a row)"
    lately = f"{shown(seen[0])} ({count} of {ENOUGH} receipts in a row)" if seen else "no receipts"
    return f"learned: {shown(verdict)}; lately: {lately}" if verdict else f"not known: {lately}"


def _pattern(pattern: dict[str, Any]) -> str:
    return "{place}, dates of {digits} digits, err: {error}".format(**pattern)
