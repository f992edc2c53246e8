"""User data: octets and what they say. Owns alphabets, the user data header, split and join.

A text is octets here as everywhere; it becomes ``str`` only in ``decode`` and ``read``, for a
person or another alphabet. In SMPP a GSM 03.38 text is unpacked: one septet per octet, high bit
0, the user data header's octets before it as they are (3GPP TS 23.038, 23.040 9.2.3.24).

Nothing here raises over a peer's octets except ``parse_udh``: what can't be read becomes ``?``.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from smsc._pdu import Pdu
from smsc.smpp import Tag

#: What a short message carries on the radio network, user data header included (23.040).
OCTETS_PER_SM = 140
#: Parts are numbered in one octet.
MAX_PARTS = 255
#: Characters of the text that a delivery receipt repeats (SMPP 3.4 Appendix B).
PREVIEW_CHARACTERS = 20

ESC = 0x1B


class Charset(Enum):
    """How the octets of a text are to be read; the value is Python's codec, if it has one."""

    GSM = "gsm"
    IA5 = "ascii"
    BINARY = "binary"
    LATIN1 = "latin-1"
    JIS = "jis"
    CYRILLIC = "iso8859-5"
    HEBREW = "iso8859-8"
    UCS2 = "utf-16-be"
    PICTOGRAM = "pictogram"
    MUSIC = "iso2022_jp"
    EXTENDED_KANJI = "jis-x-0212"
    KOREAN = "euc_kr"
    RESERVED = "reserved"
    #: What no data_coding says, but peers may mean by 0.
    UTF8 = "utf-8"
    PACKED = "gsm-packed"


# Looking a member up by name costs more than the rest of the quick paths.
_GSM = Charset.GSM
_UCS2 = Charset.UCS2

#: Those whose octets are no characters, or characters no codec of ours knows.
_OPAQUE = frozenset(
    {Charset.BINARY, Charset.JIS, Charset.PICTOGRAM, Charset.EXTENDED_KANJI, Charset.RESERVED}
)

#: What peers mean by data_coding 0, "the centre's default", by its name in the configuration.
ALPHABETS = {
    "gsm0338": Charset.GSM,
    "latin1": Charset.LATIN1,
    "ascii": Charset.IA5,
    "utf8": Charset.UTF8,
    "gsm0338-packed": Charset.PACKED,
}

#: data_coding 0x00-0x0F as SMPP defines them (3.4 5.2.19), which is not what 23.038 makes of them.
_SMPP_CODINGS = (
    Charset.GSM, Charset.IA5, Charset.BINARY, Charset.LATIN1,
    Charset.BINARY, Charset.JIS, Charset.CYRILLIC, Charset.HEBREW,
    Charset.UCS2, Charset.PICTOGRAM, Charset.MUSIC, Charset.RESERVED,
    Charset.RESERVED, Charset.EXTENDED_KANJI, Charset.KOREAN, Charset.RESERVED,
)  # fmt: skip

#: Bits 3-2 of the general data coding groups (23.038 section 4).
_ALPHABETS = (Charset.GSM, Charset.BINARY, Charset.UCS2, Charset.RESERVED)
_COMPRESSED = 0x20


def _charset(data_coding: int) -> Charset:
    group = data_coding >> 4
    if group == 0:
        return _SMPP_CODINGS[data_coding]
    if group < 8:
        return Charset.BINARY if data_coding & _COMPRESSED else _ALPHABETS[data_coding >> 2 & 3]
    if group < 14:
        return Charset.GSM
    if group == 14:
        return Charset.UCS2
    return _ALPHABETS[data_coding >> 2 & 3] if not data_coding & 8 else Charset.RESERVED


#: The charset of each of the 256 values of data_coding. Compressed text counts as binary.
CHARSETS = tuple(_charset(value) for value in range(256))


def _beside(value: int) -> tuple[int, int] | None:
    """What a data_coding says beside the charset: a group, and the class or kind in it.

    None where nothing can stand for it: reserved and compressed values.
    """
    group = value >> 4
    if CHARSETS[value] is Charset.RESERVED or (group < 8 and value & _COMPRESSED and group):
        return None
    if group in (0, 8, 9, 10, 11):
        return 0, 0
    if group in (1, 15):  # a message class
        return 1, value & 3
    if group in (13, 14):  # a waiting message, and a text to keep
        return 13, value & 15
    return group, value & (3 if group < 8 else 15)


