"""The codec against vectors, its own tables, and input made to break it."""

from __future__ import annotations

import ast
import gc
import itertools
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsc import _pdu, smpp
from smsc._pdu import Decoder, Message, Pdu, Response, decode_by_table, encode
from smsc.errors import FramingError
from smsc.smpp import Command, Field, Kind, Layout, Status, Tag

VECTORS = json.loads((Path(__file__).parent / "vectors" / "pdus.json").read_text())
GOOD = {vector["id"]: vector for vector in VECTORS["good"]}
BAD = {vector["id"]: vector for vector in VECTORS["bad"]}
OCTETS = {name: bytes.fromhex(vector["hex"]) for name, vector in GOOD.items()}
EVERY_GOOD = pytest.mark.parametrize("octets", OCTETS.values(), ids=OCTETS)

#: The bad vectors a body is refused for; framing, state and meaning are others' to refuse.
BAD_BODIES = {5, 6, 9, 10, 11, 12, 14, 15, 16, 17, 18, 26, 27, 33}
BAD_FRAMES = ["N01", "N02", "N03", "N04"]

STATUSES = set(Status)

SUBMIT: dict[str, Any] = {
    "source_addr_ton": 1,
    "source_addr_npi": 1,
    "source_addr": b"447700900001",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"447700900123",
    "registered_delivery": 1,
}


def read(*pieces: bytes) -> list[bytes]:
    """The PDUs that a decoder makes of these reads."""
    decoder = Decoder()
    return [pdu.raw for piece in pieces for pdu in decoder.feed(piece)]


def sound(error: FramingError) -> list[Pdu]:
    """The PDUs before the damage."""
    return [pdu for pdu in error.pdus if isinstance(pdu, Pdu)]


def one(octets: bytes) -> Pdu:
    (pdu,) = Decoder().feed(octets)
    return pdu


def framed(command: int, body: bytes, status: int = 0) -> bytes:
    words = (16 + len(body), command, status, 7)
    return b"".join(word.to_bytes(4, "big") for word in words) + body


def tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value


def mutations(octets: bytes) -> list[bytes]:
    """The body with each of its octets, one at a time, set to what breaks parsers."""
    return [
        octets[:place] + bytes([value]) + octets[place + 1 :]
        for place in range(16, len(octets))
        for value in (0x00, 0x7F, 0x80, 0xFF)
    ]


def cut(octets: bytes, length: int) -> bytes:
    """The PDU ending early, with a command_length that says so."""
    return length.to_bytes(4, "big") + octets[4:length]


# -- framing -----------------------------------------------------------------------------------


@EVERY_GOOD
def test_framed_whatever_the_split(octets: bytes) -> None:
    following = framed(Command.ENQUIRE_LINK, b"")
    assert read(octets) == [octets]
    assert read(octets + following) == [octets, following]
    assert read(*(octets[i : i + 1] for i in range(len(octets)))) == [octets]
    for place in range(1, len(octets)):
        assert read(octets[:place], octets[place:]) == [octets]
        assert read(octets + octets[:place], octets[place:]) == [octets, octets]


@EVERY_GOOD
def test_an_incomplete_pdu_waits(octets: bytes) -> None:
    for length in range(len(octets)):
        decoder = Decoder()
        assert decoder.feed(octets[:length]) == []
        assert decoder.buffered == length
        assert [pdu.raw for pdu in decoder.feed(octets[length:])] == [octets]
        assert decoder.buffered == 0


def test_all_vectors_in_one_read() -> None:
    assert read(b"".join(OCTETS.values())) == list(OCTETS.values())


@given(st.lists(st.integers(1, 200), min_size=1, max_size=60))
def test_any_split_of_a_stream(sizes: list[int]) -> None:
    stream = b"".join(OCTETS.values())
    ends = [0, *itertools.accumulate(sizes)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(ends)] + [stream[ends[-1] :]]
    assert read(*pieces) == list(OCTETS.values())


@pytest.mark.parametrize("name", BAD_FRAMES)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_bad_length_breaks_the_stream(name: str, size: int) -> None:
    octets, before = bytes.fromhex(BAD[name]["hex"]), framed(Command.ENQUIRE_LINK, b"")
    stream = before + octets
    decoder, read_before = Decoder(), []
    with pytest.raises(FramingError) as raised:
        for place in range(0, len(stream), size):
            read_before += decoder.feed(stream[place : place + size])
    error = raised.value
    answer = _pdu.header_only(Command.GENERIC_NACK, error.command_status, error.sequence_number)
    assert answer == bytes.fromhex(BAD[name]["answer"])
    assert [pdu.raw for pdu in read_before + sound(error)] == [before]
    assert decoder.feed(before) == []
    assert decoder.buffered == 0


def test_max_pdu_length_can_change() -> None:
    octets = framed(Command.BIND_TRANSCEIVER, bytes(84))
    decoder = Decoder(100)
    assert [pdu.raw for pdu in decoder.feed(octets)] == [octets]
    decoder.max_pdu_length = 99
    with pytest.raises(FramingError) as raised:
        decoder.feed(octets[:16])
    assert raised.value.sequence_number == 7


