"""What comes in as a batch is judged, kept and sent in passes, and comes out as one by one."""

from __future__ import annotations

from typing import Any

import pytest

from smsc.errors import StorageError
from smsc.smpp import Status
from smsc.spool import Stage
from tests.keeper import BASE, Client, Keeper, Relay, submit_sm
from tests.test_parts import TEXT as PARTED
from tests.test_parts import long, part_of
from tests.test_till import REFUSED, tariff

LIMITED = BASE.replace("system_id: acme,", "system_id: acme, max_queued: 3,")


def up(keeper: Keeper, **how: Any) -> Relay:
    relay = Relay(keeper, **how)
    keeper.core.carrier_up(relay)
    return relay


def texts(relay: Relay) -> list[bytes]:
    return [message.text for _id, _attempt, message in relay.sent]


def test_a_batch_has_room_for_as_many_as_there_is_room_for() -> None:
    keeper = Keeper(text=LIMITED)
    client = Client(keeper)
    assert keeper.submit(client, submit_sm())[0] > 0
    results = keeper.submit(client, *[submit_sm() for _ in range(4)])
    assert [result > 0 for result in results] == [True, True, False, False]
    assert results[2:] == [-Status.ESME_RMSGQFUL] * 2
    assert keeper.core.counters.refused == {Status.ESME_RMSGQFUL: 2}


def test_who_is_refused_takes_no_room_from_those_behind() -> None:
    keeper = Keeper(text=LIMITED.replace("to: '*'", "to: '4'"))
    nowhere = submit_sm(destination_addr=b"336123")
    results = keeper.submit(Client(keeper), nowhere, *[submit_sm() for _ in range(3)])
    assert results[0] == -Status.ESME_RINVDSTADR and min(results[1:]) > 0


def test_what_follows_a_message_that_waits_is_behind_it() -> None:
    keeper = Keeper(text=PARTED)
    relay = up(keeper)
    results = keeper.submit(Client(keeper), long(), long(b"short"))
    keeper.run()
    assert min(results) > 0
    parts = [part_of(message) for _id, _attempt, message in relay.sent]
    assert [part is not None for part in parts] == [True, True, True, False]
    assert texts(relay)[-1] == b"short"


def test_what_no_bind_has_room_for_waits_in_order() -> None:
    keeper = Keeper()
    relay = up(keeper, window=2)
    batch = [submit_sm(short_message=b"%d" % n) for n in range(4)]
    ids = keeper.submit(Client(keeper), *batch)
    slab = keeper.core.state.spool.slab
    stages = [slab.state(slab.find(id)) for id in ids]
    assert stages == [Stage.ATTEMPT, Stage.ATTEMPT, Stage.QUEUED, Stage.QUEUED]
    for _ in range(2):
        relay.answer(*relay.outstanding[0], carrier_id=b"x")
        keeper.run()
    assert texts(relay) == [b"0", b"1", b"2", b"3"]


def test_who_can_not_pay_is_told_so_in_turn() -> None:
    keeper = Keeper(tariffs={b"acme": tariff(prepaid=True, credited=100)})
    relay = up(keeper)
    two = submit_sm(short_message=b"x" * 161)  # segments: more than is left
    results = keeper.submit(Client(keeper), two, submit_sm(), submit_sm())
    assert results[0] == -REFUSED and results[1] > 0 and results[2] == -REFUSED
    keeper.run()
    assert len(relay.sent) == len(relay.outstanding) == 1
    assert keeper.core.counters.accepted == 1 and keeper.core.counters.refused == {REFUSED: 2}


def test_what_was_kept_is_sent_though_the_log_dies_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keeper = Keeper()
    relay = up(keeper)
    append, left = keeper.log.append, [2]

    def failing(*record: Any) -> int:
        if not left[0]:
            raise StorageError("no space")
        left[0] -= 1
        return append(*record)

    monkeypatch.setattr(keeper.log, "append", failing)
    with pytest.raises(StorageError):
        keeper.core.submit(Client(keeper), [submit_sm() for _ in range(4)])
    keeper.turn.run()
    assert len(relay.outstanding) == 2
    assert keeper.core.counters.accepted == 2 and not keeper.core.counters.refused


def test_what_a_bind_was_to_have_when_it_is_lost_goes_over_the_next_in_order() -> None:
    keeper = Keeper()
    relay = up(keeper)
    ids = keeper.core.submit(Client(keeper), [submit_sm(short_message=b"%d" % n) for n in range(3)])
    keeper.core.carrier_down(relay, [], [])
    keeper.run()
    slab = keeper.core.state.spool.slab
    assert not relay.outstanding
    assert {slab.state(slab.find(id)) for id in ids} == {Stage.QUEUED}
    again = up(keeper)
    keeper.run()
    assert texts(again) == [b"0", b"1", b"2"]
    assert keeper.core.counters.submitted == {b"one": 3} and not keeper.core.counters.in_doubt


def test_what_several_clients_send_in_a_turn_goes_to_a_bind_at_once() -> None:
    keeper = Keeper()
    relay = up(keeper)
    calls = []
    send = relay.send
    relay.send = lambda attempts, messages: calls.append(len(attempts)) or send(attempts, messages)  # type: ignore[func-returns-value,method-assign]
    for account in (b"acme", b"other", b"acme"):
        keeper.core.submit(Client(keeper, account), [submit_sm(), submit_sm()])
    keeper.turn.run()
    assert calls == [6] and len(relay.sent) == 6


def test_a_group_is_known_by_its_first_that_came_in() -> None:
    keeper = Keeper(text=LIMITED.replace("to: '*'", "to: '4'"))
    members = [
        submit_sm(destination_addr=to) for to in (b"336123", b"447700900124", b"447700900125")
    ]
    results = keeper.core.submit_multi(Client(keeper), members)
    assert results[0] == -Status.ESME_RINVDSTADR
    bodies = [keeper.core.bodies.get(id, 0) for id in results[1:]]
    assert [(body.kin.group, body.kin.index, body.kin.count) for body in bodies if body.kin] == [
        (results[1], 0, 2),
        (results[1], 1, 2),
    ]
