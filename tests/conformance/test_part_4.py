"""Field semantics: times, esm_class, receipts asked for, flags, where the text is, alphabets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files

import pytest
import raw
from cases import Case, by_name, play
from loopback import Carrier, Client, Server
from raw import accepted, data, refused, sm, tlv

from smsc import text, times
from smsc._pdu import Message
from smsc.text import Charset, Part

NOW = int(datetime(2026, 11, 27, tzinfo=UTC).timestamp()) * 1000


def at(*when: int, tenths: int = 0) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1000 + tenths * 100  # type: ignore[misc,arg-type]


# -- 4.1 ---------------------------------------------------------------------------------------

READ = [
    ("ahead of UTC", b"300131120000004+", at(2030, 1, 31, 11)),
    ("behind UTC", b"300131120000020-", at(2030, 1, 31, 17)),
    ("half an hour", b"300131120000022+", at(2030, 1, 31, 6, 30)),
    ("tenths, over a month's end", b"300228235959948-", at(2030, 3, 1, 11, 59, 59, tenths=9)),
    ("leap day", b"280229000000000+", at(2028, 2, 29)),
    ("relative", b"000000010000000R", NOW + 3_600_000),
    ("relative days", b"000010000000000R", NOW + 10 * 86_400_000),
    ("relative, years and months on the calendar", b"020610233429000R", at(2029, 6, 6, 23, 34, 29)),
    ("relative, month's end kept", b"000100000000000R", at(2026, 12, 27)),
    ("relative zero", b"000000000000000R", NOW),
    ("year 75 lies ahead", b"750101000000000+", at(2075, 1, 1)),
    ("year 77 lies behind", b"770101000000000+", at(1977, 1, 1)),
]


@pytest.mark.parametrize(("octets", "moment"), [r[1:] for r in READ], ids=[r[0] for r in READ])
def test_4_1_time(octets: bytes, moment: int) -> None:
    """What moment these 16 characters are."""
    assert times.parse(octets, NOW) == moment


MALFORMED = {
    "no such day": b"300229000000000+",
    "hour 24": b"300131240000000+",
    "minute 60": b"300131126000000+",
    "second 60": b"300131120060000+",
    "month 0": b"300031120000000+",
    "month 13": b"301331120000000+",
    "day 0": b"300100120000000+",
    "49 quarters": b"300131120000049+",
    "15 characters": b"30013112000000+",
    "17 characters": b"3001311200000000+",
    "direction Z": b"300131120000000Z",
    "not digits": b"3001311200x0000+",
}
REFUSED = [
    Case(f"validity: {name}", "trx", sm(validity_period=octets), refused(4, raw.EXPIRY))
    for name, octets in MALFORMED.items()
] + [
    Case(f"schedule: {name}", "trx", sm(schedule_delivery_time=octets), refused(4, raw.SCHED))
    for name, octets in MALFORMED.items()
]


@by_name(REFUSED)
def test_4_1_malformed(server: Server, case: Case) -> None:
    play(server, case)


def test_4_1_emitted() -> None:
    """Times we emit: 16 characters, UTC."""
    assert times.format_absolute(at(2030, 1, 31, 11, 0, 0, tenths=5)) == b"300131110000500+"


def held(server: Server, name: bytes) -> tuple[int, int]:
    """(due, expiry) of a message that waits, in ms from now."""

    def look() -> tuple[int, int]:
        slab = server.app.core.state.spool.slab
        slot = slab.find(int(name, 16))
        now = server.app.clock()
        return slab.due(slot) - now, slab.expiry(slot) - now

    found: tuple[int, int] = server.call(look)
    return found


HOUR = 3_600_000


def about(span: int, wanted: int) -> bool:
    """Within a minute, for what passes between two calls."""
    return abs(span - wanted) < 60_000


def test_4_1_default_validity(server: Server, connect: Callable[[], Client]) -> None:
    """No validity: the message centre's default."""
    _, expiry = held(server, connect().bind().submit())
    assert about(expiry, 48 * HOUR)


def test_4_1_validity_is_kept(server: Server, connect: Callable[[], Client]) -> None:
    """A validity ends the message then."""
    _, expiry = held(server, connect().bind().submit(validity_period=b"000000030000000R"))
    assert about(expiry, 3 * HOUR)


