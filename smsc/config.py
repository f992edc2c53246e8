"""What an operator may configure: the schema, its defaults with their reasons, and its checks.

Owns the shape of ``smsc.yaml``; ``smsc.schema`` does the reading. ``load`` gives a ``Config`` that
is sound as a whole: every name in it exists, every value is within its bounds, so that nothing
behind it checks again. Everything is frozen; a changed file is a new ``Config``.

Units: durations are int milliseconds, sizes int octets, rates messages per second (``inf`` for
unlimited). Names and addresses are octets, as SMPP carries them.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import math
import os
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import urlsplit

import argon2
import yaml

from smsc import networks, numbers
from smsc import text as texts
from smsc.errors import ConfigError
from smsc.receipt import IdRule
from smsc.retention import Rules
from smsc.schema import INVALID, Form, FromFile, Reading
from smsc.smpp import Status
from smsc.text import ALPHABETS, Charset
from smsc.zones import UTC, Zone, zone

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KIB = 1024
MIB = 1024 * KIB

UNITS_OF_TIME = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
UNITS_OF_SIZE = {"B": 1, "KiB": KIB, "MiB": MIB, "GiB": 1024 * MIB}
UNITS_OF_RATE = {"s": 1, "min": 60, "h": 3600}

#: interface_version of each release of SMPP (3.4 5.2.4).
VERSIONS = {"3.3": 0x33, "3.4": 0x34, "5.0": 0x50}

#: system_id is a C-octet string of 16 octets with its end (SMPP 3.4 5.2.1); carriers' names share
#: the bound, so that both fit where either is stored.
MAX_NAME = 15

#: source_addr and destination_addr are C-octet strings of 21 octets (SMPP 3.4 5.2.8).
MAX_ADDRESS = 20

#: unix(7): sun_path has 108 octets with its end. One is left for a name beside it.
MAX_SOCKET_PATH = 106

#: dl_name is a C-octet string of 21 octets (3.4 5.2.26), and a submit_multi names 255 destinations.
MAX_LIST_NAME = 20
MAX_LIST = 255

#: Octets of short_message before 5.0 (3.4 5.2.21).
MAX_SHORT_MESSAGE = 254

#: An unused rate may be saved up for this long: a client's batch passes, its day's sum does not.
BURST_SECONDS = 2

IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
BindType: TypeAlias = Literal["tx", "rx", "trx"]
ErrorAction: TypeAlias = Literal["retry", "throttle", "fail"]
LongMessages: TypeAlias = Literal["pass", "udh", "sar", "payload"]
LearntBase: TypeAlias = Literal["learn", "verbatim", "hex", "decimal", "any"]


class Sender(NamedTuple):
    """A source address as SMPP carries it."""

    ton: int
    npi: int
    address: bytes


class Predefined(NamedTuple):
    """A text that clients name by a number: how it is coded, and its octets."""

    data_coding: int
    octets: bytes


class Share(NamedTuple):
    """A carrier's part of the traffic of its group, in proportion to the others' weights."""

    carrier: bytes
    weight: int


# -- how scalars are read ------------------------------------------------------------------------


def _amount(text: str, units: Mapping[str, int], example: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", text, re.ASCII)
    if text == "0":
        return 0
    if match is None or match[2] not in units:
        raise ValueError(f"{text!r} must be a number with its unit ({', '.join(units)}): {example}")
    return round(float(match[1]) * units[match[2]])


def duration(text: str) -> int:
    """``30s``, ``1.5h``, ``0``: milliseconds."""
    return _amount(text, UNITS_OF_TIME, "30s")


def positive_duration(text: str) -> int:
    """A duration that is not 0."""
    if (value := duration(text)) == 0:
        raise ValueError("must be more than 0")
    return value


def size(low: int, high: int) -> Callable[[str], int]:
    """A reader of sizes from ``low`` to ``high`` octets: ``64MiB``."""

    def read(text: str) -> int:
        value = _amount(text, UNITS_OF_SIZE, "64MiB")
        if not low <= value <= high:
            raise ValueError(f"must be from {low // KIB}KiB to {high // KIB}KiB")
        return value

    return read


def rate(text: str) -> float:
    """``100/s``, ``30/min`` or ``unlimited``: per second."""
    if text == "unlimited":
        return math.inf
    match = re.fullmatch(r"(\d+(?:\.\d+)?)/(\w+)", text, re.ASCII)
    if match is None or match[2] not in UNITS_OF_RATE or float(match[1]) == 0:
        raise ValueError(f"{text!r} must be like 100/s, 30/min, 500/h, or unlimited")
    return float(match[1]) / UNITS_OF_RATE[match[2]]


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(text: str) -> int:
        digits = text.replace("_", "")
        if not (digits.isascii() and digits.isdigit() and low <= int(digits) <= high):
            raise ValueError(f"{text!r} must be a whole number from {low} to {high}")
        return int(digits)

    return read


def ascii_text(low: int, high: int) -> Callable[[str], bytes]:
    """A reader of ``low`` to ``high`` printable ASCII characters without spaces."""

    def read(text: str) -> bytes:
        if not (low <= len(text) <= high and text.isascii() and text.isprintable()):
            raise ValueError(f"must be {low} to {high} printable ASCII characters")
        if " " in text:
            raise ValueError("must not contain spaces")
        return text.encode()

    return read


def prefix(text: str) -> bytes:
    """The first digits of international numbers; ``*`` for every destination."""
    digits = "" if text == "*" else text.removeprefix("+")
    if text != "*" and not re.fullmatch(r"\d{1,20}", digits, re.ASCII):
        raise ValueError(f"{text!r} must be the first digits of a number (at most 20), or *")
    return digits.encode()


def address(text: str) -> bytes:
    """A whole address as SMPP carries it: a number, with or without ``+``, or a name."""
    number = text[1:] if re.fullmatch(r"\+\d+", text, re.ASCII) else text
    if not (1 <= len(number) <= MAX_ADDRESS and number.isascii() and number.isprintable()):
        raise ValueError(f"must be 1 to {MAX_ADDRESS} printable ASCII characters")
    return number.encode()


def sender(text: str) -> Sender:
    """``+447700900001`` international, ``12345`` as it is, ``ACME`` alphanumeric (at most 11)."""
    if re.fullmatch(r"\+\d{1,15}", text, re.ASCII):
        return Sender(1, 1, text[1:].encode())
    if re.fullmatch(r"\d{1,20}", text, re.ASCII):
        return Sender(0, 1, text.encode())
    if re.fullmatch(r"[A-Za-z0-9 ._&-]{1,11}", text, re.ASCII):
        return Sender(5, 0, text.encode())
    raise ValueError("must be a number with or without +, or at most 11 letters and digits")


def senders(text: str) -> bytes:
    """An address that an account may send from: as ``sender`` has it, or digits and ``*``."""
    if re.fullmatch(r"\+?\d{1,20}\*?", text, re.ASCII):
        return text.removeprefix("+").encode()
    return sender(text).address


def pattern(text: str) -> str:
    """A regular expression, in Python's syntax."""
    try:
        re.compile(text, re.ASCII)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    return text


