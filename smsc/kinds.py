"""How one value of the configuration is written: ``30s``, ``64MiB``, ``100/s``, ``+447700900001``.

Owns the kinds of values: for each a reader, which takes the text as written and gives what the
server works with or raises ValueError with the reason, and the annotation that ``smsc.schema``
finds it by.

Units: durations are int milliseconds, sizes int octets, rates messages per second (``inf`` for
unlimited). Names and addresses are octets, as SMPP carries them.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

import argon2
import yaml

from smsc import numbers
from smsc import text as texts
from smsc.schema import INVALID, Form, Reading
from smsc.smpp import MAX_ADDRESS, MAX_SHORT_MESSAGE, Status
from smsc.text import ALPHABETS, Charset
from smsc.zones import Zone, zone

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

#: unix(7): sun_path has 108 octets with its end. One is left for a name beside it.
MAX_SOCKET_PATH = 106

#: dl_name is a C-octet string of 21 octets (3.4 5.2.26).
MAX_LIST_NAME = 20

IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


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


Duration: TypeAlias = Annotated[int, duration]
PositiveDuration: TypeAlias = Annotated[int, positive_duration]
#: A segment holds several frames of at most 1 MiB, and is made and synced whole ahead of its use.
SegmentSize: TypeAlias = Annotated[int, size(4 * MIB, 1024 * MIB)]
CheckpointSize: TypeAlias = Annotated[int, size(0, 1024 * 1024 * MIB)]
Rate: TypeAlias = Annotated[float, rate]
Name: TypeAlias = Annotated[bytes, ascii_text(1, MAX_NAME)]
ListName: TypeAlias = Annotated[bytes, ascii_text(1, MAX_LIST_NAME)]
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
