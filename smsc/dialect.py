"""How a peer wants its messages: which alphabets, how long texts, with TLVs or without.

Inside, a message is as its client sent it, and data_coding 0 is GSM 03.38, one septet per octet.
What a carrier needs instead is made each time it is sent, by a ``Dialect`` compiled from its
configuration; a carrier that takes everything as it is has none. ``heard`` is the other way: a
peer's words as ours. Pure: what goes in and comes out is whole messages.

What is said differently is said exactly: the same characters, class and header, or ``Unsayable``.
Only an octet above 0x7F where septets should be becomes ``?`` when it is recoded.
"""

from __future__ import annotations

from collections.abc import Sequence

from smsc import message as rules
from smsc import text
from smsc._pdu import Message
from smsc._spool import key_of
from smsc.config import CarrierConfig, LongMessages
from smsc.smpp import RULES, Status, Tag, Version
from smsc.text import CHARSETS, SAR_TAGS, Charset, Element, Part

# Looking a member up by name costs more than all that is asked of it here (``text``).
_GSM = Charset.GSM
_UDHI = 0x40
_PAYLOAD, _SAR = int(Tag.MESSAGE_PAYLOAD), SAR_TAGS[0]
#: TLVs that say something of the text.
_OF_TEXT = frozenset({_PAYLOAD, *SAR_TAGS})
#: What short_message holds in any version.
_SHORT_MESSAGE = RULES[Version.V34].sm_length

#: Octets that can be cut in any charset, into parts with the longest of our headers.
_SURELY_CUT = text.MAX_PARTS * 130

#: Where message_payload is for texts of any length.
_PAYLOADS = frozenset({"pass", "payload"})

_CONCAT = frozenset({text.CONCAT_8, text.CONCAT_16})
#: TLVs of which each part of a text may have its own.
_OWN = frozenset({int(Tag.MORE_MESSAGES_TO_SEND), int(Tag.USER_MESSAGE_REFERENCE)})

#: Per data_coding, whether radio networks carry it without recoding it.
_ON_AIR = bytes([charset in (Charset.GSM, Charset.BINARY, Charset.UCS2) for charset in CHARSETS])
#: What a text may be recoded to, the shortest on its way first; where it is to be cut, only what is
#: as long on air as here comes before the rest.
_TO_SAY = (Charset.GSM, Charset.IA5, Charset.LATIN1, Charset.UCS2)
_TO_CUT = (Charset.GSM, Charset.UCS2, Charset.IA5, Charset.LATIN1)


