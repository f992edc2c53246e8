"""Wireshark's dissector reads every PDU that our encoder makes, and reads in it what we wrote.

The corpus: what the encoder makes of the vectors, of random values for every field and TLV of every
command, and what the server sent in the conformance tests, if they ran before.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import capture
import pytest

from smsc import smpp, times
from smsc._pdu import Decoder, Pdu, encode
from smsc.smpp import Command, Field, Kind, Tag
from tests.helpers import VECTORS

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
]

#: Of each command.
EACH = 40

#: What tshark 4.0 gets wrong: such a PDU is shown to it, and this part of it is not compared.
FAULTS = {
    "broadcast_rep_num": "read as one octet, and what follows it from the wrong place",
    "ms_validity of 4 octets": "read as one octet, and what follows it from the wrong place",
    "body of an error": "not shown, though ESME_RDELIVERYFAILURE has one",
    "TLVs of a header alone or of query_sm_resp": "not shown, though 5.0 lets any response"
    " carry congestion_state",
    "PDU beyond 64 KiB": "not taken for SMPP",
}

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


# -- what is made ------------------------------------------------------------------------------


def octets(chance: random.Random, length: int) -> bytes:
    return bytes(chance.choices(_LETTERS, k=length))


def value(field: Field, chance: random.Random) -> Any:
    """A value that this field may have."""
    match field.kind:
        case Kind.INT:
            # A text that is said to begin with a UDH must; the flag has one bit.
            limits = {"esm_class": 0x40, "replace_if_present_flag": 2}
            return chance.randrange(limits.get(field.name, 1 << 8 * field.size))
        case Kind.CSTRING:
            return octets(chance, chance.randrange(field.size))
        case Kind.TIME:
            return chance.choice((b"", b"300131120000004+", b"300131120000020-"))
        case Kind.OCTETS:
            return octets(chance, chance.randrange(field.size))
        case Kind.DESTS:
            dests = [(1, 1, 1, octets(chance, 12)), (2, octets(chance, 8))]
            return chance.choices(dests, k=chance.randrange(1, 9))
        case Kind.UNSUCCESS:
            return [(1, 1, octets(chance, 12), 11)] * chance.randrange(9)
        case Kind.LENGTH:
            return None


def tlv(tag: Tag, chance: random.Random) -> tuple[int, bytes]:
    """A value of a length that this TLV may have; texts end as texts do."""
    lengths = range(1, 2) if tag == Tag.MS_VALIDITY else smpp.TLVS[tag].lengths
    length = min(chance.choice(lengths), 300)
    if tag in TEXT_TLVS:
        return tag, octets(chance, max(length, 2) - 1) + b"\0"
    return tag, chance.randbytes(length)


def made(command: Command, chance: random.Random) -> bytes:
    """A PDU of this command with random values, and some of its TLVs."""
    fields = {field.name: value(field, chance) for field in smpp.LAYOUTS[command]}
    fields = {name: each for name, each in fields.items() if each is not None}
    tags = [tag for tag, rule in smpp.TLVS.items() if command in rule.commands]
    required = smpp.REQUIRED_TLVS.get(command, ())
    chosen = chance.sample(tags, min(len(tags), chance.randrange(6)))
    # What tshark stumbles over comes last, so that it falls over nothing else.
    chosen = sorted({*chosen, *required}, key=lambda tag: (tag == Tag.BROADCAST_REP_NUM, tag))
    if not smpp.LAYOUTS[command]:
        chosen = []
    if Tag.MESSAGE_PAYLOAD in chosen and "short_message" in fields:
        fields["short_message"] = b""
    tlvs = [tlv(tag, chance) for tag in chosen]
    return encode(command, chance.randrange(1, 0x7FFFFFFF), 0, tlvs, **fields)


def sent() -> list[bytes]:
    """What the server sent in the conformance tests, if they ran before in this process."""
    loopback = sys.modules.get("loopback")
    return list(dict.fromkeys(loopback.SENT)) if loopback is not None else []


def corpus() -> list[bytes]:
    """Everything that the dissector is shown."""
    chance = random.Random(20260101)
    random_ones = [made(command, chance) for command in smpp.LAYOUTS for _ in range(EACH)]
    vectors = []
    for vector in VECTORS["good"]:
        (pdu,) = Decoder().feed(bytes.fromhex(vector["hex"]))
        head = (pdu.command_id, pdu.sequence_number, pdu.command_status)
        vectors.append(encode(*head, pdu.tlvs, **pdu.fields))
    long = encode(Command.DATA_SM, 1, 0, [(Tag.MESSAGE_PAYLOAD, b"x" * 65_000)])
    return [*vectors, *random_ones, *sent(), long]


# -- what it must say --------------------------------------------------------------------------


def number(shown: str) -> int:
    return int(shown, 0)


def moment(shown: str) -> int:
    """``Jan 31, 2030 11:00:00.000000000 UTC`` in ms."""
    text = shown.rpartition(".")[0]
    return int(datetime.strptime(text, "%b %d, %Y %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1000


def plain(shown: str) -> bytes:
    return b"" if shown == "(Default)" else shown.encode()


TEXT_TLVS = {Tag.ADDITIONAL_STATUS_INFO_TEXT, Tag.RECEIPTED_MESSAGE_ID, Tag.SOURCE_NETWORK_ID,
             Tag.DEST_NETWORK_ID, Tag.BROADCAST_END_TIME}  # fmt: skip

#: tshark's name where it is not ours.
NAMES = {"sc_interface_version": "SC_interface_version", "short_message": "message"}

NUMBERS = ("command_length", "command_id", "sequence_number")

#: Fields of TLVs that are shown as one number.
NUMBER_TLVS = (
    "dest_addr_subunit",
    "source_addr_subunit",
    "dest_network_type",
    "source_network_type",
    "dest_bearer_type",
    "source_bearer_type",
    "dest_telematics_id",
    "source_telematics_id",
    "qos_time_to_live",
    "payload_type",
    "privacy_indicator",
    "user_message_reference",
    "user_response_code",
    "language_indicator",
    "source_port",
    "destination_port",
    "sar_msg_ref_num",
    "sar_total_segments",
    "sar_segment_seqnum",
    "display_time",
    "sms_signal",
    "dpf_result",
    "set_dpf",
    "ms_availability_status",
    "delivery_failure_reason",
    "more_messages_to_send",
    "number_of_messages",
    "its_reply_type",
    "ussd_service_op",
    "sc_interface_version",
    "congestion_state",
    "dest_addr_np_resolution",
    "broadcast_channel_indicator",
    "broadcast_message_class",
)


def dissected(path: Path, names: list[str]) -> Iterator[dict[str, list[str]]]:
    """What tshark shows of each PDU: the values of these fields, in order."""
    shown = [f"smpp.{NAMES.get(name, name)}" for name in names]
    columns = ["_ws.expert.message", *shown]
    options = [option for column in columns for option in ("-e", column)]
    command = ["tshark", "-n", "-r", str(path), "-Y", "smpp", "-T", "fields",
               "-E", "separator=/t", "-E", "aggregator=\x1f", *options]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]
    for line in run.stdout.splitlines():
        cells = line.split("\t")
        yield {
            name: cell.split("\x1f") if cell else []
            for name, cell in zip(["expert", *names], cells, strict=True)
        }


#: By field: how to read what tshark shows, and the values that must come of it.
Expected = dict[str, tuple[Callable[[str], Any], list[Any]]]


def expected(pdu: Pdu) -> Expected:
    """What each of tshark's fields must show of this PDU: how to read it, and its values."""
    head = (len(pdu.raw), pdu.command_id, pdu.sequence_number)
    wanted: Expected = {name: (number, [each]) for name, each in zip(NUMBERS, head, strict=True)}
    if pdu.command_id & smpp.RESPONSE:
        wanted["command_status"] = (number, [pdu.command_status])
    layout = smpp.LAYOUTS[Command(pdu.command_id)]
    if pdu.command_status or not layout:
        return wanted
    for field in layout if pdu.fields else ():
        each = pdu.fields[field.name]
        if field.kind is Kind.CSTRING:
            wanted[field.name] = (plain, [each])
        elif field.kind is Kind.INT and field.name not in ("esm_class", "registered_delivery"):
            wanted[field.name] = (number, [each])
        elif field.kind is Kind.TIME and each[-1:] in (b"+", b"-"):
            wanted[field.name] = (moment, [times.parse(each, 1_800_000_000_000)])
        elif field.name == "short_message" and each:
            wanted[field.name] = (bytes.fromhex, [each])
        elif field.kind is Kind.UNSUCCESS:
            wanted["error_status_code"] = (number, [entry[3] for entry in each])
            wanted["destination_addr"] = (plain, [entry[2] for entry in each])
        elif field.kind is Kind.DESTS:
            wanted["dl_name"] = (plain, [entry[1] for entry in each if entry[0] == 2])
            wanted["destination_addr"] = (plain, [entry[3] for entry in each if entry[0] == 1])
    return wanted | expected_tlvs(pdu)


