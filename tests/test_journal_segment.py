"""A segment's header, name and making."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from smsc.errors import CorruptLog
from smsc.journal import segment
from smsc.journal.segment import SEGMENT_HEADER, SegmentHeader
from smsc.journal.simdisk import SimDisk

HEADER = SegmentHeader(
    partition=3,
    epoch=5,
    number=0x1234567,
    salt=0xFEDCBA9876543210,
    octets=4096,
    created_ms=1_700_000_000_000,
)
PATH = Path("log/0000000001234567.log")


def test_a_header_is_read_as_it_was_written() -> None:
    data = HEADER.pack()
    assert len(data) == SEGMENT_HEADER
    assert SegmentHeader.unpack(data, PATH) == HEADER


def test_the_layout_is_the_documented_one() -> None:
    data = HEADER.pack()
    fields = [(0, 8), (8, 2), (10, 2), (12, 4), (16, 8), (24, 8), (32, 4), (36, 8), (44, 8)]
    assert [data[at : at + size] for at, size in fields] == [
        b"smsclog\n",
        b"\x02\x00",
        b"\x03\x00",
        (5).to_bytes(4, "little"),
        (0x1234567).to_bytes(8, "little"),
        (0xFEDCBA9876543210).to_bytes(8, "little"),
        bytes(4),
        (4096).to_bytes(8, "little"),
        (1_700_000_000_000).to_bytes(8, "little"),
    ]
    assert data[52:60] == bytes(8)


def test_no_flipped_bit_passes() -> None:
    for bit in range(SEGMENT_HEADER * 8):
        data = bytearray(HEADER.pack())
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptLog):
            SegmentHeader.unpack(bytes(data), PATH)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("0000000000000001.log", 1),
        ("00000000000000ff.log", 255),
        ("0000000000000001.torn", None),
        ("0000000000000001.tmp", None),
        ("1.log", None),
        ("000000000000000g.log", None),
        ("lock", None),
    ],
)
def test_names(name: str, number: int | None) -> None:
    assert segment.number_of(name) == number


def test_a_name_and_its_number_agree() -> None:
    assert segment.number_of(segment.path_of(Path("log"), 77).name) == 77


def test_a_segment_is_filled_synced_and_only_then_named() -> None:
    disk = SimDisk()
    made = segment.create(disk, Path("log"), 0, HEADER)
    assert disk.files() == {PATH.name: HEADER.pack() + bytes(4096 - SEGMENT_HEADER)}
    calls = [step.call for step in disk.history]
    assert calls[0] == "create" and calls[-3:] == ["fdatasync", "rename", "sync_directory"]
    assert made.number == HEADER.number and made.path == PATH


@pytest.mark.parametrize("call", ["pwrite", "fdatasync", "rename", "sync_directory"])
def test_a_segment_that_could_not_be_made_leaves_nothing_behind(call: str) -> None:
    disk = SimDisk()

    def fail(name: str) -> None:
        if name == call:
            raise OSError(errno.ENOSPC, "no space left")

    disk.fault = fail
    with pytest.raises(OSError):
        segment.create(disk, Path("log"), 0, HEADER)
    assert disk.files() == {}


def test_a_file_under_another_segments_name_is_told() -> None:
    disk = SimDisk({"0000000000000002.log": replace(HEADER, number=1).pack()})
    with pytest.raises(CorruptLog, match="renamed or copied"):
        segment.find(disk, Path("log"))
