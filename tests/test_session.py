"""The session by itself: no transport, no octets but what the codec needs, no time that passes."""

from __future__ import annotations

import itertools

import pytest
from helpers import submit
from hypothesis import given
from hypothesis import strategies as st

from smsc import smpp
from smsc._pdu import Decoder, Pdu, encode, header_only
from smsc.session import (
    DROP,
    PROCESS,
    SENDABLE,
    TRANSITIONS,
    UNKNOWN,
    Due,
    Event,
    IllegalMove,
    Role,
    Session,
    State,
    Timers,
    Timing,
    expressible,
    negotiate,
)
from smsc.smpp import MAX_SEQUENCE_NUMBER, RESPONSE, Command, Status, Version

TO = {
    State.BOUND_TX: Event.BIND_TRANSMITTER,
    State.BOUND_RX: Event.BIND_RECEIVER,
    State.BOUND_TRX: Event.BIND_TRANSCEIVER,
}


def session(
    state: State = State.BOUND_TRX,
    role: Role = Role.SMSC,
    version: int = 0x34,
    window: int = 3,
    timing: Timing | None = None,
) -> Session:
    made: Session = Session(role, timing or Timing(), window, now=0)
    made.agree(version)
    if state is State.UNBOUND:
        made.move(Event.BIND_TRANSCEIVER)
        made.move(Event.UNBIND)
    elif state is State.OUTBOUND:
        made.move(Event.OUTBIND)
    elif state is State.CLOSED:
        made.move(Event.CLOSE)
    elif state is not State.OPEN:
        made.move(TO[state])
    return made


def pdu(command_id: int, sequence: int = 1, status: int = 0) -> Pdu:
    (one,) = Decoder().feed(header_only(command_id, status, sequence))
    return one


# -- states ----------------------------------------------------------------------------------------


def test_states_are_those_of_the_tables_and_the_end() -> None:
    assert {state.name: state.value for state in smpp.State} | {"CLOSED": 6} == {
        state.name: state.value for state in State
    }


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_move_is_in_the_table_or_raises(state: State, event: Event) -> None:
    one = session(state)
    if event in TRANSITIONS[state]:
        one.move(event)
        assert one.state is TRANSITIONS[state][event]
    else:
        with pytest.raises(IllegalMove):
            one.move(event)
        assert one.state is state


def test_closed_is_the_end_and_can_be_reached_from_everywhere() -> None:
    assert all(moves[Event.CLOSE] is State.CLOSED for moves in TRANSITIONS.values())
    assert set(TRANSITIONS[State.CLOSED].values()) == {State.CLOSED}


def test_only_a_bind_makes_a_session_bound() -> None:
    for state, moves in TRANSITIONS.items():
        for event, target in moves.items():
            assert target.bound == (event in TO.values()), (state, event)


def test_an_outbind_is_for_connections_that_we_opened() -> None:
    assert session(State.OUTBOUND).unanswered(Command.OUTBIND) == 1
    for state in set(State) - {State.OUTBOUND}:
        with pytest.raises(IllegalMove):
            session(state).unanswered(Command.OUTBIND)


@pytest.mark.parametrize("state", [State.OPEN, State.BOUND_TX, State.BOUND_RX, State.UNBOUND])
def test_a_request_without_a_response_has_a_number_and_no_place(state: State) -> None:
    one = session(state)
    if state is State.BOUND_RX:
        numbers = (
            one.unanswered(Command.ALERT_NOTIFICATION),
            one.request(Command.DELIVER_SM, 1, 1, 0),
        )
        assert numbers == (1, 2)
        assert one.window.count == 1
    else:
        with pytest.raises(IllegalMove):
            one.unanswered(Command.ALERT_NOTIFICATION)
    with pytest.raises(IllegalMove):
        one.unanswered(Command.ENQUIRE_LINK)


# -- what may come (5.0 Table 2-1) -----------------------------------------------------------------

BAD, DUPLICATE = Status.ESME_RINVBNDSTS, Status.ESME_RALYBND
OPEN, OUT, TX, RX, TRX, UNB = list(State)[:6]


