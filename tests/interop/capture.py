"""PDUs as a capture that any dissector reads: pcap, Ethernet, IPv4, TCP, nothing else."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

#: Octets of a PDU in one packet: an IPv4 packet holds no more than 65,535 with its headers.
SEGMENT = 60_000
SMPP_PORT = 2775

_FILE = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0x40000, 1)
_ETHERNET = bytes(12) + b"\x08\x00"


def write(path: Path, pdus: Iterable[bytes]) -> None:
    """Each PDU in a packet of its own, all in one connection to the port of SMPP."""
    sequence = 1
    with path.open("wb") as file:
        file.write(_FILE)
        for number, pdu in enumerate(pdus):
            for start in range(0, len(pdu), SEGMENT):
                piece = pdu[start : start + SEGMENT]
                packet = _ETHERNET + _ip(_tcp(sequence) + piece)
                file.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)
                sequence = (sequence + len(piece)) & 0xFFFFFFFF


def _tcp(sequence: int) -> bytes:
    flags = 0x5018  # 20 octets of header; PSH, ACK
    return struct.pack(">HHIIHHHH", 40_000, SMPP_PORT, sequence, 1, flags, 65_535, 0, 0)


def _ip(content: bytes) -> bytes:
    there = bytes([192, 0, 2, 1, 192, 0, 2, 2])
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(content), 0, 0, 64, 6, 0) + there + content
