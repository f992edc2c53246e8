"""Texts of one person go from blocks that others need; killed anywhere, the next finishes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgpack
import pytest

from smsc import months, traffic
from smsc._record import finished
from smsc.config import Config
from smsc.errors import KeyDestroyed
from smsc.journal import Journal, inspect
from smsc.keys import Keyring, keyring
from smsc.redaction import Redaction
from smsc.retention import CONTENT, Name
from smsc.traffic import Traffic
from tests.keeper import START, submit_sm
from tests.serving import configuration

ADA, BEN = b"447700900701", b"447700900702"
MONTH = 30 * 86_400_000


class Logs:
    """The traffic logs of a directory, with records of Ada and Ben in each block."""

    def __init__(self, directory: Path) -> None:
        self.config: Config = configuration(directory)
        self.keys: Keyring = keyring(self.config)
        self.lent: list[str] = []
        self.busy: set[str] = set()

    def fill(self) -> None:
        writer = Traffic(self._open, [], self.keys, lambda: START)
        position = 0
        for at in (START, START + MONTH):
            for customer in (b"C-1", b"C-2"):
                for number in (ADA, BEN, ADA):
                    position += 1
                    text = b"to " + number + b" by " + customer
                    message = submit_sm(destination_addr=number, short_message=text)
                    end = finished(
                        position, False, customer, b"acme", b"one", at, at, at, at + 1, 1, 2, 0,
                        b"", b"", message,
                    )  # fmt: skip
                    writer.release([end.at(position)])
        writer.close()

    def _open(self, month: str) -> Journal:
        path = Path(self.config.traffic.directory) / month
        log = Journal(path, segment_octets=1 << 20, force_filesystem=True)
        return log

    def redact(
        self,
        number: bytes = ADA,
        held: Callable[[Name], bool] = lambda name: False,
    ) -> tuple[int, list[str]]:
        return Redaction(
            self.config, self.keys, lend=self._lend, take_back=self.lent.remove
        ).redact(lambda name, fields: bool(fields["destination_addr"] == number) and not held(name))

    def _lend(self, month: str) -> bool:
        if month in self.busy:
            return False
        self.lent.append(month)
        return True

    def again(self) -> None:
        """Start anew on what is on disk."""
        self.keys.close()
        months.mend(Path(self.config.traffic.directory))
        self.keys = keyring(self.config)

    def texts(self) -> dict[bytes, list[Any]]:
        directory = Path(self.config.traffic.directory)
        found: dict[bytes, list[Any]] = {ADA: [], BEN: []}
        for month in traffic.periods(directory):
            for fields in traffic.read(inspect.records(directory / month), self.keys):
                found[fields["destination_addr"]].append(fields["content"])
        return found


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    one = Logs(tmp_path)
    one.fill()
    yield one
    one.keys.close()


BENS = [b"to %b by C-%d" % (BEN, n) for n in (1, 2, 1, 2)]


def content_keys(logs: Logs) -> set[str]:
    return {key.id.hex() for key in logs.keys if key.name.kind == CONTENT}


def sealed(logs: Logs) -> list[tuple[bytes, bytes]]:
    """(key, octets) of the contents as they lie on disk."""
    directory = Path(logs.config.traffic.directory)
    return [
        (traffic.Block.read(head).content, msgpack.unpackb(body)[2])
        for month in traffic.periods(directory)
        for kind, _time, head, body in inspect.records(directory / month)
        if kind == traffic.BLOCK
    ]


def test_the_texts_of_one_go_and_all_else_stays(logs: Logs) -> None:
    before, old, copies = logs.texts(), content_keys(logs), sealed(logs)
    assert before[BEN] == BENS and None not in before[ADA] and len(before[ADA]) == 8
    texts, destroyed = logs.redact()
    assert texts == 8 and set(destroyed) == old
    assert logs.texts() == {ADA: [None] * 8, BEN: BENS}
    assert not content_keys(logs) & old and not logs.lent
    for key, octets in copies:
        with pytest.raises(KeyDestroyed):
            logs.keys.open(CONTENT, key, octets)
    logs.again()
    assert logs.texts() == {ADA: [None] * 8, BEN: BENS}
    assert logs.redact() == (0, []), "and there is nothing to do again"


def test_of_who_is_not_there_nothing_is_touched(logs: Logs) -> None:
    before = sealed(logs)
    assert logs.redact(b"447700900703") == (0, [])
    assert sealed(logs) == before


def test_what_is_held_stays(logs: Logs) -> None:
    texts, _destroyed = logs.redact(held=lambda name: name.customer == b"C-1")
    assert texts == 4
    left = [text for text in logs.texts()[ADA] if text is not None]
    assert len(left) == 4 and all(text.endswith(b"by C-1") for text in left)


def test_a_month_that_is_busy_is_done_the_next_time(logs: Logs) -> None:
    old = content_keys(logs)
    logs.busy = {"2026-10"}
    texts, destroyed = logs.redact()
    assert (texts, destroyed) == (4, [])
    assert content_keys(logs) > old, "nothing is destroyed that opens others' texts"
    assert logs.texts()[BEN] == BENS
    logs.busy = set()
    texts, destroyed = logs.redact()
    assert texts == 4 and set(destroyed) == old
    assert logs.texts() == {ADA: [None] * 8, BEN: BENS}


class Killed(Exception):
    pass


def test_killed_anywhere_the_next_run_finishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the first of the calls that make a change last, at the second, and so on to the end."""
    for calls in count(step=2):
        logs = Logs(tmp_path / str(calls))
        logs.fill()
        old = content_keys(logs)
        left = iter(range(calls))

        def killed(real: Callable[..., Any], left: Iterator[int] = left) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                if next(left, None) is None:
                    raise Killed
                return real(*arguments, **options)

            return call

        for name in ("rename", "link", "unlink", "rmdir"):
            monkeypatch.setattr(os, name, killed(getattr(os, name)))
        with suppress(Killed):
            logs.redact()
        finished_ = next(left, None) is not None
        monkeypatch.undo()
        logs.again()
        assert logs.texts()[BEN] == BENS
        logs.redact()
        assert logs.texts() == {ADA: [None] * 8, BEN: BENS}
        assert not content_keys(logs) & old
        logs.keys.close()
        if finished_:
            break
    assert calls > 20
