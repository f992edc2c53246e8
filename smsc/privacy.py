"""``smsc keys|audit|sweep|retention``: what an operator does to keep the promise of deletion.

Where a server is running it is asked, since it has the keys; where none is, the work is done here.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from smsc import control, holding, reading
from smsc.audit import Audit
from smsc.audit import operator as operator
from smsc.config import Config
from smsc.db import accounts_of, customer_of, facts_of
from smsc.erasing import Eraser
from smsc.errors import ConfigError, ControlError, StorageError
from smsc.facts import FileFacts
from smsc.holding import number
from smsc.housekeeping import rotated, told
from smsc.keys import SUFFIX, Keyring, Master, keyring
from smsc.months import mend
from smsc.periods import Calendar, Span, span
from smsc.retention import Hold, Stand
from smsc.sweeper import Sweeper, Swept, owed_on_disk

Run = Callable[[argparse.Namespace], int]

EX_FAILURE = 1


def now_ms() -> int:
    return time.time_ns() // 1_000_000


# -- what there is -------------------------------------------------------------------------------


def add_commands(commands: Any) -> None:
    """The commands of this module."""
    keys = _group(commands, "keys", "look after what traffic data is sealed with")
    command(keys, "init", _keys_init, "make a master key where there are no keys yet")
    command(keys, "show", _keys_show, "list the keys: for whom, which period, how old; no secrets")
    command(
        keys, "rotate", _keys_rotate, "wrap all keys by a new master key and destroy the old one"
    )
    audit = _group(commands, "audit", "look at who did what to personal data")
    command(audit, "verify", _audit_verify, "walk the chain and hold it against its checkpoints")
    show = command(audit, "show", _audit_show, "print the entries, one JSON object a line")
    show.add_argument("--event", metavar="NAME", help="only of this kind")
    sweep = command(commands, "sweep", _sweep, "delete what is due, and prove it")
    sweep.add_argument("--dry-run", action="store_true", help="only say what would be done")
    sweep.add_argument(
        "--clock-is-right", action="store_true", help="delete though the clock leapt since the last"
    )
    sweep.add_argument("--json", action="store_true", help="for programs")
    retention = _group(commands, "retention", "see and say what keeps traffic data")
    status = command(retention, "status", _status, "say what is due when, and what keeps the rest")
    status.add_argument("--json", action="store_true", help="for programs")
    close = command(
        retention, "close", _close, "note that a period was billed elsewhere: its days are counted"
    )
    close.add_argument("customer", metavar="CUSTOMER")
    close.add_argument("period", metavar="PERIOD", help="like 2026-09")
    hold = command(retention, "hold", _hold, "keep what would be deleted: a dispute, a legal hold")
    hold.add_argument("case", metavar="CASE", help="how it can be found again")
    hold.add_argument("--reason", required=True, choices=("dispute", "block", "legal"))
    hold.add_argument("--approver", metavar="NAME", required=True, help="who agreed; not yourself")
    hold.add_argument(
        "--review", metavar="DAYS", type=int, default=90, help="look again (%(default)s)"
    )
    for name in ("customer", "period"):
        hold.add_argument(f"--{name}", metavar=name.upper(), default="", help="only of this one")
    hold.add_argument(
        "--number", metavar="NUMBER", type=number, action="append", default=[],
        help="only what is from or to it, with country code; may be given again",
    )  # fmt: skip
    end = command(retention, "end", _end, "end a hold: the old days go on being counted")
    end.add_argument("case", metavar="CASE")


def command(commands: Any, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    """A sub-command that reads the configuration, and what carries it out."""
    described = text[0].upper() + text[1:] + "."
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=described)
    parser.set_defaults(run=run)
    parser.add_argument(
        "--config",
        metavar="FILE",
        default="config/smsc.yaml",
        help="the configuration (%(default)s)",
    )
    return parser


def _group(commands: Any, name: str, text: str) -> Any:
    described = text[0].upper() + text[1:] + "."
    parser = commands.add_parser(name, help=text, description=described)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


# -- keys ----------------------------------------------------------------------------------------


def _keys_init(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    if any(Path(loaded.keys.directory).glob("*" + SUFFIX)):
        raise ConfigError(
            "there are keys already, which a new master key could not open",
            file=loaded.keys.directory,
        )
    Master.create(Path(loaded.keys.master_file))
    print(f"{loaded.keys.master_file}: made; keep a copy where the keys' copies are not")
    return 0


def _keys_show(options: argparse.Namespace) -> int:
    for key in sorted(keyring(reading.load(options.config), read_only=True), key=lambda k: k.name):
        made = time.strftime("%Y-%m-%d", time.gmtime(key.made // 1_000))
        name = key.name
        print(
            f"{key.id.hex()} {name.period} {name.kind:9} {_text(name.customer)} made {made} "
            f"master epoch {key.epoch}"
        )
    return 0


def _keys_rotate(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    done = _by_server(loaded, "POST", "/keys/rotate", {"by": operator()})
    if done is None:
        with _keys(loaded) as keys:
            done = rotated(keys, audit_of(loaded), operator())
    print(
        "{keys} keys are wrapped by master key {epoch}; replace the copies of the old one".format(
            **done
        )
    )
    return 0


@contextmanager
def _keys(loaded: Config) -> Iterator[Keyring]:
    keys = keyring(loaded)
    try:
        yield keys
    finally:
        keys.close()


def _text(name: bytes) -> str:
    return name.decode("ascii", "backslashreplace")


# -- audit ---------------------------------------------------------------------------------------


def audit_of(loaded: Config) -> Audit:
    return Audit.of(loaded, now_ms)


def _audit_verify(options: argparse.Namespace) -> int:
    found = audit_of(reading.load(options.config)).verify()
    for problem in found.problems:
        print(problem)
    if found.torn:
        print(f"a line of {found.torn} octets was torn by a crash; the next entry cuts it")
    print(f"{found.entries} entries, {found.checkpoints} checkpoints, head {found.head[:16]}")
    return EX_FAILURE if found.problems else 0


def _audit_show(options: argparse.Namespace) -> int:
    for entry in audit_of(reading.load(options.config)):
        if options.event in (None, entry["event"]):
            print(json.dumps(entry, sort_keys=True))
    return 0


# -- sweep, status -------------------------------------------------------------------------------


def _sweep(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    wanted = {"dry_run": options.dry_run, "clock_is_right": options.clock_is_right}
    done = _by_server(loaded, "POST", "/sweep", wanted) or _by_hand(loaded, **wanted)
    if options.json:
        print(json.dumps(done))
        return 0
    doomed = [verdict for verdict in done["verdicts"] if verdict["stand"] in _DYING]
    word = "would be destroyed" if options.dry_run else "destroyed"
    for verdict in doomed:
        print("{period} {class} of {customer}: key {0}, {why}".format(word, **verdict))
    for what in ("removed", "rewritten", "put_off"):
        for month in done[what]:
            print(f"traffic log {month}: {what.replace('_', ' ')}")
    print(f"{len(doomed)} of {len(done['verdicts'])} keys {word}")
    if done["proof"]:
        print(f"proof: {done['proof']}")
    return 0


_DYING = (Stand.DUE.value, Stand.EXPIRED.value)


def _by_server(loaded: Config, method: str, path: str, body: Any = None) -> Any:
    """What the running server says; None if none is running."""
    if not Path(loaded.control.socket).exists():
        return None
    try:
        return control.ask(loaded.control, method, path, body)
    except ControlError as error:
        if "no server is running" in str(error):
            return None
        raise


def _by_hand(loaded: Config, dry_run: bool, clock_is_right: bool) -> dict[str, Any]:
    customers = customer_of(loaded)
    with _keys(loaded) as keys:
        mend(Path(loaded.traffic.directory))
        region = accounts_of(loaded).region
        sweeper = Sweeper(loaded, keys, audit_of(loaded), facts_of(loaded), region=region)
        owed = owed_on_disk(Path(loaded.storage.directory), customers)
        now = now_ms()
        if dry_run:
            return told(Swept(sweeper.verdicts(owed, now)))
        if not clock_is_right:
            sweeper.believe(now)
        swept = sweeper.sweep(owed, now)
        Eraser(loaded, keys, audit_of(loaded), facts_of(loaded)).carry_out(
            accounts_of(loaded), owed, now
        )
        return told(swept)


def verdicts(loaded: Config) -> list[dict[str, Any]]:
    """How it stands with each customer's periods, one verdict a class."""
    found = _by_server(loaded, "GET", "/retention") or _by_hand(
        loaded, dry_run=True, clock_is_right=True
    )
    told: list[dict[str, Any]] = found["verdicts"]
    return told