@pytest.mark.by_policy("cut to the account's limit")
def test_4_1_validity_is_capped(server: Server, connect: Callable[[], Client]) -> None:
    """A validity beyond the limit."""
    client = connect().bind(system_id=b"brief")
    _, expiry = held(server, client.submit(validity_period=b"000009000000000R"))
    assert about(expiry, HOUR)


def test_4_1_qos_time_to_live_wins(server: Server, connect: Callable[[], Client]) -> None:
    """qos_time_to_live replaces validity_period."""
    client = connect().bind()
    name = client.submit(
        validity_period=b"000000090000000R", tlvs=tlv(0x0017, (7200).to_bytes(4, "big"))
    )
    assert about(held(server, name)[1], 2 * HOUR)


def test_4_1_schedule_waits(server: Server, north: Carrier, connect: Callable[[], Client]) -> None:
    """A scheduled message waits until it is due, and what was sent later passes it."""
    client = connect().bind()
    later, now = b"99914101", b"99914102"
    client.submit(destination_addr=later, schedule_delivery_time=b"000000010000000R")
    client.submit(destination_addr=now)
    north.answer(north.submitted(now))
    assert not north.has(later)


# -- 4.2 to 4.5 --------------------------------------------------------------------------------

STORES_FIRST = "what is answered with an id is stored, and delivered after that"

CLASSES = [
    *[Case(f"mode {mode} in 3.4", "trx", sm(esm_class=mode), accepted()) for mode in (0, 1, 3)],
    Case("transaction in submit_sm of 3.4", "trx", sm(esm_class=2), refused(4, raw.ESMCLASS)),
    *[
        Case(f"transaction in {name}", f"trx {version}", octets, answer, absent=STORES_FIRST)
        for name, version, octets, answer in [
            ("submit_sm of 5.0", "50", sm(esm_class=2), refused(4, raw.ESMCLASS)),
            ("data_sm of 3.4", "34", data(esm_class=2), refused(raw.DATA, raw.ESMCLASS)),
            ("data_sm of 5.0", "50", data(esm_class=2), refused(raw.DATA, raw.ESMCLASS)),
        ]
    ],
    *[Case(f"type {t:#04x} in 3.4", "trx", sm(esm_class=t), accepted()) for t in (0x08, 0x10)],
    *[
        Case(f"type {t:#04x} in 3.4", "trx", sm(esm_class=t), refused(4, raw.ESMCLASS))
        for t in (0x04, 0x0C, 0x14, 0x18, 0x1C, 0x20, 0x3C)
    ],
    *[
        Case(f"type {t:#04x} in 5.0", "trx 50", sm(esm_class=t), accepted())
        for t in (0x04, 0x08, 0x10, 0x18, 0x20)
    ],
    Case("reply path", "trx", sm(esm_class=0x80), accepted()),
    Case("UDHI with a UDH", "trx", sm(esm_class=0x40, text=b"\5\0\3\1\2\1x"), accepted()),
    Case(
        "UDHI with a UDH in message_payload", "trx",
        sm(esm_class=0x40, text=b"", tlvs=tlv(raw.PAYLOAD, b"\5\0\3\1\2\1x")), accepted(),
    ),
    Case("UDHI, UDH too long", "trx", sm(esm_class=0x40, text=b"\5\0"), refused(4, raw.ESMCLASS)),
]  # fmt: skip


@by_name(CLASSES)
def test_4_2(server: Server, case: Case) -> None:
    play(server, case)


def test_4_2_datagram(north: Carrier, connect: Callable[[], Client], account: bytes) -> None:
    """Datagram mode: no receipt is asked or sent, no schedule holds, and one attempt is all."""
    client = connect().bind(system_id=account)
    destination = b"9991420"
    name = client.submit(
        esm_class=1, registered_delivery=1, destination_addr=destination,
        schedule_delivery_time=b"000001000000000R",
    )  # fmt: skip
    octets = north.submitted(destination)
    assert Message.from_raw(octets).registered_delivery == 0
    north.answer(octets, raw.SYSERR)  # any other message would be tried again
    told = (client.ask(raw.query(name))[-2:] for _ in range(1_000))
    assert next(each for each in told if each != b"\1\0") == b"\x08\x08", "REJECTED, its status"
    assert client.settled() == [] and not north.has(destination)