@pytest.mark.parametrize(
    ("role", "version", "state", "command_id", "verdict"),
    [
        # An ESME's requests before, while and after being bound.
        (Role.SMSC, 0x34, OPEN, Command.BIND_TRANSCEIVER, PROCESS),
        (Role.SMSC, 0x34, OUT, Command.BIND_RECEIVER, PROCESS),
        (Role.SMSC, 0x34, TRX, Command.BIND_TRANSCEIVER, DUPLICATE),
        (Role.SMSC, 0x34, UNB, Command.BIND_TRANSCEIVER, BAD),
        (Role.SMSC, 0x34, OPEN, Command.SUBMIT_SM, BAD),
        (Role.SMSC, 0x34, TX, Command.SUBMIT_SM, PROCESS),
        (Role.SMSC, 0x34, RX, Command.SUBMIT_SM, BAD),
        (Role.SMSC, 0x34, TRX, Command.REPLACE_SM, PROCESS),
        (Role.SMSC, 0x34, RX, Command.QUERY_SM, BAD),
        (Role.SMSC, 0x34, UNB, Command.SUBMIT_SM, BAD),
        (Role.SMSC, 0x34, OPEN, Command.UNBIND, BAD),
        (Role.SMSC, 0x34, UNB, Command.UNBIND, PROCESS),
        (Role.SMSC, 0x34, OPEN, Command.ENQUIRE_LINK, PROCESS),
        (Role.SMSC, 0x34, TRX, Command.DELIVER_SM, BAD),
        (Role.SMSC, 0x34, TRX, Command.ALERT_NOTIFICATION, BAD),
        (Role.SMSC, 0x34, TRX, Command.OUTBIND, BAD),
        # Responses.
        (Role.SMSC, 0x34, TX, Command.DELIVER_SM_RESP, DROP),
        (Role.SMSC, 0x34, RX, Command.DELIVER_SM_RESP, PROCESS),
        (Role.SMSC, 0x34, TRX, Command.SUBMIT_SM_RESP, DROP),
        (Role.SMSC, 0x34, OPEN, Command.GENERIC_NACK, PROCESS),
        # What depends on the version.
        (Role.SMSC, 0x34, RX, Command.DATA_SM, PROCESS),
        (Role.SMSC, 0x50, RX, Command.DATA_SM, BAD),
        (Role.SMSC, 0x34, TX, Command.BROADCAST_SM, UNKNOWN),
        (Role.SMSC, 0x50, TX, Command.BROADCAST_SM, PROCESS),
        (Role.SMSC, 0x50, RX, Command.BROADCAST_SM, BAD),
        # What no version has.
        (Role.SMSC, 0x34, OPEN, 0x0000000A, UNKNOWN),
        (Role.SMSC, 0x34, TRX, 0x00000022, UNKNOWN),
        (Role.SMSC, 0x34, TRX, 0x00010203, UNKNOWN),
        (Role.SMSC, 0x34, TRX, 0x80003302, UNKNOWN),
        # From the other end.
        (Role.ESME, 0x34, OPEN, Command.BIND_TRANSCEIVER_RESP, PROCESS),
        (Role.ESME, 0x34, OPEN, Command.DELIVER_SM, BAD),
        (Role.ESME, 0x34, RX, Command.DELIVER_SM, PROCESS),
        (Role.ESME, 0x34, TX, Command.DELIVER_SM, BAD),
        (Role.ESME, 0x34, TRX, Command.ALERT_NOTIFICATION, PROCESS),
        (Role.ESME, 0x34, TRX, Command.SUBMIT_SM, BAD),
        (Role.ESME, 0x34, TX, Command.SUBMIT_SM_RESP, PROCESS),
        (Role.ESME, 0x34, UNB, Command.SUBMIT_SM_RESP, PROCESS),
        (Role.ESME, 0x34, RX, Command.SUBMIT_SM_RESP, DROP),
        (Role.ESME, 0x34, TRX, Command.UNBIND, PROCESS),
    ],
)
def test_verdict(role: Role, version: int, state: State, command_id: int, verdict: int) -> None:
    assert session(state, role, version).verdict(command_id) == verdict


def test_nothing_is_known_after_the_end() -> None:
    closed = session(State.CLOSED)
    assert {closed.verdict(command) for command in Command} == {UNKNOWN}


