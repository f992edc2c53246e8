import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import receipt
from smsc._pdu import Decoder, Message, encode
from smsc.receipt import IdRule, Receipt
from smsc.smpp import Command, Tag
from smsc.text import preview
from smsc.times import MINUTE, format_minute

SUBMITTED = round(datetime(2025, 11, 22, 9, 15, 59, tzinfo=UTC).timestamp() * 1000)
DONE = round(datetime(2025, 11, 22, 9, 16, 0, tzinfo=UTC).timestamp() * 1000)

ADDRESSES: dict[str, Any] = {
    "source_addr_ton": 5,
    "source_addr_npi": 0,
    "source_addr": b"ACME",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": b"447700900123",
}


def submitted(tlvs: tuple[tuple[int, bytes], ...] = (), **fields: Any) -> Message:
    fields = ADDRESSES | {"short_message": b"Hello world", "registered_delivery": 1} | fields
    return Message.from_raw(encode(Command.SUBMIT_SM, 7, 0, tlvs, **fields))


def delivered(text: bytes, tlvs: dict[int, bytes] | None = None, **fields: Any) -> Message:
    fields = ADDRESSES | {"esm_class": 0x04, "short_message": text} | fields
    return Message.from_raw(encode(Command.DELIVER_SM, 7, 0, tuple((tlvs or {}).items()), **fields))


def built(original: Message, state: int = 2, **options: Any) -> Message:
    error, network = options.pop("error", 0), options.pop("network_error", None)
    octets = receipt.build(original, b"1a2b3c4e", state, network, error, SUBMITTED, DONE, **options)
    return Message.from_raw(octets)


# -- building --


def test_the_receipt_of_the_vectors() -> None:
    vectors = json.loads((Path(__file__).parent / "vectors" / "pdus.json").read_text())["good"]
    (vector,) = (v for v in vectors if v["id"] == "V22")
    model = Message.from_raw(bytes.fromhex(vector["hex"]))
    ours = built(submitted(), network_error=model.tlv(Tag.NETWORK_ERROR_CODE))
    assert ours.fields == model.fields
    assert dict(ours.tlvs) == dict(model.tlvs)
    assert ours.sequence_number == 0


@pytest.mark.parametrize("tlvs", [True, False])
@pytest.mark.parametrize("network_error", [None, b"\x03\x00\x21"])
@pytest.mark.parametrize("reference", [None, b"\xbe\xef"])
def test_a_receipt_is_what_the_codec_would_write(
    tlvs: bool, network_error: bytes | None, reference: bytes | None
) -> None:
    asked = ((Tag.USER_MESSAGE_REFERENCE, reference),) if reference else ()
    octets = receipt.build(
        submitted(asked, service_type=b"CMT"), b"1a2b3c4e", 5, network_error, 21,
        SUBMITTED, DONE, tlvs,
    )  # fmt: skip
    told = [(Tag.RECEIPTED_MESSAGE_ID, b"1a2b3c4e\0"), (Tag.MESSAGE_STATE, b"\x05")]
    if network_error:
        told.append((Tag.NETWORK_ERROR_CODE, network_error))
    if reference:
        told.append((Tag.USER_MESSAGE_REFERENCE, reference))
    assert octets == encode(
        Command.DELIVER_SM, 0, 0, told if tlvs else (),
        service_type=b"CMT",
        source_addr_ton=1, source_addr_npi=1, source_addr=b"447700900123",
        dest_addr_ton=5, dest_addr_npi=0, destination_addr=b"ACME",
        esm_class=0x04,
        short_message=b"id:1a2b3c4e sub:001 dlvrd:000 submit date:2511220915 "
        b"done date:2511220916 stat:UNDELIV err:021 text:Hello world",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "word", "dlvrd", "told"),
    [
        (0, b"ENROUTE", b"000", 1),
        (1, b"ENROUTE", b"000", 1),
        (2, b"DELIVRD", b"001", 2),
        (3, b"EXPIRED", b"000", 3),
        (4, b"DELETED", b"000", 4),
        (5, b"UNDELIV", b"000", 5),
        (6, b"ACCEPTD", b"000", 6),
        (7, b"UNKNOWN", b"000", 7),
        (8, b"REJECTD", b"000", 8),
        (9, b"REJECTD", b"000", 8),
    ],
)
def test_states(state: int, word: bytes, dlvrd: bytes, told: int) -> None:
    ours = built(submitted(), state)
    assert b" dlvrd:%b " % dlvrd in ours.text and b" stat:%b err:" % word in ours.text
    assert ours.tlv(Tag.MESSAGE_STATE) == bytes([told])


