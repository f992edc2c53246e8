import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import text
from smsc._pdu import Message, encode
from smsc.smpp import Command, Tag
from smsc.text import Charset, Part

BASE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]",
    0x40: "|", 0x65: "€",
}  # fmt: skip
GSM_TEXT = st.text(BASE.replace(" ", "") + " " + "".join(EXTENSION.values()))

LANGUAGES = json.loads(files("smsc").joinpath("gsm_tables.json").read_text())


# -- GSM 03.38 --


def test_every_septet_has_its_character() -> None:
    everything = bytes(range(128)).replace(b"\x1b", b"")
    assert text.decode_gsm(everything) == BASE[:0x1B] + BASE[0x1C:]


@pytest.mark.parametrize(("code", "character"), EXTENSION.items())
def test_every_extension_code_has_its_character(code: int, character: str) -> None:
    assert text.decode_gsm(b"\x1b" + bytes([code])) == character
    assert text.encode_gsm(character) == b"\x1b" + bytes([code])


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"\x1b\x41", "A"),
        (b"\x1b\x1bA", " A"),
        (b"A\x1b", "A "),
        (b"\x1b", " "),
        (b"", ""),
        (b"\xe9A\xff", "?A?"),
        (b"\x1b\xe5", "?"),
        (b"\x00", "@"),
        (b"1\x1b\x65\x1b\x652", "1€€2"),
    ],
)
def test_odd_octets_are_shown_not_refused(octets: bytes, shown: str) -> None:
    assert text.decode_gsm(octets) == shown


@given(GSM_TEXT)
def test_gsm_text_survives_the_way(value: str) -> None:
    octets = text.encode_gsm(value)
    assert text.decode_gsm(octets) == value
    assert text.septets(value) == len(octets) == sum(1 + (c not in BASE) for c in value)


def test_what_gsm_lacks_is_refused_without_naming_it_or_replaced() -> None:
    with pytest.raises(ValueError) as caught:
        text.encode_gsm("secret Ж")
    assert caught.value.__cause__ is None and "Ж" not in str(caught.value)
    assert text.encode_gsm("a Ж😀", replace=True) == b"a ??"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_reads_as_its_table_says(language: str) -> None:
    table = LANGUAGES[language]
    number = table["id"]
    for code, point in table["single_shift"].items():
        if code != "1B":
            octets = b"\x1b" + bytes.fromhex(code)
            assert text.decode_gsm(octets, single=number) == chr(int(point[2:], 16))
    for code, point in table["locking"].items():
        if code != "1B":
            shown = chr(int(point[2:], 16))
            assert text.decode_gsm(bytes.fromhex(code), locking=number) == shown
            again = text.encode_gsm(shown, number, number)
            assert text.decode_gsm(again, number, number) == shown


@pytest.mark.parametrize(
    ("octets", "locking", "single", "shown"),
    [
        (b"\x1b\x53\x1b\x73", 0, 1, "Şş"),
        (b"\x07\x0b\x40", 1, 0, "ıĞİ"),
        (b"\x1b\x41\x1b\x09", 0, 2, "Áç"),
        (b"\x09\x1b\x5b", 3, 3, "çÃ"),
        # Spanish has no locking table, 99 is no language: the default stands in.
        (b"\x09", 2, 0, "Ç"),
        (b"\x09\x1b\x65", 99, 99, "Ç€"),
    ],
)
def test_national_shift_tables(octets: bytes, locking: int, single: int, shown: str) -> None:
    assert text.decode_gsm(octets, locking, single) == shown


def test_a_locking_table_saves_septets() -> None:
    assert text.septets("ış", 1, 1) == 2
    assert text.septets("ış", 0, 1) == 4


# -- packed septets --