def test_too_long_and_unknown_is_answered_with_sequence_0() -> None:
    with pytest.raises(FramingError) as raised:
        Decoder(20).feed(framed(0x0A, bytes(5)))
    assert raised.value.sequence_number == 0


def octet_by_octet(length: int) -> float:
    octets = framed(Command.DATA_SM, bytes(length - 16))
    started = time.process_time()
    assert read(*(octets[i : i + 1] for i in range(length))) == [octets]
    return time.process_time() - started


def test_octet_by_octet_is_linear() -> None:
    short = min(octet_by_octet(16384) for _ in range(3))
    long = min(octet_by_octet(131072) for _ in range(3))
    # 8 if linear, 64 if every octet copied all that came before.
    assert long / short < 24


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_random_octets_raise_nothing_but_framing(pieces: list[bytes]) -> None:
    decoder = Decoder(300)
    for piece in pieces:
        try:
            pdus = decoder.feed(piece)
        except FramingError as error:
            pdus = sound(error)
        for pdu in pdus:
            pdu.decode()


# -- vectors' fields ---------------------------------------------------------------------------


def expected_fields(vector: dict[str, Any]) -> dict[str, Any]:
    command = Command[vector["fields"]["command"].upper()]
    names = {field.name: field.kind for field in smpp.LAYOUTS[command]}
    wanted: dict[str, Any] = {}
    for name, value in vector["fields"].items():
        match names.get(name):
            case Kind.INT | Kind.LENGTH:
                wanted[name] = value
            case Kind.CSTRING | Kind.TIME:
                wanted[name] = value.encode()
            case Kind.OCTETS:
                wanted[name] = bytes.fromhex(value)
    return wanted


def expected_tlvs(vector: dict[str, Any]) -> list[tuple[int, set[bytes]]]:
    """Tags and the octets each value may be: numbers, texts and hex are not told apart."""
    found = []
    for name, values in vector["fields"].items():
        if name.startswith("vendor_"):
            tag = int(name.removeprefix("vendor_"), 16)
        elif name.upper() in Tag.__members__ and name not in expected_fields(vector):
            tag = Tag[name.upper()]
        else:
            continue
        for value in values if isinstance(values, list) else [values]:
            found.append((tag, possible_octets(tag, value)))
    return found


def possible_octets(tag: int, value: int | str) -> set[bytes]:
    if isinstance(value, int):
        return {value.to_bytes(smpp.TLVS[Tag(tag)].lengths[0], "big")}
    try:
        return {bytes.fromhex(value), value.encode() + b"\0"}
    except ValueError:
        return {value.encode() + b"\0"}


@pytest.mark.parametrize("name", GOOD)
def test_vector_fields(name: str) -> None:
    vector, pdu = GOOD[name], one(OCTETS[name])
    assert pdu.decode() == 0
    assert pdu.command_id == Command[vector["fields"]["command"].upper()]
    assert pdu.sequence_number == vector["fields"]["seq"]
    assert pdu.command_status == vector["fields"].get("status", 0)
    wanted = expected_fields(vector)
    assert {field: pdu.fields[field] for field in wanted} == wanted
    for tag, values in expected_tlvs(vector):
        assert {value for found, value in pdu.tlvs if found == tag} & values
    assert len(pdu.tlvs) == len(expected_tlvs(vector))


@EVERY_GOOD
def test_vector_encodes_to_the_same_octets(octets: bytes) -> None:
    pdu = one(octets)
    head = (pdu.command_id, pdu.sequence_number, pdu.command_status)
    assert encode(*head, pdu.tlvs, **pdu.fields) == octets


def test_lists_of_destinations() -> None:
    assert one(OCTETS["V26"]).fields["dest_address"] == [
        (1, 1, 1, b"447700900123"),
        (1, 1, 1, b"447700900124"),
        (2, b"staff"),
    ]
    assert one(OCTETS["V27"]).fields["unsuccess_sme"] == [
        (1, 1, b"447700900124", Status.ESME_RINVDSTADR)
    ]


@pytest.mark.parametrize("name", sorted(BAD.keys() - BAD_FRAMES))
def test_bad_vector(name: str) -> None:
    pdu = one(bytes.fromhex(BAD[name]["hex"]))
    refused = int(name[1:]) in BAD_BODIES
    assert pdu.decode() == (int(BAD[name]["answer"][16:24], 16) if refused else 0)
    if refused:
        assert (pdu.fields, pdu.tlvs) == ({}, ())


# -- limits, from the tables -------------------------------------------------------------------


def blank(field: Field) -> bytes:
    match field.kind:
        case Kind.INT:
            return bytes(field.size)
        case Kind.OCTETS | Kind.UNSUCCESS:
            return b""
        case Kind.DESTS:
            return b"\1\0\0\0"
    # A list of destinations is never empty, so the LENGTH before it says 1.
    return b"\1" if field.name == "number_of_dests" else b"\0"


def too_long(field: Field) -> bytes | None:
    match field.kind:
        case Kind.CSTRING:
            return b"1" * field.size + b"\0"
        case Kind.TIME:
            return b"1" * (field.size - 2) + b"\0"
    return None


