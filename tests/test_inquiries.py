"""Messages held for a number lookup: stored at once, sent when it is known where they belong."""

from __future__ import annotations

from typing import Any

import pytest

from smsc.records import Flag
from smsc.smpp import Command, MessageState
from smsc.state import State
from tests.keeper import Asked, Client, Keeper, Relay, request, submit_sm
from tests.test_networks import ROUTED

LOOKUP = ROUTED + "lookup: {url: 'http://127.0.0.1:1/{number}', timeout: 500ms}\n"

#: By its prefix a number of One, which carrier one has; Two's go to carrier two.
ONE, TWO = b"00101", b"00102"
NUMBER = b"447700900001"


class Held:
    """A keeper with a lookup, a client and both carriers."""

    def __init__(self, text: str = LOOKUP) -> None:
        self.keeper = Keeper(text=text, lookup=Asked())
        self.meet()

    def meet(self) -> None:
        assert self.keeper.lookup is not None
        self.lookup = self.keeper.lookup
        self.client = Client(self.keeper)
        self.keeper.core.attach(self.client)
        self.one, self.two = (Relay(self.keeper, name) for name in (b"one", b"two"))
        for relay in (self.one, self.two):
            self.keeper.core.carrier_up(relay)

    def crash(self) -> None:
        self.keeper = self.keeper.crash(after=10_000)
        self.meet()

    def submit(self, **fields: Any) -> int:
        [id] = self.keeper.submit(self.client, submit_sm(**{"destination_addr": NUMBER} | fields))
        return id

    def answer(self, network: bytes = b"") -> None:
        self.lookup.answer(network)
        self.keeper.turn.run()

    def sent(self) -> tuple[int, int]:
        return len(self.one.sent), len(self.two.sent)

    def finish(self) -> dict[str, Any]:
        for relay in (self.one, self.two):
            for id, attempt in tuple(relay.outstanding):
                relay.answer(id, attempt)
        self.keeper.run()
        [record] = self.keeper.records()
        return record

    def check_replay(self) -> None:
        replayed = State()
        self.keeper.log.lose_tail().replay(replayed.apply)
        assert replayed.fingerprint() == self.keeper.core.state.fingerprint()


@pytest.fixture
def held() -> Held:
    return Held()


def test_a_message_is_answered_at_once_and_sent_where_its_number_is(held: Held) -> None:
    id = held.submit()
    assert id > 0
    assert held.sent() == (0, 0)
    assert [number for number, _ in held.lookup.questions] == [NUMBER]
    held.answer(TWO)
    assert held.sent() == (0, 1)
    held.check_replay()
    record = held.finish()
    assert (record["carrier"], record["network"]) == (b"two", TWO)


def test_what_is_known_already_is_not_asked(held: Held) -> None:
    held.lookup.cache[NUMBER] = TWO
    held.submit()
    assert held.sent() == (0, 1)
    assert held.lookup.questions == []
    assert held.finish()["network"] == TWO


def test_where_nothing_is_to_be_had_the_prefix_counts(held: Held) -> None:
    held.lookup.cache[NUMBER] = b""
    held.submit()
    assert held.sent() == (1, 0)
    assert held.finish()["network"] == ONE


def test_a_failure_lets_a_message_go_at_once(held: Held) -> None:
    held.submit()
    held.answer()
    assert held.sent() == (1, 0)
    held.check_replay()
    assert held.finish()["network"] == ONE


def test_silence_lets_a_message_go_after_the_time_out(held: Held) -> None:
    held.submit()
    held.keeper.run(400)
    assert held.sent() == (0, 0)
    held.keeper.run(300)
    assert held.sent() == (1, 0)
    held.answer(TWO)  # too late
    assert held.sent() == (1, 0)
    held.check_replay()
    assert held.finish()["network"] == ONE


def test_an_answer_is_good_for_as_long_as_nothing_was_sent(held: Held) -> None:
    held.keeper.core.carrier_down(held.one, [], [])
    held.submit()
    held.keeper.run(1_000)
    assert held.sent() == (0, 0)  # waits for its carrier: within the grace no other may have it
    held.answer(TWO)
    assert held.sent() == (0, 1)
    held.check_replay()
    assert held.finish()["network"] == TWO


def test_a_retry_stays_where_it_was_tried(held: Held) -> None:
    id = held.submit()
    held.keeper.run(1_000)
    held.one.answer(id, 1, 0x08)  # ESME_RSYSERR: again, later
    held.answer(TWO)
    held.keeper.run(20_000)
    assert held.sent() == (2, 0)


def test_a_network_that_no_route_names_leaves_the_route(held: Held) -> None:
    held.submit()
    held.answer(b"99999")
    assert held.sent() == (1, 0)
    assert held.finish()["network"] == b"99999"


