"""Metrics of clients and carriers: their binds, windows and PDUs."""

from __future__ import annotations

from collections.abc import Callable

from smsc.metrics.family import Family, Process, Samples, carriers, name_of, one
from smsc.session import State

#: How clients' binds are told apart.
BIND_TYPES = {State.BOUND_TX: "tx", State.BOUND_RX: "rx", State.BOUND_TRX: "trx"}


def _client_binds(app: Process) -> Samples:
    for kind in BIND_TYPES.values():
        yield (kind,), 0
    for client in app.binds:
        kind = BIND_TYPES.get(client.session.state, "")
        if kind:
            yield (kind,), 1


def _links(field: str) -> Callable[[Process], Samples]:
    """A counter that listeners and carriers both keep."""

    def samples(app: Process) -> Samples:
        for listener in app.listeners:
            yield ("client", listener.config.name), getattr(listener.counters, field)
        for carrier in app.carriers:
            yield ("carrier", name_of(carrier.config.name)), getattr(carrier.counters, field)

    return samples


LINKS: tuple[Family, ...] = (
    Family(
        "smsc_accounts_age_seconds",
        "Since the accounts were last known to be those of the database; 0 without one.", (),
        one(lambda app: app.accounts_age),
    ),
    Family(
        "smsc_database_away",
        "1 while the database can't be asked, and its accounts are those of the last snapshot.", (),
        one(lambda app: app.database_away),
    ),
    Family("smsc_client_binds", "Clients' binds.", ("type",), _client_binds),
    Family(
        "smsc_unbound_connections", "Connections that have not bound yet.", (),
        one(lambda app: app.lobby.waiting),
    ),
    Family(
        "smsc_connections_turned_away_total", "Connections refused for want of room.", (),
        one(lambda app: app.lobby.refused),
    ),
    Family(
        "smsc_carrier_binds", "Binds that are up.", ("carrier",),
        carriers(lambda carrier: sum(bind.up for bind in carrier.binds)),
    ),
    Family(
        "smsc_carrier_binds_configured", "Binds that should be up.", ("carrier",),
        carriers(lambda carrier: len(carrier.binds)),
    ),
    Family(
        "smsc_carrier_binds_made_total", "Times a bind came up.", ("carrier",),
        carriers(lambda carrier: sum(bind.made for bind in carrier.binds)),
    ),
    Family(
        "smsc_carrier_binds_failed_total", "Times a bind could not be made.", ("carrier",),
        carriers(lambda carrier: sum(bind.failed for bind in carrier.binds)),
    ),
    Family(
        "smsc_window_used", "Attempts without an answer.", ("carrier",),
        carriers(lambda carrier: carrier.outstanding),
    ),
    Family(
        "smsc_window_size", "Attempts that may be without an answer on the binds that are up.",
        ("carrier",),
        carriers(lambda carrier: carrier.config.window * sum(b.up for b in carrier.binds)),
    ),
    Family(
        "smsc_carrier_slowed_total", "Times a carrier asked to be sent to more slowly.",
        ("carrier",), carriers(lambda carrier: carrier.pace.cuts),
    ),
    Family(
        "smsc_pdus_received_total", "PDUs received.", ("side", "name"), _links("pdus_in"),
    ),
    Family("smsc_pdus_sent_total", "PDUs sent.", ("side", "name"), _links("pdus_out")),
    Family(
        "smsc_pdus_malformed_total", "PDUs whose body could not be decoded.", ("side", "name"),
        _links("bad"),
    ),
    Family(
        "smsc_streams_broken_total", "Connections closed because their framing was lost.",
        ("side", "name"), _links("broken"),
    ),
    Family(
        "smsc_throttled_total", "Submits refused for the account's rate.", ("side", "name"),
        _links("throttled"),
    ),
    Family(
        "smsc_responses_unmatched_total", "Responses to nothing that was asked.",
        ("side", "name"), _links("unmatched"),
    ),
)  # fmt: skip
