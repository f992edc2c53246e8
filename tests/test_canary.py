"""The promise itself: once a period is closed and its days are over, nothing of it is left.

Numbers and texts that are nowhere else go through every feature; the period closes; the days pass;
the sweep runs. Then neither the raw octets of the data directory, nor what any key in it opens, nor
the image of the file system it lay on may hold one of them, in any encoding.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from smsc import traffic
from smsc._pdu import Message, encode
from smsc.audit import Audit
from smsc.config import Config
from smsc.errors import BadSeal
from smsc.facts import FileFacts
from smsc.journal import Journal, inspect
from smsc.keys import Keyring, keyring
from smsc.months import mend
from smsc.sealing import Epochs, SealedJournal
from smsc.smpp import Command, Tag
from smsc.sweeper import Sweeper
from tests import canary
from tests.keeper import BASE, START, Client, Keeper, Relay, deliver_sm, submit_sm
from tests.mounts import disk
from tests.serving import configuration

HOUR = 3_600_000
DAY = 24 * HOUR
#: 2026-10-01T00:00:00Z, the end of START's month.
END = 1_790_812_800_000
CLOSED = END + 3 * DAY
DUE = CLOSED + 90 * DAY
SEGMENT = 256 * 1024

NUMBERS = [f"4477009007{n:02d}" for n in range(1, 8)]
TEXTS = [f"canary{word}song" for word in ("one", "two", "three", "four", "five", "six", "seven")]
CANARIES = [*NUMBERS, *TEXTS]


class Station(Keeper):
    """A keeper on real files, sealed or (to see that the search finds) not."""

    def __init__(self, config: Config, keys: Keyring | None, now: int) -> None:
        self.config = config
        directory = Path(config.storage.directory)
        kind = Journal if keys is None else SealedJournal
        log = kind(directory, segment_octets=SEGMENT, force_filesystem=True)
        if isinstance(log, SealedJournal) and keys is not None:
            log.seal_with(keys)
        mend(Path(config.traffic.directory))
        months = dict.fromkeys(traffic.periods(Path(config.traffic.directory)))
        super().__init__(log, months, now, BASE, sealer=keys)  # type: ignore[arg-type]

    def _traffic_log(self, period: str) -> Journal:  # type: ignore[override]
        path = Path(self.config.traffic.directory) / period
        log = Journal(path, segment_octets=4 * SEGMENT, force_filesystem=True)
        self.traffic_logs[period] = log  # type: ignore[assignment]
        return log

    def run(self, ms: int = 0) -> None:
        end = self.now + ms
        while True:
            for _ in range(3):  # written, durable, known to be
                self.turn.run()
                self.core.tick()
                self.log.settle()  # type: ignore[attr-defined]
                for log in self.traffic_logs.values():
                    if log is not None:
                        log.settle()  # type: ignore[attr-defined]
                self.traffic.sync()
            if self.now >= end:
                return
            self.now = min(end, self.now + max(100, ms // 50))

    def submit(self, bind: Client, *messages: Message) -> list[int]:
        results = self.core.submit(bind, messages)
        self.run()
        return results

    def stop(self) -> None:
        self.traffic.close()
        self.log.close()


def payload(number: str, text: str) -> Message:
    """A text too long for one message."""
    raw = encode(
        Command.SUBMIT_SM, 7, 0, ((int(Tag.MESSAGE_PAYLOAD), (text + " ").encode() * 30),),
        dest_addr_ton=1, dest_addr_npi=1, destination_addr=number.encode(),
    )  # fmt: skip
    return Message.from_raw(raw)


def lives(config: Config, keys: Keyring | None) -> None:
    """A day in the life of a server: two runs and a crash between them."""
    station = Station(config, keys, START)
    client, relay = Client(station), Relay(station)
    station.core.attach(client)
    station.core.carrier_up(relay)

    def send(at: int, **fields: Any) -> int:
        text = fields.pop("short_message", TEXTS[at].encode())
        number = NUMBERS[at].encode()
        message = submit_sm(destination_addr=number, short_message=text, **fields)
        return station.submit(client, message)[0]

    delivered = send(0, registered_delivery=1)
    relay.answer(delivered, 1, 0, b"c1")
    station.run()
    relay.receipt(b"c1", source_addr=NUMBERS[0].encode())
    station.run(1_000)
    client.answer()
    failed = send(1)
    relay.answer(failed, 1, 0x0B)
    doubtful = send(2)
    station.core.carrier_down(relay, [], [(doubtful, 1)])
    station.submit(client, payload(NUMBERS[3], TEXTS[3]))
    send(4, data_coding=8, short_message=TEXTS[4].encode("utf-16-be"))
    station.run()
    station = crashed(station, keys)
    client, relay = Client(station), Relay(station)
    station.core.attach(client)
    station.core.carrier_up(relay)
    inbound = deliver_sm(
        source_addr=NUMBERS[5].encode(), destination_addr=b"80888",
        short_message=TEXTS[5].encode(),
    )  # fmt: skip
    station.core.inbound(relay, [inbound])
    udh = submit_sm(
        destination_addr=NUMBERS[6].encode(), esm_class=0x40,
        short_message=b"\x05\0\x03\x07\x02\x01" + TEXTS[6].encode(),
    )  # fmt: skip
    station.submit(client, udh)
    for _ in range(20):
        station.run(30_000)
        client.answer()
        for message_id, attempt in list(relay.outstanding):
            relay.answer(message_id, attempt, 0, b"x%x" % message_id)
    station.run(4 * DAY)  # receipts that never come are awaited no longer
    client.answer()
    station.run(6 * HOUR)  # and what is finished is forgotten
    assert not len(station.core.state.spool) and not len(station.core.state.mailboxes)
    assert station.traffic.records == 5, "and two before the crash"
    station.stop()


def crashed(station: Station, keys: Keyring | None) -> Station:
    """The same after a crash that left a torn tail."""
    directory = Path(station.config.storage.directory)
    copy = directory.with_name("copy")
    shutil.copytree(directory, copy)
    now = station.now
    station.stop()
    shutil.rmtree(directory)
    newest = sorted(p for p in copy.glob("*.log") if p.read_bytes().rstrip(b"\0")[128:])[-1]
    with newest.open("r+b") as file:
        file.seek(len(newest.read_bytes().rstrip(b"\0")) + 8)
        file.write(os.urandom(100))
    copy.rename(directory)
    station = Station(station.config, keys, now + 1_000)
    assert list(directory.glob("*.torn"))
    return station


class Openable(Epochs):
    """Opens what it has the keys for, and nothing of the rest."""

    def open(self, nonce: bytes, bound: bytes, sealed: bytes) -> bytes:
        try:
            return super().open(nonce, bound, sealed)
        except BadSeal:
            return bytes(len(sealed) - 16)


def readable(config: Config, keys: Keyring) -> bytes:
    """All that the keys in the directory open."""
    found = []
    months = Path(config.traffic.directory)
    for month in traffic.periods(months):
        for fields in traffic.read(inspect.records(months / month), keys):
            found += [value for value in fields.values() if isinstance(value, bytes)]
    found += [body for *_, body in inspect.records(config.storage.directory, Openable(keys))]
    return b"\n".join(found)


def left(directory: Path, config: Config) -> list[str]:
    """The canaries that are still somewhere, and where."""
    where = canary.found(CANARIES, canary.files(directory))
    opened_ = directory.with_name("opened")
    opened_.write_bytes(readable(config, keyring(config, read_only=True)))
    where += canary.found(CANARIES, [opened_])
    opened_.unlink()
    return where


def close_and_sweep(config: Config) -> None:
    facts = FileFacts(Path(config.retention.directory) / "facts")
    facts.close(b"acme", "2026-09", CLOSED)
    keys = keyring(config)
    try:
        audit = Audit.of(config, lambda: DUE)
        Sweeper(config, keys, audit, facts).sweep({}, DUE)
    finally:
        keys.close()


def all_of_it(directory: Path) -> Config:
    """The whole life, to the proof."""
    config = configuration(directory)
    keys = keyring(config)
    lives(config, keys)
    keys.close()
    return config


def test_of_a_period_that_is_over_nothing_is_left(tmp_path: Path) -> None:
    directory = tmp_path / "var"
    config = all_of_it(directory)
    before = left(directory, config)
    assert [line for line in before if not line.startswith("opened: ")] == [], "never in clear"
    assert {line.split()[1] for line in before} == set(CANARIES), "and all there until it is due"
    close_and_sweep(config)
    assert left(directory, config) == []


def test_control_without_the_shred_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "var"
    config = all_of_it(directory)
    monkeypatch.setattr(Sweeper, "_prove", lambda *arguments: None)
    monkeypatch.setattr(Keyring, "destroy", lambda self, ids: None)
    close_and_sweep(config)
    assert {line.split()[1] for line in left(directory, config)} == set(CANARIES)


def test_control_what_is_not_sealed_is_found(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    lives(config, None)
    found = canary.found(CANARIES, canary.files(Path(config.traffic.directory)))
    assert {line.split()[1] for line in found} == set(CANARIES)


@pytest.mark.parametrize("plain", ["447700900701", "canaryonesong"])
def test_control_each_form_is_found(plain: str, tmp_path: Path) -> None:
    for n, (form, octets) in enumerate(canary.forms(plain).items()):
        path = tmp_path / str(n)
        path.write_bytes(b"before" + octets + b"behind")
        assert any(form in line for line in canary.found([plain], [path])), form


# -- the disk itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("sealed", [True, False])
def test_of_a_period_that_is_over_nothing_is_on_the_disk(sealed: bool, tmp_path: Path) -> None:
    """Also not in the blocks of files that were unlinked. Unsealed: the control."""
    image, at = tmp_path / "image", tmp_path / "mnt"
    with disk(image, at):
        if sealed:
            close_and_sweep(all_of_it(at / "var"))
        else:
            lives(configuration(at / "var"), None)
            shutil.rmtree(at / "var")
    found = canary.found(CANARIES, [image])
    assert not found if sealed else {line.split()[1] for line in found} == set(CANARIES)