class Unsayable(Exception):
    """A message that can't be said in this dialect; ``status`` is what to refuse it with."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class _Words:
    """What a message says, taken apart."""

    def __init__(
        self,
        data_coding: int,
        octets: bytes,
        header: bytes,
        elements: tuple[Element, ...],
        part: Part | None,
        sar: bool,
    ) -> None:
        self.data_coding = data_coding
        self.charset = CHARSETS[data_coding]
        self.octets = octets
        #: The user data header as it came, and its elements.
        self.header = header
        self.elements = elements
        #: Which part of a longer text it is, and whether TLVs say so.
        self.part = part
        self.sar = sar

    def said(self) -> str:
        """Raises Unsayable for what is no text, or not of its charset."""
        try:
            return text.worded(self.octets, self.charset, self.elements, "strict")
        except ValueError:
            raise Unsayable(Status.ESME_RINVDCS) from None

    def coded(self, data_coding: int, octets: bytes) -> _Words:
        """These octets behind the same header."""
        return _Words(data_coding, octets, self.header, self.elements, self.part, self.sar)

    def headed(self, elements: Sequence[Element], part: Part | None, sar: bool) -> _Words:
        """The same octets behind a header of these elements."""
        header = text.build_udh(elements)
        return _Words(self.data_coding, self.octets, header, tuple(elements), part, sar)

    def recoded(self, data_coding: int, octets: bytes) -> _Words:
        """In another charset, where shift tables mean nothing."""
        words = self.coded(data_coding, octets)
        kept = [element for element in self.elements if element[0] not in text.SHIFTS]
        if len(kept) == len(self.elements):
            return words
        return words.headed(kept, self.part, self.sar)

    def fits(self) -> bool:
        """Whether it is one short message on air."""
        elements = self.elements
        if self.part is not None and self.sar:
            elements = (self.part.element(), *elements)
        charset, octets = text.on_air(self.octets, self.charset, self.elements)
        return len(octets) <= text.capacity(charset, len(text.build_udh(elements)))


def _words_of(message: Message) -> _Words:
    octets = message.text
    if message.esm_class & _UDHI:
        try:
            elements, rest = text.parse_udh(octets)
        except ValueError:
            raise Unsayable(Status.ESME_RINVESMCLASS) from None
        header = octets[: len(octets) - len(rest)]
        part = text.concat(elements)
        return _Words(message.data_coding, rest, header, elements, part, False)
    part = text.sar(message)
    return _Words(message.data_coding, octets, b"", (), part, part is not None)


def heard(message: Message, alphabet: Charset) -> Message:
    """A message of a peer that means ``alphabet`` by the default one, in our words.

    What GSM 03.38 lacks is said in the same alphabet by its own data_coding, or in UCS-2. Raises
    Unsayable where the octets are not of that alphabet, or a part of a text would not fit any more.
    """
    if alphabet is Charset.GSM or CHARSETS[message.data_coding] is not Charset.GSM:
        return message
    words = _words_of(message)
    if alphabet is Charset.PACKED:
        septets = text.unpack(words.octets, len(words.header))
        heard = words.coded(words.data_coding, septets)
        return _put(message, heard, _in_payload(message))
    try:
        said = text.decode(words.octets, alphabet, "strict")
    except ValueError:
        raise Unsayable(Status.ESME_RINVDCS) from None
    for charset in (Charset.GSM, alphabet, Charset.UCS2):
        coding = message.data_coding
        if charset is not Charset.GSM:
            coding = next(iter(text.codings(coding, charset)), -1)
        octets = _encoded(said, charset)
        if coding >= 0 and octets is not None:
            words = words.recoded(coding, octets)
            if words.part is not None and not words.fits():
                raise Unsayable(Status.ESME_RINVMSGLEN)
            return _put(message, words, _in_payload(message))
    raise Unsayable(Status.ESME_RINVDCS)


def _part_words(message: Message) -> tuple[Part, _Words] | None:
    """A part of a longer text taken apart; None for any other message."""
    if not message.esm_class & _UDHI and message.tlv(_SAR) is None:
        return None
    try:
        words = _words_of(message)
    except Unsayable:
        return None
    return None if words.part is None else (words.part, words)


def is_part(message: Message) -> bool:
    """Whether a message is a part of a longer text."""
    return _part_words(message) is not None


def gathered(account: bytes, message: Message) -> int:
    """A number that all parts of a text have in common, for the choice of one carrier; else 0."""
    found = _part_words(message)
    if found is None:
        return 0
    reference = b"%d" % found[0].reference
    whole = (account, message.source_addr, message.destination_addr, reference)
    return key_of(b"parts", b"\0".join(whole))


def part_of(message: Message) -> tuple[Part, bytes] | None:
    """Which part of a longer text a message is, and all that it must share with the others.

    None for a message that is no part.
    """
    found = _part_words(message)
    if found is None:
        return None
    part, words = found
    reference, total, _number, wide = part
    numbers = (
        *(message.source_addr_ton, message.source_addr_npi, message.dest_addr_ton),
        *(message.dest_addr_npi, message.esm_class, message.protocol_id, message.data_coding),
        *(reference >> 8, reference & 0xFF, total, wide),
    )
    elements = [element for element in words.elements if element[0] not in _CONCAT]
    header = text.build_udh(elements) or b"\0"
    # No string has a NUL in it, and a header says how long it is.
    strings = (message.service_type, message.source_addr, message.destination_addr, header)
    tlvs = [tlv for tlv in _others(message) if tlv[0] not in _OWN]
    return part, b"\0".join((bytes(numbers), *strings)) + (repr(tlvs).encode() if tlvs else b"")


def joined(messages: Sequence[Message]) -> Message:
    """The one message that these are the parts of, in order; each says what is asked for all."""
    first = messages[0]
    words = [_words_of(message) for message in messages]
    octets = text.join([(word.part, word.octets) for word in words if word.part is not None])
    assert octets is not None
    elements = [element for element in words[0].elements if element[0] not in _CONCAT]
    whole = words[0].coded(words[0].data_coding, octets).headed(elements, None, False)
    asked = [message.registered_delivery for message in messages]
    wish = 1 if [one for one in asked if one & 3] else 0
    wish |= rules.NOTIFY if [one for one in asked if one & rules.NOTIFY] else 0
    priority = max([message.priority_flag for message in messages])
    as_first = wish == first.registered_delivery and priority == first.priority_flag
    if not as_first or first.tlv(Tag.MORE_MESSAGES_TO_SEND) is not None:
        tlvs = [tlv for tlv in first.tlvs if tlv[0] != Tag.MORE_MESSAGES_TO_SEND]
        first = rules.changed(first, tlvs, registered_delivery=wish, priority_flag=priority)
    return _put(first, whole, False)


def compiled(config: CarrierConfig, version: int) -> Dialect | None:
    """A carrier's dialect at this interface_version; None if it takes every message as it is.

    Where there are no TLVs texts are cut, however they were to go.
    """
    tlvs = RULES[Version(version)].tlvs
    long_messages: LongMessages = config.long_messages if tlvs else "udh"
    # On air SAR TLVs become a header with a reference of 16 bits.
    wide = config.wide_references or config.long_messages == "sar"
    alphabet, codings = config.default_alphabet, frozenset(config.data_codings)
    if (alphabet, codings, long_messages, wide, tlvs) == _AS_IT_IS:
        return None
    return Dialect(alphabet, codings, long_messages, wide, tlvs)


#: A dialect in which every message is said as it is, by what makes one.
_AS_IT_IS = (Charset.GSM, frozenset[int](), "pass", False, True)


class Dialect:
    """How to say a message to one peer."""

    def __init__(
        self,
        alphabet: Charset = Charset.GSM,
        data_codings: frozenset[int] = frozenset(),
        long_messages: LongMessages = "pass",
        wide: bool = False,
        tlvs: bool = True,
    ) -> None:
        self.alphabet = alphabet
        #: The values of data_coding that it takes; none named means all.
        self.data_codings = data_codings
        self.long_messages = long_messages
        #: Whether parts that we cut have references of 16 bits.
        self.wide = wide
        #: Whether it may be sent TLVs.
        self.tlvs = tlvs
        #: Whether TLVs say to it which part of a text a message is.
        self._has_sar = tlvs and long_messages == "sar"
        #: Whether its default alphabet has other characters than ours.
        self._recodes = alphabet not in (Charset.GSM, Charset.PACKED)
        #: Per data_coding the octets up to which a short message needs no second look.
        self._plain = bytes([self._plain_octets(coding) for coding in range(256)])

    def _plain_octets(self, data_coding: int) -> int:
        charset = CHARSETS[data_coding]
        if not self._takes(data_coding) or (
            charset is Charset.GSM and self.alphabet is not Charset.GSM
        ):
            return 0
        return text.SURELY_ONE[data_coding]

    def _is_plain(self, message: Message) -> bool:
        """Whether it is said as it came, as far as a glance can tell."""
        length, plain = message.sm_length, self._plain[message.data_coding]
        if not length or not plain or not (self.tlvs or not message.tlvs):
            return False
        if not message.esm_class & _UDHI:
            return length <= plain and message.tlv(_SAR) is None
        if self._has_sar or plain < text.OCTETS_PER_SM:
            return False
        header = message.short_message[0] + 1
        room = text.capacity(CHARSETS[message.data_coding], header)
        return header <= length <= header + room

    def say(self, message: Message) -> Message | None:
        """The message as this peer needs it; None if it must be ``cut``.

        Raises Unsayable.
        """
        if self._is_plain(message):
            return message
        came = _words_of(message)
        words = self._shaped(self._coded(came, _TO_SAY))
        changed = words is not came
        if words.part is None and self.long_messages != "pass" and not words.fits():
            if self.long_messages != "payload":
                cut = self._coded(came, _TO_CUT)
                if cut.elements or len(cut.octets) > _SURELY_CUT:
                    self._pieces(cut, 0, True)
                return None
            payload = True
        else:
            if changed and words.part is not None and not words.fits():
                raise Unsayable(Status.ESME_RINVMSGLEN)
            payload = _in_payload(message) and self.tlvs and self.long_messages in _PAYLOADS
        words = self._spoken(words)
        if words is came and payload == _in_payload(message) and (self.tlvs or not message.tlvs):
            return message
        return _put(message, words, payload, self.tlvs)

    def tell(self, pdu: bytes) -> bytes:
        """A delivery as this peer needs it; as it is where that can't be said."""
        try:
            told = self.say(Message.from_raw(pdu))
        except Unsayable:
            return pdu
        return pdu if told is None else told.raw

    def hear(self, message: Message) -> Message:
        """A message of this peer in our words; as it came where it is not of its own alphabet."""
        if self.alphabet is _GSM:
            return message
        try:
            return heard(message, self.alphabet)
        except Unsayable:
            return message

    def cut(self, message: Message, reference: int, wide: bool) -> list[Message]:
        """A text for which ``say`` gave None as its parts, in our words, each to be said itself.

        A receipt of any kind for the whole needs one of every end of every part.
        """
        words = self._coded(_words_of(message), _TO_CUT)
        asked = message.registered_delivery
        wish = (1 if asked & 3 else 0) | asked & rules.NOTIFY
        esm_class, tlvs = message.esm_class | _UDHI, _others(message)
        return [
            message.reworded(esm_class, wish, words.data_coding, piece, tlvs)
            for piece in self._pieces(words, reference, wide)
        ]

    def _pieces(self, words: _Words, reference: int, wide: bool) -> list[bytes]:
        try:
            return text.split(words.octets, words.charset, reference, wide, words.elements)
        except ValueError:
            raise Unsayable(Status.ESME_RINVMSGLEN) from None

    # -- alphabets -------------------------------------------------------------------------------

    def _takes(self, data_coding: int) -> bool:
        return not self.data_codings or data_coding in self.data_codings

    def _coded(self, words: _Words, order: Sequence[Charset]) -> _Words:
        """In a data_coding that the peer takes, still in our words."""
        charset = words.charset
        as_it_is = order is _TO_SAY or _ON_AIR[words.data_coding]
        if as_it_is and self._takes(words.data_coding) and self._has_words(words):
            return words
        if not text.readable(charset):
            order = ()
        for target in order if charset in order else (*order, charset):
            for coding in filter(self._takes, text.codings(words.data_coding, target)):
                if target is charset:
                    found: _Words | None = words.coded(coding, words.octets)
                else:
                    found = self._recoded(words, coding)
                if found is not None and self._has_words(found):
                    return found
        raise Unsayable(Status.ESME_RINVDCS)

    def _recoded(self, words: _Words, coding: int) -> _Words | None:
        octets = _encoded(words.said(), CHARSETS[coding])
        return None if octets is None else words.recoded(coding, octets)

    def _has_words(self, words: _Words) -> bool:
        """Whether the peer's default alphabet, if it is to be used, has all the characters."""
        if not self._recodes or words.charset is not _GSM:
            return True
        return _encoded(words.said(), self.alphabet) is not None

    def _spoken(self, words: _Words) -> _Words:
        """With the octets that the peer's default alphabet has."""
        if self.alphabet is _GSM or words.charset is not _GSM:
            return words
        if self.alphabet is Charset.PACKED:
            return words.coded(words.data_coding, text.pack(words.octets, len(words.header)))
        octets = text.encode(words.said(), self.alphabet)
        return words if octets == words.octets else words.recoded(words.data_coding, octets)

    # -- parts -----------------------------------------------------------------------------------

    def _shaped(self, words: _Words) -> _Words:
        """A part of a longer text as the peer tells parts: by a header, or by TLVs."""
        part = words.part
        if part is None:
            return words
        if words.sar and (self.long_messages == "udh" or not self.tlvs):
            if not self.wide:
                # The low octet of a counter is a counter; all parts come to the same.
                part = part._replace(reference=part.reference & 0xFF, wide=False)
            return words.headed([part.element(), *words.elements], part, False)
        others = [element for element in words.elements if element[0] not in _CONCAT]
        if self._has_sar and not words.sar and not others:
            return words.headed(others, part, True)
        return words


