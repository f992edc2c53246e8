"""Charging in the keeper: what is taken aside, spent and given back, whatever crashes."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from smsc import reading
from smsc.accounts import Accounts
from smsc.journal import SimLog
from smsc.rating import Plan, Price, Purse, Tariff, read_charge
from smsc.records import Kind, read_message
from smsc.smpp import MessageState, Status
from smsc.zones import UTC
from tests.keeper import BASE, Client, Keeper, Relay, deliver_sm, submit_sm
from tests.test_ancillary import replace
from tests.test_parts import TEXT as PARTED
from tests.test_parts import acknowledge, long

EVER = date(2000, 1, 1)
REFUSED = 0x450


def plan(charged: str = "submitted", amount: int = 100) -> Plan:
    prices = [
        Price("out", "44", amount, EVER, None),
        Price("in", "4477", 7, EVER, None),
    ]
    return Plan("EUR", charged, prices)  # type: ignore[arg-type]


def tariff(**fields: object) -> Tariff:
    return Tariff(**{"customer": b"acme", "plan": plan(), "zone": UTC} | fields)  # type: ignore[arg-type]


def keeper(log: SimLog | None = None, **fields: object) -> Keeper:
    return Keeper(log, tariffs={b"acme": tariff(**fields)})


def purse(keeper: Keeper) -> Purse:
    return keeper.core.state.purses.get(b"acme")


def up(keeper: Keeper) -> Relay:
    relay = Relay(keeper)
    keeper.core.carrier_up(relay)
    return relay


def money(purse: Purse) -> tuple[int, int, int, int]:
    return purse.spent, purse.reserved, purse.day_spent, purse.month_spent


# -- what is charged -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charged", "asked", "stat", "due"),
    [
        ("submitted", 1, b"DELIVRD", 100),
        ("submitted", 1, b"UNDELIV", 100),
        ("submitted", 0, None, 100),
        ("delivered", 1, b"DELIVRD", 100),
        ("delivered", 1, b"UNDELIV", 0),
        ("delivered", 0, None, 100),
    ],
)
@pytest.mark.parametrize("prepaid", [False, True])
def test_the_state_that_the_plan_names(
    charged: str, asked: int, stat: bytes | None, due: int, prepaid: bool
) -> None:
    world = keeper(plan=plan(charged), prepaid=prepaid, credited=1_000)
    relay = up(world)
    (id,) = world.submit(Client(world), submit_sm(registered_delivery=asked))
    assert money(purse(world))[:2] == (0, 100 * prepaid)
    relay.answer(id, 1, 0, b"c1")
    if stat is not None:
        relay.receipt(b"c1", stat)
    world.run()
    assert [record["price"] for record in world.records()] == [due]
    assert money(purse(world)) == tuple(n * prepaid for n in (due, 0, due, due))


def test_a_refused_message_and_an_expired_one_cost_nothing() -> None:
    world = keeper(prepaid=True, credited=1_000)
    client = Client(world)
    (late,) = world.submit(client, submit_sm(validity_period=b"000000000100000R"))
    world.run(120_000)
    relay = up(world)
    (bad,) = world.submit(client, submit_sm())
    relay.answer(bad, 1, Status.ESME_RINVDSTADR)
    world.run()
    prices = {record["id"]: (record["state"], record["price"]) for record in world.records()}
    assert prices == {late: (MessageState.EXPIRED, 0), bad: (MessageState.REJECTED, 0)}
    assert money(purse(world)) == (0, 0, 0, 0)


def test_every_segment_counts() -> None:
    world = keeper(prepaid=True, credited=10_000)
    world.submit(Client(world), submit_sm(short_message=b"x" * 161))
    assert purse(world).reserved == 200


def test_where_there_is_no_price_nothing_is_sold() -> None:
    world = keeper()
    results = world.submit(Client(world), submit_sm(destination_addr=b"999123"), submit_sm())
    assert results[0] == -Status.ESME_RINVDSTADR
    assert results[1] > 0


def test_an_account_without_a_tariff_is_not_rated() -> None:
    world = keeper()
    relay = up(world)
    (id,) = world.submit(Client(world, b"other"), submit_sm(destination_addr=b"999123"))
    relay.answer(id, 1)
    world.run()
    assert [record["price"] for record in world.records()] == [None]
    assert list(world.core.state.purses) == []


def test_an_inbound_message_is_rated_when_it_is_delivered() -> None:
    world = keeper()
    relay, client = up(world), Client(world)
    world.core.attach(client)
    world.core.inbound(relay, [deliver_sm(destination_addr=b"80888", short_message=b"x")])
    world.run()
    client.answer()
    world.run()
    assert [(record["inbound"], record["price"]) for record in world.records()] == [(True, 7)]


# -- who may not ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits", [{"prepaid": True, "credited": 250}, {"cap_day": 250}, {"cap_month": 250}]
)
def test_who_can_not_pay_is_told_so_by_a_status_of_its_own(limits: dict[str, object]) -> None:
    world = keeper(**limits)
    results = world.submit(Client(world), submit_sm(), submit_sm(), submit_sm())
    assert [result > 0 for result in results] == [True, True, False]
    assert results[2] == -REFUSED
    assert world.core.counters.refused[REFUSED] == 1


def test_the_next_day_there_is_a_new_cap() -> None:
    world = keeper(cap_day=100)
    client = Client(world)
    assert world.submit(client, submit_sm(), submit_sm())[1] == -REFUSED
    world.run(86_400_000)
    assert world.submit(client, submit_sm())[0] > 0


def test_money_that_is_given_back_may_be_spent_again() -> None:
    world = keeper(prepaid=True, credited=100)
    relay, client = up(world), Client(world)
    (id, refused) = world.submit(client, submit_sm(), submit_sm())
    assert refused == -REFUSED
    relay.answer(id, 1, Status.ESME_RINVDSTADR)
    assert world.submit(client, submit_sm())[0] > 0


def test_a_payment_counts_from_the_next_snapshot_on() -> None:
    world = keeper(prepaid=True, credited=0)
    client = Client(world)
    assert world.submit(client, submit_sm()) == [-REFUSED]
    loaded = reading.loads(world.text)
    paid = {b"acme": tariff(prepaid=True, credited=100)}
    world.core.adopt(Accounts(loaded.accounts, paid))
    assert world.submit(client, submit_sm())[0] > 0


# -- the log -------------------------------------------------------------------------------------


def test_a_price_that_changes_meanwhile_changes_nothing() -> None:
    world = keeper(plan=plan(amount=100), prepaid=True, credited=1_000)
    (id,) = world.submit(Client(world), submit_sm())
    world.tariffs = {b"acme": tariff(plan=plan(amount=999))}  # and nobody pays ahead any more
    world = world.crash()
    relay = up(world)
    relay.answer(id, 1)
    world.run()
    assert [record["price"] for record in world.records()] == [100]
    assert money(purse(world))[:2] == (100, 0)


def test_a_purse_whose_message_was_cut_off_does_not_count() -> None:
    """A frame may be full between the two records, and the next one lost."""
    log = SimLog(hold=True)
    world = keeper(log, prepaid=True, credited=1_000)
    log.advance()
    world.run()
    before = purse(world)
    log.frame_octets = 260
    world.core.submit(Client(world), [submit_sm()])
    assert purse(world).reserved == 100
    kinds = [[kind for kind, *_ in frame.records.values()] for frame in log._frames]
    assert kinds[-1] == [Kind.PURSE], "the purse is alone in its frame"
    log.advance()  # all but the open frame, where the message is
    after = world.crash()
    assert purse(after) == before
    assert len(after.core.state.spool) == 0


def test_an_old_purse_is_carried_forward() -> None:
    world = keeper(prepaid=True, credited=1_000)
    relay = up(world)
    (id,) = world.submit(Client(world), submit_sm())
    relay.answer(id, 1)
    world.run()
    for _ in range(8):
        world.run(3_700_000)
    assert world.log.oldest_segment() > 1
    again = world.crash()
    assert money(purse(again)) == (100, 0, 100, 100)


@pytest.mark.parametrize("seed", range(12))
def test_every_unit_is_accounted_for_whatever_crashes(seed: int) -> None:
    """Reserved is what is owed, spent what the traffic records say; no credit is exceeded."""
    dice = random.Random(seed)
    credit = 3_000
    log = SimLog(hold=True)
    world = keeper(log, plan=plan("delivered"), prepaid=True, credited=credit)

    def settle(relay: Relay) -> None:
        for id, attempt in dice.sample(relay.outstanding, len(relay.outstanding)):
            roll = dice.random()
            if roll < 0.4:
                relay.answer(id, attempt, 0, b"%x" % id)
                relay.receipt(b"%x" % id, dice.choice([b"DELIVRD", b"UNDELIV"]))
            elif roll < 0.6:
                relay.answer(id, attempt, Status.ESME_RINVDSTADR)

    relay = up(world)
    for _ in range(60):
        texts = (b"x" * dice.choice([10, 161, 400]) for _ in range(dice.randrange(4)))
        asked = [submit_sm(short_message=text[:254], registered_delivery=1) for text in texts]
        world.submit(Client(world), *asked)
        settle(relay)
        if dice.random() < 0.6:
            world.log.advance(dice.choice([1, 2, None]))
        world.run(dice.choice([0, 0, 1_000]))
        held = purse(world)
        assert held.spent + held.reserved <= credit
        assert held.reserved == owed(world)
        if dice.random() < 0.1:
            world = world.crash()
            relay = up(world)
            assert purse(world).reserved == owed(world)
    world.log.advance()
    world.log.hold = False
    world.run()
    world = world.crash()
    assert purse(world).spent == sum(record["price"] for record in world.records())
    assert purse(world).reserved == owed(world)


def owed(world: Keeper) -> int:
    """What the messages that are not final were charged, by their own records."""
    slab = world.core.state.spool.slab
    heads = (world.log.read(slab.position(slot))[1] for slot in slab.slots())
    return sum(read_charge(read_message(head).charge or b"").amount for head in heads)


# -- a text that is replaced ---------------------------------------------------------------------

SHORT, LONG = b"x", b"x" * 161


@pytest.mark.parametrize(
    ("prepaid", "before", "after", "status", "due"),
    [
        (False, SHORT, LONG, 0, 200),
        (False, LONG, SHORT, 0, 100),
        (True, SHORT, LONG, Status.ESME_RREPLACEFAIL, 100),
        (True, LONG, SHORT, 0, 100),
        (True, LONG, LONG[:-1] + b"y", 0, 200),
    ],
)
def test_a_replaced_text_costs_what_it_has_of_segments(
    prepaid: bool, before: bytes, after: bytes, status: int, due: int
) -> None:
    world = keeper(prepaid=prepaid, credited=1_000)
    client = Client(world)
    (id,) = world.submit(client, submit_sm(short_message=before))
    assert replace(world, client, id, short_message=after) == status
    assert money(purse(world)) == tuple(n * prepaid for n in (0, due, due, due))
    again = world.crash()
    assert purse(again) == purse(world)
    relay = up(again)
    relay.answer(id, 1)
    again.run()
    assert [record["price"] for record in again.records()] == [due]
    assert money(purse(again)) == tuple(n * prepaid for n in (due, 0, due, due))


# -- a text that goes in parts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charged", "stats", "due"),
    [
        ("submitted", [b"DELIVRD", b"DELIVRD", b"DELIVRD"], 300),
        ("submitted", [b"DELIVRD", b"UNDELIV", b"DELIVRD"], 300),
        ("submitted", [], 0),
        ("delivered", [b"DELIVRD", b"DELIVRD", b"DELIVRD"], 300),
        ("delivered", [b"DELIVRD", b"UNDELIV", b"DELIVRD"], 0),
    ],
)
def test_a_text_in_parts_is_charged_once(charged: str, stats: list[bytes], due: int) -> None:
    paid = tariff(plan=plan(charged), prepaid=True, credited=1_000)
    world = Keeper(text=PARTED, tariffs={b"acme": paid})
    relay = up(world)
    world.submit(Client(world), long())
    world.run()
    assert money(purse(world)) == (0, 300, 300, 300)
    assert len(relay.outstanding) == 3
    if not stats:
        for id, attempt in tuple(relay.outstanding):
            relay.answer(id, attempt, Status.ESME_RINVDSTADR)
    else:
        ids = acknowledge(relay)
        world.run()
        for id, stat in zip(ids, stats, strict=True):
            relay.receipt(id, stat)
    world.run()
    assert [record["price"] for record in world.records()] == [due]
    assert money(purse(world)) == (due, 0, due, due)
    assert purse(world.crash()) == purse(world)


def test_a_network_has_a_price_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "networks.csv"
    file.write_text("prefix,network\n447700900,23415\n")
    prices = [Price("out", "234-15", 55, EVER, None), Price("out", "*", 100, EVER, None)]
    paid = tariff(plan=Plan("EUR", "submitted", prices))
    world = Keeper(text=f"{BASE}networks: {{file: '{file}'}}\n", tariffs={b"acme": paid})
    relay = up(world)
    ids = world.submit(Client(world), submit_sm(), submit_sm(destination_addr=b"999000000123"))
    for id in ids:
        relay.answer(id, 1)
    world.run()
    found = {record["id"]: (record["network"], record["price"]) for record in world.records()}
    assert found == {ids[0]: (b"23415", 55), ids[1]: (b"", 100)}