def codings(like: int, charset: Charset) -> tuple[int, ...]:
    """The values of data_coding that say ``charset`` and all else that ``like`` says.

    All else is the message class, automatic deletion, a waiting message. The usual value comes
    first; none where it can't be said.
    """
    return _CODINGS.get((_beside(like), charset), ())


#: They say what another value says that more peers know.
_UNUSUAL = frozenset({0x02, *range(0x10, 0x18)})


def _codings() -> dict[tuple[tuple[int, int] | None, Charset], tuple[int, ...]]:
    found: dict[tuple[tuple[int, int] | None, Charset], tuple[int, ...]] = {}
    for value in sorted(range(256), key=lambda value: (value in _UNUSUAL, value)):
        said = _beside(value)
        if said is not None and not 8 <= value >> 4 < 12:  # reserved: read, never written
            key = said, CHARSETS[value]
            found[key] = (*found.get(key, ()), value)
    return found


_CODINGS = _codings()


# -- GSM 03.38 --------------------------------------------------------------------------------

_Codes = dict[int, str]


@cache
def _languages() -> dict[int, tuple[_Codes, _Codes]]:
    """Language -> (locking table, single shift table); a language without a table has the default.

    Read on first use: most processes never meet an extension character.
    """
    listed = json.loads(files("smsc").joinpath("gsm_tables.json").read_text("ascii"))

    def codes(table: dict[str, str]) -> _Codes:
        return {int(code, 16): chr(int(point[2:], 16)) for code, point in table.items()}

    default = listed["default"]
    return {
        entry["id"]: (
            codes(entry["locking"] or default["locking"]),
            codes(entry["single_shift"] or default["single_shift"]),
        )
        for entry in listed.values()
    }


def _known(language: int) -> int:
    """An unknown language reads as the default one (23.040 9.2.3.24.15)."""
    return language if language in _languages() else 0


@cache
def _decoding(locking: int, single: int) -> tuple[str, str]:
    """What each octet means, alone and after ESC."""
    base = _languages()[locking][0]
    alone = "".join(base.get(code, "?") for code in range(256))
    extension = _languages()[single][1]
    # 23.038 6.2.1.1: a code without an extension character shows the base table's.
    return alone, "".join(extension.get(code, alone[code]) for code in range(256))


@cache
def _encoding(locking: int, single: int) -> dict[int, bytes]:
    """The shortest code of each character."""
    codes: dict[int, bytes] = {}
    for prefix, table in ((b"", _languages()[locking][0]), (b"\x1b", _languages()[single][1])):
        for code, character in table.items():
            if code != ESC:
                codes.setdefault(ord(character), prefix + bytes((code,)))
    return codes


def decode_gsm(octets: bytes, locking: int = 0, single: int = 0) -> str:
    """Unpacked GSM 03.38 as text, by these languages' locking and single shift tables.

    An octet above 0x7F is no septet and reads as ``?``; an ESC at the end as a space.
    """
    alone, escaped = _decoding(_known(locking), _known(single))
    pieces: list[str] = []
    start = 0
    while (at := octets.find(ESC, start)) >= 0:
        pieces.append(codecs.charmap_decode(octets[start:at], "strict", alone)[0])
        code = octets[at + 1 : at + 2]
        pieces.append(escaped[code[0]] if code else " ")
        start = at + 2
    pieces.append(codecs.charmap_decode(octets[start:], "strict", alone)[0])
    return "".join(pieces)


def encode_gsm(text: str, locking: int = 0, single: int = 0, *, replace: bool = False) -> bytes:
    """Text as unpacked GSM 03.38; a character of the extension table takes two octets.

    Raises ValueError for a character the tables lack, or writes ``?`` where ``replace`` is set.
    """
    codes = _encoding(_known(locking), _known(single))
    try:
        return codecs.charmap_encode(text, "replace" if replace else "strict", codes)[0]
    except UnicodeEncodeError:
        # The original error carries the text.
        raise ValueError("the text has characters outside the GSM alphabet") from None


def septets(text: str, locking: int = 0, single: int = 0) -> int:
    """How many septets the text takes, without any header. ValueError as ``encode_gsm``."""
    return len(encode_gsm(text, locking, single))