REGISTERED = [
    *[
        Case(f"bits {bits:#04x}", "trx", sm(registered_delivery=bits), accepted())
        for bits in (0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x0C, 0x10)
    ],
    Case(
        "reserved bits", "trx", sm(registered_delivery=0xE1), accepted(), policy="masked off"
    ),
    Case("account without receipts", "trx 34 silent", sm(registered_delivery=2), refused(4, 7)),
    Case("account without receipts, none asked", "trx 34 silent", sm(), accepted()),
]  # fmt: skip


@by_name(REGISTERED)
def test_4_3(server: Server, case: Case) -> None:
    play(server, case)


def named(name: bytes) -> bytes:
    """A message from an alphanumeric address."""
    return sm(source_addr_ton=5, source_addr_npi=0, source_addr=name)


TONS, NPIS = range(7), (0, 1, 3, 4, 6, 8, 9, 10, 18)
SMALL = [
    *[Case(f"priority_flag {p}", "trx", sm(priority_flag=p), accepted()) for p in range(4)],
    Case("priority_flag 4", "trx", sm(priority_flag=4), refused(4, raw.PRTFLG)),
    Case("protocol_id is passed through", "trx", sm(protocol_id=0x41), accepted()),
    Case("sm_default_msg_id 0", "trx", sm(sm_default_msg_id=0), accepted()),
    *[
        Case(f"service_type {name!r}", "trx", sm(service_type=name.encode()), accepted())
        for name in ("CMT", "CPT", "VMN", "VMA", "WAP", "USSD", "GUTS")
    ],
    *[
        Case(f"source TON {ton}", "trx", sm(source_addr_ton=ton, source_addr=b"123"), accepted())
        for ton in TONS
    ],
    *[Case(f"source NPI {npi}", "trx", sm(source_addr_npi=npi), accepted()) for npi in NPIS],
    *[
        Case(f"destination TON {ton}", "trx", sm(dest_addr_ton=ton), accepted())
        for ton in TONS if ton != 5
    ],
    *[Case(f"destination NPI {npi}", "trx", sm(dest_addr_npi=npi), accepted()) for npi in NPIS],
    Case(
        "IP address", "trx", sm(source_addr_npi=14, source_addr=b"192.0.2.1"), accepted()
    ),
    Case(
        "IP address with 256", "trx", sm(source_addr_npi=14, source_addr=b"192.0.2.256"),
        refused(4, raw.SRCADR),
    ),
    Case(
        "+ before an international number", "trx", sm(destination_addr=b"+447700900123"),
        accepted(), policy="stripped",
    ),
    Case("+ within a number", "trx", sm(destination_addr=b"44+77"), refused(4, raw.DSTADR)),
    Case(
        "+ before a national number", "trx", sm(dest_addr_ton=2, destination_addr=b"+123"),
        refused(4, raw.DSTADR),
    ),
    Case("name of 11 characters", "trx", named(b"ACME & Sons"), accepted()),
    Case(
        "name of 12 characters", "trx", named(b"ACME and Son"),
        refused(4, raw.SRCADR), policy="no GSM network carries it",
    ),
    Case("NULL source", "trx", sm(source_addr_ton=0, source_addr=b""), accepted()),
    Case("address_range", "open", raw.bind(address_range=b"^4477"), raw.bound(), policy="ignored"),
    Case("more_messages_to_send", "trx", sm(tlvs=tlv(0x0426, b"\1")), accepted()),
    Case("privacy_indicator", "trx", sm(tlvs=tlv(0x0201, b"\3")), accepted()),
    Case("replace_if_present_flag 0", "trx", sm(replace_if_present_flag=0), accepted()),
]  # fmt: skip


@by_name(SMALL)
def test_4_4(server: Server, case: Case) -> None:
    play(server, case)


def test_4_4_default_sender(north: Carrier, connect: Callable[[], Client]) -> None:
    """A NULL source is replaced by the account's default."""
    destination = b"99914401"
    connect().bind(system_id=b"sender").submit(
        destination_addr=destination, source_addr_ton=0, source_addr_npi=0, source_addr=b""
    )
    taken = north.submitted(destination)
    assert b"\1\1" + raw.cstr(b"447700900099") in taken
    north.answer(taken)