@pytest.mark.parametrize(
    ("command_id", "status", "answer", "answered_status"),
    [
        (Command.SUBMIT_SM, Status.ESME_RTHROTTLED, Command.SUBMIT_SM_RESP, 0x58),
        (Command.SUBMIT_SM, UNKNOWN, Command.GENERIC_NACK, 0x03),
        (0x0000000A, UNKNOWN, Command.GENERIC_NACK, 0x03),
        (Command.OUTBIND, Status.ESME_RINVBNDSTS, Command.GENERIC_NACK, 0x04),
        (Command.ALERT_NOTIFICATION, Status.ESME_RINVBNDSTS, Command.GENERIC_NACK, 0x04),
        (Command.SUBMIT_SM, Status.ESME_RINVDCS, Command.SUBMIT_SM_RESP, 0x45),
    ],
)
def test_refusals_are_headers(
    command_id: int, status: int, answer: int, answered_status: int
) -> None:
    refusal = session().refuse(pdu(command_id, sequence=0xFFFFFFFF), status)
    assert refusal == header_only(answer, answered_status, 0xFFFFFFFF)


# -- versions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "version"),
    [(0x00, 0x33), (0x01, 0x33), (0x33, 0x33), (0x34, 0x34), (0x35, 0x34), (0x4F, 0x34)]
    + [(0x50, 0x50), (0x51, 0x50), (0xFF, 0x50)],
)
def test_negotiation_rounds_down_and_refuses_nothing(offered: int, version: int) -> None:
    assert negotiate(offered) == version


@pytest.mark.parametrize(
    ("version", "command_id", "status", "said"),
    [
        (Version.V50, Command.SUBMIT_SM, 0x104, 0x104),
        (Version.V34, Command.SUBMIT_SM, 0x104, 0x45),
        (Version.V34, Command.SUBMIT_SM, 0x100, 0x15),
        (Version.V34, Command.SUBMIT_SM, 0x102, 0x15),
        (Version.V34, Command.SUBMIT_SM, 0x103, 0x15),
        (Version.V34, Command.SUBMIT_SM, 0x105, 0xC4),
        (Version.V34, Command.SUBMIT_SM, 0x101, 0x45),
        (Version.V34, Command.CANCEL_SM, 0x101, 0x11),
        (Version.V34, Command.REPLACE_SM, 0x101, 0x13),
        (Version.V34, Command.QUERY_SM, 0x101, 0x67),
        (Version.V33, Command.SUBMIT_SM, 0xC0, 0x02),
        (Version.V33, Command.SUBMIT_SM, 0xC2, 0x45),
        (Version.V34, Command.SUBMIT_SM, 0xC2, 0xC2),
        (Version.V33, Command.SUBMIT_SM, 0x0B, 0x0B),
    ],
)
def test_statuses_an_older_version_lacks(
    version: Version, command_id: int, status: int, said: int
) -> None:
    assert expressible(status, version, command_id) == said


# -- our requests ----------------------------------------------------------------------------------


def test_sequence_numbers_begin_at_one_and_wrap_past_those_outstanding() -> None:
    one = session(window=10)
    assert one.request(Command.DELIVER_SM, 1, 1, 0) == 1
    assert one.link_request(Command.ENQUIRE_LINK) == 2
    one._sequence = MAX_SEQUENCE_NUMBER - 1
    assert one.request(Command.DELIVER_SM, 2, 1, 0) == MAX_SEQUENCE_NUMBER
    assert one.request(Command.DELIVER_SM, 3, 1, 0) == 3


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", [Command.DELIVER_SM, Command.SUBMIT_SM, Command.DATA_SM])
def test_only_what_the_state_allows_goes_out(role: Role, state: State, command: Command) -> None:
    one = session(state, role)
    if command in SENDABLE.get((role, state), ()):
        assert one.room == 3
        one.request(command, 7, 1, 0)
        assert one.room == 2
    else:
        with pytest.raises(IllegalMove):
            one.request(command, 7, 1, 0)


def test_room_never_falls_below_nothing() -> None:
    one = session(window=1)
    one.request(Command.DELIVER_SM, 1, 1, 0)
    one.request(Command.DELIVER_SM, 2, 1, 0)
    assert one.room == 0


@pytest.mark.parametrize(
    ("response", "settles"),
    [
        (pdu(Command.DELIVER_SM_RESP, 1), True),
        (pdu(Command.DELIVER_SM_RESP, 1, 0xFFFFFFFF), True),
        (pdu(Command.GENERIC_NACK, 1, 3), True),
        (pdu(Command.GENERIC_NACK, 0, 3), False),
        (pdu(Command.DELIVER_SM_RESP, 2), False),
        (pdu(Command.SUBMIT_SM_RESP, 1), False),
        (pdu(Command.ENQUIRE_LINK_RESP, 1), False),
    ],
)
def test_a_response_settles_its_own_request_once(response: Pdu, settles: bool) -> None:
    one = session()
    one.request(Command.DELIVER_SM, 7, 2, 0)
    window, told = one.window, (response.sequence_number, response.command_id)
    assert window.take(*told) == settles
    assert (window.id, window.attempt) == ((7, 2) if settles else (0, 0))
    assert not window.take(*told)
    assert window.count == (0 if settles else 1)


