"""The sweeper on real files: what is due is gone, all else is as it was, wherever it is killed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from smsc import traffic
from smsc._record import finished
from smsc.audit import Audit
from smsc.config import Config
from smsc.errors import KeyDestroyed, StorageError
from smsc.facts import FileFacts
from smsc.journal import Journal, inspect
from smsc.keys import Keyring, keyring
from smsc.months import mend
from smsc.periods import Calendar, Cycles
from smsc.retention import Hold, Stand
from smsc.sweeper import ClockDoubtful, Sweeper, Swept
from smsc.traffic import Traffic
from smsc.zones import zone
from tests import canary
from tests.keeper import START, submit_sm
from tests.serving import configuration
from tests.test_periods import Billed

DAY = 86_400_000
#: 2026-10-01T00:00:00Z, the end of START's month.
END = 1_790_812_800_000
CLOSED = END + 3 * DAY
DUE = CLOSED + 90 * DAY

#: Customer, month, and how many messages.
TRADE = [(b"C-1", START), (b"C-2", START), (b"C-3", START), (b"C-1", END + DAY)]
EACH = 40


def number(n: int) -> bytes:
    return b"447700900%03d" % n


def secret(n: int) -> bytes:
    return b"canary%06d" % n


class Site:
    """A server's directories, between its runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config: Config = configuration(directory)
        self.now = DUE - DAY
        self.audit = Audit.of(self.config, lambda: self.now)
        self.facts = FileFacts(Path(self.config.retention.directory) / "facts")

    def fill(self, trade: Sequence[tuple[bytes, int]] = TRADE, since: int = 0,
             calendar: Calendar | None = None) -> None:  # fmt: skip
        """Messages since + n * EACH and on are of the n-th trade."""
        with self.keys() as keys:
            logs = traffic.periods(Path(self.config.traffic.directory))
            records = Traffic(self._open, logs, keys, lambda: START, calendar)
            for at, (customer, accepted) in enumerate(trade):
                for n in range(since + at * EACH, since + at * EACH + EACH):
                    message = submit_sm(destination_addr=number(n), short_message=secret(n))
                    end = finished(
                        n + 1, False, customer, customer, b"sim", accepted, accepted + 5,
                        accepted + 9, accepted + 99, 1, 2, 0, b"", b"", message,
                    )  # fmt: skip
                    records.release([end.at(n + 1)])
                records.sync()
                records.sync()
            records.close()

    def _open(self, month: str) -> Journal:
        path = Path(self.config.traffic.directory) / month
        return Journal(path, segment_octets=4 << 20, force_filesystem=True)

    @contextmanager
    def keys(self) -> Iterator[Keyring]:
        keys = keyring(self.config)
        try:
            yield keys
        finally:
            keys.close()

    def sweep(self, owed: dict[bytes, int] | None = None) -> Swept:
        mend(Path(self.config.traffic.directory))
        with self.keys() as keys:
            return self.sweeper(keys).sweep(owed or {}, self.now)

    def sweeper(self, keys: Keyring) -> Sweeper:
        return Sweeper(self.config, keys, self.audit, self.facts)

    def readable(self) -> dict[bytes, set[int]]:
        """Ids that can still be read, and their content if it can, by customer."""
        found: dict[bytes, set[int]] = {}
        directory = Path(self.config.traffic.directory)
        keys = keyring(self.config, read_only=True)
        for month in traffic.periods(directory):
            for fields in traffic.read(inspect.records(directory / month), keys):
                n = fields["id"] - 1
                assert fields["destination_addr"] == number(n)
                assert fields["content"] in (secret(n), None)
                found.setdefault(fields["customer"], set()).add(n)
        return found

    def close_all(self) -> None:
        for customer in (b"C-1", b"C-2", b"C-3"):
            self.facts.close(customer, "2026-09", CLOSED)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    one = Site(tmp_path)
    one.fill()
    one.audit.add("start")
    return one


LATER = {*range(3 * EACH, 4 * EACH)}
ALL = {
    b"C-1": {*range(EACH)} | LATER,
    b"C-2": {*range(EACH, 2 * EACH)},
    b"C-3": {*range(2 * EACH, 3 * EACH)},
}


def months(site: Site) -> list[str]:
    return sorted(os.listdir(site.config.traffic.directory))


def test_nothing_is_readable_without_keys(site: Site) -> None:
    assert site.readable() == ALL
    plain = [secret(n).decode() for n in (0, EACH, 3 * EACH)]
    plain += [number(n).decode() for n in (0, EACH)]
    assert canary.found(plain, canary.files(site.directory)) == []


def test_an_open_period_stays(site: Site) -> None:
    swept = site.sweep()
    assert (swept.keys, swept.removed, swept.rewritten, swept.proof) == ([], [], [], "")
    assert site.readable() == ALL
    assert {verdict.stand for verdict in swept.verdicts} == {Stand.UNBILLED}