def test_4_4_plus_is_stripped_for_routing(north: Carrier, connect: Callable[[], Client]) -> None:
    """A leading + plays no part in where a message goes."""
    connect().bind().submit(destination_addr=b"+99914402")
    taken = north.take(lambda octets: b"99914402\0" in octets)
    north.answer(taken)


def test_4_4_priority_is_bounded(server: Server, connect: Callable[[], Client]) -> None:
    """A priority above the account's is the account's highest."""
    name = connect().bind(system_id=b"humble").submit(priority_flag=3)

    def lane() -> int:
        slab = server.app.core.state.spool.slab
        return slab.lane(slab.find(int(name, 16)))

    assert server.call(lane) == 1


TEXTS = [
    Case("short_message", "trx", sm(text=b"hello"), accepted()),
    Case("message_payload", "trx", sm(text=b"", tlvs=tlv(raw.PAYLOAD, b"short")), accepted()),
    Case("data_sm", "trx", data(), accepted(raw.DATA)),
    Case("neither", "trx", sm(text=b""), accepted()),
    Case("empty message_payload", "trx", sm(text=b"", tlvs=tlv(raw.PAYLOAD)), accepted()),
    Case("text and empty message_payload", "trx", sm(tlvs=tlv(raw.PAYLOAD)), accepted()),
    Case("both in 3.4", "trx", sm(tlvs=tlv(raw.PAYLOAD, b"y")), refused(4, raw.TLVNOTALLWD)),
    Case("both in 5.0", "trx 50", sm(tlvs=tlv(raw.PAYLOAD, b"y")), accepted()),
    Case(
        "payload of 1000 octets", "trx",
        sm(text=b"", data_coding=4, tlvs=tlv(raw.PAYLOAD, bytes(1000))), accepted(),
    ),
]  # fmt: skip


@by_name(TEXTS)
def test_4_5(server: Server, case: Case) -> None:
    play(server, case)


# -- 4.6, 4.7 ----------------------------------------------------------------------------------

SOUND = [*range(0x0B), 0x0D, 0x0E, 0x10, 0x14, 0x18, 0xC0, 0xC8, 0xD0, 0xE0, 0xF0, 0xF5, 0xF6]
CODINGS = [
    Case(f"{coding:#04x}", "trx 50", sm(data_coding=coding, text=b"ab"), accepted())
    for coding in SOUND
] + [
    *[
        Case(f"{coding:#04x} in 5.0", "trx 50", sm(data_coding=coding), refused(4, raw.DCS))
        for coding in (0x0B, 0x0C, 0x0F)
    ],
    *[
        Case(f"{coding:#04x} in 3.4", "trx", sm(data_coding=coding), refused(4, raw.SUBMITFAIL))
        for coding in (0x0B, 0x0C, 0x0F)
    ],
    Case(
        "UCS-2 of odd length", "trx", sm(data_coding=8, text=b"abc"), refused(4, raw.MSGLEN),
        policy="the length can't be right",
    ),
    Case(
        "UCS-2 flash of odd length", "trx", sm(data_coding=0x18, text=b"a"),
        refused(4, raw.MSGLEN), policy="the length can't be right",
    ),
    Case("surrogate pair", "trx", sm(data_coding=8, text="👋".encode("utf-16-be")), accepted()),
]  # fmt: skip


@by_name(CODINGS)
def test_4_6(server: Server, case: Case) -> None:
    play(server, case)


CHARSETS = [
    (0x00, "GSM"), (0x01, "IA5"), (0x03, "LATIN1"), (0x08, "UCS2"), (0x10, "GSM"),
    (0x18, "UCS2"), (0x04, "BINARY"), (0x02, "BINARY"), (0xF0, "GSM"), (0xF5, "BINARY"),
    (0xE0, "UCS2"), (0xC0, "GSM"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("coding", "charset"), CHARSETS, ids=[f"{coding:#04x}" for coding, _ in CHARSETS]
)
def test_4_6_charset(coding: int, charset: str) -> None:
    """What alphabet a data_coding means; class bits are no alphabet."""
    assert text.CHARSETS[coding].name == charset


BASE = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~",
             0x3E: "]", 0x40: "|", 0x65: "€"}  # fmt: skip