@pytest.mark.parametrize(
    ("unpacked", "header", "packed"),
    [
        (b"hellohello", 0, "E8329BFD4697D9EC37"),
        # Seven bits are left over: as zeros they would read as "@".
        (b"1234567", 0, "31D98C56B3DD1A"),
        (b"12345678", 0, "31D98C56B3DD70"),
        (b"Part", 6, "A061391D"),
        (b"Part", 7, "D0B09C0E"),
        (b"", 0, ""),
        # One that fills the last octet and is meant gets another behind it.
        (b"1234567\r", 0, "31D98C56B3DD1A0D"),
    ],
)
def test_septets_are_packed_as_networks_do(unpacked: bytes, header: int, packed: str) -> None:
    assert text.pack(unpacked, header) == bytes.fromhex(packed)


@given(st.binary(max_size=160).map(lambda octets: bytes(octet & 0x7F for octet in octets)),
       st.integers(0, 12))  # fmt: skip
def test_packed_septets_survive_the_way(septets: bytes, header: int) -> None:
    again = text.unpack(text.pack(septets, header), header)
    assert again in (septets, septets + b"\r" if septets.endswith(b"\r") else septets)


@given(st.binary(max_size=140), st.integers(0, 12))
def test_any_octets_unpack_to_septets(octets: bytes, header: int) -> None:
    septets = text.unpack(octets, header)
    assert len(septets) <= len(octets) * 8 // 7 and max(septets, default=0) < 128


# -- what else a data_coding says --


@pytest.mark.parametrize(
    ("like", "charset", "values"),
    [
        (0x00, Charset.UCS2, [0x08]),
        (0x03, Charset.GSM, [0x00]),
        (0x08, Charset.LATIN1, [0x03]),
        (0x02, Charset.BINARY, [0x04, 0x02]),
        (0x85, Charset.GSM, [0x00]),  # a reserved group is read, never written
        (0x10, Charset.GSM, [0xF0, 0x10]),
        (0xF3, Charset.UCS2, [0x1B]),
        (0xF1, Charset.BINARY, [0xF5, 0x15]),
        (0xF1, Charset.LATIN1, []),
        (0x40, Charset.UCS2, [0x48]),
        (0x51, Charset.BINARY, [0x55]),
        (0xC8, Charset.UCS2, []),
        (0xD9, Charset.UCS2, [0xE9]),
        (0xE9, Charset.GSM, [0xD9]),
        (0x20, Charset.GSM, []),
        (0x0B, Charset.GSM, []),
        (0xF8, Charset.GSM, []),
    ],
)
def test_values_that_say_the_same_of_another_charset(
    like: int, charset: Charset, values: list[int]
) -> None:
    assert list(text.codings(like, charset)) == values


@pytest.mark.parametrize("value", range(256))
def test_a_value_says_what_it_says(value: int) -> None:
    charset = text.CHARSETS[value]
    same = text.codings(value, charset)
    assert all(text.CHARSETS[other] is charset for other in same)
    assert value in same or charset is Charset.RESERVED or 0x80 <= value < 0xC0 or (
        value & 0xA0 == 0x20 and value < 0x80
    )  # fmt: skip


# -- how many short messages --


@pytest.mark.parametrize(
    ("octets", "data_coding", "udhi", "count"),
    [
        (b"a" * 160, 0, False, 1),
        (b"a" * 161, 0, False, 2),
        (b"a" * 306, 0, False, 2),
        (b"a" * 307, 0, False, 3),
        # A character of two septets can't be parted: 153 + 153 are not enough here.
        (b"a" * 152 + b"\x1b\x65" + b"a" * 152, 0, False, 3),
        (b"\x04\x16" * 70, 8, False, 1),
        (b"\x04\x16" * 71, 8, False, 2),
        (b"\xff" * 140, 4, False, 1),
        (b"\xff" * 141, 4, False, 2),
        # On air Latin-1 is GSM, or UCS-2.
        (b"\xe9" * 160, 3, False, 1),
        (b"\xf4" * 70, 3, False, 1),
        (b"\xf4" * 71, 3, False, 2),
        # A part is one; a header of another kind takes room.
        (bytes.fromhex("050003010201") + b"a" * 153, 0, True, 1),
        (bytes.fromhex("03240101") + b"a" * 155, 0, True, 1),
        (bytes.fromhex("03240101") + b"a" * 156, 0, True, 2),
        (b"\xff" * 200, 0, True, 2),  # no header at all
    ],
)
def test_short_messages_that_a_text_needs(
    octets: bytes, data_coding: int, udhi: bool, count: int
) -> None:
    assert text.segments(octets, data_coding, udhi) == count


