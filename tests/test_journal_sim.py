"""What ``SimLog`` can do to its owner beyond the port (which test_log_port.py covers)."""

from __future__ import annotations

import select

import pytest

from smsc.errors import StorageError
from smsc.journal import SimLog


def opened(*, hold: bool = False) -> SimLog:
    log = SimLog(hold=hold)
    log.replay(lambda *record: None)
    return log


def sealed(log: SimLog, head: bytes) -> int:
    log.begin(1)
    log.append(1, head)
    return log.seal()


def heads_after(log: SimLog) -> list[bytes]:
    heads: list[bytes] = []
    log.replay(lambda kind, position, time_ms, head: heads.append(head))
    return heads


def test_held_frames_are_durable_when_told() -> None:
    log = opened(hold=True)
    numbers = [sealed(log, b"%d" % n) for n in range(3)]
    assert (log.poll(), log.busy) == (0, True)
    assert not select.select([log.fileno()], [], [], 0)[0]
    log.advance(1)
    assert select.select([log.fileno()], [], [], 0)[0]
    assert log.poll() == numbers[0]
    log.advance()
    assert (log.poll(), log.busy) == (numbers[2], False)


@pytest.mark.parametrize(
    ("keep", "left"), [(0, [b"0"]), (1, [b"0", b"1"]), (9, [b"0", b"1", b"2"])]
)
def test_a_crash_loses_what_was_not_durable_but_for_what_the_disk_kept(
    keep: int, left: list[bytes]
) -> None:
    log = opened(hold=True)
    for n in range(3):
        sealed(log, b"%d" % n)
    log.advance(1)
    log.begin(2)
    log.append(1, b"never sealed")
    after = log.lose_tail(keep)
    assert heads_after(after) == left
    assert (after.epoch, after.durable) == (2, len(left))


def test_after_a_crash_it_goes_on() -> None:
    log = opened()
    sealed(log, b"a")
    after = log.lose_tail()
    assert heads_after(after) == [b"a"]
    assert sealed(after, b"b") == 2
    assert after.poll() == 2
    assert heads_after(after.lose_tail()) == [b"a", b"b"]


def test_a_dead_log_promises_nothing() -> None:
    log = opened(hold=True)
    sealed(log, b"a")
    log.fail()
    assert select.select([log.fileno()], [], [], 0)[0], "a failure is news"
    for attempt in (log.poll, log.seal, lambda: log.begin(1), lambda: log.append(1, b"")):
        with pytest.raises(StorageError):
            attempt()
    log.close()