def overlong_bodies() -> list[tuple[Command, str, bytes, Status]]:
    return [
        (command, field.name, b"".join(map(blank, layout[:i])) + octets, field.status)
        for command, layout in smpp.LAYOUTS.items()
        for i, field in enumerate(layout)
        if (octets := too_long(field)) is not None and not command & smpp.RESPONSE
    ]


@pytest.mark.parametrize("case", overlong_bodies(), ids=lambda case: f"{case[0].name} {case[1]}")
def test_overlong_field(case: tuple[Command, str, bytes, Status]) -> None:
    command, _, body, status = case
    assert one(framed(command, body)).decode() == status
    # One octet less than would be too long, and then the PDU ends, is another fault.
    assert one(framed(command, body[:-2])).decode() == Status.ESME_RINVCMDLEN


@pytest.mark.parametrize("command", smpp.LAYOUTS, ids=lambda command: command.name)
def test_a_body_that_ends_early(command: Command) -> None:
    body = b"".join(map(blank, smpp.LAYOUTS[command]))
    for length in range(len(body)):
        pdu = one(framed(command, body[:length]))
        assert pdu.decode() == (0 if command & smpp.RESPONSE else Status.ESME_RINVCMDLEN)
        assert (pdu.fields, pdu.tlvs) == ({}, ())
    pdu = one(framed(command, body))
    assert pdu.decode() in (0, Status.ESME_RMISSINGTLV)


@pytest.mark.parametrize("time_", [b"1" * 15, b"1" * 17, b"1"])
def test_times_are_empty_or_16_characters(time_: bytes) -> None:
    layout = smpp.LAYOUTS[Command.SUBMIT_SM]
    place = [field.name for field in layout].index("validity_period")
    after = b"".join(map(blank, layout[place + 1 :]))
    body = b"".join(map(blank, layout[:place])) + time_ + b"\0" + after
    assert one(framed(Command.SUBMIT_SM, body)).decode() == Status.ESME_RINVEXPIRY


def test_sm_length_beyond_the_end() -> None:
    octets = encode(Command.SUBMIT_SM, 1, **SUBMIT, short_message=b"abc")
    assert one(cut(octets, len(octets) - 1)).decode() == Status.ESME_RINVMSGLEN


@pytest.mark.parametrize("command", [Command.UNBIND, Command.ENQUIRE_LINK])
@pytest.mark.parametrize("rest", [b"\0", b"junk", tlv(Tag.CONGESTION_STATE, b"\1")])
def test_what_follows_a_header_only_request_is_ignored(command: Command, rest: bytes) -> None:
    pdu = one(framed(command, rest))
    assert (pdu.decode(), pdu.fields, pdu.tlvs) == (0, {}, ())


# -- TLVs --------------------------------------------------------------------------------------

TLV_CASES: list[tuple[str, Command, bytes, int]] = [
    ("unknown tag", Command.SUBMIT_SM, tlv(0x0999, b"abc"), 0),
    ("vendor's tag", Command.SUBMIT_SM, tlv(0x1501, b""), 0),
    ("highest tag", Command.SUBMIT_SM, tlv(0xFFFF, b"x"), 0),
    ("not of this PDU", Command.SUBMIT_SM, tlv(Tag.BROADCAST_REP_NUM, b"abcdef"), 0),
    ("too short", Command.SUBMIT_SM, tlv(Tag.SOURCE_PORT, b"1"), Status.ESME_RINVTLVLEN),
    ("empty", Command.DELIVER_SM, tlv(Tag.MESSAGE_STATE, b""), Status.ESME_RINVTLVLEN),
    ("too long", Command.DATA_SM, tlv(Tag.SET_DPF, b"12"), Status.ESME_RINVTLVLEN),
    ("between", Command.SUBMIT_SM, tlv(Tag.MS_VALIDITY, b"12"), Status.ESME_RINVTLVLEN),
    ("one", Command.SUBMIT_SM, tlv(Tag.MS_VALIDITY, b"1"), 0),
    ("four", Command.SUBMIT_SM, tlv(Tag.MS_VALIDITY, b"1234"), 0),
    ("may be empty", Command.SUBMIT_SM, tlv(Tag.ALERT_ON_MESSAGE_DELIVERY, b""), 0),
    ("stray NUL", Command.SUBMIT_SM, b"\0", Status.ESME_RINVTLVSTREAM),
    ("two left", Command.DELIVER_SM, b"\4\x24", Status.ESME_RINVTLVSTREAM),
    ("three left", Command.QUERY_SM, b"\4\x24\0", Status.ESME_RINVTLVSTREAM),
    ("beyond the end", Command.SUBMIT_SM, b"\4\x24\0\1", Status.ESME_RINVTLVSTREAM),
    (
        "stream before length",
        Command.SUBMIT_SM,
        tlv(Tag.SOURCE_PORT, b"1") + b"\0",
        Status.ESME_RINVTLVSTREAM,
    ),
    ("1024", Command.SUBMIT_SM, tlv(0x1501, b"") * 1024, 0),
    ("1025", Command.SUBMIT_SM, tlv(0x1501, b"") * 1025, Status.ESME_RINVTLVSTREAM),
    ("1025 of data_sm", Command.DATA_SM, tlv(0x1501, b"") * 1025, Status.ESME_RINVTLVSTREAM),
]