# -- charsets --

CODINGS = {
    Charset.GSM: [0x00, 0x10, 0x13, 0x40, 0x51, 0x80, 0xBF, 0xC0, 0xD8, 0xF0, 0xF3],
    Charset.IA5: [0x01],
    Charset.LATIN1: [0x03],
    Charset.BINARY: [0x02, 0x04, 0x14, 0x17, 0x44, 0x20, 0x38, 0x68, 0xF4, 0xF5, 0xF6, 0xF7],
    Charset.JIS: [0x05],
    Charset.CYRILLIC: [0x06],
    Charset.HEBREW: [0x07],
    Charset.UCS2: [0x08, 0x18, 0x1B, 0x48, 0x58, 0xE0, 0xEF],
    Charset.PICTOGRAM: [0x09],
    Charset.MUSIC: [0x0A],
    Charset.EXTENDED_KANJI: [0x0D],
    Charset.KOREAN: [0x0E],
    Charset.RESERVED: [0x0B, 0x0C, 0x0F, 0x1C, 0x5F, 0xF8, 0xFF],
}


@pytest.mark.parametrize(
    ("data_coding", "charset"), [(v, c) for c, values in CODINGS.items() for v in values]
)
def test_data_coding_names_the_charset(data_coding: int, charset: Charset) -> None:
    assert text.CHARSETS[data_coding] is charset


@pytest.mark.parametrize(
    ("charset", "octets", "shown"),
    [
        (Charset.GSM, b"Hi \x00 \x1b\x65", "Hi @ €"),
        (Charset.LATIN1, b"Ol\xe1", "Olá"),
        (Charset.IA5, b"a@b", "a@b"),
        (Charset.UCS2, bytes.fromhex("041f04400438043204350442"), "Привет"),
        (Charset.UCS2, bytes.fromhex("d83dde00"), "😀"),
        (Charset.CYRILLIC, b"\xbf\xe0", "Пр"),
        (Charset.HEBREW, b"\xe0", "א"),
        (Charset.KOREAN, b"\xb0\xa1", "가"),
    ],
)
def test_octets_and_text(charset: Charset, octets: bytes, shown: str) -> None:
    assert text.decode(octets, charset) == shown
    assert text.encode(shown, charset) == octets


@pytest.mark.parametrize("charset", [Charset.BINARY, Charset.RESERVED, Charset.JIS])
def test_opaque_octets_are_no_text(charset: Charset) -> None:
    with pytest.raises(ValueError):
        text.decode(b"x", charset)
    with pytest.raises(ValueError):
        text.encode("x", charset)


@pytest.mark.parametrize("charset", [Charset.IA5, Charset.LATIN1, Charset.UCS2])
def test_encoding_errors_hold_no_text(charset: Charset) -> None:
    with pytest.raises(ValueError) as caught:
        text.encode("\ud800Ж", charset)
    assert not isinstance(caught.value, UnicodeError)


@given(st.binary(max_size=50), st.integers(0, 255), st.booleans())
def test_reading_never_raises(octets: bytes, data_coding: int, udhi: bool) -> None:
    shown = text.read(octets, data_coding, udhi)
    assert shown is None or isinstance(shown, str)
    assert b"\0" not in text.preview(octets, data_coding, udhi)


