"""Submits whose answer was lost are known when they come again, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from smsc.smpp import Command, Tag
from tests.keeper import BASE, Client, Keeper, Relay, submit_sm

REFERENCE = {"tlvs": [(int(Tag.USER_MESSAGE_REFERENCE), b"\0\7")]}


@pytest.fixture
def keeper() -> Keeper:
    return Keeper(text=BASE.replace("acme, ", "acme, suppress_duplicates: 30s, ", 1))


def bound(keeper: Keeper, account: bytes = b"acme") -> Client:
    client = Client(keeper, account)
    keeper.core.attach(client)
    return client


def submit(keeper: Keeper, client: Client, **fields: Any) -> int:
    [id] = keeper.submit(client, submit_sm(**REFERENCE | fields))
    assert id > 0
    return id


def lost(keeper: Keeper, client: Client) -> None:
    keeper.core.detach(client)


def test_a_repeat_gets_the_id_of_what_it_repeats(keeper: Keeper) -> None:
    first = bound(keeper)
    id = submit(keeper, first)
    lost(keeper, first)
    second = bound(keeper)
    assert submit(keeper, second) == id
    assert keeper.core.counters.suppressed == 1
    assert (keeper.core.counters.accepted, len(keeper.core.state.spool)) == (1, 1)
    assert submit(keeper, second) != id, "once: it has its answer"


def test_an_answer_that_is_lost_again_is_repeated_again(keeper: Keeper) -> None:
    client = bound(keeper)
    id = submit(keeper, client)
    for _ in range(3):
        lost(keeper, client)
        client = bound(keeper)
        assert submit(keeper, client) == id
    assert keeper.core.counters.suppressed == 3


@pytest.mark.parametrize(
    "other",
    [
        {"source_addr": b"447700900002"},
        {"destination_addr": b"447700900124"},
        {"short_message": b"Hello!"},
        {"data_coding": 3},
        {"tlvs": [(int(Tag.USER_MESSAGE_REFERENCE), b"\0\x08")]},
        {"tlvs": []},
    ],
)
def test_what_differs_is_no_repeat(keeper: Keeper, other: dict[str, Any]) -> None:
    first = bound(keeper)
    id = submit(keeper, first)
    lost(keeper, first)
    assert submit(keeper, bound(keeper), **other) != id
    assert keeper.core.counters.suppressed == 0


def test_what_came_on_a_bind_that_lives_is_not_repeated(keeper: Keeper) -> None:
    first = bound(keeper)
    id = submit(keeper, first)
    assert submit(keeper, first) != id
    assert submit(keeper, bound(keeper)) != id


def test_who_took_leave_has_had_all_answers(keeper: Keeper) -> None:
    first = bound(keeper)
    id = submit(keeper, first)
    first.unbound = True
    lost(keeper, first)
    assert submit(keeper, bound(keeper)) != id


@pytest.mark.parametrize(("ms", "known"), [(29_000, True), (30_000, False), (60_000, False)])
def test_a_repeat_comes_soon(keeper: Keeper, ms: int, known: bool) -> None:
    first = bound(keeper)
    id = submit(keeper, first)
    lost(keeper, first)
    keeper.run(ms)
    assert (submit(keeper, bound(keeper)) == id) is known


def test_accounts_do_not_repeat_each_other(keeper: Keeper) -> None:
    first = bound(keeper)
    id = submit(keeper, first)
    lost(keeper, first)
    assert submit(keeper, bound(keeper, b"other")) != id


def test_it_is_off_unless_it_is_asked_for(keeper: Keeper) -> None:
    first = bound(keeper, b"other")
    id = submit(keeper, first)
    lost(keeper, first)
    assert submit(keeper, bound(keeper, b"other")) != id


def test_nothing_is_remembered_for_long(keeper: Keeper) -> None:
    first = bound(keeper)
    for n in range(50):
        submit(keeper, first, short_message=b"%d" % n)
        keeper.run(1_000)
    repeats = keeper.core.repeats
    assert len(repeats) <= 31
    lost(keeper, first)
    keeper.run(60_000)
    submit(keeper, bound(keeper))
    assert len(repeats) == 1


# -- over a restart ------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [False, True])
def test_what_was_taken_before_a_crash_is_known(keeper: Keeper, ended: bool) -> None:
    """Its answer may not have left. That it has ended meanwhile changes nothing."""
    client = bound(keeper)
    id = submit(keeper, client)
    other = submit(keeper, client, destination_addr=b"447700900124")
    if ended:
        relay = Relay(keeper)
        keeper.core.carrier_up(relay)
        relay.answer(id, 1)
        keeper.run()
    keeper = keeper.crash()
    client = bound(keeper)
    assert submit(keeper, client) == id
    assert submit(keeper, client) not in (id, other), "once"
    assert submit(keeper, client, destination_addr=b"447700900124") == other


def test_what_a_checkpoint_has_is_known_too(keeper: Keeper) -> None:
    client = bound(keeper)
    id = submit(keeper, client)
    keeper.check_point(keeper.log.durable)
    other = submit(keeper, client, destination_addr=b"447700900124")
    keeper = keeper.crash()
    assert keeper.log.checkpoint() is not None
    client = bound(keeper)
    assert submit(keeper, client) == id
    assert submit(keeper, client, destination_addr=b"447700900124") == other


def test_as_the_client_said_it_and_not_as_it_was_kept() -> None:
    text = BASE.replace(
        "acme, ",
        "acme, suppress_duplicates: 30s, default_sender: +447700900099, default_alphabet: latin1, ",
        1,
    )
    keeper = Keeper(text=text)
    said = {
        "source_addr": b"", "source_addr_ton": 0, "source_addr_npi": 0,
        "short_message": b"\xe9@", "schedule_delivery_time": b"000000010000000R",
    }  # fmt: skip
    id = submit(keeper, bound(keeper), **said)
    keeper = keeper.crash()
    assert submit(keeper, bound(keeper), **said) == id


def test_a_message_that_was_replaced_is_known_by_what_it_was(keeper: Keeper) -> None:
    client = bound(keeper)
    id = submit(keeper, client)
    named = {"message_id": b"%x" % id, "short_message": b"other"}
    assert keeper.ask(client, Command.REPLACE_SM, **named) == 0
    keeper = keeper.crash()
    assert submit(keeper, bound(keeper)) == id


def test_what_is_none_after_a_crash_either(keeper: Keeper) -> None:
    old = submit(keeper, bound(keeper))
    keeper.run(29_000)
    recent = submit(keeper, bound(keeper), short_message=b"later")
    others = submit(keeper, bound(keeper, b"other"))
    member = keeper.core.submit_multi(bound(keeper), [submit_sm(short_message=b"many")])[0]
    keeper = keeper.crash(after=2_000)
    client = bound(keeper)
    assert submit(keeper, client) != old, "its time is over"
    assert submit(keeper, client, short_message=b"later") == recent
    assert submit(keeper, client, short_message=b"many", tlvs=[]) != member
    assert submit(keeper, bound(keeper, b"other")) != others, "it did not ask for it"


def test_after_an_orderly_stop_nobody_waits_for_an_answer(keeper: Keeper) -> None:
    id = submit(keeper, bound(keeper))
    keeper.log.close()
    keeper = keeper.crash()
    assert submit(keeper, bound(keeper)) != id