@pytest.mark.parametrize(
    ("error", "shown"),
    [(0, b"000"), (88, b"088"), (999, b"999"), (1025, b"999"), (0xFFFFFF, b"999")],
)
def test_err_has_three_digits(error: int, shown: bytes) -> None:
    assert b" err:%b text:" % shown in built(submitted(), error=error).text


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"short_message": b"123456789012345678901"}, b"12345678901234567890"),
        ({"short_message": b"user\x00host"}, b"user?host"),
        ({"short_message": b"\x05\x00\x03\xa7\x02\x01Part", "esm_class": 0x40}, b"Part"),
        ({"short_message": b"\x00H", "data_coding": 8}, b""),
        ({"short_message": b"\x01\x02", "data_coding": 4}, b""),
        ({"short_message": b""}, b""),
    ],
)
def test_the_text_is_shown_where_gsm_can(fields: dict[str, Any], shown: bytes) -> None:
    assert built(submitted(**fields)).text.endswith(b" err:000 text:" + shown)


def test_the_payload_is_the_text_too() -> None:
    original = submitted(((Tag.MESSAGE_PAYLOAD, b"payload"),), short_message=b"")
    assert built(original).text.endswith(b" text:payload")


@pytest.mark.parametrize(
    ("options", "dates"),
    [
        ({}, b"submit date:2511220915 done date:2511220916 stat:"),
        ({"seconds": True}, b"submit date:251122091559 done date:251122091600 stat:"),
    ],
)
def test_dates_have_ten_or_twelve_digits(options: dict[str, bool], dates: bytes) -> None:
    assert dates in built(submitted(), **options).text


@pytest.mark.parametrize(
    ("state", "esm_class"), [(0, 0x20), (1, 0x20), *((state, 0x04) for state in range(2, 10))]
)
def test_what_is_not_final_is_a_notification(state: int, esm_class: int) -> None:
    assert built(submitted(), state).esm_class == esm_class


@pytest.mark.parametrize(
    ("error", "network_error", "number"),
    [
        (b"", b"", 0),
        (b"000", b"\3\0\x21", 0),
        (b"011", b"\3\0\x21", 11),
        (b"0088", b"", 88),
        (b"21b", b"", 0),
        (b"21b", b"\3\0\x21", 33),
        (b"", b"\3\1\0", 256),
        (b"", b"\3", 0),
        (b"1" * 64, b"\3\0\x21", 0xFFFFFF),
        (b"16777216", b"", 0xFFFFFF),
        (b"16777214", b"", 0xFFFFFE),
        ("٣".encode(), b"\3\0\x21", 33),
    ],
)
def test_err_is_the_carriers_or_the_networks(
    error: bytes, network_error: bytes, number: int
) -> None:
    assert receipt.error_number(error, network_error) == number


def test_the_longest_receipt_fits() -> None:
    original = submitted(short_message=b"\x1b\x65" * 30, source_addr=b"12345678901234567890")
    octets = receipt.build(original, b"f" * 64, 2, b"\3\0\0", 0, SUBMITTED, DONE)
    assert Message.from_raw(octets).text.endswith(b"text:" + b"\x1b\x65" * 20)


@given(
    st.integers(1, 8),
    st.integers(0, 999),
    st.booleans(),
    st.from_regex(rb"[0-9a-f]{1,16}", fullmatch=True),
)
def test_what_is_built_reads_back(state: int, error: int, tlvs: bool, message_id: bytes) -> None:
    octets = receipt.build(submitted(), message_id, state, b"\3\0\7", error, SUBMITTED, DONE, tlvs)
    assert receipt.parse(Message.from_raw(octets)) == Receipt(
        id=message_id,
        state=state,
        final=state not in (1, 7),
        error=b"%03d" % error,
        done=b"2511220916",
        network_error=b"\3\0\7" if tlvs else b"",
    )