def _status(options: argparse.Namespace) -> int:
    found = verdicts(reading.load(options.config))
    if options.json:
        print(json.dumps(found))
        return 0
    for verdict in found:
        due = time.strftime("%Y-%m-%d", time.gmtime(verdict["due"] // 1_000))
        late = ", KEPT LONGER THAN PROMISED" if verdict["late"] else ""
        print(
            "{customer} {period} {class}: {stand}, {why}; due {0}{1}".format(due, late, **verdict)
        )
    return 0


# -- facts where there is no database ------------------------------------------------------------


def _facts(loaded: Config) -> FileFacts:
    facts = facts_of(loaded)
    if not isinstance(facts, FileFacts):
        raise ConfigError("periods and holds are in the database", key="database")
    return facts


def _month(period: str) -> Span:
    """Without a database every customer's periods are months of UTC."""
    try:
        found = span(period)
        if Calendar().period(b"", found.since) == period:
            return found
    except ValueError:
        pass
    raise StorageError(f"{period!r} is no period like 2026-09")


def _close(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    facts, customer = _facts(loaded), options.customer.encode()
    now = now_ms()
    end = _month(options.period).until
    if now < end:
        raise StorageError(f"{options.period} is not over")
    owed = owed_on_disk(Path(loaded.storage.directory), customer_of(loaded)).get(customer)
    if owed is not None and owed < end:
        raise StorageError(f"a message of {options.period} is not finished: it can't be billed yet")
    facts.close(customer, options.period, now)
    audit_of(loaded).add("period.closed", by=operator(), period=options.period)
    print(f"{options.period} of {options.customer} is closed")
    return 0


def _hold(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    if options.approver == operator():
        raise StorageError("a hold is approved by somebody else")
    if options.period:
        _month(options.period)
    facts = _facts(loaded)
    if options.case in {hold.case for hold in facts.holds()}:
        raise StorageError(f"there is a hold for {options.case} already")
    hold = Hold(
        case=options.case,
        reason=options.reason,
        creator=operator(),
        approver=options.approver,
        review=now_ms() + options.review * 86_400_000,
        customer=options.customer,
        period=options.period,
    )
    facts.hold(replace(hold, pseudonyms=holding.pseudonyms(loaded, hold, options.number)))
    audit_of(loaded).add("hold.begun", by=operator(), approver=options.approver, case=options.case)
    print(f"held for {options.case}")
    return 0


def _end(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    facts = _facts(loaded)
    if options.case not in {hold.case for hold in facts.holds()}:
        raise StorageError(f"there is no hold for {options.case}")
    facts.end(options.case)
    audit_of(loaded).add("hold.ended", by=operator(), case=options.case)
    print(f"held for {options.case} no more")
    return 0
