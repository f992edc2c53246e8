"""``smsc customer|account|user|price|database``: what an operator does to the database.

Owns the commands, how their words are read, and how rows are shown. What may be done and what is
refused is in ``smsc.db``. A running server is told of a change at once if it can be; it finds out
by itself within a second otherwise.

No password is ever an argument: it is asked for, read from standard input, or made up here and
shown once.
"""

from __future__ import annotations

import argparse
import getpass
import json
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from smsc import config, control, money, zones
from smsc.config import Config
from smsc.db import accounts, customers, prices, snapshot, users
from smsc.db.database import Database
from smsc.db.model import Customer, PricePlan, SmppAccount, User
from smsc.errors import ConfigError, ControlError, DatabaseError

Row = dict[str, Any]
Command = Callable[[argparse.Namespace, Session], Any]

#: As a customer of a new contract is entered if nothing else is said.
TIME_ZONE = "UTC"


# -- words ---------------------------------------------------------------------------------------


def _argument(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader that says what is wrong in argparse's way; ``none`` is no value."""

    def convert(text: str) -> Any:
        try:
            return None if text == "none" else read(text)
        except (ValueError, DatabaseError) as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} must be a date like 2026-11-01") from None


def _zone(text: str) -> str:
    return zones.zone(text).name


def _reference(text: str) -> str:
    return config.ascii_text(1, 64)(text).decode()


def _system_id(text: str) -> str:
    return config.ascii_text(1, config.MAX_NAME)(text).decode()


def _cap(text: str) -> int:
    value = money.amount(text)
    if value < 0:
        raise ValueError("must not be below 0")
    return value


def _asked_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    return sys.stdin.readline().rstrip("\r\n")


def _now() -> int:
    return time.time_ns() // 1_000_000


def _moment(ms: int | None) -> str | None:
    return None if ms is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms // 1_000))


def _money(amount: int | None) -> str | None:
    return None if amount is None else money.decimal(amount)


# -- rows as they are shown ----------------------------------------------------------------------


def _customer(row: Customer, session: Session) -> Row:
    return {
        "reference": row.reference,
        "name": row.name,
        "contract_start": str(row.contract_start),
        "contract_end": None if row.contract_end is None else str(row.contract_end),
        "time_zone": row.time_zone,
        "billing_cycle": row.cycle,
        "itemised_since": _moment(row.itemised_since),
        "price_plan": row.plan,
        "prepaid": row.prepaid,
        "credited": _money(customers.credited(session, row.reference)),
        "cap_day": _money(row.cap_day),
        "cap_month": _money(row.cap_month),
    }


def _account(row: SmppAccount) -> Row:
    return {
        "system_id": row.system_id,
        "customer": row.customer,
        "enabled": row.enabled,
        "removed": _moment(row.removed_at),
        "settings": row.settings,
    }


def _user(row: User) -> Row:
    return {
        "email": row.email,
        "name": row.name,
        "customer": row.customer,
        "role": row.role,
        "enabled": row.enabled,
        "consent": row.consent.version,
        "consent_given": _moment(row.consent.given_at),
    }


def _plan(row: PricePlan) -> Row:
    return {"plan": row.name, "currency": row.currency, "charged": row.charged}


def _prices(row: PricePlan) -> list[Row]:
    return [
        {
            "destination": price.destination,
            "direction": price.direction,
            "amount": _money(price.amount),
            "from": None if price.since == prices.EVER else str(price.since),
            "until": None if price.until is None else str(price.until),
        }
        for price in sorted(row.prices, key=lambda p: (p.direction, p.destination, p.since))
    ]


def show(value: Any, as_json: bool) -> None:
    """Print a row, or rows as a table; for people or for programs."""
    if as_json:
        print(json.dumps(value, indent=2))
    elif isinstance(value, str):
        print(value)
    elif isinstance(value, list):
        for line in _table(value):
            print(line)
    else:
        for key, held in value.items():
            if isinstance(held, list):
                print(f"{key}:", *_table(held), sep="\n  ")
            else:
                print(f"{key}: {_cell(held)}")


def _table(rows: list[Row]) -> Iterable[str]:
    if not rows:
        return
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(map(str.ljust, line, widths)).rstrip()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value) if isinstance(value, dict) else str(value)


# -- customers -----------------------------------------------------------------------------------