#: What a client is told of each message_state.
TOLD = {
    0: (1, b"ENROUTE"),
    1: (1, b"ENROUTE"),
    2: (2, b"DELIVRD"),
    3: (3, b"EXPIRED"),
    4: (4, b"DELETED"),
    5: (5, b"UNDELIV"),
    6: (6, b"ACCEPTD"),
    7: (7, b"UNKNOWN"),
    8: (8, b"REJECTD"),
    9: (8, b"REJECTD"),
}


def encoded(
    original: Message,
    message_id: bytes,
    state: int,
    network_error: bytes | None,
    error: int,
    submit_ms: int,
    done_ms: int,
    tlvs: bool,
    seconds: bool,
) -> bytes:
    """As ``receipt.build``, by the codec's tables."""
    shown, word = TOLD[state]
    told = [(Tag.RECEIPTED_MESSAGE_ID, message_id + b"\0"), (Tag.MESSAGE_STATE, bytes([shown]))]
    if network_error:
        told.append((Tag.NETWORK_ERROR_CODE, network_error))
    reference = original.tlv(Tag.USER_MESSAGE_REFERENCE)
    if reference is not None:
        told.append((Tag.USER_MESSAGE_REFERENCE, reference))
    return encode(
        Command.DELIVER_SM, 0, 0, told if tlvs else (),
        service_type=original.service_type,
        source_addr_ton=original.dest_addr_ton,
        source_addr_npi=original.dest_addr_npi,
        source_addr=original.destination_addr,
        dest_addr_ton=original.source_addr_ton,
        dest_addr_npi=original.source_addr_npi,
        destination_addr=original.source_addr,
        esm_class=0x20 if shown == 1 else 0x04,
        short_message=b"id:%b sub:001 dlvrd:%03d submit date:%b done date:%b stat:%b err:%03d"
        b" text:%b"
        % (
            message_id,
            state == 2,
            written(submit_ms, seconds),
            written(done_ms, seconds),
            word,
            min(error, 999),
            preview(original.text, original.data_coding, bool(original.esm_class & 0x40)),
        ),
    )  # fmt: skip


def written(ms: int, seconds: bool) -> bytes:
    return format_minute(ms // MINUTE) + b"%02d" % (ms // 1_000 % 60) * seconds


def octet_strings(most: int) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=most).map(lambda octets: octets.replace(b"\0", b"0"))


OCTET = st.integers(0, 255)
#: Mostly characters, but with what ends a C string, escapes and is no septet at all among them.
USER_DATA = st.text("aZ @\0\x1b\x1be\x7f\x80\xff", max_size=254).map(
    lambda text: text.encode("latin-1")
) | st.binary(max_size=254)


@st.composite
def originals(draw: st.DrawFn) -> Message:
    """Any submit_sm, its text in either place."""
    text, reference = draw(USER_DATA), draw(st.none() | st.binary(min_size=2, max_size=2))
    tlvs = [(Tag.USER_MESSAGE_REFERENCE, reference)] if reference is not None else []
    if draw(st.booleans()):
        tlvs.insert(draw(st.integers(0, len(tlvs))), (Tag.MESSAGE_PAYLOAD, text * 3))
        text = b""
    return submitted(
        tuple(tlvs),
        service_type=draw(octet_strings(5)),
        source_addr_ton=draw(OCTET),
        source_addr_npi=draw(OCTET),
        source_addr=draw(octet_strings(20)),
        dest_addr_ton=draw(OCTET),
        dest_addr_npi=draw(OCTET),
        destination_addr=draw(octet_strings(20)),
        esm_class=draw(st.sampled_from([0, 0, 0x40]) | OCTET),
        data_coding=draw(st.sampled_from([0, 0, 8]) | OCTET),
        short_message=text,
    )


#: A few minutes a multiple of 256 apart, which a cache by the low bits takes for neighbours; and
#: any moment of 1900 to 2100.
MOMENTS = st.builds(
    lambda ms, days: ms + days * 256 * MINUTE, st.integers(SUBMITTED, DONE), st.integers(-2, 2)
) | st.integers(-2_208_988_800_000, 4_102_444_800_000)


