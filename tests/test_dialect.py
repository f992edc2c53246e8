"""What each carrier is told: alphabets, data_codings, headers, TLVs; and how peers are heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsc import text
from smsc._pdu import Message, encode
from smsc.dialect import Dialect, Unsayable, heard
from smsc.smpp import Command, Status, Tag
from smsc.text import Charset, Part
from tests.keeper import BASE, Client, Keeper, Relay, deliver_sm, submit_sm

Tlvs = list[tuple[int, bytes]]


def submit(octets: bytes = b"Hello", tlvs: Tlvs | None = None, **fields: Any) -> Message:
    values = {
        "source_addr": b"447700900001",
        "destination_addr": b"447700900123",
        "short_message": octets,
    } | fields
    return Message.from_raw(encode(Command.SUBMIT_SM, 1, 0, tlvs or [], **values))


def payload(octets: bytes, **fields: Any) -> Message:
    return submit(b"", [(Tag.MESSAGE_PAYLOAD, octets)], **fields)


def sar(reference: int, total: int, number: int) -> Tlvs:
    return [
        (Tag.SAR_MSG_REF_NUM, reference.to_bytes(2, "big")),
        (Tag.SAR_TOTAL_SEGMENTS, bytes([total])),
        (Tag.SAR_SEGMENT_SEQNUM, bytes([number])),
    ]


def said(dialect: Dialect, message: Message) -> tuple[int, bytes]:
    out = dialect.say(message)
    assert out is not None
    return out.data_coding, out.text


def ucs2(words: str) -> bytes:
    return words.encode("utf-16-be")


# -- default alphabets ------------------------------------------------------------------------

WORDS = "Grüße @_ é"


@pytest.mark.parametrize(
    ("alphabet", "octets"),
    [
        (Charset.LATIN1, WORDS.encode("latin-1")),
        (Charset.UTF8, WORDS.encode()),
        (Charset.PACKED, text.pack(text.encode_gsm(WORDS))),
    ],
)
@pytest.mark.parametrize("data_coding", [0x00, 0x10, 0xF1, 0xC8])
def test_data_coding_0_means_what_the_peer_means(
    alphabet: Charset, octets: bytes, data_coding: int
) -> None:
    ours = submit(text.encode_gsm(WORDS), data_coding=data_coding)
    assert said(Dialect(alphabet), ours) == (data_coding, octets)
    back = heard(submit(octets, data_coding=data_coding), alphabet)
    assert back.raw == ours.raw


@pytest.mark.parametrize("alphabet", list(text.ALPHABETS.values()))
def test_other_data_codings_mean_the_same_to_everybody(alphabet: Charset) -> None:
    for data_coding, octets in ((3, b"\xe9"), (8, b"\x04\x16"), (4, b"\x00\xff"), (1, b"_")):
        message = submit(octets, data_coding=data_coding)
        assert Dialect(alphabet).say(message) is message
        assert heard(message, alphabet) is message


@pytest.mark.parametrize(
    ("alphabet", "octets", "data_coding", "coded", "ours"),
    [
        # Not in GSM 03.38: the same alphabet by its own data_coding, or UCS-2.
        (Charset.LATIN1, "ô".encode("latin-1"), 0x00, 0x03, b"\xf4"),
        (Charset.LATIN1, "ô".encode("latin-1"), 0xF0, 0x18, ucs2("ô")),
        (Charset.IA5, b"`", 0x00, 0x01, b"`"),
        (Charset.UTF8, "Ж😀".encode(), 0x00, 0x08, ucs2("Ж😀")),
        (Charset.UTF8, "Ж".encode(), 0xD8, 0xE8, ucs2("Ж")),
    ],
)
def test_what_gsm_lacks_is_heard_in_another_charset(
    alphabet: Charset, octets: bytes, data_coding: int, coded: int, ours: bytes
) -> None:
    message = heard(submit(octets, data_coding=data_coding), alphabet)
    assert (message.data_coding, message.text) == (coded, ours)


@pytest.mark.parametrize(
    ("alphabet", "octets", "data_coding"),
    [
        (Charset.IA5, b"\xe9", 0x00),
        (Charset.UTF8, b"\xc3", 0x00),
        # To discard the text and show a waiting message can't be said of UCS-2.
        (Charset.UTF8, "Ж".encode(), 0xC8),
    ],
)
def test_octets_of_no_such_alphabet_are_refused(
    alphabet: Charset, octets: bytes, data_coding: int
) -> None:
    with pytest.raises(Unsayable) as caught:
        heard(submit(octets, data_coding=data_coding), alphabet)
    assert caught.value.status == Status.ESME_RINVDCS
    assert caught.value.__cause__ is None


def test_a_part_that_grows_too_long_is_refused() -> None:
    header = text.build_udh([Part(1, 2, 1).element()])
    part = submit(header + b"a" * 150 + "Ж".encode(), esm_class=0x40)
    with pytest.raises(Unsayable) as caught:
        heard(part, Charset.UTF8)
    assert caught.value.status == Status.ESME_RINVMSGLEN


def test_packed_text_begins_on_a_septet_boundary_behind_its_header() -> None:
    header = text.build_udh([Part(7, 2, 1).element()])
    ours = submit(header + b"Part", esm_class=0x40)
    packed = header + bytes.fromhex("A061391D")
    assert said(Dialect(Charset.PACKED), ours) == (0, packed)
    assert heard(submit(packed, esm_class=0x40), Charset.PACKED).text == header + b"Part"


def test_a_shift_table_is_dropped_with_the_septets_it_is_for() -> None:
    header = text.build_udh([(text.SINGLE_SHIFT, b"\x01")])
    turkish = submit(header + b"\x1b\x53\x1b\x73", esm_class=0x40)
    out = Dialect(Charset.LATIN1).say(turkish)
    assert out is not None
    assert (out.data_coding, out.esm_class, out.text) == (8, 0, ucs2("Şş"))
    assert Dialect(Charset.PACKED).say(turkish) is not None


# -- data_codings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("takes", "data_coding", "octets", "coded", "told"),
    [
        ({0, 8}, 0, b"\x00\x1b\x65", 0, b"\x00\x1b\x65"),
        ({0, 8}, 3, "é@".encode("latin-1"), 0, b"\x05\x00"),
        ({0, 8}, 3, "ô".encode("latin-1"), 8, ucs2("ô")),
        ({0, 8}, 1, b"^", 0, b"\x1b\x14"),
        ({0, 8}, 6, "Ж".encode("iso8859-5"), 8, ucs2("Ж")),
        ({0, 8}, 7, "א".encode("iso8859-8"), 8, ucs2("א")),
        ({0, 8}, 0x0E, "가".encode("euc_kr"), 8, ucs2("가")),
        ({0, 3}, 8, ucs2("é"), 0, b"\x05"),
        ({0, 3}, 8, ucs2("ô"), 3, b"\xf4"),
        ({8}, 0, b"\x1b\x65", 8, ucs2("€")),
        ({8}, 0, b"\xe9A", 8, ucs2("?A")),
        # The class and the waiting message are kept, in whichever group the peer knows.
        ({0x10, 0x18}, 0xF0, b"a", 0x10, b"a"),
        ({0xF0, 0x18}, 0x10, b"a", 0xF0, b"a"),
        ({0x18}, 0xF0, b"a", 0x18, ucs2("a")),
        ({0xF2}, 0x1A, ucs2("a"), 0xF2, b"a"),
        ({0xE9}, 0xD9, b"a", 0xE9, ucs2("a")),
        ({0x48}, 0x40, b"a", 0x48, ucs2("a")),
        ({0xF5}, 0x15, b"\x00\xff", 0xF5, b"\x00\xff"),
        ({4}, 2, b"\x00\xff", 4, b"\x00\xff"),
    ],
)
def test_only_what_the_peer_does_not_take_is_recoded(
    takes: set[int], data_coding: int, octets: bytes, coded: int, told: bytes
) -> None:
    dialect = Dialect(data_codings=frozenset(takes))
    assert said(dialect, submit(octets, data_coding=data_coding)) == (coded, told)


@pytest.mark.parametrize(
    ("takes", "data_coding", "octets"),
    [
        ({0}, 8, ucs2("Ж")),
        ({0, 8}, 4, b"\x00"),  # octets are no text
        ({0, 8}, 0xF0, b"a"),  # the class would be lost
        ({0, 8}, 5, b"\x21\x21"),
        ({0}, 8, b"\xd8\x00"),  # half a character
        ({0, 8}, 0x20, b"\x01"),  # compressed
        ({0xD8}, 0xC8, b"a"),  # store is not discard
    ],
)
def test_what_can_not_be_said_is_refused(takes: set[int], data_coding: int, octets: bytes) -> None:
    with pytest.raises(Unsayable) as caught:
        Dialect(data_codings=frozenset(takes)).say(submit(octets, data_coding=data_coding))
    assert caught.value.status == Status.ESME_RINVDCS


def test_alphabet_and_data_codings_together() -> None:
    dialect = Dialect(Charset.LATIN1, frozenset({0, 8}))
    assert said(dialect, submit(b"\x05")) == (0, b"\xe9")
    assert said(dialect, submit(b"\x10")) == (8, ucs2("Δ"))  # Latin-1 has none
    assert said(dialect, submit(b"\xe9", data_coding=3)) == (0, b"\xe9")


@given(st.text("aé€[ Ж😀", max_size=40), st.sampled_from([3, 8]))
def test_recoding_changes_no_character(words: str, data_coding: int) -> None:
    charset = text.CHARSETS[data_coding]
    try:
        octets = text.encode(words, charset)
    except ValueError:
        return
    out = Dialect(data_codings=frozenset({0, 8})).say(submit(octets, data_coding=data_coding))
    assert out is not None and text.read(out.text, out.data_coding, False) == words


# -- where the text is ------------------------------------------------------------------------


def test_recoded_text_that_is_too_long_for_short_message_goes_into_the_payload() -> None:
    out = Dialect(data_codings=frozenset({8})).say(submit(b"a" * 160))
    assert out is not None
    assert (out.sm_length, out.tlv(Tag.MESSAGE_PAYLOAD)) == (0, ucs2("a" * 160))


def test_a_peer_without_tlvs_gets_none() -> None:
    dialect = Dialect(tlvs=False)
    plain = submit()
    assert dialect.say(plain) is plain
    out = dialect.say(submit(tlvs=[(Tag.USER_MESSAGE_REFERENCE, b"\x00\x01")]))
    assert out is not None and (out.tlvs, out.text) == ((), b"Hello")
    out = dialect.say(payload(b"Hello"))
    assert out is not None and (out.tlvs, out.short_message) == ((), b"Hello")
    with pytest.raises(Unsayable) as caught:
        dialect.say(payload(b"a" * 255))
    assert caught.value.status == Status.ESME_RINVMSGLEN


@pytest.mark.parametrize("length", [160, 161, 254, 1000])
def test_a_payload_carrier_gets_long_texts_whole(length: int) -> None:
    long = submit(b"a" * length) if length <= 254 else payload(b"a" * length)
    out = Dialect(long_messages="payload").say(long)
    assert out is not None and out.text == b"a" * length
    assert (out.tlv(Tag.MESSAGE_PAYLOAD) is None) == (length == 160)


@pytest.mark.parametrize("long_messages", ["udh", "sar"])
def test_a_text_that_fits_goes_into_short_message(long_messages: Any) -> None:
    out = Dialect(long_messages=long_messages).say(payload(b"a" * 160))
    assert out is not None and (out.short_message, out.tlvs) == (b"a" * 160, ())


# -- parts that came as parts -----------------------------------------------------------------


def part_of(message: Message) -> Part | None:
    if message.esm_class & 0x40:
        return text.concat(text.parse_udh(message.text)[0])
    return text.sar(message)


@pytest.mark.parametrize(
    ("dialect", "reference", "told"),
    [
        (Dialect(long_messages="udh"), 0x07, Part(0x07, 3, 2)),
        (Dialect(long_messages="udh"), 0x1234, Part(0x34, 3, 2)),
        (Dialect(long_messages="udh", wide=True), 0x1234, Part(0x1234, 3, 2, wide=True)),
        (Dialect(tlvs=False), 0x07, Part(0x07, 3, 2)),
    ],
)
def test_sar_becomes_a_header(dialect: Dialect, reference: int, told: Part) -> None:
    kept = [(Tag.USER_MESSAGE_REFERENCE, b"\x00\x09")]
    out = dialect.say(submit(b"second", sar(reference, 3, 2) + kept))
    assert out is not None and out.esm_class == 0x40 and part_of(out) == told
    assert out.text.endswith(b"second")
    assert list(out.tlvs) == (kept if dialect.tlvs else [])


def test_a_header_becomes_sar_unless_it_says_more() -> None:
    dialect = Dialect(long_messages="sar", wide=True)
    header = text.build_udh([Part(7, 3, 2).element()])
    out = dialect.say(submit(header + b"second", esm_class=0x41))
    assert out is not None and (out.esm_class, out.text) == (0x01, b"second")
    assert part_of(out) == Part(7, 3, 2, wide=True)
    ports = text.build_udh([Part(7, 3, 2).element(), (text.PORTS_16, b"\x0b\x84\x23\xf0")])
    message = submit(ports + b"second", esm_class=0x40, data_coding=4)
    assert dialect.say(message) is message


@pytest.mark.parametrize("long_messages", ["pass", "payload"])
def test_parts_pass_as_they_came_elsewhere(long_messages: Any) -> None:
    dialect = Dialect(long_messages=long_messages)
    header = text.build_udh([Part(7, 3, 2).element()])
    for message in (
        submit(b"a" * 200, sar(1, 2, 1)),
        submit(header + b"a" * 200, esm_class=0x40),
        submit(b"half of it", sar(1, 2, 1)[:2]),
    ):
        assert dialect.say(message) is message


def outcome(dialect: Dialect, message: Message) -> object:
    try:
        out = dialect.say(message)
    except Unsayable as error:
        return error.status
    return out and (out.esm_class, out.data_coding, out.text)


@pytest.mark.parametrize("long_messages", ["udh", "pass"])
@pytest.mark.parametrize("tlvs", [True, False])
@pytest.mark.parametrize("data_coding", [0, 3, 4, 8])
@pytest.mark.parametrize("elements", [[(text.CONCAT_8, b"\7\3\2")], [(text.PORTS_8, b"\1\2")]])
def test_what_a_glance_settles_is_what_a_second_look_says(
    long_messages: Any, tlvs: bool, data_coding: int, elements: list[text.Element]
) -> None:
    dialect = Dialect(long_messages=long_messages, tlvs=tlvs)
    header = text.build_udh(elements)
    sound = [header + b"a" * octets for octets in (0, 1, 133, 134, 135, 152, 153, 154, 155)]
    for octets in (*sound, b"\0", b"\0a", b"\1ab", b"\2a", b"\xffa"):
        short = submit(octets, esm_class=0x40, data_coding=data_coding)
        # In a message_payload, nothing is settled at a glance.
        long = payload(octets, esm_class=0x40, data_coding=data_coding)
        assert outcome(dialect, short) == outcome(dialect, long)


def test_a_part_that_would_not_fit_any_more_is_refused() -> None:
    with pytest.raises(Unsayable) as caught:
        Dialect(long_messages="udh").say(submit(b"a" * 154, sar(1, 2, 1)))
    assert caught.value.status == Status.ESME_RINVMSGLEN


# -- cutting ----------------------------------------------------------------------------------


def cut(dialect: Dialect, message: Message, reference: int = 5) -> list[Message]:
    assert dialect.say(message) is None
    parts = dialect.cut(message, reference, wide=dialect.wide)
    told = [dialect.say(part) for part in parts]
    return [part for part in told if part is not None]


def joined(parts: list[Message]) -> str:
    def pieces() -> Iterator[str]:
        for message in parts:
            words = text.read(message.text, message.data_coding, bool(message.esm_class & 0x40))
            assert words is not None
            yield words

    return "".join(pieces())


@pytest.mark.parametrize(
    ("message", "dialect", "sizes"),
    [
        (submit(b"a" * 161), Dialect(long_messages="udh"), [153, 8]),
        (submit(b"a" * 161), Dialect(long_messages="udh", wide=True), [152, 9]),
        (payload(b"a" * 460), Dialect(long_messages="udh"), [153, 153, 153, 1]),
        (payload(b"\x00\xff" * 150, data_coding=4), Dialect(long_messages="udh"), [134, 134, 32]),
        (payload(ucs2("Ж" * 140), data_coding=8), Dialect(long_messages="udh"), [134, 134, 12]),
        # Never between the halves of a character.
        (payload(b"a" * 152 + b"\x1b\x65" * 5), Dialect(long_messages="udh"), [152, 10]),
        (
            payload(ucs2("a" * 66 + "😀" * 3), data_coding=8),
            Dialect(long_messages="udh"),
            [132, 12],
        ),
        # On air Latin-1 is GSM where it can be, or UCS-2.
        (payload(b"\xe9" * 200, data_coding=3), Dialect(long_messages="udh"), [153, 47]),
        (payload(b"\xf4" * 71, data_coding=3), Dialect(long_messages="udh"), [134, 8]),
    ],
)
def test_a_long_text_is_cut(message: Message, dialect: Dialect, sizes: list[int]) -> None:
    parts = cut(dialect, message)
    header = 7 if dialect.wide else 6
    assert [len(part.text) - header for part in parts] == sizes
    assert all(part.esm_class & 0x40 and not part.tlvs for part in parts)
    total = len(sizes)
    assert [part_of(part) for part in parts] == [
        Part(5, total, number, dialect.wide) for number in range(1, total + 1)
    ]
    if message.data_coding != 4:
        assert joined(parts) == text.read(message.text, message.data_coding, False)


def test_parts_with_sar_tlvs() -> None:
    kept = [(Tag.USER_MESSAGE_REFERENCE, b"\x00\x09")]
    message = submit(b"a" * 200, kept)
    parts = cut(Dialect(long_messages="sar", wide=True), message, 0x1234)
    assert [part.text for part in parts] == [b"a" * 152, b"a" * 48]
    assert [part_of(part) for part in parts] == [
        Part(0x1234, 2, 1, wide=True),
        Part(0x1234, 2, 2, wide=True),
    ]
    assert all(part.esm_class == 0 and list(part.tlvs)[0] == kept[0] for part in parts)


def test_every_part_keeps_ports_and_shift_tables() -> None:
    shift = (text.SINGLE_SHIFT, b"\x01")
    message = payload(text.build_udh([shift]) + b"a" * 200, esm_class=0x40)
    for dialect in (Dialect(long_messages="udh"), Dialect(long_messages="sar", wide=True)):
        parts = cut(dialect, message)
        assert [shift in text.parse_udh(part.text)[0] for part in parts] == [True, True]
        assert joined(parts) == "a" * 200


def test_parts_are_cut_in_what_the_carrier_takes_and_told_in_its_alphabet() -> None:
    dialect = Dialect(Charset.LATIN1, frozenset({0, 8}), "udh")
    parts = cut(dialect, payload(b"\x05" * 200))
    assert [part.text[6:] for part in parts] == [b"\xe9" * 153, b"\xe9" * 47]
    parts = cut(dialect, payload(b"\x10" * 100))  # Δ
    assert {part.data_coding for part in parts} == {8}
    assert [len(part.text) - 6 for part in parts] == [134, 66]


@pytest.mark.parametrize(("asked", "of_parts"), [(0, 0), (1, 1), (2, 1), (3, 1), (0x11, 0x11)])
def test_each_end_of_each_part_is_asked_for_where_any_is(asked: int, of_parts: int) -> None:
    parts = cut(Dialect(long_messages="udh"), submit(b"a" * 161, registered_delivery=asked))
    assert {part.registered_delivery for part in parts} == {of_parts}


def test_255_parts_are_cut_and_256_refused() -> None:
    dialect = Dialect(long_messages="udh")
    assert len(cut(dialect, payload(b"a" * 152 * 255))) == 254
    with pytest.raises(Unsayable) as caught:
        dialect.say(payload(b"a" * (152 * 255 + 1)))
    assert caught.value.status == Status.ESME_RINVMSGLEN


@given(st.text("aé€[Ж😀", max_size=400), st.sampled_from(["udh", "sar"]))
def test_cutting_loses_no_character(words: str, long_messages: Any) -> None:
    dialect = Dialect(long_messages=long_messages, wide=long_messages == "sar")
    try:
        message = payload(text.encode_gsm(words))
    except ValueError:
        message = payload(ucs2(words), data_coding=8)
    out = dialect.say(message)
    parts = cut(dialect, message) if out is None else [out]
    assert joined(parts) == words
    assert all(len(part.text) <= 160 for part in parts)


DIALECTS = st.builds(
    Dialect,
    st.sampled_from(list(text.ALPHABETS.values())),
    st.sampled_from([frozenset(), frozenset({0, 8}), frozenset({3}), frozenset({0xF0, 4})]),
    st.sampled_from(["pass", "udh", "sar", "payload"]),
    st.booleans(),
    st.booleans(),
)
OCTETS = st.binary(max_size=400) | st.binary(max_size=12).map(lambda octets: octets * 40)


@given(DIALECTS, OCTETS, st.integers(0, 255), st.booleans(), st.none() | st.integers(1, 255))
@settings(deadline=None, max_examples=500)
def test_any_message_is_said_cut_or_refused(
    dialect: Dialect, octets: bytes, data_coding: int, udhi: bool, number: int | None
) -> None:
    tlvs = sar(0x1234, 255, number) if number else []
    if len(octets) > 254:
        tlvs.append((Tag.MESSAGE_PAYLOAD, octets))
        octets = b""
    fields = {"data_coding": data_coding, "esm_class": 0x40 if udhi else 0}
    message = submit(octets, tlvs, **fields)
    try:
        out = dialect.say(message)
        told = [out] if out else [dialect.say(p) for p in dialect.cut(message, 9, wide=True)]
    except Unsayable as error:
        assert error.status in REFUSALS
        return
    for each in told:
        assert each is not None, "a part was not to be cut again"
        assert dialect.tlvs or not each.tlvs
        assert not dialect.data_codings or each.data_coding in dialect.data_codings
    assert len(told) == 1 or all(part_of(part) for part in told if part)
    assert isinstance(dialect.tell(message.raw), bytes)
    dialect.hear(message)


REFUSALS = {Status.ESME_RINVDCS, Status.ESME_RINVMSGLEN, Status.ESME_RINVESMCLASS}


# -- in the keeper ----------------------------------------------------------------------------

TEXT = BASE.replace("acme, ", "acme, default_alphabet: latin1, ").replace(
    "    in_doubt:", "    default_alphabet: utf8\n    data_codings: [0, 8]\n    in_doubt:"
)


def keepers() -> tuple[Keeper, Client, Relay]:
    keeper = Keeper(text=TEXT)
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    return keeper, client, relay


def test_a_text_is_heard_as_the_client_means_it_and_told_as_the_carrier_does() -> None:
    keeper, client, relay = keepers()
    [id] = keeper.submit(client, submit_sm(short_message="é@".encode("latin-1")))
    [(_, _, message)] = relay.sent
    assert (message.data_coding, message.text) == (0, "é@".encode())
    relay.answer(id, 1, carrier_id=b"x")
    keeper.run()
    [record] = keeper.records()
    assert (record["data_coding"], record["content"], record["parts"]) == (0, b"\x05\x00", 1)


def test_an_inbound_text_is_heard_as_the_carrier_means_it() -> None:
    keeper, client, relay = keepers()
    inbound = deliver_sm(destination_addr=b"80888", short_message="é@".encode())
    assert keeper.core.inbound(relay, [inbound]) == [0]
    keeper.run()
    [message] = client.delivered
    assert (message.data_coding, message.text) == (0, b"\x05\x00")
    # What is not of its alphabet is not lost: it is brought as it came.
    assert keeper.core.inbound(
        relay, [deliver_sm(destination_addr=b"80888", short_message=b"\xc3")]
    )
    keeper.run()
    assert client.delivered[-1].text == b"\xc3"


def test_what_a_carrier_can_not_be_told_is_refused_at_once() -> None:
    keeper, client, relay = keepers()
    octets = submit_sm(short_message=b"\x00\xff", data_coding=4)
    assert keeper.submit(client, octets) == [-Status.ESME_RINVDCS]
    assert not relay.sent and keeper.core.counters.refused[Status.ESME_RINVDCS] == 1


def test_what_another_carrier_can_not_be_told_fails_with_the_reason() -> None:
    keeper = Keeper(text=BASE.replace("{name: two,", "{name: two, data_codings: [0],"))
    client, one, two = Client(keeper), Relay(keeper), Relay(keeper, b"two")
    keeper.core.attach(client)
    keeper.core.carrier_up(one)
    one.window = 0
    cyrillic = submit_sm(short_message=ucs2("Ж"), data_coding=8, registered_delivery=1)
    [id] = keeper.submit(client, cyrillic)
    keeper.core.carrier_down(one, [], [])
    keeper.core.carrier_up(two)
    keeper.run(20_000)
    [record] = keeper.records()
    assert (record["id"], record["status"]) == (id, Status.ESME_RINVDCS)
    assert b"stat:REJECTD" in client.delivered[0].text