def _encoded(said: str, charset: Charset) -> bytes | None:
    try:
        return text.encode(said, charset)
    except ValueError:
        return None


def _in_payload(message: Message) -> bool:
    return not message.sm_length and message.tlv(_PAYLOAD) is not None


def _put(message: Message, words: _Words, payload: bool, tlvs: bool = True) -> Message:
    """The message with these words; text too long for short_message goes into the payload."""
    octets = words.header + words.octets
    payload = payload or len(octets) > _SHORT_MESSAGE
    kept = _others(message) if tlvs else []
    if words.part is not None and words.sar:
        kept += zip(SAR_TAGS, _sar_values(words.part), strict=True)
    if payload:
        if not tlvs:
            raise Unsayable(Status.ESME_RINVMSGLEN)
        kept.append((_PAYLOAD, octets))
    return message.reworded(
        message.esm_class & ~_UDHI | (_UDHI if words.header else 0),
        message.registered_delivery,
        words.data_coding,
        b"" if payload else octets,
        kept,
    )


def _others(message: Message) -> list[tuple[int, bytes]]:
    """The TLVs that say nothing of the text."""
    return [tlv for tlv in message.tlvs if tlv[0] not in _OF_TEXT]


def _sar_values(part: Part) -> tuple[bytes, bytes, bytes]:
    return part.reference.to_bytes(2, "big"), bytes((part.total,)), bytes((part.number,))