@pytest.mark.parametrize(("why", "command", "area", "status"), TLV_CASES)
def test_tlv_area(why: str, command: Command, area: bytes, status: int) -> None:
    pdu = one(framed(command, b"".join(map(blank, smpp.LAYOUTS[command])) + area))
    assert pdu.decode() == status
    assert b"".join(tlv(*entry) for entry in pdu.tlvs) == (b"" if status else area)


@pytest.mark.parametrize("tag", smpp.TLVS, ids=lambda tag: tag.name)
def test_every_known_length(tag: Tag) -> None:
    rule = smpp.TLVS[tag]
    command = min(rule.commands)
    mandatory = b"".join(map(blank, smpp.LAYOUTS[command]))
    missing = Status.ESME_RMISSINGTLV if command in smpp.REQUIRED_TLVS else 0
    for length in {*range(300), *rule.lengths[-1:], 1025}:
        pdu = one(framed(command, mandatory + tlv(tag, bytes(length))))
        status = pdu.decode()
        if command & smpp.RESPONSE:
            assert (pdu.tlv(tag) is not None) == (length in rule.lengths)
        else:
            assert status == (missing if length in rule.lengths else Status.ESME_RINVTLVLEN)


def test_first_of_several_counts_and_all_are_kept() -> None:
    area = [
        (Tag.USER_MESSAGE_REFERENCE, b"ab"),
        (0x1501, b"x"),
        (Tag.USER_MESSAGE_REFERENCE, b"cd"),
    ]
    for command in (Command.SUBMIT_SM, Command.DATA_SM):
        pdu = one(encode(command, 1, 0, area))
        assert pdu.tlv(Tag.USER_MESSAGE_REFERENCE) == b"ab"
        assert pdu.tlv(Tag.SOURCE_PORT) is None
        assert list(pdu.tlvs) == area


@pytest.mark.parametrize("missing", smpp.REQUIRED_TLVS[Command.BROADCAST_SM])
def test_required_tlvs(missing: Tag) -> None:
    area = [
        (tag, bytes(smpp.TLVS[tag].lengths[0])) for tag in smpp.REQUIRED_TLVS[Command.BROADCAST_SM]
    ]
    assert one(encode(Command.BROADCAST_SM, 1, 0, area)).decode() == 0
    area = [(tag, value) for tag, value in area if tag != missing]
    assert one(encode(Command.BROADCAST_SM, 1, 0, area)).decode() == Status.ESME_RMISSINGTLV


# -- responses are tolerant --------------------------------------------------------------------

RESPONSE_CASES: list[tuple[str, int, bytes, bytes, tuple[tuple[int, bytes], ...]]] = [
    ("header only", 0, b"", b"", ()),
    ("header only, failed", 0x58, b"", b"", ()),
    ("failed with a body", 0x58, b"1a2b\0", b"1a2b", ()),
    ("unknown status", 0xFFFFFFFF, b"", b"", ()),
    ("unterminated", 0, b"1a2b", b"", ()),
    ("over-long", 0, b"1" * 65 + b"\0", b"", ()),
    ("longest", 0, b"1" * 64 + b"\0", b"1" * 64, ()),
    ("stray NUL", 0, b"1a2b\0\0", b"1a2b", ()),
    ("TLV", 0, b"1\0" + tlv(Tag.CONGESTION_STATE, b"U"), b"1", ((0x0428, b"U"),)),
    ("TLV of a wrong length", 0, b"1\0" + tlv(Tag.CONGESTION_STATE, b""), b"1", ()),
]
HOT_RESPONSES = (Command.SUBMIT_SM_RESP, Command.DELIVER_SM_RESP, Command.DATA_SM_RESP)


@pytest.mark.parametrize("command", HOT_RESPONSES)
@pytest.mark.parametrize(("why", "status", "body", "message_id", "tlvs"), RESPONSE_CASES)
def test_response(
    command: Command,
    why: str,
    status: int,
    body: bytes,
    message_id: bytes,
    tlvs: tuple[tuple[int, bytes], ...],
) -> None:
    pdu = one(framed(command, body, status))
    assert isinstance(pdu, Response)
    assert (pdu.decode(), pdu.command_status) == (0, status)
    assert (pdu.message_id, pdu.tlvs) == (message_id, tlvs)


def test_congestion_state_in_a_response_without_fields() -> None:
    pdu = one(framed(Command.ENQUIRE_LINK_RESP, tlv(Tag.CONGESTION_STATE, b"U")))
    assert (pdu.decode(), pdu.fields, pdu.tlv(Tag.CONGESTION_STATE)) == (0, {}, b"U")


# -- the hand-tuned decoders are the tables ----------------------------------------------------