#: Options of a customer, by the column they set.
CUSTOMER: Mapping[str, tuple[str, Callable[[str], Any], str, str]] = {
    "name": ("--name", str, "NAME", "as invoices name them"),
    "contract_start": ("--start", _date, "DATE", "first day of the contract"),
    "contract_end": ("--end", _date, "DATE", "last day of the contract; none: open"),
    "time_zone": ("--time-zone", _zone, "ZONE", "whose days and months are billed"),
    "plan": ("--plan", str, "PLAN", "price plan; none: not rated"),
    "cap_day": ("--cap-day", _cap, "AMOUNT", "the most a day may cost; none: no cap"),
    "cap_month": ("--cap-month", _cap, "AMOUNT", "the most a month may cost; none: no cap"),
}


def _customer_options(parser: argparse.ArgumentParser) -> None:
    for column, (option, read, metavar, text) in CUSTOMER.items():
        parser.add_argument(
            option,
            dest=column,
            type=_argument(read),
            metavar=metavar,
            default=argparse.SUPPRESS,
            help=text,
        )
    for name, text in (
        ("--prepaid", "take messages only as far as the credit goes"),
        ("--itemised", "wishes itemised statements from now on"),
    ):
        parser.add_argument(
            name, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text
        )


def _customer_fields(options: argparse.Namespace, row: Customer | None) -> dict[str, Any]:
    given = vars(options)
    fields = {name: given[name] for name in (*CUSTOMER, "prepaid") if name in given}
    if "itemised" in given:
        since = row.itemised_since if row is not None else None
        fields["itemised_since"] = (since or _now()) if given["itemised"] else None
    return fields


def _customer_add(options: argparse.Namespace, session: Session) -> Any:
    fields = _customer_fields(options, None)
    fields = {"contract_start": date.today(), "time_zone": TIME_ZONE} | fields
    if not fields.get("name"):
        raise DatabaseError("--name is missing")
    return _customer(customers.add(session, options.reference, _now(), **fields), session)


def _customer_change(options: argparse.Namespace, session: Session) -> Any:
    row = customers.get(session, options.reference)
    fields = _customer_fields(options, row)
    for column in ("name", "contract_start", "time_zone"):
        if column in fields and not fields[column]:
            raise DatabaseError(f"{CUSTOMER[column][0]} can't be none")
    return _customer(customers.change(session, options.reference, **fields), session)


def _customer_credit(options: argparse.Namespace, session: Session) -> Any:
    total = customers.credit(session, options.reference, options.amount, options.note, _now())
    return {"reference": options.reference, "credited": _money(total)}


def _customer_remove(options: argparse.Namespace, session: Session) -> Any:
    customers.remove(session, options.reference)
    return {"removed": options.reference}


# -- accounts ------------------------------------------------------------------------------------


def _account_options(parser: argparse.ArgumentParser, customer: bool) -> None:
    parser.add_argument("--customer", metavar="REFERENCE", required=customer, help="who is billed")
    parser.add_argument(
        "--ask-password",
        action="store_true",
        help="ask for the password, or read it from standard input, instead of making one up",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help=f"as in the configuration file; KEY= for the default: {', '.join(accounts.SETTINGS)}",
    )


def _account_add(options: argparse.Namespace, session: Session) -> Any:
    changes = accounts.settings(options.settings)
    password = _asked_password() if options.ask_password else accounts.password()
    row = accounts.add(session, options.system_id, options.customer, password, changes, _now())
    return _account(row) | _shown_once(options.ask_password, password)


def _account_change(options: argparse.Namespace, session: Session) -> Any:
    password = None
    if options.ask_password or options.new_password:
        password = _asked_password() if options.ask_password else accounts.password()
    row = accounts.change(
        session,
        options.system_id,
        accounts.settings(options.settings),
        customer=options.customer,
        enabled=options.enabled,
        password=password,
    )
    return _account(row) | ({} if password is None else _shown_once(options.ask_password, password))


def _shown_once(asked: bool, password: str) -> Row:
    return {} if asked else {"password": password, "note": "shown this once; only its hash is kept"}


def _account_remove(options: argparse.Namespace, session: Session) -> Any:
    accounts.remove(session, options.system_id, _now())
    return {"removed": options.system_id}


# -- users ---------------------------------------------------------------------------------------


def _user_add(options: argparse.Namespace, session: Session) -> Any:
    try:
        text = Path(options.consent_text).read_bytes()
    except OSError as error:
        raise DatabaseError(f"{options.consent_text}: {error.strerror}") from None
    given = users.consent(session, options.consent, text, getpass.getuser(), _now())
    password = _asked_password() if options.ask_password else secrets.token_urlsafe(18)
    row = users.add(
        session, given, options.email, options.name, options.role, options.customer, password,
        _now(),
    )  # fmt: skip
    session.flush()
    return _user(row) | _shown_once(options.ask_password, password)


