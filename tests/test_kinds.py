"""The kinds of values: how each is read, and what is refused."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from typing import Any

import pytest

from smsc import kinds
from smsc.kinds import Predefined, Sender
from smsc.zones import UTC, zone
from tests.settings import HASH

NETWORK = ipaddress.ip_network

VALUES: list[tuple[Callable[[str], Any], str, Any]] = [
    (kinds.duration, "30s", 30_000),
    (kinds.duration, "500ms", 500),
    (kinds.duration, "1.5h", 5_400_000),
    (kinds.duration, "2 m", 120_000),
    (kinds.duration, "7d", 604_800_000),
    (kinds.duration, "0", 0),
    (kinds.duration, "0s", 0),
    (kinds.positive_duration, "1ms", 1),
    (kinds.size(1, 1 << 40), "64MiB", 67_108_864),
    (kinds.size(1, 1 << 40), "64KiB", 65_536),
    (kinds.size(1, 1 << 40), "1GiB", 1_073_741_824),
    (kinds.size(1, 1 << 40), "70000B", 70_000),
    (kinds.rate, "100/s", 100.0),
    (kinds.rate, "30/min", 0.5),
    (kinds.rate, "36/h", 0.01),
    (kinds.rate, "0.5/s", 0.5),
    (kinds.rate, "unlimited", math.inf),
    (kinds.recipient, "+447700900001", Sender(1, 1, b"447700900001")),
    (kinds.recipient, "12345", Sender(0, 1, b"12345")),
    (kinds.predefined, "Hi @", Predefined(0, b"Hi \0")),
    (kinds.predefined, "Привет", Predefined(8, "Привет".encode("utf-16-be"))),
    (kinds.predefined, "x" * 254, Predefined(0, b"x" * 254)),
    (kinds.whole(1, 9), "1", 1),
    (kinds.whole(1, 9), "9", 9),
    (kinds.whole(0, 10_000_000), "1_000_000", 1_000_000),
    (kinds.ascii_text(1, 15), "a" * 15, b"a" * 15),
    (kinds.ascii_text(0, 8), "", b""),
    (kinds.prefix, "44", b"44"),
    (kinds.prefix, "+44", b"44"),
    (kinds.prefix, "*", b""),
    (kinds.address, "+447700900001", b"447700900001"),
    (kinds.address, "12345", b"12345"),
    (kinds.address, "My Shop", b"My Shop"),
    (kinds.sender, "+447700900001", Sender(1, 1, b"447700900001")),
    (kinds.sender, "12345", Sender(0, 1, b"12345")),
    (kinds.sender, "My Shop", Sender(5, 0, b"My Shop")),
    (kinds.senders, "+447700900001", b"447700900001"),
    (kinds.senders, "4477*", b"4477*"),
    (kinds.senders, "+4477*", b"4477*"),
    (kinds.senders, "80888", b"80888"),
    (kinds.senders, "ACME", b"ACME"),
    (kinds.pattern, "^0(.*)$", "^0(.*)$"),
    (kinds.replacement, "", ""),
    (kinds.network, "192.0.2.0/24", NETWORK("192.0.2.0/24")),
    (kinds.network, "192.0.2.7", NETWORK("192.0.2.7/32")),
    (kinds.network, "2001:db8::/32", NETWORK("2001:db8::/32")),
    (kinds.version, "3.3", 0x33),
    (kinds.version, "3.4", 0x34),
    (kinds.version, "5.0", 0x50),
    (kinds.socket_path, "./var/control.sock", "./var/control.sock"),
    (zone, "UTC", UTC),
    (zone, "Europe/Berlin", zone("Europe/Berlin")),
    (kinds.learnt_zone, "learn", None),
    (kinds.learnt_zone, "Asia/Kathmandu", zone("Asia/Kathmandu")),
    (kinds.status, "ESME_RTHROTTLED", 0x58),
    (kinds.status, "0x58", 0x58),
    (kinds.status, "0x0405", 0x405),
    (kinds.argon2id, HASH, HASH),
]


@pytest.mark.parametrize(("read", "text", "value"), VALUES)
def test_reads(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value
    assert type(read(text)) is type(value)


REFUSED: list[tuple[Callable[[str], Any], str]] = [
    *((kinds.duration, text) for text in ("30", "s", "-1s", "30x", "1e3s", "", "٣s", "1..5s")),
    *((kinds.recipient, text) for text in ("ACME", "", "+4477x", "4" * 21)),
    *((kinds.predefined, text) for text in ("", "x" * 255, "я" * 128, "\U0001f600" * 64)),
    (kinds.positive_duration, "0"),
    (kinds.positive_duration, "0.1ms"),
    *((kinds.size(1, 100), text) for text in ("101B", "0", "1MB", "5", "1KiB")),
    *((kinds.rate, text) for text in ("100", "0/s", "-1/s", "1/d", "inf", "nan/s", "")),
    *((kinds.whole(1, 9), text) for text in ("0", "10", "-1", "1.0", "x", "", "0x1", "٣")),
    *((kinds.ascii_text(1, 15), text) for text in ("", "a" * 16, "ä", "a b", "a\x00", "a\n")),
    *((kinds.prefix, text) for text in ("", "+", "44x", "4" * 21, "44*", "٣")),
    *((kinds.address, text) for text in ("", "4" * 21, "ä", "a\x00")),
    *((kinds.sender, text) for text in ("", "+", "+" + "4" * 16, "TwelveLetter", "Ä", "a\n")),
    *((kinds.senders, text) for text in ("", "*", "+*", "AC*", "TwelveLetter", "4" * 21)),
    *((kinds.pattern, text) for text in ("(", "[", "*", "(?P<a")),
    *((kinds.replacement, text) for text in ("ä", "\0")),
    *((kinds.network, text) for text in ("", "x", "192.0.2.1/24", "192.0.2.0/33", "localhost")),
    *((kinds.version, text) for text in ("", "3.40", "34", "0x34")),
    *((kinds.socket_path, text) for text in ("", "s" * 107, "ä" * 54)),
    *((zone, text) for text in ("", "Berlin", "../passwd", "/etc/passwd", "a\0b")),
    *((kinds.status, text) for text in ("", "88", "RTHROTTLED", "ESME_ROK", "0x0", "0x123456789")),
    *((kinds.argon2id, text) for text in ("", "demo1234", HASH.replace("argon2id", "argon2i"))),
]


@pytest.mark.parametrize(("read", "text"), REFUSED)
def test_refuses(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match="must|is not one of"):
        read(text)
