"""What garbage is thrown at, and the contract it must keep.

Garbage is accepted or refused: with a command_status, a FramingError, or a ValueError where the
function's docstring says so. Any other exception is a finding. Each target takes octets, so that
one list serves the tests, the coverage-guided fuzzer and the run under AddressSanitizer.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from smsc import _pdu, message, receipt, text, times
from smsc._pdu import Decoder, Message, Pdu, Response, decode_by_table, encode
from smsc.errors import FramingError
from smsc.smpp import LAYOUTS, Command, Version

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "pdus.json").read_text())
SEEDS = [bytes.fromhex(vector["hex"]) for kind in ("good", "bad") for vector in VECTORS[kind]]

#: Which extensions these are.
BUILD = _pdu.__file__

NOW = 1_767_225_600_000
#: No session lets a peer make it hold more than this.
MAX_PDU = 4_096

_COMMANDS = sorted(LAYOUTS)


def framing(data: bytes) -> None:
    """A stream in reads of the sizes that its first octets say; nothing is held beyond a PDU."""
    decoder = Decoder(MAX_PDU)
    sizes, stream = data[:8] or b"\1", data[8:]
    place = turn = 0
    while place < len(stream):
        size = sizes[turn % len(sizes)] + 1
        try:
            for pdu in decoder.feed(stream[place : place + size]):
                body(pdu)
        except FramingError:
            return
        assert decoder.buffered <= MAX_PDU
        place, turn = place + size, turn + 1


def pdu(data: bytes) -> None:
    """The body of a command that the first octet picks."""
    if not data:
        return
    command = _COMMANDS[data[0] % len(_COMMANDS)]
    octets = (len(data) + 15).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(7) + b"\1"
    for framed in Decoder().feed(octets + data[1:]):
        body(framed)


def body(read: Pdu) -> None:
    """Decode, judge, write again: what was understood is written as it was read."""
    status = read.decode()
    if status or read.command_id not in LAYOUTS:
        assert not read.fields and not read.tlvs
        return
    assert decode_by_table(read.raw) == (0, read.fields, read.tlvs)
    layout = LAYOUTS[Command(read.command_id)]
    if read.fields and layout:
        head = (read.command_id, read.sequence_number, read.command_status)
        again = Decoder().feed(encode(*head, read.tlvs, **read.fields))[0]
        assert (again.decode(), again.fields, again.tlvs) == (0, read.fields, read.tlvs)
    if isinstance(read, Response):
        assert isinstance(read.message_id, bytes)
    if read.command_id in (Command.SUBMIT_SM, Command.DATA_SM):
        for version in Version:
            if message.check(read, version, NOW) == 0:
                assert message.expiry(read, NOW, 1, 10**9) >= 0 <= message.due(read, NOW)
    if isinstance(read, Message):
        texts(bytes([read.data_coding, read.esm_class]) + read.text)
        reported(read)


def receipts(data: bytes) -> None:
    """A receipt's text, and its TLVs behind the first NUL NUL."""
    told, _, area = data.partition(b"\0\0")
    octets = encode(Command.DELIVER_SM, 1, esm_class=4, short_message=told[:255])
    octets = (len(octets) + len(area)).to_bytes(4, "big") + octets[4:] + area
    for read in Decoder().feed(octets):
        if isinstance(read, Message) and not read.decode():
            reported(read)


def reported(read: Message) -> None:
    found = receipt.parse(read)
    if found is None:
        return
    assert len(found.id) <= 65 and 0 <= found.state <= 255
    for base in ("verbatim", "hex", "decimal", "any"):
        assert isinstance(receipt.IdRule(base, base).of_receipt(found.id), bytes)  # type: ignore[arg-type]