def _user_change(options: argparse.Namespace, session: Session) -> Any:
    password = _asked_password() if options.ask_password else None
    row = users.change(
        session,
        options.email,
        name=options.name,
        role=options.role,
        enabled=options.enabled,
        password=password,
    )
    return _user(row)


def _user_remove(options: argparse.Namespace, session: Session) -> Any:
    users.remove(session, options.email, _now())
    return {"removed": options.email}


# -- prices --------------------------------------------------------------------------------------


def _price_add(options: argparse.Namespace, session: Session) -> Any:
    row = prices.plan(session, options.plan, options.currency, options.charged)
    return _plan(row)


def _price_change(options: argparse.Namespace, session: Session) -> Any:
    prices.enter(
        session,
        options.plan,
        options.destination,
        options.amount,
        options.direction,
        options.since or prices.EVER,
    )
    return _price_show(options, session)


def _price_show(options: argparse.Namespace, session: Session) -> Any:
    row = prices.get(session, options.plan)
    return _plan(row) | {"prices": _prices(row)}


def _price_remove(options: argparse.Namespace, session: Session) -> Any:
    prices.remove(session, options.plan, options.destination, options.direction)
    return {"removed": options.destination or options.plan}


# -- how a command is run ------------------------------------------------------------------------


@contextmanager
def opened(loaded: Config) -> Iterator[Database]:
    """The configured database, ready. Raises ConfigError if there is none, or DatabaseError."""
    with _closing(loaded) as database:
        database.prepare()
        yield database


@contextmanager
def _closing(loaded: Config) -> Iterator[Database]:
    if not loaded.database.url:
        raise ConfigError("there is no database: set database.url", key="database")
    database = Database(loaded.database.url)
    try:
        yield database
    finally:
        database.close()


def _run(act: Command, changes: bool) -> Callable[[argparse.Namespace], int]:
    def run(options: argparse.Namespace) -> int:
        loaded = config.load(options.config)
        with opened(loaded) as database, _transaction(database, changes) as session:
            value = act(options, session)
        if changes:
            with suppress(ControlError):  # not running, or it looks by itself in a second
                control.ask(loaded.control, "POST", "/accounts")
        show(value, options.json)
        return 0

    return run


def _transaction(database: Database, changes: bool) -> AbstractContextManager[Session]:
    return database.changing() if changes else database.reading()


def _upgrade(options: argparse.Namespace) -> int:
    with _closing(config.load(options.config)) as database:
        database.upgrade()
    print("the database is of this version")
    return 0


def warnings(loaded: Config) -> Iterable[str]:
    """What is not as it should be between a sound configuration and its database."""
    with opened(loaded) as database, database.reading() as session:
        found = snapshot.read(session, loaded.accounts)
    yield from found.problems
    known = {account.system_id for account in found.accounts}
    for key, message in config.unknown_accounts(loaded, known):
        yield f"{key}: {message}"


# -- the parser ----------------------------------------------------------------------------------


def add_commands(commands: Any) -> None:
    """Add all of them to a parser's sub-commands."""
    _customer_commands(_noun(commands, "customer", "customers: contracts, caps, payments"))
    _account_commands(_noun(commands, "account", "SMPP accounts in the database"))
    _user_commands(_noun(commands, "user", "people who log in"))
    _price_commands(_noun(commands, "price", "price plans and their prices"))
    group = _noun(commands, "database", "the database itself")
    parser = group.add_parser("upgrade", help="bring its schema to this version")
    parser.add_argument("--config", metavar="FILE", default="config/smsc.yaml")
    parser.set_defaults(run=_upgrade)