def same_as_tables(octets: bytes) -> int:
    """Check one PDU of a hand-tuned class against the tables; the status they agree on."""
    pdu = one(octets)
    status, fields, tlvs = decode_by_table(octets)
    assert (pdu.decode(), pdu.tlvs, pdu.fields) == (status, tlvs, fields)
    if status == 0:
        assert {name: getattr(pdu, name) for name in fields} == fields
        first = dict(reversed(tlvs))
        assert {tag: pdu.tlv(tag) for tag in first} == first
    return status


HOT = [octets for octets in OCTETS.values() if isinstance(one(octets), Message | Response)]


def test_vectors_give_what_the_tables_give() -> None:
    assert len(HOT) > 15
    assert {same_as_tables(octets) for octets in HOT} == {0}


def test_mutated_vectors_give_what_the_tables_give() -> None:
    statuses = {same_as_tables(mutated) for octets in HOT for mutated in mutations(octets)}
    assert {0, 0x01, 0x0A, 0x15, 0x61, 0x62, 0xC0, 0xC2} <= statuses


def test_cut_vectors_give_what_the_tables_give() -> None:
    for octets in HOT:
        statuses = {same_as_tables(cut(octets, length)) for length in range(16, len(octets))}
        response = isinstance(one(octets), Response)
        assert (statuses <= {0}) if response else (0x02 in statuses)


@given(st.sampled_from([4, 5, *HOT_RESPONSES]), st.binary(max_size=400))
def test_random_bodies_give_what_the_tables_give(command: int, body: bytes) -> None:
    same_as_tables(framed(command, body))


@given(st.sampled_from(Command) | st.integers(0, 0xFFFFFFFF), st.binary(max_size=400))
def test_any_body_decodes_to_some_status(command: int, body: bytes) -> None:
    assert one(framed(command, body)).decode() in STATUSES


def test_every_vector_mutated_or_cut_decodes_to_some_status() -> None:
    for octets in OCTETS.values():
        damaged = mutations(octets) + [cut(octets, n) for n in range(16, len(octets))]
        assert {one(pdu).decode() for pdu in damaged} <= STATUSES


# -- round trip --------------------------------------------------------------------------------


def no_nul(size: int) -> st.SearchStrategy[bytes]:
    octets = st.binary(max_size=size - 1)
    return octets.map(lambda value: value.replace(b"\0", b"\x01"))


def time_values(size: int) -> st.SearchStrategy[bytes]:
    full = st.binary(min_size=size - 1, max_size=size - 1)
    return st.just(b"") | full.map(lambda value: value.replace(b"\0", b"9"))


def entries(layout: Layout) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*(values(field) for field in layout))


def dests() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    flagged = [
        entries(layout).map(lambda entry, flag=flag: (flag, *entry))  # type: ignore[misc]
        for flag, layout in smpp.DEST_ADDRESS.items()
    ]
    return st.lists(st.one_of(flagged), min_size=1, max_size=5)


def values(field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case Kind.INT:
            return st.integers(0, 256**field.size - 1)
        case Kind.CSTRING:
            return no_nul(field.size)
        case Kind.TIME:
            return time_values(field.size)
        case Kind.OCTETS:
            return st.binary(max_size=field.size)
        case Kind.DESTS:
            return dests()
        case Kind.UNSUCCESS:
            return st.lists(entries(smpp.UNSUCCESS_SME), max_size=5)
    raise AssertionError(field)


def fields_of(command: Command) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {f.name: values(f) for f in smpp.LAYOUTS[command] if f.kind != Kind.LENGTH}
    )


#: Tags that no PDU expects, so that any length fits.
FREE_TLVS = st.lists(st.tuples(st.integers(0x1400, 0xFFFF), st.binary(max_size=20)), max_size=4)


@pytest.mark.parametrize("command", smpp.LAYOUTS, ids=lambda command: command.name)
@settings(max_examples=25)
@given(data=st.data())
def test_round_trip(command: Command, data: st.DataObject) -> None:
    fields = data.draw(fields_of(command))
    tlvs = data.draw(FREE_TLVS)
    for tag in smpp.REQUIRED_TLVS.get(command, ()):
        tlvs.append((tag, bytes(smpp.TLVS[tag].lengths[0])))
    ignored = not smpp.LAYOUTS[command] and not command & smpp.RESPONSE
    octets = encode(command, 5, 0, tlvs, **fields)
    pdu = one(octets)
    assert pdu.decode() == 0
    assert {name: pdu.fields[name] for name in fields} == fields
    assert pdu.tlvs == (() if ignored else tuple(tlvs))
    assert decode_by_table(octets) == (0, pdu.fields, pdu.tlvs)
    assert ignored or encode(command, 5, 0, pdu.tlvs, **pdu.fields) == octets
    if isinstance(pdu, Message | Response):
        same_as_tables(octets)