def test_reading_sets_the_header_aside_and_minds_its_languages() -> None:
    assert text.read(b"\x05\x00\x03\xa7\x02\x01Part", 0, True) == "Part"
    assert text.read(b"\x06\x24\x01\x01\x25\x01\x01\x07\x1b\x53", 0, True) == "ıŞ"
    assert text.read(b"\x05\x00\x03\xa7\x02\x01\x04\x1f", 8, True) == "П"
    assert text.read(b"\x05\x00", 0, True) is None
    assert text.read(b"\x01\x02", 4, False) is None


PREVIEWS = [
    (b"Hello world", 0x00, False, b"Hello world"),
    (b"Hello world", 0xF0, False, b"Hello world"),
    (b"123456789012345678901", 0x00, False, b"12345678901234567890"),
    (b"a\x00b\xe9", 0x00, False, b"a?b?"),
    # An extension character is one character of two octets.
    (b"\x1b\x65" * 21, 0x00, False, b"\x1b\x65" * 20),
    (b"1234567890123456789\x1b\x65x", 0x00, False, b"1234567890123456789\x1b\x65"),
    (b"\x05\x00\x03\xa7\x02\x01Part one", 0x00, True, b"Part one"),
    (b"Ol\xe1 @ \xe9", 0x03, False, b"Ol? ? \x05"),
    (b"a_$b", 0x01, False, b"a\x11\x02b"),
    (b"\x00H\x00i", 0x08, False, b""),
    (b"\x00H\x00i", 0x18, False, b""),
    (b"Hi", 0x04, False, b""),
    (b"Hi", 0xF5, False, b""),
    (b"\xbf\xe0", 0x06, False, b""),
    (b"", 0x00, False, b""),
    (b"\x09\x00", 0x00, True, b""),
]


@pytest.mark.parametrize(("octets", "data_coding", "udhi", "shown"), PREVIEWS)
def test_preview(octets: bytes, data_coding: int, udhi: bool, shown: bytes) -> None:
    assert text.preview(octets, data_coding, udhi) == shown


# -- user data header --

HEADERS = [
    ("050003a70201", "5061727431", ((0x00, "a70201"),)),
    ("06080412a70302", "dead", ((0x08, "12a70302"),)),
    ("0b0504157c00000003a70201", "", ((0x05, "157c0000"), (0x00, "a70201"))),
    ("00", "6869", ()),
]


@pytest.mark.parametrize(("header", "rest", "elements"), HEADERS)
def test_headers(header: str, rest: str, elements: tuple[tuple[int, str], ...]) -> None:
    parsed = tuple((element, bytes.fromhex(data)) for element, data in elements)
    octets = bytes.fromhex(header + rest)
    assert text.parse_udh(octets) == (parsed, bytes.fromhex(rest))
    if elements:
        assert text.build_udh(parsed) + bytes.fromhex(rest) == octets


@pytest.mark.parametrize("broken", ["050004a70201", "050002a70201", "040003a702", "0100"])
def test_elements_that_do_not_fill_the_header_are_ignored(broken: str) -> None:
    octets = bytes.fromhex(broken).ljust(8, b"x")
    elements, rest = text.parse_udh(octets)
    assert elements == () and rest == octets[octets[0] + 1 :]


@pytest.mark.parametrize("octets", [b"", b"\x01", b"\x05\x00\x03\xa7\x02", b"\xff" * 255])
def test_a_header_longer_than_the_text_is_an_error(octets: bytes) -> None:
    with pytest.raises(ValueError):
        text.parse_udh(octets)