def _noun(commands: Any, name: str, text: str) -> Any:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _verb(
    group: Any, name: str, act: Command, text: str, *, changes: bool = True
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = group.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + "."
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        default="config/smsc.yaml",
        help="the configuration (%(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_run(act, changes))
    return parser


def _read(group: Any, name: str, act: Command, text: str) -> argparse.ArgumentParser:
    return _verb(group, name, act, text, changes=False)


def _customer_commands(group: Any) -> None:
    def listed(_: argparse.Namespace, session: Session) -> Any:
        return [_customer(row, session) for row in customers.every(session)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _customer(customers.get(session, options.reference), session)

    _read(group, "list", listed, "list all customers")
    _customer_options(parser := _verb(group, "add", _customer_add, "enter a customer"))
    _whose(parser)
    _whose(_read(group, "show", shown, "show a customer"))
    _customer_options(parser := _verb(group, "change", _customer_change, "change what is given"))
    _whose(parser)
    parser = _verb(group, "credit", _customer_credit, "take down what a customer paid ahead")
    _whose(parser)
    amount = _argument(money.amount)
    parser.add_argument("amount", metavar="AMOUNT", type=amount, help="below 0: paid back")
    parser.add_argument("--note", metavar="TEXT", default="", help="the payment's reference")
    _whose(_verb(group, "remove", _customer_remove, "take back one entered by mistake"))


def _whose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reference", metavar="REFERENCE", type=_argument(_reference))


def _account_commands(group: Any) -> None:
    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_account(row) for row in accounts.every(session, options.customer)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _account(accounts.get(session, options.system_id))

    parser = _read(group, "list", listed, "list all accounts")
    parser.add_argument("--customer", metavar="REFERENCE", help="those of one customer")
    named = {"metavar": "SYSTEM_ID", "type": _argument(_system_id)}
    parser = _verb(group, "add", _account_add, "make an account; its password is shown once")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    _account_options(parser, customer=True)
    parser = _read(group, "show", shown, "show an account")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    parser = _verb(group, "change", _account_change, "change what is given")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]
    _account_options(parser, customer=False)
    parser.add_argument("--new-password", action="store_true", help="make one up and show it once")
    _enabling(parser, "let it bind, or unbind it and refuse it")
    parser = _verb(group, "remove", _account_remove, "unbind it for good; what it is owed goes on")
    parser.add_argument("system_id", **named)  # type: ignore[arg-type]


def _enabling(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--enabled", action=argparse.BooleanOptionalAction, default=None, help=text)


def _user_commands(group: Any) -> None:
    def listed(options: argparse.Namespace, session: Session) -> Any:
        return [_user(row) for row in users.every(session, options.customer)]

    def shown(options: argparse.Namespace, session: Session) -> Any:
        return _user(users.get(session, options.email))

    parser = _read(group, "list", listed, "list all users")
    parser.add_argument("--customer", metavar="REFERENCE", help="those of one customer")
    parser = _verb(group, "add", _user_add, "register a person who has agreed to it")
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--name", metavar="NAME", required=True)
    parser.add_argument("--role", required=True, help="admin, billing, support, privacy; of a"
                        " customer: owner, member")  # fmt: skip
    parser.add_argument(
        "--customer", metavar="REFERENCE", help="none: one of the operator's people"
    )
    parser.add_argument("--consent", metavar="VERSION", required=True, help="of the text agreed to")
    parser.add_argument("--consent-text", metavar="FILE", required=True, help="that text")
    asked = {"action": "store_true", "help": "ask for a password, or read it from standard input"}
    parser.add_argument("--ask-password", **asked)  # type: ignore[arg-type]
    parser = _read(group, "show", shown, "show a user")
    parser.add_argument("email", metavar="EMAIL")
    parser = _verb(group, "change", _user_change, "change what is given")
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--name", metavar="NAME")
    parser.add_argument("--role")
    parser.add_argument("--ask-password", **asked)  # type: ignore[arg-type]
    _enabling(parser, "let them log in, or not")
    parser = _verb(group, "remove", _user_remove, "delete a user; the consent is withdrawn")
    parser.add_argument("email", metavar="EMAIL")


def _price_commands(group: Any) -> None:
    def listed(_: argparse.Namespace, session: Session) -> Any:
        return [_plan(row) for row in prices.every(session)]

    _read(group, "list", listed, "list all price plans")
    parser = _verb(group, "add", _price_add, "make a price plan")
    parser.add_argument("plan", metavar="PLAN", type=_argument(_reference))
    parser.add_argument("--currency", required=True, help="of ISO 4217, like EUR")
    parser.add_argument(
        "--charged",
        choices=("submitted", "delivered"),
        default="submitted",
        help="the state at which a message costs (%(default)s)",
    )
    parser = _read(group, "show", _price_show, "show a price plan and its prices")
    parser.add_argument("plan", metavar="PLAN")
    parser = _verb(group, "change", _price_change, "set the price of a destination from a day on")
    parser.add_argument("plan", metavar="PLAN")
    _where(parser, {})
    parser.add_argument("amount", metavar="AMOUNT", type=_argument(_cap), help="per segment")
    parser.add_argument("--from", dest="since", metavar="DATE", type=_argument(_date))
    parser = _verb(
        group, "remove", _price_remove, "take back a destination's newest price, or a plan"
    )
    parser.add_argument("plan", metavar="PLAN")
    _where(parser, {"nargs": "?"})


def _where(parser: argparse.ArgumentParser, how: Mapping[str, Any]) -> None:
    parser.add_argument(
        "destination", metavar="DESTINATION", help="262-01 or 262-* (network), 49, or *", **how
    )
    parser.add_argument("--direction", choices=("out", "in"), default="out", help="%(default)s")