def test_one_customers_period_dies_and_all_else_stays(site: Site) -> None:
    site.facts.close(b"C-1", "2026-09", CLOSED)
    assert site.sweep().keys == [], "a day early"
    site.now = DUE
    swept = site.sweep()
    assert {(key["class"], key["period"]) for key in swept.keys} == {
        ("traffic", "2026-09"),
        ("content", "2026-09"),
    }
    assert site.readable() == {**ALL, b"C-1": LATER}
    assert (swept.removed, swept.rewritten) == ([], []), "two thirds of it live"
    assert site.sweep().keys == []


def test_each_customers_period_ends_on_its_own_clock(site: Site) -> None:
    """C-1 moves to Tokyo, where October begins nine hours earlier.

    What was sealed under months of UTC before stays readable, and dies when all of its month is
    closed; what is sealed from now on dies with the period it was billed in.
    """
    tokyo = Calendar({b"C-1": Cycles("month", zone("Asia/Tokyo"))})
    evening = END - 9 * 3_600_000
    new = [(b"C-1", evening - 1), (b"C-1", evening)]
    site.fill(new, 4 * EACH, tokyo)
    september, october = ({*range(n * EACH, n * EACH + EACH)} for n in (4, 5))
    old = ALL[b"C-1"] - LATER
    facts = Billed()
    site.facts = facts  # type: ignore[assignment]
    facts.close("2026-09@Asia/Tokyo", CLOSED)
    site.now = DUE
    assert {(key["class"], key["period"]) for key in site.sweep().keys} == {
        ("traffic", "2026-09"),
        ("content", "2026-09"),
    }
    assert site.readable()[b"C-1"] == old | october | LATER
    facts.close("2026-10@Asia/Tokyo", CLOSED + 31 * DAY)
    site.now = DUE + 31 * DAY - 1
    assert site.readable()[b"C-1"] == old | october | LATER
    site.now += 1
    site.sweep()
    assert site.readable()[b"C-1"] == LATER, "all of the old September is closed; October's end not"


def test_a_log_of_which_little_lives_is_rewritten(site: Site) -> None:
    before = sum(path.stat().st_size for path in Path(site.directory).rglob("2026-09/*.log"))
    for customer in (b"C-1", b"C-2"):
        site.facts.close(customer, "2026-09", CLOSED)
    site.now = DUE
    swept = site.sweep()
    assert (swept.removed, swept.rewritten) == ([], ["2026-09"])
    assert site.readable() == {b"C-1": LATER, b"C-3": ALL[b"C-3"]}
    after = sum(path.stat().st_size for path in Path(site.directory).rglob("2026-09/*.log"))
    assert after < before
    assert months(site) == ["2026-09", "2026-10"]


def test_a_log_that_nobody_can_read_is_removed(site: Site) -> None:
    site.close_all()
    site.now = DUE
    swept = site.sweep()
    assert swept.removed == ["2026-09"] and months(site) == ["2026-10"]
    assert site.readable() == {b"C-1": LATER}


def test_the_newest_cursor_is_never_lost(site: Site) -> None:
    site.close_all()
    site.facts.close(b"C-1", "2026-10", CLOSED + 31 * DAY)
    site.now = DUE + 31 * DAY
    site.sweep()
    with site.keys() as keys:
        directory = Path(site.config.traffic.directory)
        records = Traffic(site._open, traffic.periods(directory), keys, lambda: START)
        assert records.covered > 0
        records.close()
    assert site.readable() == {}


def test_contents_may_die_before(site: Site) -> None:
    site.config = replace(site.config, retention=replace(site.config.retention, content=7 * DAY))
    site.now = END + 7 * DAY
    swept = site.sweep()
    assert {key["class"] for key in swept.keys} == {"content"}
    directory = Path(site.config.traffic.directory) / "2026-09"
    keys = keyring(site.config, read_only=True)
    contents = [fields["content"] for fields in traffic.read(inspect.records(directory), keys)]
    assert contents == [None] * (3 * EACH)


def test_nothing_owed_or_held_dies(site: Site) -> None:
    site.close_all()
    site.facts.hold(Hold("case-7", "legal", "ada", "bob", review=0, customer="C-2"))
    site.now = DUE
    swept = site.sweep(owed={b"C-3": START})
    assert site.readable() == {**ALL, b"C-1": LATER}
    assert {(v.name.customer, v.stand) for v in swept.verdicts if v.name.period == "2026-09"} == {
        (b"C-1", Stand.DUE),
        (b"C-2", Stand.HELD),
        (b"C-3", Stand.OWED),
    }
    site.facts.end("case-7")
    site.sweep()
    assert site.readable() == {b"C-1": LATER}


def test_the_access_log_is_kept_for_days(site: Site) -> None:
    directory = Path(site.config.retention.directory) / "access"
    directory.mkdir()
    for day in ("2026-12-20", "2026-12-31"):
        (directory / f"{day}.log").write_text("192.0.2.7 was here")
    site.now = DUE - DAY  # 2027-01-01
    assert site.sweep().days == ["2026-12-20"]
    assert os.listdir(directory) == ["2026-12-31.log"]


