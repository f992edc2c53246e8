"""What is done to a whole read at once, against the same done one by one."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from smsc import batches
from smsc._pdu import Decoder, Message, Pdu, encode, header_only, hex_id
from smsc._window import Window
from smsc.smpp import Command, Status
from tests.keeper import START, submit_sm

COMMANDS = st.sampled_from(
    [
        Command.ENQUIRE_LINK,
        Command.ENQUIRE_LINK_RESP,
        Command.SUBMIT_SM,
        Command.SUBMIT_SM_RESP,
        Command.DELIVER_SM_RESP,
        Command.GENERIC_NACK,
    ]
)


def pdus(commands: list[Command]) -> list[Pdu]:
    return [Decoder().feed(header_only(c, 0, n))[0] for n, c in enumerate(commands, 1)]


@given(st.lists(COMMANDS))
def test_responses_and_requests_keep_their_order(commands: list[Command]) -> None:
    all_of_them = pdus(commands)
    responses, requests = batches.split(all_of_them)
    assert responses == [pdu for pdu in all_of_them if pdu.command_id & 0x80000000]
    assert requests == [pdu for pdu in all_of_them if not pdu.command_id & 0x80000000]


@given(st.lists(COMMANDS, min_size=1))
def test_runs_are_of_one_command_and_as_long_as_can_be(commands: list[Command]) -> None:
    requests = pdus(commands)
    start, runs = 0, []
    while start < len(requests):
        end = batches.end_of_run(requests, start)
        runs.append([pdu.command_id for pdu in requests[start:end]])
        start = end
    assert runs == [list(run) for _, run in groupby(int(command) for command in commands)]


def test_sound_and_unsound_bodies_part() -> None:
    good = encode(Command.SUBMIT_SM, 1, destination_addr=b"1")
    cut = bytearray(good[:-6])
    cut[3] = len(cut)
    run = Decoder().feed(good + bytes(cut) + good)
    sound, refused = batches.decoded(run)
    assert sound == [run[0], run[2]]
    assert refused == [(run[1], Status.ESME_RINVCMDLEN)]


def test_sound_and_unsound_values_part() -> None:
    run = [submit_sm(), submit_sm(priority_flag=9), submit_sm(destination_addr=b"")]
    sound, refused = batches.checked(run, 0x34, START)
    assert sound == run[:1]
    assert refused == [
        (run[1], Status.ESME_RINVPRTFLG),
        (run[2], Status.ESME_RINVDSTADR),
    ]


def test_what_became_of_attempts() -> None:
    answered = Decoder().feed(
        encode(Command.SUBMIT_SM_RESP, 1, message_id=b"abc")
        + header_only(Command.SUBMIT_SM_RESP, 0x58, 2)
        + header_only(Command.GENERIC_NACK, 3, 3)
        + header_only(Command.GENERIC_NACK, 0, 4)
    )

    def window() -> Window:
        window = Window()
        for sequence in range(1, 5):
            window.put(sequence, Command.SUBMIT_SM_RESP, 0, 10 + sequence, 1)
        return window

    stray = Decoder().feed(header_only(Command.SUBMIT_SM_RESP, 0, 9))
    assert batches.outcomes(window(), [*answered, *stray]) == (
        [
            (11, 1, 0, b"abc"),
            (12, 1, 0x58, b""),
            (13, 1, 3, b""),
            (14, 1, Status.ESME_RUNKNOWNERR, b""),
        ],
        stray,
    )
    assert batches.fates(window(), [*answered, *stray]) == (
        [(11, 0), (12, 0x58), (13, 3), (14, Status.ESME_RUNKNOWNERR)],
        stray,
    )


def test_answers_carry_ids_and_sequences() -> None:
    requests: list[Message] = [submit_sm(), submit_sm(), submit_sm()]
    answers, refused = batches.id_answers(
        requests, [0x1_2345_6789, -Status.ESME_RMSGQFUL, 0xAB], 0xFFFFFFFF, Command.SUBMIT_SM_RESP
    )
    assert answers == [
        encode(Command.SUBMIT_SM_RESP, 7, message_id=hex_id(0x2345_6789)),
        encode(Command.SUBMIT_SM_RESP, 7, message_id=b"ab"),
    ]
    assert refused == [(requests[1], Status.ESME_RMSGQFUL)]


def test_one_answer_for_many() -> None:
    requests = pdus([Command.DELIVER_SM, Command.DELIVER_SM])
    answer = encode(Command.DELIVER_SM_RESP, 1)
    answers, refused = batches.same_answers(requests, [0, Status.ESME_RX_T_APPN], answer)
    assert answers == [encode(Command.DELIVER_SM_RESP, 1)]
    assert refused == [(requests[1], Status.ESME_RX_T_APPN)]
