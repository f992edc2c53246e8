"""What an operator may configure: the schema, and its defaults with their reasons.

Owns the shape of ``smsc.yaml``. ``smsc.kinds`` says how a value is written, ``smsc.agreement`` what
must agree, ``smsc.reading`` makes a ``Config`` of a file. Everything is frozen; a changed file is a
new ``Config``. Units are those of ``smsc.kinds``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias

import yaml

from smsc import kinds, networks, numbers
from smsc.kinds import (
    DAY,
    HOUR,
    KIB,
    MIB,
    MINUTE,
    SECOND,
    Address,
    Alphabet,
    CheckpointSize,
    Count,
    Duration,
    Group,
    IpNetwork,
    ListName,
    Name,
    Npi,
    Port,
    PositiveDuration,
    Predefined,
    Rate,
    Region,
    RemotePort,
    SegmentSize,
    Sender,
    TimeZone,
    Ton,
    Window,
)
from smsc.receipt import IdRule
from smsc.retention import Rules
from smsc.schema import INVALID, Form, FromFile, Reading
from smsc.smpp import Status
from smsc.text import Charset
from smsc.zones import UTC, Zone

#: An unused rate may be saved up for this long: a client's batch passes, its day's sum does not.
BURST_SECONDS = 2

BindType: TypeAlias = Literal["tx", "rx", "trx"]
ErrorAction: TypeAlias = Literal["retry", "throttle", "fail"]
LongMessages: TypeAlias = Literal["pass", "udh", "sar", "payload"]
LearntBase: TypeAlias = Literal["learn", "verbatim", "hex", "decimal", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerConfig:
    """Where clients connect."""

    name: str
    host: str = "127.0.0.1"
    #: 0 lets the system choose. 2775 is smpp's port at IANA.
    port: Port = 2775
    #: Tell a refused client whether its system_id or its password was wrong, as 3.4 clients may
    #: expect; it tells an attacker too.
    bind_error_detail: bool = False
    #: The answer to a bind too many; a number of operators say ESME_RALYBND.
    too_many_binds: Literal["ESME_RBINDFAIL", "ESME_RALYBND"] = "ESME_RBINDFAIL"
    #: sc_interface_version: the version agreed on, or always 5.0, which is what we support.
    announce_version: Literal["agreed", "supported"] = "agreed"
    #: Take passwords of more than the 8 characters that SMPP has room for.
    long_passwords: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxConfig:
    """Where an account's receipts and inbound messages wait until one of its binds takes them."""

    #: A client that is down over a long weekend misses nothing.
    lifetime: PositiveDuration = 7 * DAY
    max_items: Count = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OutbindConfig:
    """Where a receiver is called when mail waits for it."""

    host: str
    port: RemotePort
    #: Ours there.
    password: Annotated[bytes, kinds.ascii_text(0, 8), FromFile("password_file")] = field(
        default=b"", repr=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNumbersConfig:
    """How an account writes numbers."""

    #: The country that its national numbers are of; without one numbers are taken as they come.
    region: Region = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConfig:
    """A client's right to bind, and the limits of its contract."""

    system_id: Name
    password_hash: Annotated[str, kinds.argon2id, FromFile("password_file")] = field(repr=False)
    #: Whether it may bind; one that may not keeps what it is owed.
    enabled: bool = True
    #: Who is billed; empty means the account itself.
    customer: Annotated[bytes, kinds.ascii_text(1, 64)] = b""
    #: Networks it may bind from; none listed means any.
    allowed_addresses: tuple[Annotated[IpNetwork, kinds.network], ...] = ()
    #: How many sessions at a time: two data centres with a few each.
    binds: Annotated[int, kinds.whole(1, 10_000)] = 10
    bind_types: tuple[BindType, ...] = ("tx", "rx", "trx")
    #: The system_type it must bind with; none means any.
    system_type: Annotated[bytes, kinds.ascii_text(1, 12)] = b""
    #: Submits without an answer per bind before reading stops.
    window: Window = 100
    #: Beyond the window: read no further, or answer ESME_RTHROTTLED.
    window_full: Literal["wait", "throttle"] = "wait"
    #: Deliveries without an answer per bind: what SMPP 3.4 2.5.2 suggests at most.
    delivery_window: Window = 10
    #: Messages per second over all binds: enough to integrate, too few to harm others.
    rate: Rate = 100.0
    #: Messages that may come at once; 0 means two seconds of the rate.
    burst: Annotated[float, kinds.whole(0, 1_000_000)] = 0.0
    #: The highest priority_flag that is honoured; a higher one is lowered.
    max_priority: Annotated[int, kinds.whole(0, 3)] = 3
    #: For a submit that names no validity_period: a phone off for a weekend still gets it.
    default_validity: PositiveDuration = 2 * DAY
    #: A longer one is shortened.
    max_validity: PositiveDuration = 7 * DAY
    #: Whether it may ask for delivery receipts.
    receipts: bool = True
    #: Whether it may send cell broadcasts (5.0).
    broadcast: bool = False
    #: The clock that the dates in its receipts are read from.
    time_zone: TimeZone = UTC
    #: Dates of 12 digits in its receipts, with seconds, instead of 10.
    receipt_seconds: bool = False
    mailbox: MailboxConfig = MailboxConfig()
    #: Messages it may have owed at a time; beyond that ESME_RMSGQFUL.
    max_queued: Count = 1_000_000
    #: For a submit without a source address.
    default_sender: Annotated[Sender | None, kinds.sender] = None
    #: What its software gets wrong and is forgiven: a NUL behind the last field; both
    #: short_message and message_payload below 5.0, where the payload counts.
    tolerate: tuple[Literal["trailing_nul", "both_texts"], ...] = ()
    #: What is refused to the letter: registered_delivery 3 below 5.0; a schedule in the past.
    strict: tuple[Literal["registered_delivery", "past_schedule"], ...] = ()
    #: How receipts and inbound messages are brought to it, below 3.4 by deliver_sm in any case.
    deliver_with: Literal["deliver_sm", "data_sm"] = "deliver_sm"
    #: Whether and where it is asked to bind while mail waits and none of its receivers is bound.
    outbind: OutbindConfig | None = None
    #: Source addresses it may send from; none listed means any.
    senders: tuple[Annotated[bytes, kinds.senders], ...] = ()
    numbers: AccountNumbersConfig = AccountNumbersConfig()
    #: What it means by data_coding 0, in what it sends and is sent.
    default_alphabet: Alphabet = Charset.GSM
    #: What a submit_multi may name in place of numbers.
    distribution_lists: Mapping[ListName, tuple[Annotated[Sender, kinds.recipient], ...]] = field(
        default_factory=dict
    )
    #: For how long a submit that repeats one is taken for it, if the connection that one came on
    #: was lost; 0 takes every submit for a new message.
    suppress_duplicates: Duration = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "customer", self.customer or self.system_id)
        object.__setattr__(self, "burst", self.burst or max(1.0, self.rate * BURST_SECONDS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconnectConfig:
    """How long to wait before a lost bind is tried again: doubling, with jitter."""

    min: PositiveDuration = 1 * SECOND
    #: A carrier that comes back is used again within this.
    max: PositiveDuration = 1 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class IdRuleConfig:
    """How a carrier writes message ids in its responses and in its receipts."""

    #: ``learn`` from its traffic; what is given here is pinned.
    response: LearntBase = "learn"
    receipt: LearntBase = "learn"

    def pinned(self) -> IdRule | None:
        """What is not to be learned; None if all is."""
        if self.response == "learn" or self.receipt == "learn":
            return None
        return IdRule(self.response, self.receipt)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryConfig:
    """When a message that a carrier refused for now is tried again."""

    #: Before the second, third, ... attempt; the last one repeats.
    delays: tuple[PositiveDuration, ...] = (10 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR)
    #: Validity ends most; this ends a carrier's refusal that is temporary for ever.
    attempts: Annotated[int, kinds.whole(1, 10_000)] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubtConfig:
    """What becomes of an attempt whose outcome is unknown."""

    #: ``requeue`` at once, ``hold`` then requeue, ``fail`` after the hold (at most once).
    policy: Literal["requeue", "hold", "fail"] = "hold"
    #: Long enough for a late response or a receipt to settle it.
    hold: PositiveDuration = 1 * MINUTE


#: What a carrier's command_status means unless its ``errors`` say otherwise; all others fail.
DEFAULT_ERRORS: Mapping[int, ErrorAction] = {
    Status.ESME_RINVBNDSTS: "retry",  # our bind is not what we think; the message is not at fault
    Status.ESME_RSYSERR: "retry",
    Status.ESME_RMSGQFUL: "throttle",
    Status.ESME_RTHROTTLED: "throttle",
    Status.ESME_RX_T_APPN: "retry",
}


def _form(reading: Reading, node: yaml.Node, key: str) -> Any:
    """``e164``, or ``{form: e164, ton: 0}``."""
    if not isinstance(node, yaml.ScalarNode):
        return reading.value(node, FormConfig, key)
    word = reading.value(node, Literal["as_is", "e164", "plus", "national"], key)
    return INVALID if word is INVALID else FormConfig(form=word)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormConfig:
    """How a carrier wants numbers; what is no number of E.164 stays as it is."""

    form: Literal["as_is", "e164", "plus", "national"] = "as_is"
    #: Where they should not be what follows from the form: 1 or 2, and 1.
    ton: Ton = None
    npi: Npi = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierNumbersConfig:
    """A carrier's way with addresses."""

    #: The country that its national numbers are of, in both directions.
    region: Region = ""
    destination: Annotated[FormConfig, Form(_form)] = FormConfig()
    source: Annotated[FormConfig, Form(_form)] = FormConfig()
    #: Kinds of senders that it takes; the others are replaced.
    senders: tuple[numbers.Kind, ...] = ("number", "short_code", "alphanumeric")
    replacement: Annotated[Sender | None, kinds.sender] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteConfig:
    """One thing that a carrier wants written otherwise."""

    field: Literal["source", "destination"]
    #: A regular expression; its first match in the address is replaced.
    match: Annotated[str, kinds.pattern]
    replace: Annotated[str, kinds.replacement] = ""
    ton: Ton = None
    npi: Npi = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierConfig:
    """An upstream SMSC that we bind to as an ESME."""

    name: Name
    host: str
    port: RemotePort
    system_id: Name
    password: Annotated[bytes, kinds.ascii_text(0, 8), FromFile("password_file")] = field(
        repr=False
    )
    system_type: Annotated[bytes, kinds.ascii_text(0, 12)] = b""
    version: Annotated[int, kinds.version] = 0x34
    #: How messages are sent to it, below 3.4 by submit_sm in any case.
    submit_with: Literal["submit_sm", "data_sm"] = "submit_sm"
    #: One transceiver per bind, or a transmitter and a receiver.
    bind: Literal["trx", "tx+rx"] = "trx"
    #: How many of these.
    binds: Annotated[int, kinds.whole(1, 1_000)] = 1
    #: Attempts without an answer per bind: also the most that one cut puts in doubt.
    window: Window = 10
    #: Messages per second over all binds. Without a limit the carrier's ESME_RTHROTTLED sets it.
    rate: Rate = math.inf
    #: Silence after which the link is probed.
    enquire_link: PositiveDuration = 30 * SECOND
    #: An attempt without an answer for this long is in doubt, so rather long than short.
    response_timeout: PositiveDuration = 30 * SECOND
    reconnect: ReconnectConfig = ReconnectConfig()
    #: Receipts asked of the carrier: as the client did, for every message, or for none.
    receipts: Literal["as_asked", "always", "never"] = "as_asked"
    id_rule: IdRuleConfig = IdRuleConfig()
    #: The clock that the dates in its receipts are read from; None: learn it.
    receipt_time_zone: Annotated[Zone | None, kinds.learnt_zone] = None
    #: What a command_status means; completes and overrides DEFAULT_ERRORS.
    errors: Mapping[Annotated[int, kinds.status], ErrorAction] = field(default_factory=dict)
    retry: RetryConfig = RetryConfig()
    in_doubt: InDoubtConfig = InDoubtConfig()
    #: How long after the acknowledgement a receipt is awaited, before the state is UNKNOWN.
    receipt_wait: PositiveDuration = 3 * DAY
    numbers: CarrierNumbersConfig = CarrierNumbersConfig()
    #: Applied in this order, each to what the ones before have left.
    rewrite: tuple[RewriteConfig, ...] = ()
    #: What it means by data_coding 0, in what it is sent and sends.
    default_alphabet: Alphabet = Charset.GSM
    #: The values of data_coding that it takes; none listed means all. Others are recoded.
    data_codings: tuple[Annotated[int, kinds.octet], ...] = ()
    #: Texts that don't fit one short message: as they came, cut with a header or SAR TLVs, whole.
    long_messages: LongMessages = "pass"
    #: How long a part that a client cut waits for the others, where texts are sent whole; 0: the
    #: parts go as they came.
    join_wait: Duration = 60 * SECOND
    #: Whether parts that we cut have references of 16 bits: one character less in each.
    wide_references: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "errors", {**DEFAULT_ERRORS, **self.errors})

    def action(self, command_status: int) -> ErrorAction:
        """What to do with a message that was answered with this status (not ESME_ROK)."""
        return self.errors.get(command_status, "fail")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConfig:
    """Which messages go to which carriers. What it does not name it does not ask."""

    name: str
    #: First digits of the destination; none means every destination.
    to: tuple[Annotated[bytes, kinds.prefix], ...] = (b"",)
    #: The submitting account's system_id.
    account: Name = b""
    #: Source addresses, whole.
    from_: tuple[Address, ...] = ()
    #: MCC and MNC of the destination, or first digits and ``*``.
    network: tuple[Annotated[bytes, networks.pattern], ...] = ()
    #: Groups in failover order; within a group by weight.
    carriers: tuple[Group, ...]
    #: For broadcast_sm alone, which has no destination; other routes are for messages alone.
    broadcast: bool = False
    #: What becomes of a message that its carrier has refused for good, or reported as failed:
    #: the client is told, or the next carrier that it was not tried with gets it.
    on_failure: Literal["report", "next"] = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworksConfig:
    """Which networks numbers belong to."""

    #: MCC and MNC by prefix, as CSV (``networks.table``).
    prefixes: Annotated[Mapping[bytes, bytes], networks.table, FromFile("file")] = field(
        default_factory=dict, repr=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupConfig:
    """A service that knows which network a ported number is in, asked over HTTP."""

    #: ``{number}`` in it stands for the number. May hold a secret.
    url: Annotated[str, kinds.lookup_url] = field(repr=False)
    #: How long a message waits for the answer before it goes by its prefix.
    timeout: PositiveDuration = 500
    #: How long an answer counts; 0 not at all.
    cache: Duration = HOUR
    max_concurrent: Annotated[int, kinds.whole(1, 1_000)] = 32
    #: Accounts and routes (by prefix) whose messages are looked up; none named means all.
    accounts: tuple[Name, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundConfig:
    """Whose an inbound message is."""

    #: Destination addresses, whole.
    to: tuple[Address, ...]
    #: First word of the text, in any case; none means every text without a keyword of its own.
    keyword: Annotated[bytes, kinds.ascii_text(1, 20)] = b""
    account: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowSyncConfig:
    """What a slow disk sync brings about."""

    warn: PositiveDuration = 100
    #: New submits are answered ESME_RTHROTTLED.
    throttle: PositiveDuration = 500
    #: Clients are no longer read.
    pause: PositiveDuration = 2 * SECOND
    #: ``/readyz`` says no.
    unready: PositiveDuration = 10 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """The log of what is owed."""

    directory: str = "var/journal"
    #: One file; large enough that making the next is rare, small enough to be freed soon.
    segment: SegmentSize = 64 * MIB
    #: Messages owed over all accounts; beyond that ESME_RMSGQFUL. Bounds memory.
    max_owed: Count = 10_000_000
    #: Octets of the log behind a checkpoint at which the next one is made; 0 makes none.
    checkpoint: CheckpointSize = 256 * MIB
    slow_sync: SlowSyncConfig = SlowSyncConfig()
    #: Start even where a sync may not reach a disk (tmpfs, overlay, NFS, FUSE).
    force_filesystem: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedConfig:
    """How messages have ended, for clients that ask (query_sm)."""

    #: For how long; 0 keeps nothing.
    keep: Duration = DAY
    #: How many at most, over all accounts: 35 octets of memory each.
    max: Count = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficConfig:
    """The log of finished messages, for billing."""

    directory: str = "var/traffic"
    segment: SegmentSize = 64 * MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """Customers, accounts, prices. Without a URL there are the accounts of the file alone."""

    #: As SQLAlchemy writes it: ``sqlite:///var/smsc.db``, ``postgresql://smsc@/smsc``.
    url: Annotated[str, kinds.database_url, FromFile("url_file")] = field(default="", repr=False)
    #: The last that was read of it, to start with while it is away; empty means beside
    #: ``traffic.directory``.
    snapshot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingConfig:
    """How customers are told that their money is at its end."""

    #: The command_status for a submit beyond the credit or a cap. A vendor's own (SMPP 5.0 4.7.6):
    #: no client knows it as a reason to try again at once.
    refused: Annotated[int, kinds.vendor_status] = 0x0450


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysConfig:
    """What traffic data is sealed with."""

    #: Wrapped keys; empty means beside ``traffic.directory``.
    directory: str = ""
    #: What they are wrapped with; empty means beside them.
    master_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionConfig:
    """How long traffic data lives (``smsc.retention``)."""

    #: What was closed, held, destroyed and proven; empty means beside ``traffic.directory``.
    directory: str = ""
    #: From the close of a period to its deletion: what German supervision takes for usual.
    objection: Duration = 90 * DAY
    #: From the end of a period to the deletion of its contents; without it with the rest.
    content: Annotated[int | None, kinds.duration] = None
    #: From the end of a period to its deletion even if nobody closed it: the law's six months.
    maximum: PositiveDuration = 180 * DAY
    #: How long it is kept who fetched what over HTTP: enough to look into an attack.
    access_log: PositiveDuration = 7 * DAY
    #: How often the server looks for what is due.
    sweep: PositiveDuration = 1 * DAY

    def rules(self) -> Rules:
        """What the operator has promised."""
        return Rules(objection=self.objection, content=self.content, maximum=self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """Where the newest hash of the audit log (in ``retention.directory``) goes beside it."""

    #: Another disk, another machine's share.
    checkpoint_file: str = ""
    #: A shell command that is given it on its standard input.
    checkpoint_command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsConfig:
    """Prometheus, ``/healthz`` and ``/readyz`` over HTTP."""

    host: str = "127.0.0.1"
    port: Port = 9775
    #: Serve ``/metrics/accounts``: series per account are traffic data, hence off.
    accounts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlConfig:
    """Where the command line reaches the running server."""

    #: A Unix socket, open to the server's own user alone.
    socket: Annotated[str, kinds.socket_path] = "var/control.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimersConfig:
    """Timers of clients' sessions (SMPP 3.4 7.2, which leaves the values open)."""

    #: From connecting to a bind.
    session_init: PositiveDuration = 10 * SECOND
    #: Silence after which the peer is probed.
    enquire_link: PositiveDuration = 30 * SECOND
    #: Silence after which the session is ended; 0 never.
    inactivity: Duration = 5 * MINUTE
    #: From our request to its answer.
    response: PositiveDuration = 10 * SECOND
    #: From a PDU's first octet to its last.
    pdu_read: PositiveDuration = 30 * SECOND
    #: Without the peer taking any of our octets.
    write_stall: PositiveDuration = 30 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsConfig:
    """What the server grants peers before it knows them, and any peer at most."""

    #: Connections without a bind, together.
    max_unbound: Count = 4_096
    #: The same, per address: a client's whole pool may reconnect at once behind one address.
    max_unbound_per_address: Count = 256
    #: Octets. A legal message_payload or submit_multi needs up to 70,000.
    max_pdu: Annotated[int, kinds.size(KIB, 128 * KIB)] = 128 * KIB
    timers: TimersConfig = TimersConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it."""

    #: Ours, in the answers to binds.
    system_id: Name = b"smsc"
    listeners: tuple[ListenerConfig, ...]
    accounts: tuple[AccountConfig, ...] = ()
    carriers: tuple[CarrierConfig, ...] = ()
    routes: tuple[RouteConfig, ...] = ()
    networks: NetworksConfig = NetworksConfig()
    lookup: LookupConfig | None = None
    inbound: tuple[InboundConfig, ...] = ()
    storage: StorageConfig = StorageConfig()
    finished: FinishedConfig = FinishedConfig()
    #: Texts that clients name by sm_default_msg_id.
    predefined_messages: Mapping[
        Annotated[int, kinds.whole(1, 255)], Annotated[Predefined, kinds.predefined]
    ] = field(default_factory=dict)
    traffic: TrafficConfig = TrafficConfig()
    database: DatabaseConfig = DatabaseConfig()
    billing: BillingConfig = BillingConfig()
    keys: KeysConfig = KeysConfig()
    retention: RetentionConfig = RetentionConfig()
    audit: AuditConfig = AuditConfig()
    metrics: MetricsConfig = MetricsConfig()
    control: ControlConfig = ControlConfig()
    limits: LimitsConfig = LimitsConfig()
    log: LogConfig = LogConfig()

    def __post_init__(self) -> None:
        var = os.path.dirname(os.path.normpath(self.traffic.directory))
        keys = KeysConfig(
            directory=self.keys.directory or os.path.join(var, "keys"),
            master_file=self.keys.master_file or os.path.join(var, "master.key"),
        )
        object.__setattr__(self, "keys", keys)
        snapshot = self.database.snapshot or os.path.join(var, "database.snapshot")
        object.__setattr__(self, "database", replace(self.database, snapshot=snapshot))
        directory = self.retention.directory or os.path.join(var, "retention")
        object.__setattr__(self, "retention", replace(self.retention, directory=directory))