def test_link_responses_match_by_kind_and_sequence() -> None:
    one = session()
    sequence = one.link_request(Command.UNBIND)
    assert one.link_answered(pdu(Command.ENQUIRE_LINK_RESP, sequence)) == 0
    assert one.link_answered(pdu(Command.UNBIND_RESP, sequence + 1)) == 0
    assert one.link_answered(pdu(Command.UNBIND_RESP, sequence)) == Command.UNBIND
    assert one.link_answered(pdu(Command.UNBIND_RESP, sequence)) == 0


def test_unanswered_enquire_links_do_not_pile_up() -> None:
    one = session()
    first = one.link_request(Command.ENQUIRE_LINK)
    for _ in range(1000):
        last = one.link_request(Command.ENQUIRE_LINK)
    assert one.link_answered(pdu(Command.ENQUIRE_LINK_RESP, first)) == 0
    assert one.link_answered(pdu(Command.ENQUIRE_LINK_RESP, last)) == Command.ENQUIRE_LINK


def test_overdue_requests_are_handed_over_once() -> None:
    one = session(timing=Timing(response=100))
    one.request(Command.DELIVER_SM, 7, 2, 0)
    one.request(Command.DELIVER_SM, 8, 1, 50)
    assert one.expired(99) == []
    assert one.expired(100) == [(1, 7, 2)]
    assert one.expired(120) == []
    assert one.window.leftovers() == [(8, 1)]
    assert one.window.leftovers() == []


def test_what_has_not_left_is_never_overdue() -> None:
    one = session(timing=Timing(response=100))
    assert one.deliveries(Command.DELIVER_SM, [7, 8, 9], 0) == [1, 2, 3]
    assert one.expired(1000, unsent=2) == [(1, 7, 0)]
    assert one.expired(1000, unsent=2) == []
    assert one.expired(1000) == [(2, 8, 0), (3, 9, 0)]


def test_nothing_is_overdue_before_it_could_have_been_read() -> None:
    one = session(timing=Timing(response=100))
    one.request(Command.DELIVER_SM, 1, 1, 0)
    one.timers.forgive(500)
    assert one.expired(599) == []
    assert one.expired(600) == [(1, 1, 1)]


@given(st.lists(st.one_of(st.just("send"), st.integers(1, 40), st.just("tick")), max_size=120))
def test_every_request_has_exactly_one_fate(steps: list[str | int]) -> None:
    one = session(window=1000, timing=Timing(response=5))
    sent: dict[int, int] = {}
    fates: list[int] = []
    for now, step in enumerate(steps):
        if step == "send":
            sent[one.request(Command.DELIVER_SM, 1_000 + now, 1, now)] = 1_000 + now
        elif step == "tick":
            fates += [id for _, id, _ in one.expired(now)]
        elif one.window.take(int(step), Command.DELIVER_SM_RESP):
            assert one.window.id == sent[int(step)]
            fates.append(one.window.id)
    left = [id for id, _ in one.window.leftovers()]
    assert sorted(fates + left) == sorted(sent.values())


# -- timers ----------------------------------------------------------------------------------------

T = Timing(
    session_init=10, enquire_link=30, inactivity=300, response=7, pdu_read=20, write_stall=25
)


@pytest.mark.parametrize(
    ("state", "since", "now", "due"),
    [
        (OPEN, {}, 9, Due.NOTHING),
        (OPEN, {}, 10, Due.SESSION_INIT),
        # enquire_link proves a peer, not that it will bind.
        (OPEN, {"heard": 9}, 10, Due.SESSION_INIT),
        (OUT, {}, 10, Due.SESSION_INIT),
        (TRX, {}, 29, Due.NOTHING),
        (TRX, {}, 30, Due.ENQUIRE_LINK),
        (TRX, {"heard": 20}, 49, Due.NOTHING),
        (TRX, {"enquired": 30}, 36, Due.NOTHING),
        (TRX, {"enquired": 30}, 37, Due.SILENT),
        (TRX, {}, 300, Due.INACTIVE),
        (TRX, {"partial": 5}, 24, Due.NOTHING),
        # A PDU that drips is measured from its first octet, however lately octets came.
        (TRX, {"partial": 5, "heard": 25}, 25, Due.PDU_READ),
        (TRX, {"stalled": 0, "heard": 25}, 24, Due.NOTHING),
        (TRX, {"stalled": 0, "heard": 25}, 25, Due.WRITE_STALL),
        (OPEN, {"stalled": 0}, 25, Due.WRITE_STALL),
        (UNB, {"unbound": 10, "heard": 15}, 16, Due.NOTHING),
        (UNB, {"unbound": 10, "heard": 15}, 17, Due.UNBIND),
    ],
)
def test_due(state: State, since: dict[str, int], now: int, due: Due) -> None:
    timers = Timers(T, 0)
    for name, value in since.items():
        setattr(timers, name, value)
    assert timers.due(now, state) is due