BAD_FIELDS: list[tuple[str, Command, dict[str, Any]]] = [
    ("source_addr of 21 octets, at most 20", Command.SUBMIT_SM, {"source_addr": b"1" * 21}),
    ("service_type has a NUL", Command.SUBMIT_SM, {"service_type": b"a\0b"}),
    ("validity_period of 15", Command.SUBMIT_SM, {"validity_period": b"1" * 15}),
    ("esm_class is not a number of 1", Command.SUBMIT_SM, {"esm_class": 256}),
    ("esm_class is not a number of 1", Command.SUBMIT_SM, {"esm_class": -1}),
    ("sm_length is not a number of 1", Command.SUBMIT_SM, {"short_message": bytes(256)}),
    ("sm_length is 2, but", Command.SUBMIT_SM, {"sm_length": 2, "short_message": b"a"}),
    ("no such field, or no value: message_id", Command.SUBMIT_SM, {"message_id": b"1"}),
    ("no such field, or no value: esm_class", Command.SUBMIT_SM, {"esm_class": None}),
    ("dest_address is empty", Command.SUBMIT_MULTI, {}),
    ("dest_flag 3", Command.SUBMIT_MULTI, {"dest_address": [(3, b"x")]}),
    ("2 values, not 3", Command.SUBMIT_MULTI, {"dest_address": [(1, 1, b"1")]}),
    ("number_of_dests is not", Command.SUBMIT_MULTI, {"dest_address": [(2, b"a")] * 256}),
    ("unsuccess_sme is not a number", Command.SUBMIT_MULTI_RESP,
     {"unsuccess_sme": [(1, 1, b"1", 1 << 32)]}),
]  # fmt: skip


@pytest.mark.parametrize(("why", "command", "fields"), BAD_FIELDS)
def test_encode_refuses(why: str, command: Command, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=why):
        encode(command, 1, **fields)


@pytest.mark.parametrize("entry", [(0x10000, b""), (-1, b""), (1, bytes(65536))])
def test_encode_refuses_a_tlv(entry: tuple[int, bytes]) -> None:
    with pytest.raises(ValueError, match="TLV"):
        encode(Command.SUBMIT_SM, 1, 0, [entry])


def test_encode_refuses_an_unknown_command() -> None:
    with pytest.raises(ValueError, match="unknown command 0xa"):
        encode(0x0A, 1)


def test_the_largest_pdu() -> None:
    octets = encode(
        Command.SUBMIT_MULTI,
        1,
        0,
        [(Tag.MESSAGE_PAYLOAD, bytes(65535))],
        service_type=b"1" * 5,
        source_addr=b"1" * 20,
        dest_address=[(1, 1, 1, b"1" * 20)] * 255,
        schedule_delivery_time=b"1" * 16,
        validity_period=b"1" * 16,
        short_message=bytes(255),
    )
    pdu = one(octets)
    assert pdu.decode() == 0
    assert len(pdu.fields["dest_address"]) == 255
    refused = encode(Command.SUBMIT_MULTI_RESP, 1, unsuccess_sme=[(1, 1, b"1" * 20, 11)] * 255)
    assert len(one(refused).fields["unsuccess_sme"]) == 255


# -- messages ----------------------------------------------------------------------------------


def test_text_is_the_payload_when_there_is_no_short_message() -> None:
    payload = [(Tag.SOURCE_PORT, b"12"), (Tag.MESSAGE_PAYLOAD, b"long")]
    for short, tlvs, text in [
        (b"short", payload, b"short"),
        (b"short", (), b"short"),
        (b"", payload, b"long"),
        (b"", (), b""),
    ]:
        pdu = one(encode(Command.DELIVER_SM, 1, 0, tlvs, **SUBMIT, short_message=short))
        assert isinstance(pdu, Message)
        assert (pdu.text, pdu.decode()) == (text, 0)


@pytest.mark.parametrize("command", [Command.SUBMIT_SM, Command.DELIVER_SM])
@pytest.mark.parametrize("registered", [-1, 0, 17, 255])
def test_forward(command: Command, registered: int) -> None:
    times = {"schedule_delivery_time": b"000000010000000R", "validity_period": b"000002000000000R"}
    fields = {**SUBMIT, **times, "short_message": b"hello"}
    tlvs = [(0x1501, b"x\0")]
    octets = encode(command, 9, 0, tlvs, **fields)
    wanted = fields if registered < 0 else {**fields, "registered_delivery": registered}
    expected = encode(Command.SUBMIT_SM, 0x01020304, 0, tlvs, **wanted)
    message = Message.from_raw(octets)
    assert message.forward(0x01020304, registered) == expected
    assert message.raw == octets


@pytest.mark.parametrize(
    ("fields", "tlvs", "bare"),
    [
        ({"short_message": b"x"}, [], True),
        ({}, [(0x0424, b"long")], True),
        ({}, [(0x0424, b"")], True),
        ({"short_message": b"x"}, [(0x0424, b"long")], False),
        ({}, [(0x0424, b"long"), (0x0204, b"\0\7")], False),
        ({}, [(0x0017, b"\0\0\0\7")], False),
        ({"validity_period": b"000002000000000R"}, [(0x0424, b"long")], False),
        ({"source_addr": b""}, [], False),
        ({"esm_class": 1}, [], False),
        ({"sm_default_msg_id": 1}, [], False),
    ],
)
def test_bare(fields: dict[str, Any], tlvs: list[tuple[int, bytes]], bare: bool) -> None:
    plain = {**SUBMIT, "source_addr": b"447700900001", **fields}
    assert Message.from_raw(encode(Command.SUBMIT_SM, 1, 0, tlvs, **plain)).bare is bare