@pytest.mark.parametrize(
    ("who", "destination", "says", "sent"),
    [
        (b"latin", b"9991461", "é@_".encode("latin-1"), b"\x05\x00\x11"),
        (b"packed", b"9991462", bytes.fromhex("e8329bfd4697d9ec37"), b"hellohello"),
    ],
    ids=["latin1", "gsm0338-packed"],
)
def test_4_6_default(
    north: Carrier,
    connect: Callable[[], Client],
    who: bytes,
    destination: bytes,
    says: bytes,
    sent: bytes,
) -> None:
    """data_coding 0 in the alphabet of the account: the carrier is sent GSM 03.38."""
    connect().bind(system_id=who).submit(destination_addr=destination, text=says)
    octets = north.submitted(destination)
    north.answer(octets)
    message = Message.from_raw(octets)
    assert (message.data_coding, message.short_message) == (0, sent)


def test_4_7_base_table() -> None:
    """GSM 03.38: all 127 characters of the default alphabet, both ways."""
    codes = bytes(code for code in range(128) if code != 0x1B)
    characters = BASE[:0x1B] + BASE[0x1C:]
    assert text.decode_gsm(codes) == characters
    assert text.encode_gsm(characters) == codes


def test_4_7_extension_table() -> None:
    """The extension table, both ways."""
    for code, character in EXTENSION.items():
        assert text.decode_gsm(bytes([0x1B, code])) == character
        assert text.encode_gsm(character) == bytes([0x1B, code])


ODD = [
    ("unknown code after ESC", b"\x1bA", "A"),
    ("ESC ESC", b"\x1b\x1bA", " A"),
    ("ESC at the end", b"A\x1b", "A "),
    ("octet of 0x80", b"\xe9", "?"),
    ("0x00 is @", b"a\0b", "a@b"),
]


@pytest.mark.parametrize(("octets", "shown"), [o[1:] for o in ODD], ids=[o[0] for o in ODD])
def test_4_7_shown(octets: bytes, shown: str) -> None:
    """What odd octets are read as; nothing is refused for them."""
    assert text.decode_gsm(octets) == shown


LANGUAGES = {
    1: "Turkish", 2: "Spanish", 3: "Portuguese", 4: "Bengali", 5: "Gujarati", 6: "Hindi",
    7: "Kannada", 8: "Malayalam", 9: "Oriya", 10: "Punjabi", 11: "Tamil", 12: "Telugu", 13: "Urdu",
}  # fmt: skip
SHIFTED = [
    (1, 0, b"\x04\x07\x0b\x40", "€ıĞİ"),
    (1, 1, b"\x1b\x47\x1b\x63", "Ğç"),
    (2, 1, b"\x1b\x09\x1b\x41\x1b\x28\x1b\x65", "çÁ{€"),
    (3, 0, b"\x04\x16\x7b\x60", "ê^ã~"),
    (3, 1, b"\x1b\x05\x1b\x7c", "êõ"),
]


@pytest.mark.parametrize("language", LANGUAGES, ids=LANGUAGES.values())
def test_4_7_language(language: int) -> None:
    """A national table: a text in it is read and written again."""
    tables = json.loads(files("smsc").joinpath("gsm_tables.json").read_text())
    assert tables
    for locking, single in ((language, 0), (0, language)):
        codes = bytes(code for code in range(128) if code != 0x1B)
        shown = text.decode_gsm(codes, locking, single)
        assert text.decode_gsm(text.encode_gsm(shown, locking, single), locking, single) == shown


@pytest.mark.parametrize(("language", "single", "octets", "shown"), SHIFTED)
def test_4_7_shift(language: int, single: int, octets: bytes, shown: str) -> None:
    """Single shift replaces the extension table, locking shift the base table."""
    tables = (0, language) if single else (language, 0)
    assert text.decode_gsm(octets, *tables) == shown


# -- 4.8 ---------------------------------------------------------------------------------------

ROOM = [
    ("none", 0, 160, 140, 70),
    ("concat-8", 6, 153, 134, 67),
    ("concat-16", 7, 152, 133, 66),
    ("one shift IE", 4, 155, 136, 68),
    ("concat-8 + one shift IE", 9, 149, 131, 65),
    ("concat-8 + both", 12, 146, 128, 64),
]