@pytest.mark.parametrize(
    ("elements", "part"),
    [
        ([(0x00, b"\xa7\x02\x01")], Part(0xA7, 2, 1)),
        ([(0x08, b"\x12\xa7\x03\x02")], Part(0x12A7, 3, 2, wide=True)),
        ([(0x05, b"\x15\x7c\x00\x00"), (0x00, b"\xa7\x02\x02")], Part(0xA7, 2, 2)),
        # The last one counts, unless it is none.
        ([(0x00, b"\x01\x02\x01"), (0x08, b"\x00\x02\x03\x03")], Part(2, 3, 3, wide=True)),
        ([(0x00, b"\x01\x02\x01"), (0x00, b"\x01\x02\x03")], Part(1, 2, 1)),
        ([(0x00, b"\x01\x00\x00")], None),
        ([(0x00, b"\x01\x02\x00")], None),
        ([(0x00, b"\x01\x02\x03")], None),
        ([(0x00, b"\x01\x02")], None),
        ([(0x08, b"\x01\x02\x01")], None),
        ([], None),
    ],
)
def test_concatenation(elements: list[tuple[int, bytes]], part: Part | None) -> None:
    assert text.concat(elements) == part
    if part is not None:
        assert text.concat([part.element()]) == part


SAR = {Tag.SAR_MSG_REF_NUM: b"\x01\x02", Tag.SAR_TOTAL_SEGMENTS: b"\x02"}


@pytest.mark.parametrize(
    ("tlvs", "part"),
    [
        (SAR | {Tag.SAR_SEGMENT_SEQNUM: b"\x01"}, Part(0x0102, 2, 1, wide=True)),
        (SAR | {Tag.SAR_SEGMENT_SEQNUM: b"\x03"}, None),
        (SAR, None),
        ({}, None),
    ],
)
def test_sar_tlvs_count_together(tlvs: dict[int, bytes], part: Part | None) -> None:
    pdu = Message.from_raw(encode(Command.SUBMIT_SM, 1, 0, tuple(tlvs.items())))
    assert text.sar(pdu) == part


# -- split and join --

PORTS = (text.PORTS_16, b"\x15\x7c\x00\x00")
SINGLE = (text.SINGLE_SHIFT, b"\x01")
LOCKING = (text.LOCKING_SHIFT, b"\x01")

#: Elements, header octets, GSM characters, octets, UCS-2 characters in one short message.
LIMITS = [
    ([], 0, 160, 140, 70),
    ([Part(1, 2, 1).element()], 6, 153, 134, 67),
    ([Part(1, 2, 1, wide=True).element()], 7, 152, 133, 66),
    ([SINGLE], 4, 155, 136, 68),
    ([SINGLE, LOCKING], 7, 152, 133, 66),
    ([Part(1, 2, 1).element(), SINGLE], 9, 149, 131, 65),
    ([Part(1, 2, 1).element(), SINGLE, LOCKING], 12, 146, 128, 64),
    ([PORTS], 7, 152, 133, 66),
    ([Part(1, 2, 1).element(), PORTS], 12, 146, 128, 64),
]


@pytest.mark.parametrize(("elements", "octets", "gsm", "binary", "ucs2"), LIMITS)
def test_limits(
    elements: list[text.Element], octets: int, gsm: int, binary: int, ucs2: int
) -> None:
    header = len(text.build_udh(elements))
    assert header == octets
    assert text.capacity(Charset.GSM, header) == gsm
    assert text.capacity(Charset.BINARY, header) == binary
    assert text.capacity(Charset.UCS2, header) == 2 * ucs2


