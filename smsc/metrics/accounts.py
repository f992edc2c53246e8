"""Metrics per account: traffic data in the sense of the law, so apart from the others."""

from __future__ import annotations

from smsc._spool import Slab
from smsc.counters import ACCOUNT_EVENTS
from smsc.metrics.family import Family, Process, Samples, name_of


def _account_events(app: Process) -> Samples:
    names = app.core.state.accounts
    for account, event, count in app.core.counters.by_account:
        yield (name_of(names[account]), ACCOUNT_EVENTS[event]), count


def _account_throttled(app: Process) -> Samples:
    for account, binds in app.binds.accounts.items():
        yield (name_of(account),), binds.throttled


def _account_binds(app: Process) -> Samples:
    for account, binds in app.binds.accounts.items():
        yield (name_of(account),), len(binds.binds)


def _account_owed(app: Process) -> Samples:
    yield from _held(app, app.core.state.spool.slab)


def _account_mails(app: Process) -> Samples:
    yield from _held(app, app.core.state.mailboxes.slab)


def _held(app: Process, slab: Slab) -> Samples:
    for account, name in enumerate(app.core.state.accounts.names):
        yield (name_of(name),), slab.of_account(account)


ACCOUNT_FAMILIES: tuple[Family, ...] = (
    Family(
        "smsc_account_messages_total", "Messages accepted, delivered, failed.",
        ("account", "event"), _account_events,
    ),
    Family(
        "smsc_account_throttled_total", "Submits refused for the account's rate.", ("account",),
        _account_throttled,
    ),
    Family("smsc_account_binds", "Binds that are up.", ("account",), _account_binds),
    Family("smsc_account_owed", "Messages that are not final.", ("account",), _account_owed),
    Family("smsc_account_mails_waiting", "Mails in its mailbox.", ("account",), _account_mails),
)  # fmt: skip