#: All that ``build`` takes but the original.
SAID_OF_IT = st.tuples(
    octet_strings(64),
    st.sampled_from(sorted(TOLD)),
    st.none() | st.just(b"") | st.binary(min_size=3, max_size=3),
    st.integers(-99, 1100) | st.integers(0, 0xFFFFFF),
    MOMENTS,
    MOMENTS,
    st.booleans(),
    st.booleans(),
)


@given(originals(), SAID_OF_IT)
def test_any_receipt_is_what_the_codec_would_write(original: Message, said: Any) -> None:
    assert receipt.build(original, *said) == encoded(original, *said)


@pytest.mark.parametrize("length", [0, 19, 20, 21, 254])
@pytest.mark.parametrize("at", [0, 18, 19, 20, 21])
@pytest.mark.parametrize("octet", [b"\0", b"\x1b", b"\x7f", b"\x80"])
def test_the_first_characters_decide_what_is_shown(length: int, at: int, octet: bytes) -> None:
    text = b"a" * at + octet
    original = submitted(short_message=(text + b"a" * 254)[:length])
    shown = built(original).text.partition(b" text:")[2]
    assert shown == preview(original.text, 0, False)


def test_the_text_has_no_more_than_255_octets() -> None:
    said = 2, None, 0, SUBMITTED, DONE, True, False
    most = 255 - len(built(submitted()).text) + len(b"1a2b3c4e")
    octets = receipt.build(submitted(), b"f" * most, *said)
    assert octets == encoded(submitted(), b"f" * most, *said)
    for length in (most + 1, 2000, 100_000):
        with pytest.raises(ValueError):
            receipt.build(submitted(), b"f" * length, *said)


def test_a_state_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        built(submitted(), 10)


def test_nothing_is_built_of_nothing() -> None:
    for original, message_id in [(None, b"1"), (submitted(), None)]:
        with pytest.raises(TypeError):
            receipt.build(original, message_id, 2, None, 0, SUBMITTED, DONE)  # type: ignore[arg-type]


# -- reading --

STANDARD = (
    b"id:1234 sub:001 dlvrd:001 submit date:2511220915 done date:2511220916"
    b" stat:DELIVRD err:000 text:Hello"
)