@pytest.mark.parametrize(
    ("octets", "charset", "lengths"),
    [
        (b"x" * 160, Charset.GSM, [160]),
        (b"x" * 161, Charset.GSM, [153, 8]),
        (b"x" * 307, Charset.GSM, [153, 153, 1]),
        # The pair moves to the next part as a whole.
        (b"x" * 152 + b"\x1b\x65" + b"x" * 20, Charset.GSM, [152, 22]),
        (b"x" * 151 + b"\x1b\x65" + b"x" * 20, Charset.GSM, [153, 20]),
        # ESC ESC is a pair of its own; the code behind it is none of its business.
        (b"x" * 151 + b"\x1b\x1b" + b"x" * 20, Charset.GSM, [153, 20]),
        (b"x" * 150 + b"\x1b\x1b\x1b\x65" + b"x" * 20, Charset.GSM, [152, 22]),
        ("\u0416".encode("utf-16-be") * 70, Charset.UCS2, [140]),
        ("\u0416".encode("utf-16-be") * 71, Charset.UCS2, [134, 8]),
        (("x" * 66 + "😀" + "x" * 9).encode("utf-16-be"), Charset.UCS2, [132, 22]),
        (("x" * 65 + "😀" + "x" * 9).encode("utf-16-be"), Charset.UCS2, [134, 18]),
        (b"\x1b" * 141, Charset.BINARY, [134, 7]),
        (b"", Charset.GSM, [0]),
    ],
)
def test_split_keeps_characters_whole(octets: bytes, charset: Charset, lengths: list[int]) -> None:
    parts = text.split(octets, charset, 0xA7)
    header = 6 if len(parts) > 1 else 0
    assert [len(part) - header for part in parts] == lengths
    assert b"".join(part[header:] for part in parts) == octets


def test_every_part_carries_the_elements() -> None:
    parts = text.split(b"x" * 300, Charset.GSM, 0x1234, wide=True, elements=[PORTS])
    for number, octets in enumerate(parts, 1):
        elements, _ = text.parse_udh(octets)
        assert text.concat(elements) == Part(0x1234, len(parts), number, wide=True)
        assert PORTS in elements
    (single,) = text.split(b"x" * 152, Charset.GSM, 1, elements=[PORTS])
    assert text.parse_udh(single) == ((PORTS,), b"x" * 152)


def test_there_are_at_most_255_parts() -> None:
    assert len(text.split(b"x" * 153 * 255, Charset.GSM, 1)) == 255
    with pytest.raises(ValueError, match="256"):
        text.split(b"x" * (153 * 255 + 1), Charset.GSM, 1)


@pytest.mark.parametrize("size", [129, 130, 131, 140, 200])
def test_a_header_that_leaves_no_room_is_an_error(size: int) -> None:
    with pytest.raises(ValueError):
        text.split(b"x" * 300, Charset.UCS2, 1, elements=[(0x70, bytes(size))])


def test_a_header_may_leave_room_for_one_pair() -> None:
    emoji = "😀".encode("utf-16-be")
    parts = text.split(emoji * 40, Charset.UCS2, 1, elements=[(0x70, bytes(128))])
    assert {part[-4:] for part in parts} == {emoji} and len(parts) == 40


CODED = st.one_of(
    st.tuples(st.just(Charset.GSM), st.binary(max_size=700)),
    st.tuples(st.just(Charset.GSM), st.lists(st.sampled_from([b"\x1b", b"e"])).map(b"".join)),
    st.tuples(st.just(Charset.UCS2), st.text(max_size=300).map(lambda t: t.encode("utf-16-be"))),
    st.tuples(st.just(Charset.BINARY), st.binary(max_size=700)),
)


@given(CODED, st.booleans(), st.randoms(use_true_random=False))
def test_what_was_split_joins(coded: tuple[Charset, bytes], wide: bool, dice: object) -> None:
    charset, octets = coded
    sent = text.split(octets, charset, 0xA7, wide=wide)
    if len(sent) == 1:
        assert sent == [octets]
        return
    arrived = []
    for message in sent:
        elements, body = text.parse_udh(message)
        part = text.concat(elements)
        assert part is not None
        assert len(body) <= text.capacity(charset, len(message) - len(body))
        arrived.append((part, body))
    dice.shuffle(arrived)  # type: ignore[attr-defined]
    assert text.join(arrived[1:]) is None
    assert text.join([*arrived, arrived[0]]) == octets


def test_parts_of_different_messages_do_not_join() -> None:
    with pytest.raises(ValueError):
        text.join([(Part(1, 2, 1), b"a"), (Part(2, 2, 2), b"b")])
    assert text.join([]) is None