# -- proof ---------------------------------------------------------------------------------------


def test_the_proof_names_keys_and_nobody(site: Site) -> None:
    site.close_all()
    site.now = DUE
    swept = site.sweep()
    text = Path(swept.proof).read_text()
    proof = json.loads(text)
    assert len(proof["destroyed"]) == 6 and all("sample" in key for key in proof["destroyed"])
    assert "C-1" not in text and "4477" not in text
    events = [entry["event"] for entry in site.audit]
    assert events == ["start", "sweep.begun", "sweep.done"]
    audited = site.audit.path.read_text()
    assert "C-1" not in audited and site.audit.verify().problems == []


def test_a_sample_that_opens_is_a_failure(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: the shred is left out."""
    site.close_all()
    site.now = DUE
    monkeypatch.setattr(Keyring, "destroy", lambda self, ids: None)
    with pytest.raises(StorageError, match="still on the disk"):
        site.sweep()


def test_ciphertext_that_somebody_kept_is_worth_nothing(site: Site) -> None:
    directory = Path(site.config.traffic.directory) / "2026-09"
    shutil.copytree(directory, site.directory / "kept")
    site.close_all()
    site.now = DUE
    site.sweep()
    keys = keyring(site.config, read_only=True)
    blocks = [r for r in inspect.records(site.directory / "kept") if r[0] == traffic.BLOCK]
    for _kind, _time, head, body in blocks:
        with pytest.raises(KeyDestroyed):
            list(traffic.opened(head, body, keys))


# -- what was restored ---------------------------------------------------------------------------


def test_nothing_is_deleted_by_older_facts(site: Site) -> None:
    """All that is beside the audit log was put back from a backup, and a hold is not in it."""
    checkpoints = str(site.directory / "checkpoints")
    site.audit = Audit(site.audit.path.parent, lambda: site.now, checkpoints)
    site.audit.add("before")
    site.close_all()
    there, backup = Path(site.config.retention.directory), site.directory / "backup"
    shutil.copytree(there, backup)
    site.facts.hold(Hold("case-7", "legal", "ada", "bob", review=0, customer="C-2"))
    site.audit.add("hold.begun", case="case-7")
    site.now = DUE
    shutil.rmtree(there)
    shutil.copytree(backup, there)
    # The second time more was noted since, as many entries as there were.
    for said in (f"an older copy was put back.*move {checkpoints} away", "is not the one that"):
        with pytest.raises(StorageError, match=said):
            site.sweep()
        assert site.readable() == ALL
        site.audit.add("something else")
    Path(checkpoints).unlink()
    site.sweep()
    assert site.readable() == {b"C-1": LATER}


# -- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jump", "doubted"),
    [(0, False), (DAY, False), (7 * DAY, False), (8 * DAY, True), (400 * DAY, True),
     (-30_000, False), (-DAY, True)],
)  # fmt: skip
def test_a_clock_that_jumped_is_asked_about(jump: int, doubted: bool, site: Site) -> None:
    with site.keys() as keys:
        one = site.sweeper(keys)
        with pytest.raises(ClockDoubtful) if doubted else nullcontext():
            one.believe(site.now + jump)


# -- killed --------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


CALLS = ["write", "fsync", "rename", "link", "unlink", "pwrite", "ftruncate", "rmdir"]


@pytest.mark.parametrize("call", CALLS)
def test_killed_anywhere_it_is_finished_by_the_next(call: str, tmp_path: Path) -> None:
    filled = Site(tmp_path / "0")
    filled.directory.mkdir()
    filled.fill()
    for when in (*range(1, 12), 15, 20, 30, 45):
        directory = tmp_path / str(when)
        shutil.copytree(filled.directory, directory)
        one = Site(directory)
        for customer in (b"C-1", b"C-2"):
            one.facts.close(customer, "2026-09", CLOSED)
        one.now = DUE
        dead = _killed(one, call, when)
        mend(Path(one.config.traffic.directory))
        known = one.readable()
        assert known[b"C-3"] == ALL[b"C-3"] and known[b"C-1"] >= LATER
        one.sweep()
        assert one.readable() == {b"C-1": LATER, b"C-3": ALL[b"C-3"]}
        assert months(one) == ["2026-09", "2026-10"]
        proofs = [json.loads(path.read_text()) for path in one.directory.rglob("proofs/*.json")]
        proven = {key["key"] for proof in proofs for key in proof["destroyed"]}
        assert len(proven) == 4, "each key's end is proven"
        assert one.audit.verify().problems == []
        shutil.rmtree(directory)
        if not dead:
            return


def _killed(site: Site, call: str, when: int) -> bool:
    """Sweep, and die at the n-th call of this kind; whether it came to that."""
    real, count, dead = getattr(os, call), 0, False

    def dies(*args: object, **kwargs: object) -> object:
        nonlocal count, dead
        count += 1
        if dead or count == when:
            dead = True  # nothing of this process reaches the disk any more
            raise Killed
        return real(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        patch.setattr(os, call, dies)
        site.sweep()
    return dead
