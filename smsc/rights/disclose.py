"""``smsc disclose``: what an authority is given, and nothing beyond (privacy.md R4).

One person checks the request (its form, its ground, its scope) and enters it in the register;
another releases exactly that scope, once, before it expires. Whose data it is about is sealed with
a key of the request's own, which is destroyed when it is released or has expired. No report, list
or view of customers speaks of it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from calendar import timegm
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from smsc import cases, privacy, reading
from smsc.cases import DISCLOSE
from smsc.config import Config
from smsc.privacy import operator
from smsc.rights import commands, registered, stored
from smsc.rights.acting import ClaimError, acting, claim
from smsc.rights.commands import day, hand_out
from smsc.smpp import MessageState
from smsc.subject import NUMBER, Subject

DAY: Final = 86_400_000

#: What may be asked for. Each has grounds of its own, so that none comes along with another.
WHAT: Final = ("registration", "traffic", "content")


def add_commands(group: Any) -> None:
    """Add ``disclose`` to a parser's sub-commands."""
    text = "give an authority what the law compels: one checks, another releases"
    parser = group.add_parser("disclose", help=text, description=text[0].upper() + text[1:] + ".")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser = commands.command(verbs, "check", _check, "enter a request that was checked")
    commands.whose(parser)
    parser.add_argument("--agency", metavar="NAME", required=True, help="who asks")
    parser.add_argument("--basis", metavar="LAW", required=True, help="the ground, by its section")
    parser.add_argument(
        "--what", choices=WHAT, nargs="+", required=True, help="what is asked for, and no more"
    )
    for name, text in (("since", "first"), ("until", "last")):
        parser.add_argument(
            f"--{name}", metavar="DATE", type=_date, help=f"{text} day of traffic or content, UTC"
        )
    parser.add_argument(
        "--expires", metavar="DAYS", type=int, default=14, help="how long it may be released"
    )  # fmt: skip
    parser = commands.command(verbs, "release", _release, "give out what somebody else has checked")
    parser.add_argument("case", metavar="CASE")
    parser.add_argument("--to", metavar="FILE", required=True, help="made, for its reader alone")
    commands.command(verbs, "list", _list, "print the register")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a date like 2026-11-01") from None


def _ms(day: date) -> int:
    return timegm(day.timetuple()) * 1_000


def _check(options: argparse.Namespace) -> int:
    loaded, about = reading.load(options.config), commands.named(options)
    registered.must_be(loaded, about)
    what = [one for one in WHAT if one in options.what]
    spans = {"traffic", "content"} & set(what)
    if spans and (options.since is None or options.until is None):
        raise ClaimError("traffic and content are asked for by their days: --since and --until")
    if "registration" in what and about.kind == NUMBER:
        raise ClaimError("a number is registered nowhere here: name a user or a customer")
    scope: dict[str, Any] = {"kind": about.kind, "what": what}
    if spans:
        scope |= {"since": _ms(options.since), "until": _ms(options.until + timedelta(days=1))}
    from smsc.db import disclosures
    from smsc.db.database import opened

    now, by = privacy.now_ms(), operator()
    with opened(loaded) as database, database.changing() as session:
        disclosures.check(
            session, options.case, options.agency, options.basis, scope, by, now,
            now + options.expires * DAY,
        )  # fmt: skip
        session.flush()
        with acting(loaded, "disclosure.check", options.case, about.kind, what=what):
            claim(loaded, "note", act=DISCLOSE, case=options.case, by=by, **about._asdict())
    print(
        f"{options.case} may be released by somebody else until {day(now + options.expires * DAY)}"
    )
    return 0


def _release(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    from smsc.db import disclosures
    from smsc.db.database import opened

    now, by = privacy.now_ms(), operator()
    with opened(loaded) as database, database.changing() as session:
        entry = disclosures.may_release(session, options.case, by, now)
        case = next((one for one in cases.read(loaded) if one.id == options.case), None)
        if case is None or case.act != DISCLOSE:
            raise ClaimError(f"whom {options.case} is about is known no more")
        with acting(loaded, "disclosure.release", case.id, case.subject.kind) as act:
            given = json.dumps(
                {
                    "reference": entry.reference,
                    "agency": entry.agency,
                    "legal_basis": entry.legal_basis,
                    "about": case.subject._asdict(),
                    "released": stored.moment(now),
                    **_scoped(loaded, case.subject, entry.scope),
                },
                indent=1,
            )
            act.octets = hand_out(Path(options.to), given + "\n")
        entry.releaser, entry.released_at = by, now
        entry.sha256 = hashlib.sha256(given.encode() + b"\n").hexdigest()
    claim(loaded, "over", case=case.id)
    print(f"{options.to}: SHA-256 {entry.sha256}")
    return 0


def _scoped(loaded: Config, about: Subject, scope: dict[str, Any]) -> dict[str, Any]:
    """Exactly what was asked for."""
    what: list[str] = scope["what"]
    given: dict[str, Any] = {}
    if "registration" in what:
        found = registered.rows(loaded, about)
        given["registration"] = {
            key: found[key] for key in ("contract", "registration") if key in found
        }
    if "traffic" in what or "content" in what:
        given["messages"] = [
            _record(fields, what)
            for _period, fields in stored.records(loaded, about)
            if scope["since"] <= fields["accepted"] < scope["until"]
        ]
    return given


def _record(fields: dict[str, Any], what: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {"accepted": stored.moment(fields["accepted"])}
    if "traffic" in what:
        told |= {
            "sent": stored.moment(fields["sent"]),
            "done": stored.moment(fields["done"]),
            "from": fields["source_addr"].decode("ascii", "backslashreplace"),
            "to": fields["destination_addr"].decode("ascii", "backslashreplace"),
            "state": MessageState(fields["state"]).name.lower(),
            "network": fields["network"].decode() or None,
        }
    if "content" in what:
        octets = fields["content"]
        told["text"] = stored.words(octets, fields["data_coding"], fields["esm_class"])
    return told


def _list(options: argparse.Namespace) -> int:
    from smsc.db import disclosures
    from smsc.db.database import opened

    loaded = reading.load(options.config)
    with opened(loaded) as database, database.reading() as session:
        for one in disclosures.every(session):
            if one.released_at is not None:
                stands = f"released {day(one.released_at)} by {one.releaser}, SHA-256 {one.sha256}"
            elif disclosures.is_open(session, one.reference, privacy.now_ms()):
                stands = f"may be released until {day(one.expires_at)}"
            else:
                stands = f"expired {day(one.expires_at)}, and was not released"
            print(
                f"{one.reference}: {', '.join(one.scope['what'])} of a {one.scope['kind']}, for "
                f"{one.agency} by {one.legal_basis}; checked {day(one.created_at)} by "
                f"{one.checker}; {stands}"
            )
    return 0
