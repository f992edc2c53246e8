"""Frames and records in memory: built, read back, and refused when a single bit is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc.journal import _frame
from smsc.journal._frame import Frame

SALT = 0x1122334455667788
HEAD = 64

# RFC 3720 B.4, and the check value of the CRC catalogue.
VECTORS = [
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (b"123456789", 0xE3069283),
    (b"", 0),
]


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_crc32c_of_the_standard_vectors(data: bytes, expected: int) -> None:
    assert _frame.crc32c(data) == expected
    assert _frame.crc32c_without_instruction(data) == expected


@given(st.binary(max_size=300))
def test_the_instruction_and_the_table_agree(data: bytes) -> None:
    assert _frame.crc32c(data) == _frame.crc32c_without_instruction(data)


def build(
    *frames: list[tuple[int, bytes, bytes]], salt: int = SALT, number: int = 1, chain: int = 0
) -> bytes:
    """A segment: a header's worth of zeros, and frames."""
    octets = bytes(HEAD)
    for records in frames:
        octets, chain = add(octets, records, number, chain, salt)
        number += 1
    return octets


def add(
    octets: bytes, records: list[tuple[int, bytes, bytes]], number: int, chain: int, salt: int
) -> tuple[bytes, int]:
    source = _Source(records, number, salt, len(octets))
    crc = source.frame.finish(chain, 1, 0)
    return octets + bytes(source.frame), crc


class _Source(_frame.Appender):
    """Puts records in a frame through the one door there is, ``append``."""

    def __init__(
        self, records: list[tuple[int, bytes, bytes]], number: int, salt: int, offset: int
    ) -> None:
        super().__init__(0, 1 << 20)
        self.frame = Frame()
        self.frame.start(1, offset, salt, number, 1000 + number)
        self.open_frame = self.frame
        self.positions = [self.append(*record) for record in records]


RECORDS = st.lists(
    st.tuples(st.integers(1, 254), st.binary(max_size=255), st.binary(max_size=600)), max_size=8
)


@given(st.lists(RECORDS, max_size=5))
def test_what_was_built_is_found_again(frames: list[list[tuple[int, bytes, bytes]]]) -> None:
    octets = build(*frames)
    scan = _frame.scan(octets, HEAD, SALT, 1, 0)
    assert (scan.frames, scan.records) == (len(frames), sum(map(len, frames)))
    assert scan.end == scan.filled or scan.end == len(octets)
    fed: list[tuple[int, int, int, bytes]] = []
    _frame.feed(octets, HEAD, scan.end, 1 << 32 | HEAD, lambda *record: fed.append(record))
    flat = [(record, n) for n, records in enumerate(frames, 1) for record in records]
    assert [(kind, head, time) for kind, _, time, head in fed] == [
        (record[0], record[1], 1000 + n) for record, n in flat
    ]
    for (_, position, _, _), (record, _) in zip(fed, flat, strict=True):
        offset = position & 0xFFFFFFFF
        assert _frame.record(octets[offset:], SALT, offset) == record


def test_a_frame_reads_its_own_records_and_no_others() -> None:
    source = _Source([(1, b"a", b"A"), (2, b"b", b"B")], 1, SALT, HEAD)
    assert [source.frame.read(p) for p in source.positions] == [(1, b"a", b"A"), (2, b"b", b"B")]
    for position in (0, source.positions[0] - 8, source.positions[1] + 24, 2 << 32 | HEAD):
        assert source.frame.read(position) is None


def test_the_layout_is_the_documented_one() -> None:
    octets = build([(7, b"head", b"body!")])[HEAD:]
    assert octets[0:4] == b"smsF" and octets[4:8] == b"\x01\x00\x00\x00"
    assert int.from_bytes(octets[8:16], "little") == SALT
    assert int.from_bytes(octets[16:20], "little") == 1, "epoch"
    assert int.from_bytes(octets[20:24], "little") == 1, "records"
    assert int.from_bytes(octets[24:32], "little") == 1, "number"
    assert int.from_bytes(octets[32:40], "little") == 1001, "time"
    assert int.from_bytes(octets[40:44], "little") == len(octets)
    assert int.from_bytes(octets[44:48], "little") == 0, "chain"
    assert octets[52:56] == _frame.crc32c(octets[:52]).to_bytes(4, "little")
    record = octets[56:]
    salted = SALT.to_bytes(8, "little") + (HEAD + 56).to_bytes(4, "little") + record[4:]
    assert record[0:4] == _frame.crc32c(salted).to_bytes(4, "little")
    assert int.from_bytes(record[4:8], "little") == 10 + 4 + 5
    assert record[8:10] == b"\x07\x04"
    assert record[10:] == b"headbody!" + bytes(5)


SAMPLE = build([(1, b"h", b"b" * 40)], [(2, b"", b"xyz")])


def test_any_flipped_bit_ends_the_sound_frames_before_it() -> None:
    first_end = HEAD + 56 + 56
    for bit in range(HEAD * 8, len(SAMPLE) * 8):
        damaged = bytearray(SAMPLE)
        damaged[bit // 8] ^= 1 << bit % 8
        scan = _frame.scan(damaged, HEAD, SALT, 1, 0)
        in_the_first = bit // 8 < first_end
        assert scan.frames == (0 if in_the_first else 1), bit
        assert bool(scan.later) == in_the_first, "the second header tells of the first"


def test_a_moved_record_does_not_check() -> None:
    octets = build([(1, b"h", b"b" * 40)])
    start = HEAD + 56
    assert _frame.record(octets[start:], SALT, start) == (1, b"h", b"b" * 40)
    assert _frame.record(octets[start:], SALT, start + 8) is None
    assert _frame.record(octets[start:], SALT + 1, start) is None


def test_a_frame_of_another_segment_is_no_frame() -> None:
    scan = _frame.scan(build([(1, b"", b"")], salt=SALT + 1), HEAD, SALT)
    assert (scan.frames, scan.later) == (0, 0)


def test_a_superseded_frame_ends_the_scan() -> None:
    octets = build([(1, b"", b"")], [(2, b"", b"")], [(3, b"", b"")])
    scan = _frame.scan(octets, HEAD, SALT, 1, 0, 2)
    assert (scan.frames, scan.number, scan.superseded) == (1, 2, True)


def test_a_wrong_chain_or_number_is_told() -> None:
    octets = build([(1, b"", b"")])
    for number, chain in ((2, 0), (1, 5)):
        scan = _frame.scan(octets, HEAD, SALT, number, chain)
        assert (scan.frames, scan.later, scan.later_number) == (0, HEAD, 1)


@given(st.binary(max_size=400), st.integers(0, 64))
def test_no_octets_upset_the_reader(octets: bytes, start: int) -> None:
    assert _frame.scan(octets, start, SALT).frames == 0
    assert _frame.record(octets, SALT, 0) is None
    assert _frame.peek(octets, start, SALT) is None
    assert _frame.record_octets(octets) <= _frame.MAX_RECORD + 7


@given(st.integers(0, len(SAMPLE)), st.binary(max_size=200))
def test_no_cut_and_no_tail_upsets_the_reader(cut: int, tail: bytes) -> None:
    scan = _frame.scan(SAMPLE[:cut] + tail, min(HEAD, cut), SALT, 1, 0)
    assert scan.end <= max(cut, HEAD)
