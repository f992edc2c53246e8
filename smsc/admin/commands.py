"""How a command on the database is made and run: its options, its transaction, what follows.

A running server is told of a change at once if it can be; it finds out by itself within a second
otherwise.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from smsc import control, reading
from smsc.admin.words import argument, now, reference, show
from smsc.config import Config
from smsc.db import snapshot
from smsc.db.database import Database, opened
from smsc.db.kept import Kept
from smsc.errors import ControlError, NotRunning

Command = Callable[[argparse.Namespace, Session], Any]

#: Where the configuration is if nothing else is said.
CONFIG = "config/smsc.yaml"


def _run(act: Command, changes: bool) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        loaded = reading.load(options.config)
        with opened(loaded) as database:
            with _transaction(database, changes) as session:
                value = act(options, session)
            if changes:
                _tell(loaded, database)
        show(value, options.json)
        return 0

    return run


def _tell(loaded: Config, database: Database) -> None:
    """Let the server know, or, where none runs, one that is started while the database is away."""
    try:
        control.ask(loaded.control, "POST", "/accounts")
    except NotRunning:
        kept = Kept(Path(loaded.database.snapshot))
        if kept.path.exists():
            with database.reading() as session:
                kept.write(snapshot.taken(session, now()))
    except ControlError:
        pass  # it looks by itself in a second


def _transaction(database: Database, changes: bool) -> AbstractContextManager[Session]:
    return database.changing() if changes else database.reading()


def noun(commands: Any, name: str, text: str) -> Any:
    """What may be done to one kind of thing."""
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def verb(
    group: Any, name: str, act: Command, text: str, *, changes: bool = True
) -> argparse.ArgumentParser:
    """One command: ``act`` in a transaction."""
    parser: argparse.ArgumentParser = group.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + "."
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=CONFIG,
        help="the configuration (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run(act, changes))
    return parser


def look(group: Any, name: str, act: Command, text: str) -> argparse.ArgumentParser:
    """One that changes nothing."""
    return verb(group, name, act, text, changes=False)


def whose(parser: argparse.ArgumentParser) -> None:
    """The customer it is about."""
    parser.add_argument("reference", metavar="REFERENCE", type=argument(reference))


def enabling(parser: argparse.ArgumentParser, text: str) -> None:
    """``--enabled`` and ``--no-enabled``."""
    parser.add_argument("--enabled", action=argparse.BooleanOptionalAction, default=None, help=text)
