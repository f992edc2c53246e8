"""The command line: ``smsc serve`` and the tools beside it.

Every command says what went wrong on standard error and by its exit status: 78 the configuration,
74 the storage, 1 anything else that was asked for and is not so (sysexits(3)).
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from smsc import __version__, accounts, cases, lenient, reading, traffic
from smsc.config import Config
from smsc.db import accounts_of
from smsc.errors import ConfigError, SmscError, StorageError
from smsc.journal import inspect
from smsc.keys import keyring
from smsc.placement import Placement

log = logging.getLogger("smsc")

EX_CONFIG, EX_IOERR, EX_FAILURE = 78, 74, 1

Run = Callable[[argparse.Namespace], int]


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    options = _parser(arguments[0] if arguments else "").parse_args(arguments)
    run: Run = options.run
    try:
        status = run(options)
        sys.stdout.flush()
        return status
    except ConfigError as error:
        return _complain(error, EX_CONFIG)
    except StorageError as error:
        return _complain(error, EX_IOERR)
    except BrokenPipeError:
        # The reader of our output has left: what is still buffered must not complain at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EX_FAILURE
    except (SmscError, OSError) as error:
        return _complain(error, EX_FAILURE)


def _complain(error: Exception, status: int) -> int:
    print(f"smsc: {error}", file=sys.stderr)
    return status


# -- what there is -------------------------------------------------------------------------------


def _parser(word: str) -> argparse.ArgumentParser:
    """All that can be said, or as much as is needed when ``word`` comes first.

    The commands that take long to load (the database's, above all) stand at the end.
    """
    parser = argparse.ArgumentParser(
        prog="smsc",
        description="A durable short message service centre: SMPP in, stored, SMPP out.",
        epilog="smsc COMMAND --help says more of each.",
    )
    parser.add_argument("--version", action="version", version=f"smsc {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_serve(commands)
    _add_check(commands)
    _add_hash_password(commands)
    _add_route(commands)
    _add_carrier(commands)
    _add_traffic(commands)
    _add_log(commands)
    for add in (_add_sim, _add_demo, _add_privacy, _add_rights, _add_admin):
        if word not in commands.choices:
            add(commands)
    return parser


def _command(commands: Any, name: str, run: Run | None, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + "."
    )
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def _group(commands: Any, name: str, text: str) -> Any:
    parser = _command(commands, name, None, text)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        default="config/smsc.yaml",
        help="the configuration (%(default)s)",
    )


# -- serve ---------------------------------------------------------------------------------------


def _add_serve(commands: Any) -> None:
    parser = _command(commands, "serve", _serve, "run the server until SIGTERM or Ctrl-C")
    _config_option(parser)
    parser.add_argument(
        "--ready-file",
        metavar="FILE",
        help="when ready, write process id and ports there as JSON",
    )


def _serve(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    logging.basicConfig(
        level=loaded.log.level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel("WARNING")  # it tells of its own parts at each start
    return uvloop.run(_run(loaded, options.ready_file))


async def _run(loaded: Config, ready_file: str | None) -> int:
    from smsc.app import App

    app = App(loaded)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        app.loop.add_signal_handler(number, stop.set)
    await app.start()
    if ready_file:
        _write_ready(Path(ready_file), app.ports())
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait((waiting, app.failed), return_when=asyncio.FIRST_COMPLETED)
    if app.failed.done():
        return EX_IOERR
    log.info("stopping")
    await app.stop()
    log.info("stopped")
    return EX_IOERR if app.failed.done() else 0


def _write_ready(path: Path, ports: dict[str, int]) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps({"pid": os.getpid(), "ports": ports}))
    temporary.rename(path)


# -- check, hash-password ------------------------------------------------------------------------


def _add_check(commands: Any) -> None:
    parser = _command(
        commands, "check", _check, "say what is wrong with a configuration, without starting"
    )
    _config_option(parser)


def _check(options: argparse.Namespace) -> int:
    problems = reading.check(options.config)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        return EX_CONFIG
    loaded = reading.load(options.config)
    if loaded.database.url:
        from smsc.admin import everything

        for warning in everything.warnings(loaded):
            print(f"{options.config}: warning: {warning}", file=sys.stderr)
    print(f"{options.config}: sound")
    return 0


def _add_hash_password(commands: Any) -> None:
    command = _command(
        commands,
        "hash-password",
        _hash_password,
        "read a password from the terminal or standard input and print its Argon2id hash",
    )
    command.add_argument(
        "--long",
        action="store_const",
        const=lenient.MAX_PASSWORD,
        default=8,
        help="take more than 8 octets, for a listener with long_passwords",
    )


def _hash_password(options: argparse.Namespace) -> int:
    if sys.stdin.isatty():
        password = getpass.getpass("password: ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not 1 <= len(password.encode()) <= options.long:
        print(f"smsc: an SMPP password has 1 to {options.long} octets", file=sys.stderr)
        return EX_FAILURE
    print(accounts.hash_password(password, options.long))
    return 0


# -- route explain -------------------------------------------------------------------------------


def _add_route(commands: Any) -> None:
    group = _group(commands, "route", "see where messages go")
    parser = _command(
        group, "explain", _route_explain, "say which route a message takes, and why no other"
    )
    _config_option(parser)
    parser.add_argument("--to", metavar="NUMBER", required=True, help="destination address")
    parser.add_argument(
        "--from", dest="sender", metavar="SENDER", default="", help="source address"
    )
    parser.add_argument("--account", metavar="SYSTEM_ID", default="", help="who submits it")
    parser.add_argument("--json", action="store_true", help="for programs")


def _route_explain(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    name = options.account.encode()
    account = accounts_of(loaded).get(name) if name else None
    explained = Placement(loaded).explain(
        name,
        account.config if account is not None else None,
        options.sender.encode(),
        options.to.encode(),
    )
    print(json.dumps(explained.as_dict(), indent=2) if options.json else explained)
    return 0 if explained.winner else EX_FAILURE


# -- carrier show --------------------------------------------------------------------------------


def _add_carrier(commands: Any) -> None:
    group = _group(commands, "carrier", "ask the running server about carriers")
    parser = _command(
        group,
        "show",
        _carrier_show,
        "print how carriers stand, and what was learned of them with its evidence",
    )
    _config_option(parser)
    parser.add_argument("name", metavar="NAME", nargs="?", help="one carrier (all)")
    parser.add_argument("--json", action="store_true", help="for programs")


def _carrier_show(options: argparse.Namespace) -> int:
    from smsc import carriers, control

    path = control.where("carriers", *([options.name] if options.name else []))
    told = control.ask(reading.load(options.config).control, "GET", path)
    print(json.dumps(told, indent=2) if options.json else carriers.text(told))
    return 0


# -- traffic show --------------------------------------------------------------------------------


def _add_traffic(commands: Any) -> None:
    group = _group(commands, "traffic", "look at the records of finished messages")
    parser = _command(
        group, "show", _traffic_show, "print traffic records, the last digits of numbers hidden"
    )
    _config_option(parser)
    parser.add_argument("--period", metavar="YYYY-MM", help="one billing period (all)")
    parser.add_argument("--account", metavar="SYSTEM_ID", help="one account")
    parser.add_argument(
        "--id", metavar="HEX", type=_message_id, help="one message, as its client knows it"
    )
    parser.add_argument("--last", metavar="N", type=_count, default=20, help="newest (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--purpose",
        metavar="TEXT",
        required=True,
        help="what for: the law asks; the audit log keeps it",
    )


def _message_id(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise argparse.ArgumentTypeError("must be hexadecimal") from None


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("must be a whole number")
    return int(text)


def _traffic_show(options: argparse.Namespace) -> int:
    loaded = reading.load(options.config)
    directory = Path(loaded.traffic.directory)
    periods = [options.period] if options.period else traffic.periods(directory)
    if not periods:
        return 0
    ring = keyring(loaded, read_only=True)
    # Noted before anything is seen.
    from smsc import privacy

    privacy.audit_of(loaded).add(
        "traffic.read", by=privacy.operator(), purpose=options.purpose, periods=periods
    )
    open_ = cases.read(loaded)
    hidden = cases.hides(open_, accounts_of(loaded)) if open_ else None
    found = (
        fields
        for period in periods
        for fields in traffic.read(inspect.records(directory / period), ring)
        if _is_wanted(fields, options) and not (hidden and hidden(fields))
    )
    for fields in map(traffic.shown, deque(found, options.last)):
        print(json.dumps(fields) if options.json else _line(fields))
    return 0


def _is_wanted(fields: dict[str, Any], options: argparse.Namespace) -> bool:
    # A client below 3.4 knows a message by the last eight digits of its id.
    known_as = (None, fields["id"], fields["id"] & 0xFFFFFFFF)
    account = options.account
    return options.id in known_as and (account is None or fields["account"] == account.encode())


def _line(fields: dict[str, Any]) -> str:
    return (
        "{id} {way} {account} {accepted} done {done} {state} "
        "from {source_addr} to {destination_addr} via {carrier} parts {parts} attempts {attempts}"
    ).format(way="in " if fields["inbound"] else "out", **fields)


# -- log -----------------------------------------------------------------------------------------


def _add_log(commands: Any) -> None:
    group = _group(commands, "log", "look at a log directory, and save what can be saved")
    parser = _command(group, "verify", _log_verify, "read and check every record of a log")
    parser.add_argument("directory", metavar="DIRECTORY")
    parser = _command(
        group,
        "salvage",
        _log_salvage,
        "write what is sound of a damaged log into a new one, and count what is lost",
    )
    parser.add_argument("directory", metavar="DIRECTORY", help="the damaged log; not changed")
    parser.add_argument("target", metavar="NEW", help="a directory that is made")


def _log_verify(options: argparse.Namespace) -> int:
    began = time.monotonic()
    report = inspect.verify(options.directory)
    for one in report.segments:
        torn = f", torn tail of {one.torn_octets} octets" if one.torn_octets else ""
        print(
            f"{one.path}: epoch {one.epoch}, {one.frames} frames, {one.records} records, "
            f"{one.octets} of {one.size} octets{torn}"
        )
    for path in report.quarantined:
        print(f"{path}: cut off by a recovery")
    made = report.checkpoint
    if made is not None:
        print(f"checkpoint: {made.octets} octets, for all up to frame {made.mark.number}")
    if report.doubt:
        print(f"checkpoint: not to be used, and removed by the next start: {report.doubt}")
    for problem in report.problems:
        print(problem, file=sys.stderr)
    took = time.monotonic() - began
    print(f"{report.records} records in {report.frames} frames read in {took:.2f} s")
    return EX_IOERR if report.problems else 0


def _log_salvage(options: argparse.Namespace) -> int:
    saved = inspect.salvage(options.directory, options.target)
    print(f"saved {saved.records} records in {saved.frames} frames")
    for first, last in saved.lost:
        print(f"lost frames {first} to {last}")
    return EX_FAILURE if saved.lost else 0


# -- sim, demo -----------------------------------------------------------------------------------


def _add_sim(commands: Any) -> None:
    from smsc.sim import carrier, load

    group = _group(commands, "sim", "simulate a client or a carrier")
    for name, module in (("load", load), ("carrier", carrier)):
        text = module.DESCRIPTION.rstrip(".")
        parser = _command(group, name, module.command, text[0].lower() + text[1:])
        module.add_arguments(parser)


def _add_privacy(commands: Any) -> None:
    from smsc import privacy

    privacy.add_commands(commands)


def _add_rights(commands: Any) -> None:
    from smsc.rights import commands as rights
    from smsc.rights import disclose

    rights.add_commands(commands)
    disclose.add_commands(commands)


def _add_admin(commands: Any) -> None:
    from smsc.admin import everything

    everything.add_commands(commands)


def _add_demo(commands: Any) -> None:
    from smsc import demo

    parser = _command(
        commands, "demo", demo.run, "run server, carrier and client, and show that all goes well"
    )
    demo.add_arguments(parser)


if __name__ == "__main__":
    sys.exit(main())