def texts(data: bytes) -> None:
    """A text in any alphabet, with and without a header."""
    if len(data) < 2:
        return
    coding, udhi, octets = data[0], bool(data[1] & 0x40), data[2:]
    shown = text.read(octets, coding, udhi)
    assert shown is None or isinstance(shown, str)
    preview = text.preview(octets, coding, udhi)
    assert len(preview) <= 40 and 0 not in preview
    udh(octets)


def udh(data: bytes) -> None:
    """A user data header; and the text cut and joined again."""
    try:
        elements, rest = text.parse_udh(data)
    except ValueError:
        return
    assert data.endswith(rest)
    part = text.concat(elements)
    assert part is None or 1 <= part.number <= part.total <= 255
    if elements:
        assert text.build_udh(elements) + rest == data
    charset = (text.Charset.GSM, text.Charset.BINARY, text.Charset.UCS2)[len(rest) % 3]
    if charset is text.Charset.UCS2:
        rest = rest[: len(rest) // 2 * 2]
    cuts = text.split(rest, charset, 7)
    if len(cuts) > 1:
        parts = [(text.concat(found), piece) for found, piece in map(text.parse_udh, cuts)]
        assert text.join([(found, piece) for found, piece in parts if found]) == rest


def moments(data: bytes) -> None:
    """A time of 16 characters, or nonsense."""
    try:
        moment = times.parse(data, NOW)
    except ValueError:
        return
    assert moment is None or isinstance(moment, int)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "framing": framing,
    "pdu": pdu,
    "receipts": receipts,
    "texts": texts,
    "udh": udh,
    "moments": moments,
}

RECEIPT = (
    b"id:1a2b sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 stat:DELIVRD err:000"
    b" text:Hello"
)


def seeds(name: str) -> list[bytes]:
    """Where to begin with a target."""
    if name == "framing":
        return [bytes([7, 1, 30]) + bytes(5) + octets for octets in SEEDS]
    if name == "pdu":
        commands = {command: place for place, command in enumerate(_COMMANDS)}
        found = []
        for octets in SEEDS:
            command = int.from_bytes(octets[4:8], "big")
            if command in commands:
                found.append(bytes([commands[Command(command)]]) + octets[16:])
        return found
    if name == "receipts":
        return [RECEIPT, RECEIPT + b"\0\0\0\x1e\0\x021\0\x04\x27\0\1\2"]
    if name == "moments":
        return [b"300131120000004+", b"000001000000000R", b""]
    udhs = [b"\5\0\3\xa7\2\1Part", b"\6\x08\4\x12\xa7\3\2x", b"\x03\x25\1\1Hi", b"\0" + b"x" * 400]
    return udhs if name == "udh" else [bytes([c, 0x40]) + u for u in udhs for c in (0, 8, 0xF5)]


# -- garbage by rule ---------------------------------------------------------------------------


def truncations(octets: bytes) -> Iterator[bytes]:
    """Cut at every octet."""
    return (octets[:length] for length in range(len(octets)))


def pokes(octets: bytes) -> Iterator[bytes]:
    """Every octet set to what breaks parsers, and changed by one."""
    for place, octet in enumerate(octets):
        for value in (0x00, 0x7F, 0x80, 0xFF, (octet + 1) & 0xFF, (octet - 1) & 0xFF):
            yield octets[:place] + bytes([value]) + octets[place + 1 :]


def mangled(octets: bytes, chance: random.Random) -> bytes:
    """A few random changes."""
    out = bytearray(octets)
    for _ in range(chance.randrange(1, 6)):
        match chance.randrange(4):
            case 0 if out:
                out[chance.randrange(len(out))] = chance.randrange(256)
            case 1 if out:
                start = chance.randrange(len(out))
                del out[start : start + chance.randrange(1, 9)]
            case 2:
                start = chance.randrange(len(out) + 1)
                out[start:start] = chance.randbytes(chance.randrange(1, 9))
            case 3 if out:
                start = chance.randrange(len(out))
                out[start:start] = out[start : start + chance.randrange(1, 40)]
    return bytes(out)