@pytest.mark.parametrize("command", [Command.SUBMIT_SM, Command.DELIVER_SM])
@pytest.mark.parametrize("text", [b"", b"other", b"\0" * 255])
@pytest.mark.parametrize("tlvs", [[], [(0x1501, b"x\0"), (0x0204, b"\0\7")]])
def test_reworded(command: Command, text: bytes, tlvs: list[tuple[int, bytes]]) -> None:
    times = {"schedule_delivery_time": b"000000010000000R", "validity_period": b"000002000000000R"}
    fields = {**SUBMIT, **times, "short_message": b"hello", "sm_default_msg_id": 3}
    octets = encode(command, 9, 0, [(0x0424, b"long")], **fields)
    said = {"esm_class": 0x41, "registered_delivery": 17, "data_coding": 8, "short_message": text}
    message = Message.from_raw(octets)
    other = message.reworded(0x41, 17, 8, text, tlvs)
    assert other.raw == encode(command, 9, 0, tlvs, **{**fields, **said})
    assert (other.text, other.tlvs, message.raw) == (text, tuple(tlvs), octets)


def test_reworded_refuses_what_a_field_cannot_hold() -> None:
    message = Message.from_raw(OCTETS["V13"])
    for text, tlvs in [(b"x" * 256, []), (b"", [(0x10000, b"")]), (b"", [(1, b"x" * 65536)])]:
        with pytest.raises(ValueError):
            message.reworded(0, 0, 0, text, tlvs)
    undecodable = one(framed(Command.SUBMIT_SM, b"\0"))
    assert isinstance(undecodable, Message)
    with pytest.raises(ValueError, match="undecodable, status 0x2"):
        undecodable.reworded(0, 0, 0, b"", [])


def test_forward_sets_status_0() -> None:
    octets = encode(Command.SUBMIT_SM, 9, 0x45, **SUBMIT)
    assert Message.from_raw(octets).forward(9) == encode(Command.SUBMIT_SM, 9, **SUBMIT)


def test_forward_refuses_what_it_cannot_read() -> None:
    pdu = one(framed(Command.SUBMIT_SM, b"\0"))
    assert isinstance(pdu, Message)
    with pytest.raises(ValueError, match="undecodable, status 0x2"):
        pdu.forward(1)
    with pytest.raises(ValueError, match="one octet"):
        Message.from_raw(OCTETS["V13"]).forward(1, 256)


def test_from_raw_keeps_the_octets() -> None:
    octets = OCTETS["V13"]
    message = Message.from_raw(octets)
    assert message.raw is octets
    assert (message.destination_addr, message.esm_class) == (b"447700900123", 0)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\0" * 15,
        OCTETS["V14"],
        OCTETS["V13"] + b"\0",
        OCTETS["V13"][:-1],
        cut(OCTETS["V13"], 30),
    ],
    ids=["empty", "short", "a response", "too much", "too little", "undecodable"],
)
def test_from_raw_refuses(octets: bytes) -> None:
    with pytest.raises(ValueError):
        Message.from_raw(octets)


def test_decoding_happens_once() -> None:
    pdu = one(OCTETS["V26"])
    assert pdu.decode() == 0
    assert pdu.fields is pdu.fields
    message = one(OCTETS["V13"])
    assert message.fields is message.fields


@pytest.mark.parametrize("name", OCTETS)
def test_repr_shows_no_content(name: str) -> None:
    pdu = one(OCTETS[name])
    for field in [*pdu.fields.values(), *(value for _, value in pdu.tlvs)]:
        if isinstance(field, bytes) and len(field) > 4:
            assert field.decode("latin-1") not in repr(pdu)
    assert GOOD[name]["fields"]["command"] in repr(pdu)
    assert f"octets={len(pdu.raw)}" in repr(pdu)


@pytest.mark.parametrize("kind", [Pdu, Message, Response])
def test_pdus_are_not_made_by_hand(kind: type[Pdu]) -> None:
    with pytest.raises(TypeError, match="from_raw"):
        kind()
    # One made all the same has no octets, and touches none.
    with pytest.raises(TypeError, match="without octets"):
        kind.__new__(kind).decode()


# -- small writers -----------------------------------------------------------------------------

IDS = [0, 1, 15, 16, 255, 0x1A2B3C4D, 1 << 63, (1 << 64) - 1]


@pytest.mark.parametrize("message_id", IDS)
def test_message_ids_are_hex(message_id: int) -> None:
    text = _pdu.hex_id(message_id)
    assert text == b"%x" % message_id
    octets = _pdu.id_resp(Command.SUBMIT_SM_RESP, 0xFFFFFFFF, message_id)
    assert octets == encode(Command.SUBMIT_SM_RESP, 0xFFFFFFFF, message_id=text)


def test_header_only() -> None:
    octets = _pdu.header_only(Command.GENERIC_NACK, Status.ESME_RINVCMDID, 42)
    assert octets == OCTETS["V10"]
    assert encode(Command.SUBMIT_SM_RESP, 11, Status.ESME_RTHROTTLED) == OCTETS["V15"]


