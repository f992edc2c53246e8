"""The keeper's part of the way, without sockets: accept, settle, receipt, on a real journal.

    pytest bench/test_accept.py --benchmark-only

Times are per round of ``BATCH`` messages; divide by it. What leaves is counted and thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smsc._pdu import Message
from smsc.journal import Journal
from tests.keeper import Client, Keeper, Relay, deliver_sm, submit_sm

BATCH = 100
ROUNDS = 200
RECEIPT = (
    b"id:%x sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 "
    b"stat:DELIVRD err:000 text:"
)


class Bench:
    """A keeper between a client and a carrier that take everything."""

    def __init__(self, directory: Path) -> None:
        self.keeper = Keeper(log=Journal(directory, force_filesystem=True))
        self.client = Client(self.keeper, window=1_000_000)
        self.relay = Relay(self.keeper, window=1_000_000)
        self.keeper.core.attach(self.client)
        self.keeper.core.carrier_up(self.relay)
        self.serial = 0

    def messages(self) -> tuple[tuple[list[Message]], dict[str, object]]:
        self.serial += BATCH
        fresh = [
            submit_sm(
                destination_addr=b"999%09d" % (self.serial + n),
                registered_delivery=1,
                short_message=b"x" * 80,
            )
            for n in range(BATCH)
        ]
        return (fresh,), {}

    def accept(self, messages: list[Message]) -> None:
        """What a read of ``BATCH`` submits costs the keeper."""
        self.keeper.core.submit(self.client, messages)
        self.keeper.turn.run()

    def settled(self) -> tuple[tuple[list[Message]], dict[str, object]]:
        (messages,), _ = self.messages()
        self.relay.outstanding = []
        self.accept(messages)
        sent = self.relay.outstanding
        self.keeper.core.outcomes(self.relay, [(id, n, 0, b"%x" % id) for id, n in sent])
        self.keeper.turn.run()
        return ([deliver_sm(esm_class=4, short_message=RECEIPT % id) for id, _n in sent],), {}

    def receipts(self, receipts: list[Message]) -> None:
        """What a read of ``BATCH`` receipts costs, with the client's answers to ours."""
        self.keeper.core.inbound(self.relay, receipts)
        self.keeper.turn.run()
        self.client.answer()
        self.keeper.turn.run()

    def close(self) -> None:
        self.keeper.commit.close()
        self.keeper.log.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "log")
    yield made
    made.close()


def test_accept(benchmark, bench: Bench) -> None:
    benchmark.pedantic(bench.accept, setup=bench.messages, rounds=ROUNDS, warmup_rounds=5)
    assert bench.keeper.core.counters.accepted == (ROUNDS + 5) * BATCH


def test_receipts(benchmark, bench: Bench) -> None:
    benchmark.pedantic(bench.receipts, setup=bench.settled, rounds=ROUNDS, warmup_rounds=5)
    assert len(bench.keeper.core.state.spool) == 0