#: What fills seven bits that are left over at the end: 0 would read as "@" (23.038 6.1.2.3.1).
_FILLER = b"\r"


def pack(octets: bytes, header: int = 0) -> bytes:
    """Unpacked septets as a radio network packs them, behind a header of so many octets.

    The text begins on a septet boundary counted from the header's start (23.040 9.2.3.24).
    """
    fill = -header * 8 % 7
    beyond = (fill + len(octets) * 7) % 8
    if beyond == 1 or (not beyond and octets.endswith(_FILLER)):  # else that one is none of it
        octets += _FILLER
    bits = 0
    for septet in reversed(octets):
        bits = bits << 7 | septet & 0x7F
    return (bits << fill).to_bytes((fill + len(octets) * 7 + 7) // 8, "little")


def unpack(octets: bytes, header: int = 0) -> bytes:
    """The septets of a packed text, one per octet; a filler at its end is not one of them."""
    fill = -header * 8 % 7
    bits = int.from_bytes(octets, "little") >> fill
    count, rest = divmod(max(len(octets) * 8 - fill, 0), 7)
    septets = bytes(bits >> 7 * at & 0x7F for at in range(count))
    return septets.removesuffix(_FILLER) if not rest else septets


# -- any charset ------------------------------------------------------------------------------

#: An information element of a user data header: its identifier and its data.
Element = tuple[int, bytes]


def readable(charset: Charset) -> bool:
    """Whether the octets are characters that can be told."""
    return charset not in _OPAQUE


def decode(octets: bytes, charset: Charset, errors: str = "replace") -> str:
    """Octets as text for a person; what can't be read is replaced, or an error (``strict``).

    Raises ValueError for that, and for a charset whose octets are no characters.
    """
    if charset is _GSM:
        return decode_gsm(octets)
    if charset is Charset.PACKED:
        return decode_gsm(unpack(octets))
    if charset in _OPAQUE:
        raise ValueError(f"{charset.name} octets are no text")
    try:
        return octets.decode(charset.value, errors)
    except UnicodeDecodeError:  # it carries the octets
        raise ValueError(f"these octets are not {charset.name}") from None


def encode(text: str, charset: Charset) -> bytes:
    """Text as octets; ValueError where the charset lacks a character or has none at all."""
    if charset is _GSM:
        return encode_gsm(text)
    if charset is Charset.PACKED:
        return pack(encode_gsm(text))
    if charset in _OPAQUE:
        raise ValueError(f"{charset.name} octets are no text")
    try:
        return text.encode(charset.value)
    except UnicodeEncodeError:
        raise ValueError(f"the text has characters outside {charset.name}") from None


def worded(
    octets: bytes, charset: Charset, elements: Iterable[Element], errors: str = "replace"
) -> str:
    """``decode`` by the shift tables that the header's elements name."""
    if charset is not _GSM:
        return decode(octets, charset, errors)
    shifts = {element: data[0] for element, data in elements if len(data) == 1}
    return decode_gsm(octets, shifts.get(LOCKING_SHIFT, 0), shifts.get(SINGLE_SHIFT, 0))


def read(message_text: bytes, data_coding: int, udhi: bool) -> str | None:
    """What a message says, header set aside and its shift tables applied; None if it is no text."""
    charset = CHARSETS[data_coding]
    if charset in _OPAQUE:
        return None
    if not udhi:
        return decode(message_text, charset)
    try:
        elements, octets = parse_udh(message_text)
    except ValueError:
        return None
    return worded(octets, charset, elements)


#: A 0x00 ("@") ends the text for many a C program; above 0x7F there are no septets.
_VISIBLE = b"?" + bytes(range(1, 128)) + b"?" * 128
_PREVIEWED = frozenset({Charset.GSM, Charset.IA5, Charset.LATIN1})


def preview(message_text: bytes, data_coding: int, udhi: bool) -> bytes:
    """The first 20 characters in GSM octets without 0x00, for the text field of a receipt.

    Empty for what the GSM alphabet can't show: binary, UCS-2, other alphabets.
    """
    charset = CHARSETS[data_coding]
    if charset is _GSM:
        elements: tuple[Element, ...] = ()
        octets = message_text
        if udhi:
            try:
                elements, octets = parse_udh(message_text)
            except ValueError:
                return b""
        head = octets[:PREVIEW_CHARACTERS]
        if ESC not in head and not [name for name, _ in elements if name in SHIFTS]:
            return head.translate(_VISIBLE)
    elif charset not in _PREVIEWED:
        return b""
    text = read(message_text, data_coding, udhi) or ""
    return encode_gsm(text[:PREVIEW_CHARACTERS], replace=True).translate(_VISIBLE)


# -- user data header -------------------------------------------------------------------------

CONCAT_8 = 0x00
PORTS_8 = 0x04
PORTS_16 = 0x05
CONCAT_16 = 0x08
SINGLE_SHIFT = 0x24
LOCKING_SHIFT = 0x25
SHIFTS = frozenset({SINGLE_SHIFT, LOCKING_SHIFT})


def parse_udh(message_text: bytes) -> tuple[tuple[Element, ...], bytes]:
    """The header's elements in order, and the text behind it.

    Elements that do not fill the header exactly are all ignored (23.040 9.2.3.24). Raises
    ValueError if the header is longer than the text, or there is none.
    """
    if not message_text or message_text[0] >= len(message_text):
        raise ValueError("the user data header is longer than the text")
    end = message_text[0] + 1
    elements: list[Element] = []
    at = 1
    while at + 2 <= end:
        after = at + 2 + message_text[at + 1]
        elements.append((message_text[at], message_text[at + 2 : after]))
        at = after
    return (tuple(elements) if at == end else ()), message_text[end:]


def build_udh(elements: Iterable[Element]) -> bytes:
    """The header of these elements, its length octet first; nothing for no elements.

    Raises ValueError where a length does not fit its octet.
    """
    octets = b"".join([bytes((element, len(data))) + data for element, data in elements])
    return bytes((len(octets),)) + octets if octets else b""


class Part(NamedTuple):
    """Which part of a longer text a message is.

    Parts belong together if source, destination, ``reference``, ``wide`` and ``total`` are equal.
    """

    reference: int
    total: int
    number: int
    #: Whether the reference has 16 bits.
    wide: bool = False

    def element(self) -> Element:
        """The information element that says this."""
        return _declared(self.reference, self.total, self.number, self.wide)


def _declared(reference: int, total: int, number: int, wide: bool) -> Element:
    if wide:
        return CONCAT_16, bytes((reference >> 8, reference & 0xFF, total, number))
    return CONCAT_8, bytes((reference, total, number))


def _part(reference: int, total: int, number: int, wide: bool) -> Part | None:
    return Part(reference, total, number, wide) if 1 <= number <= total else None


def concat(elements: Iterable[Element]) -> Part | None:
    """The part that a header declares, or None. The last sound declaration counts (23.040).

    Part 0, a part beyond the total and a wrong length are no declaration.
    """
    found = None
    for element, data in elements:
        if element == CONCAT_8 and len(data) == 3:
            found = _part(data[0], data[1], data[2], False) or found
        elif element == CONCAT_16 and len(data) == 4:
            found = _part(data[0] << 8 | data[1], data[2], data[3], True) or found
    return found


#: They say something only together (3.4 5.3.2.22 to 5.3.2.24).
SAR_TAGS = (int(Tag.SAR_MSG_REF_NUM), int(Tag.SAR_TOTAL_SEGMENTS), int(Tag.SAR_SEGMENT_SEQNUM))


def sar(pdu: Pdu) -> Part | None:
    """The part that the three SAR TLVs declare; None unless all are there and sound.

    They do not count where the message has a user data header.
    """
    values = []
    for tag in SAR_TAGS:
        value = pdu.tlv(tag)
        if value is None:
            return None
        values.append(int.from_bytes(value, "big"))
    reference, total, number = values
    return _part(reference, total, number, wide=True)


# -- split and join ---------------------------------------------------------------------------


def capacity(charset: Charset, udh_octets: int) -> int:
    """Octets of text that fit one short message beside a header of this size, length included."""
    room = max(OCTETS_PER_SM - udh_octets, 0)
    if charset is _GSM:
        return room * 8 // 7
    return room // 2 * 2 if charset is _UCS2 else room


def on_air(octets: bytes, charset: Charset, elements: Iterable[Element]) -> tuple[Charset, bytes]:
    """How a radio network carries a text: it knows GSM, UCS-2, and octets that it does not read."""
    if charset is _GSM or charset is _UCS2 or charset in _OPAQUE:
        return charset, octets
    words = worded(octets, charset, elements)
    try:
        return _GSM, encode_gsm(words)
    except ValueError:
        return _UCS2, words.encode(_UCS2.value, "replace")


#: Per data_coding the octets, header included, that one short message carries for certain: half of
#: them where it is UCS-2 on air and was not here.
SURELY_ONE = bytes(
    OCTETS_PER_SM if charset is _GSM or charset is _UCS2 or charset in _OPAQUE
    else OCTETS_PER_SM // 2
    for charset in CHARSETS
)  # fmt: skip


def segments(message_text: bytes, data_coding: int, udhi: bool) -> int:
    """Short messages that a handset needs to get this text."""
    if len(message_text) <= SURELY_ONE[data_coding]:
        return 1
    charset = CHARSETS[data_coding]
    try:
        elements, text = parse_udh(message_text) if udhi else ((), message_text)
    except ValueError:
        elements, text = (), message_text
    if concat(elements) is not None:
        return 1
    charset, text = on_air(text, charset, elements)
    if len(text) <= capacity(charset, len(build_udh(elements))):
        return 1
    room = capacity(charset, len(build_udh([Part(0, 1, 1).element(), *elements])))
    return len(_pieces(text, max(room, _SMALLEST_ROOM), charset))


def _splits_pair(octets: bytes, start: int, end: int, charset: Charset) -> bool:
    """Whether a cut at ``end`` parts an ESC from its code or the halves of a surrogate pair."""
    if charset is _GSM:
        if octets[end - 1] != ESC:
            return False
        head = octets[start:end]
        # ESC ESC is itself a pair, so only an odd run leaves one waiting for its code.
        return (len(head) - len(head.rstrip(b"\x1b"))) % 2 == 1
    if charset is _UCS2:
        return octets[end - 2] & 0xFC == 0xD8 and octets[end] & 0xFC == 0xDC
    return False


def _pieces(octets: bytes, room: int, charset: Charset) -> list[bytes]:
    pieces: list[bytes] = []
    start, size = 0, len(octets)
    while start < size:
        end = min(start + room, size)
        if end < size and _splits_pair(octets, start, end, charset):
            end -= 2 if charset is _UCS2 else 1
        pieces.append(octets[start:end])
        start = end
    return pieces


_OCTETS = [bytes((value,)) for value in range(256)]

#: A pair must fit, or no cut is possible.
_SMALLEST_ROOM = 4


def split(
    octets: bytes,
    charset: Charset,
    reference: int,
    wide: bool = False,
    elements: Sequence[Element] = (),
) -> list[bytes]:
    """The text as short messages, header and text; one without a concat element if it fits.

    ``elements`` (ports, shift tables) go into every part. Raises ValueError if the text needs
    more than 255 parts, or the header leaves no room.
    """
    header = build_udh(elements)
    if len(octets) <= capacity(charset, len(header)):
        return [header + octets]
    longer = (len(header) or 1) + (6 if wide else 5)
    room = capacity(charset, longer)
    if room < _SMALLEST_ROOM:
        raise ValueError("the user data header leaves no room for text")
    pieces = _pieces(octets, room, charset)
    if len(pieces) > MAX_PARTS:
        raise ValueError(f"the text needs {len(pieces)} parts, {MAX_PARTS} are possible")
    # The number of the part comes last in the element, and the element first in the header.
    element, declared = _declared(reference, len(pieces), 0, wide)
    before = bytes((longer - 1, element, len(declared))) + declared[:-1]
    behind = header[1:]
    return [
        b"".join([before, _OCTETS[number], behind, piece]) for number, piece in enumerate(pieces, 1)
    ]


def join(parts: Iterable[tuple[Part, bytes]]) -> bytes | None:
    """The whole text from parts in any order, headers set aside; None while one is missing.

    The first copy of a part counts. Raises ValueError if they are of different messages.
    """
    pieces: dict[int, bytes] = {}
    messages = set()
    for part, octets in parts:
        messages.add((part.reference, part.wide, part.total))
        pieces.setdefault(part.number, octets)
    if len(messages) > 1:
        raise ValueError("parts of different messages")
    if not messages or len(pieces) < next(iter(messages))[2]:
        return None
    return b"".join(pieces[number] for number in sorted(pieces))
