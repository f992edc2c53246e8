"""Which network a number belongs to, by its first digits.

A network is its MCC and MNC in one (E.212): 5 or 6 digits. The table is the operator's; a number
that was ported is where its prefix says only by chance, which ``lookup`` is for. Pure.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping

from smsc.numbers import SHORTEST

#: Columns of a table; what else there is, a name say, is for its readers.
PREFIX, NETWORK = "prefix", "network"


def code(text: str) -> bytes:
    """``26201``: an MCC of three digits and an MNC of two or three."""
    if not re.fullmatch(r"\d{5,6}", text, re.ASCII):
        raise ValueError(f"{text!r} must be MCC and MNC, 5 or 6 digits: 26201")
    return text.encode()


def pattern(text: str) -> bytes:
    """``26201``, or ``262*`` for every network that begins so."""
    if text[-1:] != "*":
        return code(text)
    if not re.fullmatch(r"\d{1,6}\*", text, re.ASCII):
        raise ValueError(f"{text!r} must be a network (26201), or its first digits and *: 262*")
    return text.encode()


def patterns(network: bytes) -> Iterator[bytes]:
    """Every pattern that this network matches, the most specific first."""
    yield network
    for length in range(len(network), 0, -1):
        yield network[:length] + b"*"


def table(text: str) -> Mapping[bytes, bytes]:
    """The network of each prefix, from CSV with the columns ``prefix`` and ``network``.

    Lines that begin with ``#`` and empty lines are passed over. Raises ValueError, with the line.
    """
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    rows = csv.DictReader((line for _, line in lines), skipinitialspace=True)
    if not {PREFIX, NETWORK} <= set(rows.fieldnames or ()):
        raise ValueError(f"must begin with a line that names the columns {PREFIX},{NETWORK}")
    found: dict[bytes, bytes] = {}
    for (number, _), row in zip(lines[1:], rows, strict=False):
        prefix = (row[PREFIX] or "").strip()
        try:
            if not re.fullmatch(r"\d{1,15}", prefix, re.ASCII):
                raise ValueError(f"{prefix!r} must be the first digits of numbers, at most 15")
            network = code((row[NETWORK] or "").strip())
            if found.setdefault(prefix.encode(), network) != network:
                raise ValueError(f"{prefix} has another network above")
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return found


class Networks:
    """A table, compiled: one look-up per distinct length of a prefix."""

    def __init__(self, prefixes: Mapping[bytes, bytes]) -> None:
        self._networks = dict(prefixes)
        self._lengths = sorted({len(prefix) for prefix in prefixes}, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def prefix(self, number: bytes) -> bytes:
        """The longest prefix of a number that has a network; empty for none."""
        if number[:1] == b"+":
            number = number[1:]
        if len(number) >= SHORTEST:  # a short code has no network
            for length in self._lengths:
                if number[:length] in self._networks:
                    return number[:length]
        return b""

    def find(self, number: bytes) -> bytes:
        """The network of a number, E.164 digits; empty where it is not known."""
        return self._networks.get(self.prefix(number), b"")