def test_a_schedule_outlasts_an_answer(held: Held) -> None:
    held.submit(schedule_delivery_time=b"000000000100000R")  # in a minute
    held.answer(TWO)
    held.keeper.run(50_000)
    assert held.sent() == (0, 0)
    held.check_replay()
    held.keeper.run(20_000)
    assert held.sent() == (0, 1)


def test_a_message_that_is_put_off_meanwhile_stays_put_off(held: Held) -> None:
    id = held.submit()
    change = request(
        Command.REPLACE_SM, message_id=b"%x" % id,
        schedule_delivery_time=b"000000000100000R", short_message=b"Bye",
    )  # fmt: skip
    assert held.keeper.core.replace(held.client, change) == 0
    held.answer(TWO)
    held.keeper.run(50_000)
    assert held.sent() == (0, 0)
    held.check_replay()
    held.keeper.run(20_000)
    [(_, _, message)] = held.two.sent
    assert message.short_message == b"Bye"


def test_a_message_that_ended_meanwhile_is_left_alone(held: Held) -> None:
    held.keeper.core.carrier_down(held.one, [], [])
    held.keeper.core.carrier_down(held.two, [], [])
    held.submit(validity_period=b"000000000002000R")
    held.keeper.run(300_000)
    [record] = held.keeper.records()
    assert record["state"] == MessageState.EXPIRED
    held.answer(TWO)
    held.keeper.run()
    assert len(held.keeper.records()) == 1


@pytest.mark.parametrize("answered", [b"", TWO])
def test_after_a_restart_it_is_asked_again(held: Held, answered: bytes) -> None:
    held.submit()
    held.crash()
    assert [number for number, _ in held.lookup.questions] == [NUMBER]
    assert held.sent() == (0, 0)
    held.answer(answered)
    assert held.sent() == ((0, 1) if answered else (1, 0))
    held.check_replay()
    assert held.finish()["network"] == (answered or ONE)


def test_after_a_restart_an_answer_still_holds(held: Held) -> None:
    for relay in (held.one, held.two):
        held.keeper.core.carrier_down(relay, [], [])
    held.submit()
    held.answer(TWO)
    held.crash()
    held.keeper.run()
    assert held.lookup.questions == []
    assert held.sent() == (0, 1)
    assert held.finish()["network"] == TWO


def test_without_a_lookup_after_a_restart_it_goes_by_its_prefix(held: Held) -> None:
    held.submit()
    held.keeper.text, held.keeper.lookup = ROUTED, None
    keeper = held.keeper.crash()
    relay = Relay(keeper, b"one")
    keeper.core.carrier_up(relay)
    keeper.run()
    assert len(relay.sent) == 1


def test_carried_forward_it_is_still_held(held: Held) -> None:
    id = held.submit()
    core = held.keeper.core
    slot = core.state.spool.slab.find(id)
    core.forgetting._carry_message(slot)
    held.keeper.turn.run()
    assert core.state.spool.slab.flags(slot) & Flag.HELD
    held.check_replay()
    held.answer(TWO)
    core.forgetting._carry_message(slot)
    held.keeper.turn.run()
    held.check_replay()
    assert held.sent() == (0, 1)
    assert held.finish()["network"] == TWO


@pytest.mark.parametrize(
    ("wish", "account", "to", "asked"),
    [
        ("accounts: acme", b"acme", NUMBER, True),
        ("accounts: acme", b"other", NUMBER, False),
        ("routes: uk", b"other", NUMBER, True),
        ("routes: uk", b"acme", b"999000000000001", False),
        ("accounts: other, routes: default", b"acme", b"999000000000001", True),
        ("cache: 1h", b"other", NUMBER, True),
        ("cache: 1h", b"other", b"+" + NUMBER, True),
        ("cache: 1h", b"acme", b"80888", False),
    ],
)
def test_whose_messages_are_looked_up(wish: str, account: bytes, to: bytes, asked: bool) -> None:
    held = Held(LOOKUP.replace("timeout: 500ms", wish))
    client = Client(held.keeper, account)
    held.keeper.core.attach(client)
    held.keeper.submit(client, submit_sm(destination_addr=to))
    assert [number for number, _ in held.lookup.questions] == [to.lstrip(b"+")] * asked


def test_national_numbers_are_looked_up_as_e164() -> None:
    held = Held(LOOKUP.replace("{system_id: acme,", "{system_id: acme, numbers: {region: GB},"))
    held.submit(destination_addr=b"07700900001", dest_addr_ton=2)
    assert [number for number, _ in held.lookup.questions] == [NUMBER]
    held.answer(TWO)
    [(_, _, message)] = held.two.sent
    assert message.destination_addr == NUMBER
