"""What a billing period comes to: of every message once, by its customer's months."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from smsc import periods
from smsc.billing import Bill, BillingError, Line, Sum, bill, items, span
from smsc.journal import SimLog
from smsc.periods import Cycle
from smsc.smpp import MessageState, Status
from smsc.zones import zone
from tests.keeper import Client, Keeper, Relay, submit_sm
from tests.test_till import plan, tariff


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


def test_a_period_is_one_of_the_customers_cycle_on_its_clock() -> None:
    berlin = zone("Europe/Berlin")
    assert span("2026-10", "month", berlin) == periods.span("2026-10@Europe/Berlin")
    assert span("2026-W40", "week", berlin) == periods.span("2026-W40@Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "cycle", "wanted"),
    [
        *((text, "month", "a month like 2026-11") for text in (
            "2026-13", "2026-00", "26-11", "2026-1", "2026-11-01", "１", "2026-W40",
            "2026-11@Asia/Tokyo")),
        *((text, "week", "a week like 2026-W48") for text in ("2026-W54", "2026-11")),
    ],
)  # fmt: skip
def test_what_is_no_period(text: str, cycle: Cycle, wanted: str) -> None:
    with pytest.raises(BillingError, match=f"must be {wanted}$"):
        span(text, cycle, zone("UTC"))


def record(id: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": id,
        "inbound": False,
        "accepted": 10,
        "network": b"26201",
        "parts": 1,
        "price": 75,
        "state": MessageState.DELIVERED,
        "source_addr": b"ACME",
        "destination_addr": b"447700900123",
        "content": b"secret",
        "data_coding": 0,
        "esm_class": 0,
    } | fields


def test_lines_add_up_and_a_message_counts_once() -> None:
    made = bill(
        [
            record(1),
            record(2, content=b"x" * 400, parts=4, price=225),
            record(2, content=b"x" * 400, parts=4, price=225),
            record(3, price=0),
            record(4, price=None),
            record(5, inbound=True, network=b"", price=7),
        ]
    )
    assert made.lines == {
        Line("26201", "out", 75): Sum(2, 4, 300),  # 3 segments, in however many it was sent
        Line("26201", "out", 0): Sum(1, 1, 0),
        Line("26201", "out", None): Sum(1, 1, 0),
        Line("", "in", 7): Sum(1, 1, 7),
    }
    assert made.amount == 307
    assert not made.add(record(1))


def test_an_itemised_statement_has_neither_whole_numbers_nor_texts() -> None:
    found = [record(1, accepted=9), record(2, accepted=3_600_000), record(2, accepted=3_600_000)]
    (item,) = items(found, 10, zone("Europe/Berlin"))
    assert item == {
        "accepted": "1970-01-01T02:00:00.000",
        "direction": "out",
        "from": "ACME",
        "to": "447700900xxx",
        "network": "26201",
        "state": "DELIVERED",
        "segments": 1,
        "amount": 75,
    }


class World:
    """A keeper whose messages have their fates before they are sent, whatever happens to it."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.keeper = Keeper(
            SimLog(hold=True), tariffs={b"acme": tariff(plan=plan("delivered", 75))}
        )
        self.relay = up(self.keeper)
        #: What each accepted message is to cost; 0 for those that the carrier will refuse.
        self.due: dict[int, int] = {}

    def submit(self) -> None:
        texts = [b"x" * self.dice.choice([10, 161]) for _ in range(self.dice.randrange(4))]
        messages = (submit_sm(short_message=text) for text in texts)
        ids = self.keeper.submit(Client(self.keeper), *messages)
        self.settle()
        for id, text in zip(ids, texts, strict=True):
            self.due[id] = self.dice.choice([0, 75 * (1 + (len(text) > 160))])

    def answer(self, share: float) -> None:
        for id, attempt in tuple(self.relay.outstanding):
            if self.dice.random() < share:
                status = 0 if self.due[id] else Status.ESME_RINVDSTADR
                self.relay.answer(id, attempt, status)
        self.keeper.turn.run()

    def settle(self) -> None:
        log = self.keeper.log
        while log.busy or log.open_octets:
            log.advance()
            self.keeper.run()

    def crash(self) -> None:
        """Some of the newest ends are not durable, or are and have no traffic record yet."""
        self.keeper = self.keeper.crash()
        for log in self.keeper.traffic_logs.values():
            log.hold = self.dice.random() < 0.5
        self.relay = up(self.keeper)

    def finish(self) -> None:
        while len(self.keeper.core.state.spool):
            self.answer(1)
            self.settle()
            self.keeper.run(70_000)  # as long as a doubt is held
        for log in self.keeper.traffic_logs.values():
            log.hold = False
            log.advance()
        self.settle()
        self.keeper.run()


@pytest.mark.parametrize("seed", range(10))
def test_totals_are_the_traffic_records_once_each_whatever_crashes(seed: int) -> None:
    dice = random.Random(seed)
    world = World(dice)
    for _ in range(25):
        world.submit()
        world.answer(0.6)
        if dice.random() < 0.5:
            world.settle()
        if dice.random() < 0.3:
            world.crash()
    world.finish()
    found = world.keeper.records()
    assert sorted(one["id"] for one in found) == sorted(world.due)
    assert {one["id"]: one["price"] for one in found} == world.due
    made = bill(found)
    assert made.amount == sum(world.due.values())
    assert sum(total.messages for total in made.lines.values()) == len(world.due)


def up(world: Keeper) -> Relay:
    relay = Relay(world)
    world.core.carrier_up(relay)
    return relay


def test_a_bill_of_nothing() -> None:
    assert (Bill().lines, Bill().amount) == ({}, 0)