#: Texts in the wild, and the id, state, err and done date they tell.
TEXTS = [
    (STANDARD, b"1234", 2, b"000", b"2511220916"),
    # Text:, no text at all, no label.
    (STANDARD.replace(b"text:", b"Text:"), b"1234", 2, b"000", b"2511220916"),
    (STANDARD.replace(b"text:Hello", b"text:"), b"1234", 2, b"000", b"2511220916"),
    (STANDARD.replace(b" text:Hello", b""), b"1234", 2, b"000", b"2511220916"),
    # Any order, sub and dlvrd missing.
    (b"stat:UNDELIV err:1 id:77 done date:2511220916", b"77", 5, b"1", b"2511220916"),
    (b"id:77 stat:EXPIRED", b"77", 3, b"", b""),
    (b"text:Hi there id:77 stat:DELIVRD err:002", b"77", 2, b"002", b""),
    (b"stat:DELIVRD text:x id:77", b"77", 2, b"", b""),
    # Dates of 12 and 14 digits.
    (b"id:1 submit date:251122091500 done date:251122091601 stat:DELIVRD err:000", b"1", 2,
     b"000", b"251122091601"),
    (b"id:1 sub:001 dlvrd:001 submit date:20251122091500 done date:20251122091601 stat:DELIVRD"
     b" err:000 text:", b"1", 2, b"000", b"20251122091601"),
    # Ids of every kind.
    (b"id:0000001A2b sub:001 dlvrd:001 submit date:1 done date:2 stat:DELIVRD err:000 text:",
     b"0000001A2b", 2, b"000", b"2"),
    (b"id:550e8400-e29b-41d4-a716-446655440000 stat:DELIVRD",
     b"550e8400-e29b-41d4-a716-446655440000", 2, b"", b""),
    (b"id:10.20.30 stat:DELIVRD", b"10.20.30", 2, b"", b""),
    # err that is no number, or long.
    (b"id:1 stat:UNDELIV err:21b text:", b"1", 5, b"21b", b""),
    (b"id:1 stat:UNDELIV err:0045 text:", b"1", 5, b"0045", b""),
    (b"id:1 stat:UNDELIV err: text:hi", b"1", 5, b"", b""),
    # Words of a state.
    (b"id:1 stat:delivrd err:000", b"1", 2, b"000", b""),
    (STANDARD.replace(b"DELIVRD", b"Undeliv"), b"1234", 5, b"000", b"2511220916"),
    (b"id:1 stat:ENROUTE", b"1", 1, b"", b""),
    (b"id:1 stat:ACCEPTD", b"1", 6, b"", b""),
    (b"id:1 stat:BUFFRED", b"1", 1, b"", b""),
    (b"id:1 stat:REJECTD", b"1", 8, b"", b""),
    (b"id:1 stat:DELETED", b"1", 4, b"", b""),
    (b"id:1 stat:FAILED", b"1", 5, b"", b""),
    (b"id:1 stat:NONSENSE", b"1", 7, b"", b""),
    (b"id:1", b"1", 7, b"", b""),
    # A length octet that crept in, also one that looks like a letter; a NUL at the end.
    (b"\x5e" + STANDARD, b"1234", 2, b"000", b"2511220916"),
    (b"z" + STANDARD, b"1234", 2, b"000", b"2511220916"),
    (b"\x00" + STANDARD, b"1234", 2, b"000", b"2511220916"),
    (b"id:1 stat:DELIVRD\x00", b"1", 2, b"", b""),
    (b"id:77\x00", b"77", 7, b"", b""),
    # Labels in capitals, a space behind them.
    (b"ID:1 STAT:DELIVRD ERR:000 DONE DATE:2511220916", b"1", 2, b"000", b"2511220916"),
    (b"id: 1 stat: DELIVRD err: 000", b"1", 2, b"000", b""),
    # What a stranger wrote is not the carrier's word.
    (b"id:1 stat:DELIVRD text:id:2 stat:UNDELIV err:9 done date:2", b"1", 2, b"", b""),
    (STANDARD + b" id:2 stat:UNDELIV err:009", b"1234", 2, b"000", b"2511220916"),
    (b"id:1 text:id:2 stat:DELIVRD", b"1", 2, b"", b""),
    # Longer than any value can be.
    (STANDARD.replace(b"000", b"0" * 64), b"1234", 2, b"0" * 64, b"2511220916"),
    (STANDARD.replace(b"000", b"0" * 65), b"1234", 2, b"", b"2511220916"),
    (STANDARD.replace(b"1234", b"1" * 65), b"", 2, b"000", b"2511220916"),
    # Nothing that could be read.
    (b"", b"", 7, b"", b""),
    (b"guid:5 substat:DELIVRD", b"", 7, b"", b""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message_id", "state", "error", "done"), TEXTS)
def test_texts_of_carriers(
    text: bytes, message_id: bytes, state: int, error: bytes, done: bytes
) -> None:
    told = receipt.parse(delivered(text))
    assert told == Receipt(message_id, state, state not in (1, 7), error, done, b"")
    in_payload = delivered(b"", {Tag.MESSAGE_PAYLOAD: text})
    assert receipt.parse(in_payload) == told


TLVS = {
    Tag.RECEIPTED_MESSAGE_ID: b"99\0",
    Tag.MESSAGE_STATE: b"\x05",
    Tag.NETWORK_ERROR_CODE: b"\x03\x00\x21",
}

BY_TLV = [
    # TLVs alone; with a text that says otherwise; one of them only; without esm_class.
    (b"", TLVS, 0x04, Receipt(b"99", 5, True, b"", b"", b"\x03\x00\x21")),
    (STANDARD, TLVS, 0x04, Receipt(b"99", 5, True, b"000", b"2511220916", b"\x03\x00\x21")),
    (STANDARD, {Tag.MESSAGE_STATE: b"\x08"}, 0x04,
     Receipt(b"1234", 8, True, b"000", b"2511220916", b"")),
    (STANDARD, {Tag.RECEIPTED_MESSAGE_ID: b"99"}, 0x04,
     Receipt(b"99", 2, True, b"000", b"2511220916", b"")),
    (b"", TLVS, 0x00, Receipt(b"99", 5, True, b"", b"", b"\x03\x00\x21")),
    (b"Hello", {Tag.RECEIPTED_MESSAGE_ID: b"\0", Tag.MESSAGE_STATE: b"\x02"}, 0x00,
     Receipt(b"", 2, True, b"", b"", b"")),
    # A notification is not the end, whatever it says.
    (STANDARD, {}, 0x20, Receipt(b"1234", 2, False, b"000", b"2511220916", b"")),
    (b"id:1 stat:ENROUTE", {}, 0x20, Receipt(b"1", 1, False, b"", b"", b"")),
    (b"", TLVS | {Tag.MESSAGE_STATE: b"\x01"}, 0x04,
     Receipt(b"99", 1, False, b"", b"", b"\x03\x00\x21")),
    (b"", TLVS | {Tag.MESSAGE_STATE: b"\x09"}, 0x04,
     Receipt(b"99", 9, True, b"", b"", b"\x03\x00\x21")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tlvs", "esm_class", "told"), BY_TLV)
def test_tlvs_win(text: bytes, tlvs: dict[int, bytes], esm_class: int, told: Receipt) -> None:
    assert receipt.parse(delivered(text, tlvs, esm_class=esm_class)) == told


@pytest.mark.parametrize("esm_class", [0x00, 0x08, 0x10, 0x40, 0xC0, 0x03])
def test_a_message_that_looks_like_a_receipt_is_none(esm_class: int) -> None:
    text = b"\x00" + STANDARD if esm_class & 0x40 else STANDARD
    assert receipt.parse(delivered(text, esm_class=esm_class)) is None
    stated = delivered(text, {Tag.MESSAGE_STATE: b"\x02"}, esm_class=esm_class)
    assert receipt.parse(stated) is None


def test_an_endless_text_is_not_searched_to_its_end() -> None:
    endless = delivered(b"", {Tag.MESSAGE_PAYLOAD: b"id:1 " * 12_000 + b"stat:DELIVRD"})
    assert receipt.parse(endless) == Receipt(b"1", 7, False, b"", b"", b"")


@given(st.binary(max_size=200) | st.text("idstaterr:doneDATE text\0 1").map(str.encode))
def test_no_text_makes_it_raise(text: bytes) -> None:
    told = receipt.parse(delivered(text))
    assert told is not None and b" " not in told.id


#: The fields as Appendix B orders them, up to the label of the text.
APPENDIX_B = re.compile(
    rb"id:([^\s\0]{1,64}+) sub:[^ ]*+ dlvrd:[^ ]*+ submit date:[^ ]*+"
    rb" done date:([^\s\0]{0,64}+) stat:([^\s\0]{1,64}+) err:([^\s\0]{0,64}+) text:"
)
WORDS = {word: state for state, (_, word) in TOLD.items() if state not in (0, 9)}


def by_expressions(pdu: Message) -> Receipt | None:
    """As ``receipt.parse``, of texts whose words are standard or unknown."""
    carrier_id, stated = pdu.tlv(Tag.RECEIPTED_MESSAGE_ID), pdu.tlv(Tag.MESSAGE_STATE)
    if not pdu.esm_class & 0x24 and carrier_id is None:
        return None
    standard = APPENDIX_B.match(pdu.text)
    if standard:
        text_id, done, word, error = standard.groups()
    else:
        text_id, word, error, done = receipt._searched(pdu.text)
    state = stated[0] if stated else WORDS.get(word.upper(), 7)
    return Receipt(
        (carrier_id or b"").rstrip(b"\0 ") or text_id,
        state,
        state in receipt.FINAL_STATES and not pdu.esm_class & 0x20,
        error,
        done,
        pdu.tlv(Tag.NETWORK_ERROR_CODE) or b"",
    )


#: What may stand where a value does: any length about the limit, and all that might end it.
VALUES = st.one_of(
    st.sampled_from([b"", b"000", b"1", b"DELIVRD", b"undeliv", b"2511220916"]),
    st.integers(62, 67).map(lambda length: b"7" * length),
    st.sampled_from([bytes((octet,)) for octet in range(256)]).map(lambda octet: b"1" + octet),
    st.sampled_from([bytes((octet,)) for octet in range(256)]),
    st.text("id:stexrrdone 1\0\t\n\x0b\x1c\x85\xa0", max_size=12).map(
        lambda text: text.encode("latin-1")
    ),
)
LABELS = (
    b"id:", b" sub:", b" dlvrd:", b" submit date:", b" done date:", b" stat:", b" err:", b" text:",
)  # fmt: skip
USUAL = (b"12", b"001", b"001", b"2511220915", b"2511220916", b"DELIVRD", b"000", b"Hi")


@st.composite
def nearly_standard(draw: st.DrawFn) -> bytes:
    """The standard text with a few of its pieces changed, maybe cut short."""
    pieces = [piece for pair in zip(LABELS, USUAL, strict=True) for piece in pair]
    for at in draw(st.lists(st.integers(0, len(pieces) // 2 - 1), max_size=4)):
        pieces[2 * at + 1] = draw(VALUES)
    for at in draw(st.lists(st.integers(0, len(pieces) - 1), max_size=1)):
        pieces[at] = draw(VALUES)
    text = b"".join(pieces)
    return text[: draw(st.just(len(text)) | st.integers(0, len(text)))]


READ_TLVS = st.fixed_dictionaries(
    {},
    optional={
        Tag.RECEIPTED_MESSAGE_ID: st.text("9a \0", min_size=1, max_size=8).map(str.encode),
        Tag.MESSAGE_STATE: OCTET.map(lambda state: bytes((state,))),
        Tag.NETWORK_ERROR_CODE: st.binary(min_size=3, max_size=3),
        Tag.USER_MESSAGE_REFERENCE: st.binary(min_size=2, max_size=2),
    },
)


@given(
    nearly_standard() | st.binary(max_size=100),
    READ_TLVS,
    st.sampled_from([0x04, 0x04, 0x20, 0x24, 0x00]) | OCTET,
)
def test_any_text_reads_as_by_expressions(
    text: bytes, tlvs: dict[int, bytes], esm_class: int
) -> None:
    in_payload = delivered(b"", {Tag.MESSAGE_PAYLOAD: text} | tlvs, esm_class=esm_class)
    assert receipt.parse(in_payload) == by_expressions(in_payload)
    if len(text) <= 255:
        pdu = delivered(text, tlvs, esm_class=esm_class)
        assert receipt.parse(pdu) == by_expressions(pdu)


@pytest.mark.parametrize("at", range(8))
def test_any_octet_in_any_value_reads_as_by_expressions(at: int) -> None:
    before = b"".join(label + value for label, value in zip(LABELS[:at], USUAL, strict=False))
    after = b"".join(label + value for label, value in zip(LABELS, USUAL, strict=True))
    after = after[len(before + LABELS[at]) :]
    for octet in range(256):
        pdu = delivered(before + LABELS[at] + after[:1] + bytes((octet,)) + after[1:])
        assert receipt.parse(pdu) == by_expressions(pdu)


def test_a_text_cut_anywhere_reads_as_by_expressions() -> None:
    for length in range(len(STANDARD)):
        pdu = delivered(STANDARD[:length])
        assert receipt.parse(pdu) == by_expressions(pdu)


@pytest.mark.parametrize(
    ("value", "other", "told"),
    [
        (b"err:000", b"err:000", Receipt(b"1234", 2, True, b"000", b"25:11", b"")),
        (b"err:000", b"err:", Receipt(b"1234", 2, True, b"", b"25:11", b"")),
        (b"stat:DELIVRD", b"stat:", Receipt(b"1234", 7, False, b"000", b"", b"")),
        (b"id:1234", b"id:", Receipt(b"", 2, True, b"000", b"", b"")),
    ],
)
def test_the_standard_text_is_not_searched(value: bytes, other: bytes, told: Receipt) -> None:
    # A done date with a colon inside is one only to him who knows where it must stand.
    text = STANDARD.replace(b"done date:2511220916", b"done date:25:11").replace(value, other)
    assert receipt.parse(delivered(text)) == told


def test_a_state_of_no_octets_says_nothing() -> None:
    # The length of this TLV is not checked where it is not expected.
    pdu = submitted(((Tag.MESSAGE_STATE, b""),), esm_class=0x04, short_message=STANDARD)
    assert receipt.parse(pdu) == receipt.parse(delivered(STANDARD))


def test_a_pdu_not_yet_decoded_reads_the_same() -> None:
    (pdu,) = Decoder().feed(delivered(STANDARD).raw)
    assert isinstance(pdu, Message)
    assert receipt.parse(pdu) == receipt.parse(delivered(STANDARD))


SAID: dict[str, Any] = {
    "id": b"1234", "state": 2, "final": True, "error": b"000", "done": b"2511220916",
    "network_error": b"\3\0\7",
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_receipts_are_equal_if_all_of_them_is(name: str) -> None:
    assert Receipt(**SAID) == Receipt(**SAID)
    other = Receipt(**SAID | {name: type(SAID[name])()})
    assert other != Receipt(**SAID)
    assert getattr(other, name) != SAID[name] == getattr(Receipt(**SAID), name)
    something_else: object = tuple(SAID.values())
    assert Receipt(**SAID) != something_else


def test_no_octets_of_a_receipt_are_shown() -> None:
    assert repr(Receipt(**SAID)) == "<Receipt state=2 final=True>"


# -- correlation --

#: The rule, ids as a response gave them, ids as a receipt gave them: all of one message.
EQUAL = [
    (IdRule(), [b"1A2b"], [b"1A2b"]),
    (IdRule("hex", "hex"), [b"1a2b3c", b"001A2B3C"], [b"1A2B3C", b"1a2b3c", b"0000001a2b3c"]),
    (IdRule("hex", "decimal"), [b"1a2b3c", b"1A2B3C"], [b"1715004", b"0001715004"]),
    (IdRule("decimal", "hex"), [b"1715004"], [b"1a2b3c", b"01A2B3C"]),
    (IdRule("decimal", "decimal"), [b"0042"], [b"42", b"0000000042"]),
    (IdRule("any", "any"), [b"00AB.1", b"ab.1"], [b"0ab.1"]),
    (IdRule("any", "any"), [b"0"], [b"000"]),
    (IdRule("hex", "hex"), [b"f" * 64], [b"F" * 64]),
    # What is no number still equals itself.
    (IdRule("hex", "hex"), [b"550e8400-e29b"], [b"550e8400-e29b"]),
    (IdRule("hex", "decimal"), [b"x.1"], [b"x.1"]),
    (IdRule("decimal", "decimal"), [b"9" * 5000], [b"9" * 5000]),
]


@pytest.mark.parametrize(("rule", "responses", "receipts"), EQUAL)
def test_ids_of_one_message_have_one_key(
    rule: IdRule, responses: list[bytes], receipts: list[bytes]
) -> None:
    keys = {rule.of_response(i) for i in responses} | {rule.of_receipt(i) for i in receipts}
    assert len(keys) == 1


#: Ids of different messages.
APART = [
    (IdRule(), [b"1a2b", b"1A2B", b"01a2b", b"6699", b"", b"0"]),
    (IdRule("hex", "hex"), [b"1a", b"1b", b"1a-", b"", b"-1a", b"1_a", b" 1a", b"g"]),
    (IdRule("decimal", "decimal"), [b"26", b"1a", b"1A", b"2_6", b"+26", b"2 6", b"", b"0"]),
    (IdRule("any", "any"), [b"1a", b"26", b"1a0", b"0", b"", b"a"]),
]


@pytest.mark.parametrize(("rule", "ids"), APART)
def test_ids_of_different_messages_have_different_keys(rule: IdRule, ids: list[bytes]) -> None:
    assert len({rule.of_response(i) for i in ids}) == len(ids)
    assert len({rule.of_receipt(i) for i in ids}) == len(ids)


@given(st.binary(max_size=65), st.binary(max_size=65))
def test_verbatim_merges_nothing(one: bytes, other: bytes) -> None:
    rule = IdRule()
    assert (rule.of_response(one) == rule.of_receipt(other)) == (one == other)


@given(st.integers(0, 2**64 - 1), st.integers(0, 3))
def test_every_number_has_one_key_in_every_base(number: int, zeros: int) -> None:
    written = {"hex": b"%x" % number, "decimal": b"%d" % number}
    keys = {
        receipt.normalise(b"0" * zeros + octets, base)  # type: ignore[arg-type]
        for base, octets in written.items()
    }
    assert len(keys) == 1