@EVERY_GOOD
def test_resequence(octets: bytes) -> None:
    assert _pdu.resequence(octets, 0x80000001) == octets[:12] + b"\x80\0\0\1" + octets[16:]


def test_resequence_refuses_less_than_a_header() -> None:
    with pytest.raises(ValueError, match="15 octets"):
        _pdu.resequence(bytes(15), 1)


def test_known() -> None:
    assert all(_pdu.known(command) for command in Command)
    for command_id in (0, 0x0A, 0x22, 0x1FF, 0x200, 0x10204, 0x8000000B, 0x80000102, 0xFFFFFFFF):
        assert not _pdu.known(command_id)


# -- the module itself -------------------------------------------------------------------------


def stub_names(body: list[ast.stmt]) -> set[str]:
    defined = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assigned = {ast.unparse(node.target) for node in body if isinstance(node, ast.AnnAssign)}
    return {name for name in defined | assigned if not name.startswith("_")}


def test_the_stub_names_what_is_there() -> None:
    stub = ast.parse((Path(_pdu.__file__).parent / "_pdu.pyi").read_text())
    there = {
        name
        for name in dir(_pdu)
        if not name.startswith("_")
        and getattr(getattr(_pdu, name), "__module__", "") == "smsc._pdu"
    }
    assert stub_names(stub.body) == there
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            own = {name for name in vars(getattr(_pdu, node.name)) if not name.startswith("_")}
            assert stub_names(node.body) == own


def exercise(stream: bytes) -> None:
    """Make every kind of object, good and bad."""
    half = len(stream) // 2
    decoder = Decoder()
    for pdu in decoder.feed(stream[:half]) + decoder.feed(stream[half:]):
        pdu.decode()
        assert pdu.fields is not None
        encode(pdu.command_id, 1, pdu.command_status, pdu.tlvs, **pdu.fields)
        if isinstance(pdu, Message):
            _pdu.resequence(pdu.forward(1, 0), 2)
            assert pdu.text is not None
            Message.from_raw(pdu.raw)
    _pdu.id_resp(Command.SUBMIT_SM_RESP, 1, 2)
    with pytest.raises(FramingError):
        decoder.feed(bytes(4))
    one(framed(Command.SUBMIT_SM, b"\0")).decode()
    one(framed(Command.BIND_RECEIVER, b"1" * 20)).decode()
    with pytest.raises(ValueError):
        encode(Command.SUBMIT_SM, 1, source_addr=b"1" * 30)


def held() -> int:
    """Octets that calls from here have allocated; other threads of the test run don't count."""
    # What pytest.raises made hangs in cycles.
    gc.collect()
    here = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
    return sum(trace.size for trace in here.traces)


def test_nothing_leaks() -> None:
    stream = b"".join(OCTETS.values())
    exercise(stream)
    tracemalloc.start()
    try:
        exercise(stream)
        before = held()
        for _ in range(200):
            exercise(stream)
        after = held()
    finally:
        tracemalloc.stop()
    # One object of the smallest kind kept per round would be more than this.
    assert after - before < 200 * 32


def test_a_hundred_thousand_messages_leave_nothing() -> None:
    stream = OCTETS["V13"] * 1000
    decoder = Decoder()
    tracemalloc.start()
    try:
        for pdu in decoder.feed(stream):
            pdu.decode()
        del pdu
        before = held()
        for _ in range(100):
            assert not any(pdu.decode() for pdu in decoder.feed(stream))
        after = held()
    finally:
        tracemalloc.stop()
    assert after - before < 10_000


# -- what needs no working out -----------------------------------------------------------------

LIFE = (0x0017, b"\0\0\0\x5a")
PAYLOAD = (0x0424, b"Hello")
REFERENCE = (0x0204, b"\0\7")


@pytest.mark.parametrize(
    ("fields", "tlvs", "timeless", "bare"),
    [
        ({}, (), True, True),
        ({"schedule_delivery_time": b"000001000000000R"}, (), False, False),
        ({"validity_period": b"000001000000000R"}, (), False, False),
        ({}, (LIFE,), False, False),
        ({}, (PAYLOAD, LIFE), False, False),
        ({}, (PAYLOAD,), True, True),
        ({"short_message": b"Hello"}, (PAYLOAD,), True, False),
        ({}, (REFERENCE,), True, False),
        ({"source_addr": b""}, (), True, False),
        ({"esm_class": 1}, (), True, False),
        ({"esm_class": 3}, (), True, True),
        ({"replace_if_present_flag": 1}, (), True, False),
        ({"sm_default_msg_id": 9}, (), True, False),
    ],
)
def test_what_asks_for_nothing_is_told_from_what_does(
    fields: dict[str, Any], tlvs: tuple[tuple[int, bytes], ...], timeless: bool, bare: bool
) -> None:
    values = {"source_addr": b"1", "destination_addr": b"447700900123"} | fields
    message = _pdu.Message.from_raw(encode(Command.SUBMIT_SM, 7, 0, tlvs, **values))
    assert (message.timeless, message.bare) == (timeless, bare)