def replacement(text: str) -> str:
    """What a match is replaced by: ASCII, with ``\\1`` for its first group."""
    if not (text.isascii() and (text.isprintable() or not text)):
        raise ValueError("must be printable ASCII characters")
    return text


def recipient(text: str) -> Sender:
    """``+447700900001`` international, ``12345`` as it is."""
    number = sender(text)
    if not number.address.isdigit():
        raise ValueError("must be a number with or without +")
    return number


def predefined(text: str) -> Predefined:
    """A text in the alphabet that needs the least room for it, as one short_message holds it."""
    for data_coding in (0, 8):
        try:
            octets = texts.encode(text, texts.CHARSETS[data_coding])
        except ValueError:
            continue
        if 0 < len(octets) <= MAX_SHORT_MESSAGE:
            return Predefined(data_coding, octets)
    raise ValueError(f"must be a text of at most {MAX_SHORT_MESSAGE} octets in GSM 03.38 or UCS-2")


def lookup_url(text: str) -> str:
    """``http://host/path/{number}``. The value is never part of the error."""
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or text.count("{number}") != 1 or not (text.isascii() and text.isprintable()):
        raise ValueError("must be like http://127.0.0.1:8080/{number}")
    return text


def network(text: str) -> IpNetwork:
    """``192.0.2.0/24`` or one address, IPv4 or IPv6."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"must be an address or a network like 192.0.2.0/24: {error}") from None


def version(text: str) -> int:
    """``3.4``: 0x34, as interface_version carries it."""
    if text not in VERSIONS:
        raise ValueError(f"{text!r} is not one of: {', '.join(VERSIONS)}")
    return VERSIONS[text]


def alphabet(text: str) -> Charset:
    """What a peer means by data_coding 0, by its name."""
    if text not in ALPHABETS:
        raise ValueError(f"{text!r} is not one of: {', '.join(ALPHABETS)}")
    return ALPHABETS[text]


def octet(text: str) -> int:
    """A value of one octet, decimal or hexadecimal: ``8`` or ``0xF1``."""
    if re.fullmatch(r"0x[0-9A-Fa-f]{1,2}", text):
        return int(text, 16)
    return whole(0, 255)(text)


def argon2id(text: str) -> str:
    """An Argon2id hash in its usual text form. The value is never part of the error."""
    try:
        kind = argon2.extract_parameters(text).type
    except argon2.exceptions.InvalidHashError:
        kind = None
    if kind is not argon2.Type.ID:
        raise ValueError("must be an Argon2id hash ($argon2id$v=19$...): see `smsc hash-password`")
    return text


def socket_path(text: str) -> str:
    """The path of a Unix socket, as long as the system lets one be."""
    if not 1 <= len(os.fsencode(text)) <= MAX_SOCKET_PATH:
        raise ValueError(f"must be a path of at most {MAX_SOCKET_PATH} octets")
    return text


def database_url(text: str) -> str:
    """A URL of one of the databases there are drivers for. The value is never part of the error."""
    if not re.match(r"(sqlite|postgresql(\+\w+)?):///?\S", text):
        raise ValueError("must be sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    return text


def learnt_zone(text: str) -> Zone | None:
    """A time zone, or None for ``learn``."""
    return None if text == "learn" else zone(text)


def status(text: str) -> int:
    """A command_status by its name or as hexadecimal: ``ESME_RTHROTTLED`` or ``0x58``."""
    if text in Status.__members__:
        value = Status[text].value
    elif re.fullmatch(r"0x[0-9A-Fa-f]{1,8}", text):
        value = int(text, 16)
    else:
        value = Status.ESME_ROK
    if value != Status.ESME_ROK:
        return value
    raise ValueError(
        "must be the name of a command_status (ESME_RSYSERR) or its value (0x08), no success"
    )


def vendor_status(text: str) -> int:
    """A command_status of our own: ``0x0450``."""
    if not re.fullmatch(r"0x0*4[0-9A-Fa-f]{2}", text):
        raise ValueError(f"{text!r} must be from 0x0400 to 0x04FF, what is left to vendors")
    return int(text, 16)


def _group(reading: Reading, node: yaml.Node, key: str) -> Any:
    """``name``, or ``{name: weight, ...}``: carriers that share the traffic."""
    if isinstance(node, yaml.ScalarNode):
        one = reading.value(node, Name, key)
        return INVALID if one is INVALID else (Share(one, 1),)
    weights = reading.value(node, Mapping[Name, Weight], key)
    if weights is INVALID:
        return INVALID
    if not weights:
        return reading.problem(key, "must name at least one carrier")
    return tuple(Share(name, weight) for name, weight in weights.items())


def _form(reading: Reading, node: yaml.Node, key: str) -> Any:
    """``e164``, or ``{form: e164, ton: 0}``."""
    if not isinstance(node, yaml.ScalarNode):
        return reading.value(node, FormConfig, key)
    word = reading.value(node, Literal["as_is", "e164", "plus", "national"], key)
    return INVALID if word is INVALID else FormConfig(form=word)


Duration: TypeAlias = Annotated[int, duration]
PositiveDuration: TypeAlias = Annotated[int, positive_duration]
#: A segment holds several frames of at most 1 MiB, and is made and synced whole ahead of its use.
SegmentSize: TypeAlias = Annotated[int, size(4 * MIB, 1024 * MIB)]
Rate: TypeAlias = Annotated[float, rate]
Name: TypeAlias = Annotated[bytes, ascii_text(1, MAX_NAME)]
Port: TypeAlias = Annotated[int, whole(0, 65535)]
RemotePort: TypeAlias = Annotated[int, whole(1, 65535)]
Window: TypeAlias = Annotated[int, whole(1, 10_000)]
Weight: TypeAlias = Annotated[int, whole(1, 1_000)]
Count: TypeAlias = Annotated[int, whole(1, 1_000_000_000)]
Address: TypeAlias = Annotated[bytes, address]
TimeZone: TypeAlias = Annotated[Zone, zone]
Group: TypeAlias = Annotated[tuple[Share, ...], Form(_group)]
Region: TypeAlias = Annotated[str, numbers.region]
#: Type of number and numbering plan indicator (5.0 4.7.1, 4.7.2); None leaves it alone.
Ton: TypeAlias = Annotated[int | None, whole(0, 6)]
Npi: TypeAlias = Annotated[int | None, whole(0, 18)]
Alphabet: TypeAlias = Annotated[Charset, alphabet]


# -- the schema ----------------------------------------------------------------------------------


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
    password: Annotated[bytes, ascii_text(0, 8), FromFile("password_file")] = field(
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
    password_hash: Annotated[str, argon2id, FromFile("password_file")] = field(repr=False)
    #: Whether it may bind; one that may not keeps what it is owed.
    enabled: bool = True
    #: Who is billed; empty means the account itself.
    customer: Annotated[bytes, ascii_text(1, 64)] = b""
    #: Networks it may bind from; none listed means any.
    allowed_addresses: tuple[Annotated[IpNetwork, network], ...] = ()
    #: How many sessions at a time: two data centres with a few each.
    binds: Annotated[int, whole(1, 10_000)] = 10
    bind_types: tuple[BindType, ...] = ("tx", "rx", "trx")
    #: The system_type it must bind with; none means any.
    system_type: Annotated[bytes, ascii_text(1, 12)] = b""
    #: Submits without an answer per bind before reading stops.
    window: Window = 100
    #: Beyond the window: read no further, or answer ESME_RTHROTTLED.
    window_full: Literal["wait", "throttle"] = "wait"
    #: Deliveries without an answer per bind: what SMPP 3.4 2.5.2 suggests at most.
    delivery_window: Window = 10
    #: Messages per second over all binds: enough to integrate, too few to harm others.
    rate: Rate = 100.0
    #: Messages that may come at once; 0 means two seconds of the rate.
    burst: Annotated[float, whole(0, 1_000_000)] = 0.0
    #: The highest priority_flag that is honoured; a higher one is lowered.
    max_priority: Annotated[int, whole(0, 3)] = 3
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
    default_sender: Annotated[Sender | None, sender] = None
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
    senders: tuple[Annotated[bytes, senders], ...] = ()
    numbers: AccountNumbersConfig = AccountNumbersConfig()
    #: What it means by data_coding 0, in what it sends and is sent.
    default_alphabet: Alphabet = Charset.GSM
    #: What a submit_multi may name in place of numbers.
    distribution_lists: Mapping[
        Annotated[bytes, ascii_text(1, MAX_LIST_NAME)], tuple[Annotated[Sender, recipient], ...]
    ] = field(default_factory=dict)
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
    attempts: Annotated[int, whole(1, 10_000)] = 100


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
    replacement: Annotated[Sender | None, sender] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteConfig:
    """One thing that a carrier wants written otherwise."""

    field: Literal["source", "destination"]
    #: A regular expression; its first match in the address is replaced.
    match: Annotated[str, pattern]
    replace: Annotated[str, replacement] = ""
    ton: Ton = None
    npi: Npi = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierConfig:
    """An upstream SMSC that we bind to as an ESME."""

    name: Name
    host: str
    port: RemotePort
    system_id: Name
    password: Annotated[bytes, ascii_text(0, 8), FromFile("password_file")] = field(repr=False)
    system_type: Annotated[bytes, ascii_text(0, 12)] = b""
    version: Annotated[int, version] = 0x34
    #: How messages are sent to it, below 3.4 by submit_sm in any case.
    submit_with: Literal["submit_sm", "data_sm"] = "submit_sm"
    #: One transceiver per bind, or a transmitter and a receiver.
    bind: Literal["trx", "tx+rx"] = "trx"
    #: How many of these.
    binds: Annotated[int, whole(1, 1_000)] = 1
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
    receipt_time_zone: Annotated[Zone | None, learnt_zone] = None
    #: What a command_status means; completes and overrides DEFAULT_ERRORS.
    errors: Mapping[Annotated[int, status], ErrorAction] = field(default_factory=dict)
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
    data_codings: tuple[Annotated[int, octet], ...] = ()
    #: Texts that don't fit one short message: as they came, cut with a header or SAR TLVs, whole.
    long_messages: LongMessages = "pass"
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
    to: tuple[Annotated[bytes, prefix], ...] = (b"",)
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
    url: Annotated[str, lookup_url] = field(repr=False)
    #: How long a message waits for the answer before it goes by its prefix.
    timeout: PositiveDuration = 500
    #: How long an answer counts; 0 not at all.
    cache: Duration = HOUR
    max_concurrent: Annotated[int, whole(1, 1_000)] = 32
    #: Accounts and routes (by prefix) whose messages are looked up; none named means all.
    accounts: tuple[Name, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundConfig:
    """Whose an inbound message is."""

    #: Destination addresses, whole.
    to: tuple[Address, ...]
    #: First word of the text, in any case; none means every text without a keyword of its own.
    keyword: Annotated[bytes, ascii_text(1, 20)] = b""
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
    url: Annotated[str, database_url, FromFile("url_file")] = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingConfig:
    """How customers are told that their money is at its end."""

    #: The command_status for a submit beyond the credit or a cap. A vendor's own (SMPP 5.0 4.7.6):
    #: no client knows it as a reason to try again at once.
    refused: Annotated[int, vendor_status] = 0x0450


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
    content: Annotated[int | None, duration] = None
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
    socket: Annotated[str, socket_path] = "var/control.sock"


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
    max_pdu: Annotated[int, size(KIB, 128 * KIB)] = 128 * KIB
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
        Annotated[int, whole(1, 255)], Annotated[Predefined, predefined]
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
        directory = self.retention.directory or os.path.join(var, "retention")
        object.__setattr__(self, "retention", replace(self.retention, directory=directory))


# -- what must agree -----------------------------------------------------------------------------

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
        for key, message in _ordered_account(account):
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


def _ordered_account(account: AccountConfig) -> Findings:
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


# -- reading it ----------------------------------------------------------------------------------


def _read(text: str, file: str) -> tuple[Config | None, list[ConfigError]]:
    """The value, and every problem by line. What must agree is only looked at once all is read."""
    reading = Reading(file)
    config = reading.document(text, Config)
    if not reading.problems:
        for key, message in itertools.chain.from_iterable(found(config) for found in CHECKS):
            reading.problem(key, message)
    return config, sorted(reading.problems, key=lambda problem: problem.line)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", file=path) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text", file=path) from error


def loads(text: str, file: str = "<text>") -> Config:
    """A sound Config from YAML text. Raises ConfigError, for the first problem by line."""
    config, problems = _read(text, file)
    if problems:
        raise problems[0]
    assert config is not None
    return config


def load(path: str) -> Config:
    """A sound Config from a file. Raises ConfigError, for the first problem by line."""
    return loads(_text(path), path)


def check(path: str) -> list[ConfigError]:
    """Every problem of a file, by line; none means that ``load`` succeeds."""
    try:
        return _read(_text(path), path)[1]
    except ConfigError as error:
        return [error]


def account(fields: Mapping[str, Any], where: str) -> AccountConfig:
    """An account that is kept elsewhere, by the keys and values it would have in the file.

    Raises ConfigError, which says ``where`` and the key.
    """
    reading = Reading(where)
    read = reading.document(json.dumps(fields), AccountConfig)
    problems = [(problem.key, problem.message) for problem in reading.problems]
    problems += [] if problems else _ordered_account(read)
    for key, message in problems:
        raise ConfigError(message, file=where, key=key)
    assert isinstance(read, AccountConfig)
    return read
