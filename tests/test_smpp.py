"""The tables: complete, consistent with each other, and equal to what others know of SMPP."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from smpplib import consts

from smsc import smpp
from smsc.smpp import Command, Kind, State, Status, Tag, Version

VECTORS = json.loads((Path(__file__).parent / "vectors" / "pdus.json").read_text())
REQUESTS = [command for command in Command if not command & smpp.RESPONSE]
RESPONSES = [command for command in Command if command & smpp.RESPONSE]

#: 3.4 names that 5.0 changed.
RENAMED = {
    "ESME_RINVOPTPARSTREAM": "ESME_RINVTLVSTREAM",
    "ESME_ROPTPARNOTALLWD": "ESME_RTLVNOTALLWD",
    "ESME_RINVPARLEN": "ESME_RINVTLVLEN",
    "ESME_RMISSINGOPTPARAM": "ESME_RMISSINGTLV",
    "ESME_RINVOPTPARAMVAL": "ESME_RINVTLVVAL",
}


def test_every_request_has_its_response() -> None:
    answered = {command | smpp.RESPONSE for command in set(REQUESTS) - smpp.UNANSWERED}
    assert answered | {Command.GENERIC_NACK} == set(RESPONSES)


def test_statuses_of_34_are_those_of_smpplib() -> None:
    theirs = {
        name.removeprefix("SMPP_"): value
        for name, value in vars(consts).items()
        if name.startswith("SMPP_ESME_")
    }
    ours = {status.name: status.value for status in Status if status < 0x100}
    assert ours == {RENAMED.get(name, name): value for name, value in theirs.items()}


def test_statuses_of_50_leave_no_gap() -> None:
    assert [status for status in Status if status >= 0x100] == list(range(0x100, 0x113))


def test_tags_of_34_are_those_of_smpplib() -> None:
    ours = {tag.name.lower(): tag.value for tag in Tag}
    assert consts.OPTIONAL_PARAMS.items() <= ours.items()


def test_every_command_has_a_layout_with_unique_names() -> None:
    assert smpp.LAYOUTS.keys() == set(Command)
    for layout in smpp.LAYOUTS.values():
        assert len({field.name for field in layout}) == len(layout)


@pytest.mark.parametrize("command", Command, ids=lambda command: command.name)
def test_a_length_stands_before_what_it_measures(command: Command) -> None:
    kinds = [None, *(field.kind for field in smpp.LAYOUTS[command]), None]
    for kind, following in itertools.pairwise(kinds):
        measured = following in (Kind.OCTETS, Kind.DESTS, Kind.UNSUCCESS)
        assert (kind == Kind.LENGTH) == measured


def test_every_tag_has_a_rule() -> None:
    assert smpp.TLVS.keys() == set(Tag)
    for rule in smpp.TLVS.values():
        assert len(rule.lengths) > 0
        assert rule.commands


def test_required_tlvs_are_expected() -> None:
    for command, tags in smpp.REQUIRED_TLVS.items():
        assert all(command in smpp.TLVS[tag].commands for tag in tags)


# -- operations --------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("operations", [smpp.FROM_ESME, smpp.FROM_MC], ids=["ESME", "MC"])


@BOTH
def test_every_command_in_every_state(operations: smpp.Operations) -> None:
    assert operations.keys() == set(Command)
    assert {len(row) for row in operations.values()} == {len(State)}


@BOTH
def test_requests_are_answered_and_responses_never(operations: smpp.Operations) -> None:
    for command in REQUESTS:
        assert None not in operations[command]
    for command in RESPONSES:
        assert set(operations[command]) <= {None, Status.ESME_ROK}


@BOTH
def test_transceiver_may_what_transmitter_or_receiver_may(operations: smpp.Operations) -> None:
    for row in operations.values():
        either = Status.ESME_ROK in (row[State.BOUND_TX], row[State.BOUND_RX])
        assert (row[State.BOUND_TRX] == Status.ESME_ROK) == either


@BOTH
@pytest.mark.parametrize("state", State)
def test_links_are_tested_in_every_state(operations: smpp.Operations, state: State) -> None:
    for command in (Command.ENQUIRE_LINK, Command.ENQUIRE_LINK_RESP, Command.GENERIC_NACK):
        assert operations[command][state] == Status.ESME_ROK


def test_no_request_may_come_from_both_but_the_common_ones() -> None:
    def allowed(operations: smpp.Operations) -> set[Command]:
        return {command for command in REQUESTS if Status.ESME_ROK in operations[command]}

    common = {Command.UNBIND, Command.ENQUIRE_LINK, Command.DATA_SM}
    assert allowed(smpp.FROM_ESME) & allowed(smpp.FROM_MC) == common
    assert allowed(smpp.FROM_ESME) | allowed(smpp.FROM_MC) == set(REQUESTS)


#: Bad vectors that are refused for the state they are sent in.
STATES = {
    "N07": State.OPEN,
    "N08": State.BOUND_TRX,
    "N28": State.BOUND_RX,
    "N29": State.BOUND_TRX,
}


@pytest.mark.parametrize("name", STATES)
def test_vectors_refused_by_state(name: str) -> None:
    (vector,) = (vector for vector in VECTORS["bad"] if vector["id"] == name)
    command = Command(int(vector["hex"][8:16], 16))
    verdict = smpp.FROM_ESME[command][STATES[name]]
    assert verdict == int(vector["answer"][16:24], 16)


# -- versions ----------------------------------------------------------------------------------

NEGOTIATED = [
    (0x00, Version.V33),
    (0x33, Version.V33),
    (0x34, Version.V34),
    (0x35, Version.V34),
    (0x4F, Version.V34),
    (0x50, Version.V50),
    (0xFF, Version.V50),
]


@pytest.mark.parametrize(("interface_version", "version"), NEGOTIATED)
def test_reserved_versions_round_down(interface_version: int, version: Version) -> None:
    found = next(rules for lowest, rules in smpp.NEGOTIATION if interface_version >= lowest)
    assert found == version


def test_no_version_is_sent_a_status_it_does_not_have() -> None:
    broadcasts = {status for status in Status if status >= Status.ESME_RINVBCASTFREQINT}
    tlv_codes = set(range(0xC0, 0xC5))
    for status in set(Status) - broadcasts:
        assert smpp.DOWN_MAPPING[Version.V50].get(status, status) == status
        assert smpp.DOWN_MAPPING[Version.V34].get(status, status) < 0x100
        to_33 = smpp.DOWN_MAPPING[Version.V33].get(status, status)
        assert to_33 < 0x100
        assert to_33 not in tlv_codes
        if status < 0x100:
            assert smpp.DOWN_MAPPING[Version.V34].get(status, status) == status


def test_broadcast_commands_are_of_50_alone() -> None:
    unknown = {version: rules.unknown for version, rules in smpp.RULES.items()}
    assert unknown[Version.V50] == frozenset()
    assert unknown[Version.V34] == unknown[Version.V33] == smpp.BROADCASTS