def expected_tlvs(pdu: Pdu) -> Expected:
    """The same of its TLVs: tags and lengths in order, and the values that are numbers."""
    tags = [tag for tag, _ in pdu.tlvs]
    if pdu.command_id == Command.QUERY_SM_RESP or Tag.BROADCAST_REP_NUM in tags[:-1]:
        return {}
    wanted: Expected = {
        "opt_param_tag": (number, tags),
        "opt_param_len": (number, [len(each) for _, each in pdu.tlvs]),
    }
    for tag, each in pdu.tlvs:
        name = Tag(tag).name.lower() if tag in list(Tag) else ""
        if name in NUMBER_TLVS:
            wanted[name] = (number, [int.from_bytes(each, "big")])
    return wanted


def complaints(pdu: Pdu, got: dict[str, list[str]]) -> Iterator[str]:
    """What tshark has against a PDU, and where it read something else than we wrote."""
    if got["expert"] and pdu.tlv(Tag.BROADCAST_REP_NUM) is None:
        yield f"{pdu!r}: {got['expert']}"
    for name, (reads, wanted) in expected(pdu).items():
        # An empty text is not shown at all.
        if [each for each in map(reads, got[name]) if each != b""] != [
            each for each in wanted if each != b""
        ]:
            yield f"{pdu!r}: {name} is {got[name]}, not {wanted}"