def test_zero_switches_a_timer_off() -> None:
    timers = Timers(Timing(enquire_link=0, inactivity=0), 0)
    assert timers.due(10**9, State.BOUND_TRX) is Due.NOTHING


def test_any_pdu_answers_an_enquire_link() -> None:
    timers = Timers(T, 0)
    timers.enquired = 30
    timers.hear(36)
    assert timers.due(37, State.BOUND_TRX) is Due.NOTHING


def test_our_own_standstill_is_not_held_against_the_peer() -> None:
    timers = Timers(T, 0)
    timers.enquired = timers.partial = timers.unbound = 0
    timers.forgive(1000)
    assert timers.due(1006, State.BOUND_TRX) is Due.NOTHING
    assert timers.due(1007, State.BOUND_TRX) is Due.UNBIND


# -- two ends --------------------------------------------------------------------------------------


class Link:
    """An SMSC's session and an ESME's, with octets for a wire between them."""

    def __init__(self) -> None:
        self.smsc = session(State.OPEN, Role.SMSC)
        self.esme = session(State.OPEN, Role.ESME)
        self._to = {id(self.smsc): Decoder(), id(self.esme): Decoder()}

    def carry(self, octets: bytes, to: Session) -> Pdu:
        (one,) = self._to[id(to)].feed(octets)
        return one

    def bind(self) -> None:
        sequence = self.esme.link_request(Command.BIND_TRANSCEIVER)
        request = self.carry(encode(Command.BIND_TRANSCEIVER, sequence), self.smsc)
        assert self.smsc.verdict(request.command_id) == PROCESS
        self.smsc.move(Event.BIND_TRANSCEIVER)
        answer = self.carry(
            encode(Command.BIND_TRANSCEIVER_RESP, request.sequence_number), self.esme
        )
        assert self.esme.verdict(answer.command_id) == PROCESS
        assert self.esme.link_answered(answer) == Command.BIND_TRANSCEIVER
        self.esme.move(Event.BIND_TRANSCEIVER)


def test_both_ends_number_their_requests_by_themselves() -> None:
    link = Link()
    link.bind()
    up = link.esme.request(Command.SUBMIT_SM, 7, 1, 0)
    down = link.smsc.request(Command.DELIVER_SM, 8, 1, 0)
    assert (up, down) == (2, 1)
    at_smsc = link.carry(submit(up), link.smsc)
    assert link.smsc.verdict(at_smsc.command_id) == PROCESS
    # The answer to theirs has the number of ours, and settles nothing here.
    stray = link.carry(header_only(at_smsc.command_id | RESPONSE, 0, down), link.smsc)
    assert not link.smsc.window.take(stray.sequence_number, stray.command_id)
    answer = link.carry(header_only(Command.SUBMIT_SM_RESP, 0, up), link.esme)
    assert link.esme.window.take(answer.sequence_number, answer.command_id)
    assert link.esme.window.id == 7
    assert link.smsc.window.leftovers() == [(8, 1)]


def test_unbinds_may_cross() -> None:
    link = Link()
    link.bind()
    for one in (link.smsc, link.esme):
        one.link_request(Command.UNBIND)
        one.move(Event.UNBIND)
    for one in (link.smsc, link.esme):
        assert one.verdict(Command.UNBIND) == PROCESS
        one.move(Event.UNBIND)
        assert one.verdict(Command.UNBIND_RESP) == PROCESS
        one.move(Event.CLOSE)
    assert link.smsc.state is link.esme.state is State.CLOSED


def test_a_session_shows_its_state() -> None:
    assert repr(session()) == "<Session SMSC BOUND_TRX window=0>"