@pytest.mark.parametrize(
    ("octets", "septets", "eight", "ucs2"), [row[1:] for row in ROOM], ids=[row[0] for row in ROOM]
)
def test_4_8_capacity(octets: int, septets: int, eight: int, ucs2: int) -> None:
    """Characters in one SM beside a UDH of this length: GSM, octets, UCS-2."""
    assert text.capacity(Charset.GSM, octets) == septets
    assert text.capacity(Charset.BINARY, octets) == eight
    assert text.capacity(Charset.UCS2, octets) // 2 == ucs2


CONCAT = [
    ("concat-8", b"\5\0\3\xa7\2\1", Part(0xA7, 2, 1, False)),
    ("concat-16", b"\6\x08\4\x12\xa7\3\2", Part(0x12A7, 3, 2, True)),
    ("behind ports", b"\x0b\5\4\1\2\3\4\0\3\1\2\2", Part(1, 2, 2, False)),
    ("total 0", b"\5\0\3\1\0\1", None),
    ("part 0", b"\5\0\3\1\2\0", None),
    ("part beyond the total", b"\5\0\3\1\2\3", None),
    ("length of another kind", b"\4\0\2\1\2", None),
]


@pytest.mark.parametrize(("udh", "part"), [c[1:] for c in CONCAT], ids=[c[0] for c in CONCAT])
def test_4_8_concatenation(udh: bytes, part: Part | None) -> None:
    """What a UDH says of concatenation; nonsense says nothing."""
    elements, rest = text.parse_udh(udh + b"text")
    assert text.concat(elements) == part
    assert rest == b"text"


def test_4_8_nothing_is_torn() -> None:
    """An escape and its code, and the halves of a surrogate pair, stay in one part."""
    gsm = text.encode_gsm("a" * 152 + "€" * 10)
    assert all(not part.endswith(b"\x1b") for part in cut(gsm, Charset.GSM))
    ucs2 = ("a" * 66 + "👋" * 10).encode("utf-16-be")
    for part in cut(ucs2, Charset.UCS2):
        part.decode("utf-16-be")


def cut(octets: bytes, charset: Charset) -> list[bytes]:
    """The texts of the parts."""
    return [text.parse_udh(part)[1] for part in text.split(octets, charset, 1)]


def test_4_8_parts_of_the_client(north: Carrier, connect: Callable[[], Client]) -> None:
    """Parts that a client cut are messages of their own, with an id each, and go on as they are."""
    client = connect().bind()
    destination = b"99914801"
    parts = [b"\5\0\3\x63\2" + bytes([number]) + b"part" for number in (1, 2)]
    ids = {client.submit(destination_addr=destination, esm_class=0x40, text=part) for part in parts}
    assert len(ids) == 2
    for part in parts:
        taken = north.submitted(destination)
        assert taken.endswith(part)
        north.answer(taken)


@pytest.mark.parametrize("way", ["UDH", "SAR TLVs"])
def test_4_8_joined(west: Carrier, connect: Callable[[], Client], account: bytes, way: str) -> None:
    """Parts of a client, over two binds and out of order, are one text where it is wanted whole."""
    one, other = connect().bind(system_id=account), connect().bind(system_id=account)
    destination = b"99934810" if way == "UDH" else b"99934811"

    def part(client: Client, number: int) -> bytes:
        words = b"abc"[number - 1 : number] * 100
        common = {"destination_addr": destination, "registered_delivery": 1}
        if way == "UDH":
            header = b"\5\0\3\x2a\3" + bytes((number,))
            return client.submit(esm_class=0x40, text=header + words, **common)
        tlvs = tlv(0x020C, b"\0\x2a") + tlv(0x020E, b"\3") + tlv(0x020F, bytes((number,)))
        return client.submit(text=words, tlvs=tlvs, **common)

    names = {part(one, 3), part(other, 1), part(one, 2)}
    octets = west.submitted(destination)
    message = Message.from_raw(octets)
    assert message.esm_class == 0 and message.sm_length == 0
    assert message.tlvs == ((raw.PAYLOAD, b"a" * 100 + b"b" * 100 + b"c" * 100),)
    west.receipt(west.answer(octets))
    receipts = [Message.from_raw(octets) for octets in (*one.settled(), *other.settled())]
    assert {receipt.text.partition(b" ")[0] for receipt in receipts} == {b"id:" + n for n in names}
    assert len(receipts) == 3 and all(b"stat:DELIVRD" in receipt.text for receipt in receipts)