def test_tshark_reads_what_we_wrote(tmp_path: Path) -> None:
    """No packet is malformed, and every field that it names has the value that we gave it."""
    pdus = corpus()
    path = tmp_path / "ours.pcap"
    capture.write(path, pdus)
    read = [Decoder().feed(octets)[0] for octets in pdus]
    names = sorted({name for pdu in read for name in expected(pdu)})
    shown = list(dissected(path, names))
    assert len(shown) == len(pdus)
    wrong = [each for pdu, got in zip(read, shown, strict=True) for each in complaints(pdu, got)]
    assert not wrong, f"{len(wrong)} things wrong:\n" + "\n".join(wrong[:40])


def test_tshark_sees_what_is_wrong(tmp_path: Path) -> None:
    """The same comparison finds a PDU that is cut short, and one that says something else."""
    pdu = encode(Command.SUBMIT_SM, 1, destination_addr=b"447700900123", short_message=b"hello")
    path = tmp_path / "wrong.pcap"
    capture.write(path, [pdu.replace(b"hello", b"HELLO"), (40).to_bytes(4, "big") + pdu[4:40]])
    (read,) = Decoder().feed(pdu)
    changed, cut = dissected(path, sorted(expected(read)))
    assert [each.partition(": ")[2].split()[0] for each in complaints(read, changed)] == [
        "short_message"
    ]
    assert any("Malformed" in each for each in complaints(read, cut))
