"""What a connection does whatever role it plays: batches, flow control, its end, its border."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from helpers import Clock, FakeTransport, Stage, Wire, brief, deliver, submit

from smsc import batches
from smsc._pdu import Decoder, Message, Pdu, encode, header_only
from smsc.connection import (
    DRAIN,
    FINISH,
    HIGH_WATER,
    LINK_HANDLERS,
    LOW_WATER,
    MAX_PAUSE,
    Connection,
    printable,
)
from smsc.errors import StorageError
from smsc.links import Counters, Links
from smsc.session import Event, Role, State, Timing
from smsc.smpp import Command, Status

ENQUIRE = header_only(Command.ENQUIRE_LINK, 0, 7)
UNBIND = header_only(Command.UNBIND, 0, 9)


class Desk(Connection):
    """A bound SMSC that answers every submit when the log is durable, and remembers the rest."""

    def __init__(self, links: Links, timing: Timing | None = None, receive_window: int = 5) -> None:
        super().__init__(
            links,
            Counters(),
            role=Role.SMSC,
            timing=timing or Timing(),
            send_window=10,
            receive_window=receive_window,
            max_pdu=131072,
            handlers={
                **LINK_HANDLERS,
                Command.SUBMIT_SM: Desk.submitted,
                Command.DATA_SM: Desk.failing,
            },
        )
        self.session.move(Event.BIND_TRANSCEIVER)
        self.happened: list[object] = []

    def submitted(self, run: list[Message], now: int) -> None:
        self.happened.append(("submit", len(run)))
        if self.shedding:
            for pdu in run:
                self.refuse(pdu, Status.ESME_RTHROTTLED)
        else:
            self.stage_answers(
                [header_only(Command.SUBMIT_SM_RESP, 0, pdu.sequence_number) for pdu in run]
            )

    def failing(self, run: list[Pdu], now: int) -> None:
        raise KeyError("447700900123")

    def settled(self, responses: list[Pdu]) -> tuple[list[tuple[int, int]], list[Pdu]]:
        return batches.fates(self.session.window, responses)

    def on_settled(self, settled: list[tuple[int, int]]) -> None:
        self.happened.append(("settled", [id for id, _ in settled]))

    def on_expired(self, expired: list[tuple[int, int, int]]) -> None:
        self.happened.append(("expired", [id for _, id, _ in expired]))

    def on_ending(self) -> None:
        self.happened.append("ending")

    def on_lost(self) -> None:
        self.happened.append("lost")

    def on_room(self) -> None:
        self.happened.append("room")

    def ask(self, id: int) -> int:
        sequence = self.session.request(Command.DELIVER_SM, id, 1, self.links.clock())
        self.stage_requests([deliver(sequence)])
        return sequence


class Place:
    """A desk, its peer, and the world around them."""

    def __init__(self, timing: Timing | None = None, receive_window: int = 5) -> None:
        self.clock = Clock()
        self.stage = Stage()
        self.soon: list[Callable[[], None]] = []
        self.links = Links(self.stage, self.clock, self.soon.append)
        self.desk = Desk(self.links, timing, receive_window)
        self.wire = Wire(self.desk)

    @property
    def transport(self) -> FakeTransport:
        return self.wire.transport

    def pass_time(self, ms: int) -> None:
        for _ in range(ms // 100):
            self.clock.now += 100
            self.links.tick()
        self.wire.pump()


@pytest.fixture
def place() -> Place:
    return Place()


def answers(count: int, first: int = 1) -> list[tuple[int, int, int]]:
    return [(Command.SUBMIT_SM_RESP, 0, sequence) for sequence in range(first, first + count)]


# -- batches ---------------------------------------------------------------------------------------


def test_one_read_is_one_call_and_one_write(place: Place) -> None:
    received = brief(place.wire.send(*map(submit, range(1, 101)), *[ENQUIRE] * 20))
    assert received == [(Command.ENQUIRE_LINK_RESP, 0, 7)] * 20
    assert place.desk.happened == [("submit", 100)]
    assert len(place.transport.writes) == 1
    place.stage.durable()
    assert len(place.transport.writes) == 2
    assert brief(place.wire.received()) == answers(100)


def test_nothing_is_answered_before_it_is_durable(place: Place) -> None:
    assert place.wire.send(submit(1)) == []
    place.stage.durable()
    assert brief(place.wire.received()) == answers(1)


def test_responses_come_before_requests(place: Place) -> None:
    sequence = place.desk.ask(1)
    place.stage.durable()
    place.wire.send(submit(1), header_only(Command.DELIVER_SM_RESP, 0, sequence), submit(2))
    assert place.desk.happened == [("settled", [1]), ("submit", 2)]


def test_requests_keep_their_order(place: Place) -> None:
    place.wire.send(submit(1), ENQUIRE, submit(2), submit(3))
    assert place.desk.happened == [("submit", 1), ("submit", 2)]
    place.stage.durable()
    place.wire.received()
    assert place.desk.counters.pdus_in == 4
    assert place.desk.counters.pdus_out == 4


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17, 40])
def test_any_split_gives_the_same(place: Place, size: int) -> None:
    stream = submit(1) + ENQUIRE + submit(2)
    for start in range(0, len(stream), size):
        place.wire.send(stream[start : start + size])
    place.stage.durable()
    assert place.desk.happened == [("submit", 1), ("submit", 1)]
    assert len(place.transport.writes) == 2


def test_ten_thousand_enquire_links_in_one_write(place: Place) -> None:
    assert len(place.wire.send(ENQUIRE * 10_000)) == 10_000


def test_a_command_nobody_handles_is_not_implemented(place: Place) -> None:
    query = encode(Command.QUERY_SM, 5, message_id=b"1")
    assert brief(place.wire.send(query)) == [(Command.GENERIC_NACK, Status.ESME_RINVCMDID, 5)]
    assert place.desk.counters.refused == {Status.ESME_RINVCMDID: 1}


def test_responses_to_nothing_are_counted(place: Place) -> None:
    assert place.wire.send(header_only(Command.DELIVER_SM_RESP, 0, 99)) == []
    assert place.desk.counters.unmatched == 1


# -- flow control ----------------------------------------------------------------------------------


def test_both_marks_of_the_output_are_set(place: Place) -> None:
    assert place.transport.limits == (HIGH_WATER, LOW_WATER)


def test_reading_stops_beyond_the_window_and_goes_on_within_it(place: Place) -> None:
    place.wire.send(*map(submit, range(1, 6)))
    assert place.transport.reading
    place.wire.send(submit(6))
    assert not place.transport.reading
    place.wire.send(submit(7))
    assert place.desk.answers == 6
    place.stage.durable()
    assert place.transport.reading
    place.wire.pump()
    place.stage.durable()
    assert brief(place.wire.received()) == answers(7)


def test_reading_stops_while_the_output_is_full(place: Place) -> None:
    place.desk.pause_writing()
    assert not place.transport.reading
    assert place.wire.send(ENQUIRE) == []
    place.desk.resume_writing()
    assert len(place.wire.received()) == 1
    assert place.desk.happened == ["room"]


def test_reading_stops_while_the_log_is_congested(place: Place) -> None:
    place.stage.congested = True
    place.wire.send(submit(1))
    assert not place.transport.reading
    place.stage.relieve()
    assert place.transport.reading


def test_two_reasons_to_pause_must_both_go(place: Place) -> None:
    place.stage.congested = True
    place.wire.send(*map(submit, range(1, 7)))
    place.stage.durable()
    assert not place.transport.reading
    place.stage.relieve()
    assert place.transport.reading


def test_a_pause_is_bounded_then_requests_are_refused(place: Place) -> None:
    place.wire.send(*map(submit, range(1, 7)))
    place.wire.send(submit(7), ENQUIRE)
    place.pass_time(MAX_PAUSE + 1_000)
    assert brief(place.wire.received()) == [
        (Command.SUBMIT_SM_RESP, Status.ESME_RTHROTTLED, 7),
        (Command.ENQUIRE_LINK_RESP, 0, 7),
    ]
    place.stage.durable()
    assert brief(place.wire.send(submit(8))) == answers(6)
    place.stage.durable()
    assert brief(place.wire.received()) == answers(1, first=8)


def test_requests_of_ours_do_not_count_as_answers(place: Place) -> None:
    for _ in range(10):
        place.desk.ask(7)
    place.wire.send(submit(1))
    assert place.transport.reading
    assert (place.desk.requests, place.desk.answers) == (10, 1)
    place.stage.durable()
    assert (place.desk.requests, place.desk.answers) == (0, 0)


def test_frames_are_released_one_by_one(place: Place) -> None:
    place.wire.send(submit(1), submit(2))
    place.desk.ask(1)
    place.desk.ask(2)
    place.desk.release([deliver(1), header_only(Command.SUBMIT_SM_RESP, 0, 1)])
    assert (place.desk.requests, place.desk.answers) == (1, 1)


def test_what_was_held_is_handled_in_order(place: Place) -> None:
    place.desk.hold()
    place.wire.send(submit(1))
    assert place.desk.happened == []
    place.desk.let_go()
    place.wire.send(ENQUIRE)
    assert place.desk.happened == [("submit", 1)]


# -- time ------------------------------------------------------------------------------------------


def test_silence_is_probed_and_then_ends_the_connection(place: Place) -> None:
    place.pass_time(31_000)
    (probe,) = place.wire.received()
    assert probe.command_id == Command.ENQUIRE_LINK
    place.pass_time(11_000)
    assert place.transport.aborted
    assert place.desk.ending == "enquire_link not answered"
    assert place.desk.happened[-1] == "lost"


@pytest.mark.parametrize("proof", [header_only(Command.ENQUIRE_LINK_RESP, 0, 1), ENQUIRE])
def test_any_pdu_answers_the_probe(place: Place, proof: bytes) -> None:
    place.pass_time(31_000)
    place.wire.send(proof)
    place.pass_time(20_000)
    assert place.wire.state == "open"


def test_a_slow_writer_is_measured_from_the_first_octet() -> None:
    place = Place(Timing(enquire_link=0, inactivity=0))
    pdu = submit(1)
    for octet in pdu[:2]:
        place.wire.send(bytes([octet]))
        place.pass_time(20_000)
    assert place.wire.state != "open"
    assert place.desk.ending == "PDU begun and not completed"


def test_a_slow_reader_is_cut(place: Place) -> None:
    place.desk.pause_writing()
    place.pass_time(29_000)
    assert place.wire.state == "open"
    place.pass_time(2_000)
    assert place.transport.aborted
    assert place.desk.ending == "peer does not read"


def test_overdue_requests_are_reported_and_the_session_stays(place: Place) -> None:
    place.desk.ask(1)
    place.stage.durable()
    place.desk.ask(9)
    place.pass_time(11_000)
    assert place.desk.happened == [("expired", [1])]
    assert place.wire.state == "open"


def test_nothing_expires_while_we_do_not_read(place: Place) -> None:
    sequence = place.desk.ask(1)
    place.stage.durable()
    place.desk.pause_writing()
    place.pass_time(15_000)
    place.desk.resume_writing()
    place.pass_time(1_000)
    place.wire.send(header_only(Command.DELIVER_SM_RESP, 0, sequence))
    assert ("expired", [1]) not in place.desk.happened
    assert ("settled", [1]) in place.desk.happened


def test_a_standstill_of_the_process_is_not_the_peers_silence(place: Place) -> None:
    place.desk.ask(1)
    place.stage.durable()
    place.clock.now += 90_000
    place.pass_time(9_000)
    assert place.desk.happened == []
    assert place.wire.state == "open"


def test_every_connection_is_ticked_once_a_second() -> None:
    clock, stage = Clock(), Stage()
    links = Links(stage, clock, [].append)
    wires = [Wire(Desk(links, Timing(enquire_link=1_000))) for _ in range(25)]
    for _ in range(11):
        clock.now += 100
        links.tick()
    for _ in range(10):
        clock.now += 100
        links.tick()
    assert all(len(wire.received()) == 1 for wire in wires)
    assert len(links) == len(list(links)) == 25


class Timer:
    """What ``call_later`` was asked for."""

    def __init__(self) -> None:
        self.due: list[float] = []
        self.cancelled = False

    def call_later(self, delay: float, *_: object) -> Timer:
        self.due.append(delay)
        return self

    def cancel(self) -> None:
        self.cancelled = True


def test_one_timer_for_all_until_it_is_stopped(place: Place) -> None:
    timer = Timer()
    place.links.start(timer)  # type: ignore[arg-type]
    assert timer.due == [0.1]
    place.links.stop()
    assert timer.cancelled


# -- the end ---------------------------------------------------------------------------------------


def test_unbind_is_answered_after_what_is_owed(place: Place) -> None:
    place.wire.send(submit(1), submit(2), UNBIND, submit(3))
    assert place.wire.received() == []
    assert place.desk.happened == [("submit", 2), "ending"]
    place.stage.durable()
    assert brief(place.wire.received()) == [*answers(2), (Command.UNBIND_RESP, 0, 9)]
    assert place.wire.state == "ending"


def test_unbind_does_not_wait_for_ever(place: Place) -> None:
    place.wire.send(submit(1), UNBIND)
    place.pass_time(FINISH + 1_000)
    assert brief(place.wire.received()) == [(Command.UNBIND_RESP, 0, 9)]


def test_after_the_half_close_octets_are_thrown_away_then_it_closes(place: Place) -> None:
    assert brief(place.wire.send(UNBIND)) == [(Command.UNBIND_RESP, 0, 9)]
    assert place.wire.send(submit(1), ENQUIRE) == []
    place.pass_time(DRAIN + 1_000)
    assert place.wire.state == "closed"
    assert place.desk.happened == ["ending", "lost"]
    assert place.desk.session.state is State.CLOSED
    assert len(place.links) == 0


def test_the_last_answers_are_given_time_to_leave(place: Place) -> None:
    place.wire.send(submit(1), UNBIND)
    place.stage.durable()
    place.transport.unsent = 1_000
    place.pass_time(DRAIN + 20_000)
    assert place.wire.state == "ending"
    place.transport.unsent = 0
    place.pass_time(1_000)
    assert place.wire.state == "closed"


def test_but_not_for_ever(place: Place) -> None:
    place.wire.send(UNBIND)
    place.transport.unsent = 1_000
    place.pass_time(DRAIN + 31_000)
    assert place.wire.state == "closed"


def test_what_is_durable_only_after_the_end_never_left(place: Place) -> None:
    place.desk.ask(1)
    place.desk.cut("for a reason")
    place.stage.durable()
    assert place.desk.requests == 1
    assert place.transport.writes == []


def test_a_peer_that_closes_after_unbind_is_closed_at_once(place: Place) -> None:
    place.wire.send(UNBIND)
    place.wire.close()
    assert place.wire.state == "closed"


def test_half_close_by_the_peer_still_gets_its_answers(place: Place) -> None:
    place.wire.send(submit(1))
    place.wire.close()
    assert place.wire.state == "open"
    place.stage.durable()
    assert brief(place.wire.received()) == answers(1)
    assert place.wire.state == "closed"


@pytest.mark.parametrize("staged", [0, 1])
def test_a_reset_ends_it_without_a_word(
    place: Place, staged: int, caplog: pytest.LogCaptureFixture
) -> None:
    for sequence in range(staged):
        place.wire.send(submit(sequence))
    place.wire.close(abruptly=True)
    place.stage.durable()
    assert place.desk.happened[-1] == "lost"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_we_unbind_and_hear_late_responses(place: Place) -> None:
    sequence = place.desk.ask(1)
    place.stage.durable()
    place.wire.received()
    place.desk.unbind()
    (unbind,) = place.wire.received()
    assert unbind.command_id == Command.UNBIND
    refused = place.wire.send(submit(5), ENQUIRE)
    assert brief(refused) == [
        (Command.SUBMIT_SM_RESP, Status.ESME_RINVBNDSTS, 5),
        (Command.ENQUIRE_LINK_RESP, 0, 7),
    ]
    place.wire.send(
        header_only(Command.UNBIND_RESP, 0, unbind.sequence_number),
        header_only(Command.DELIVER_SM_RESP, 0, sequence),
    )
    assert place.desk.happened == [("settled", [1]), "ending"]
    assert place.wire.state == "ending"


def test_an_unbind_without_an_answer_is_cut(place: Place) -> None:
    place.desk.unbind()
    place.pass_time(11_000)
    assert place.wire.state == "closed"
    assert place.desk.ending == "unbind not answered"


def test_crossing_unbinds(place: Place) -> None:
    place.desk.unbind()
    received = brief(place.wire.send(UNBIND))
    assert received == [(Command.UNBIND, 0, 1), (Command.UNBIND_RESP, 0, 9)]
    assert place.wire.state == "ending"


@pytest.mark.parametrize("octets", [b"\0\0\0\x0f", b"\xff" * 16, b"GET / HTTP/1.1\r\n\r\n"])
def test_lost_framing_answers_what_was_sound_and_ends(place: Place, octets: bytes) -> None:
    received = place.wire.send(submit(1), ENQUIRE, octets + bytes(16))
    assert brief(received) == [(Command.ENQUIRE_LINK_RESP, 0, 7)]
    place.stage.durable()
    *_, last = brief(place.wire.received())
    assert last == (Command.GENERIC_NACK, Status.ESME_RINVCMDLEN, 0)
    assert place.wire.state == "ending"
    assert place.desk.counters.broken == 1
    place.wire.send(submit(2))
    assert place.desk.happened == [("submit", 1), "ending"]


def test_when_the_log_is_dead_nobody_gets_another_octet() -> None:
    clock, stage = Clock(), Stage()
    links = Links(stage, clock, [].append)
    wires = [Wire(Desk(links)) for _ in range(3)]
    for wire in wires:
        wire.send(submit(1))
    links.abort()
    assert [wire.octets() for wire in wires] == [b""] * 3
    assert all(wire.transport.aborted for wire in wires)


# -- the border ------------------------------------------------------------------------------------


def test_a_bug_ends_this_connection_alone_and_tells_no_number(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    other = Wire(Desk(place.links))
    place.wire.send(encode(Command.DATA_SM, 1, source_addr=b"447700900001"))
    assert place.wire.state == "closed"
    assert place.desk.happened[-1] == "lost"
    assert "failing" in caplog.text
    assert "447700900" not in caplog.text
    assert len(other.send(ENQUIRE)) == 1


def test_a_dead_log_is_not_logged_by_every_connection(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise StorageError("dead")

    place.stage.stage = place.stage.stage_all = broken  # type: ignore[method-assign]
    place.wire.send(submit(1))
    assert place.wire.state == "closed"
    assert not caplog.records


@pytest.mark.parametrize(
    "entry",
    [
        lambda desk: desk.tick(desk.links.clock() + 31_000),
        lambda desk: desk.release([b"\0" * 16]),
        lambda desk: desk.resume_writing(),
        lambda desk: desk.eof_received(),
        lambda desk: desk.data_received(ENQUIRE),
    ],
)
def test_nothing_raises_into_the_loop(place: Place, entry: object) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    place.transport.write = broken  # type: ignore[method-assign]
    place.desk.on_room = broken  # type: ignore[method-assign]
    place.desk.on_ending = broken  # type: ignore[method-assign]
    entry(place.desk)  # type: ignore[operator]
    assert place.transport.aborted


# -- small things ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command_id", "status", "told"),
    [
        (Command.DELIVER_SM_RESP, 0, 0),
        (Command.DELIVER_SM_RESP, 0x22, 0x22),
        (Command.GENERIC_NACK, 3, 3),
        (Command.GENERIC_NACK, 0, Status.ESME_RUNKNOWNERR),
    ],
)
def test_a_generic_nack_is_never_a_success(command_id: int, status: int, told: int) -> None:
    (pdu,) = Decoder().feed(header_only(command_id, status, 1))
    assert batches.fate(pdu) == told


def test_names_are_printable_whatever_their_octets() -> None:
    assert printable(b"esme\n\x00\xff") == "esme\\n\\x00\\xff"
