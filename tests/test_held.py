"""What a hold by number keeps: that, wherever the sweep is killed, and nothing of anybody else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from smsc import held
from smsc.errors import StorageError
from smsc.held import Held
from smsc.months import mend
from smsc.retention import Hold, Stand, held_under
from tests import canary
from tests.test_sweeper import (
    ALL,
    CALLS,
    CLOSED,
    DAY,
    DUE,
    EACH,
    END,
    LATER,
    Site,
    _killed,
    number,
    secret,
)

CASE = Hold("case-7", "legal", "ada", "bob", review=DUE + 90 * DAY)
#: Of C-1's September, C-2's, and C-1's October.
NUMBERS = (3, EACH + 5, 3 * EACH + 7)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    one = Site(tmp_path)
    one.fill()
    one.audit.add("start")
    one.close_all()
    one.now = DUE
    return one


def take(site: Site, hold: Hold, *numbers: int) -> Hold:
    """Take down a hold of the numbers of these messages."""
    with site.keys() as keys:
        taken = replace(hold, pseudonyms=held.begin(keys, hold, map(number, numbers)))
    site.facts.hold(taken)
    return taken


def kept(site: Site, hold: Hold) -> dict[int, bytes | None]:
    """Contents of what is held, by message."""
    with site.keys() as keys:
        store = Held(Path(site.config.retention.directory) / "held", keys, lambda account: "")
        found = {}
        for fields in store.records(held_under(hold)):
            n = fields["id"] - 1
            assert fields["destination_addr"] == number(n)
            found[n] = fields["content"]
        return found


def files(site: Site) -> list[str]:
    directory = Path(site.config.retention.directory) / "held"
    return [path.name for path in directory.iterdir()] if directory.exists() else []


def stand(site: Site, hold: Hold) -> Stand:
    with site.keys() as keys:
        found = {v.name: v.stand for v in site.sweeper(keys).verdicts({}, site.now)}
    return found[held_under(hold)]


def test_only_what_concerns_the_number_is_kept(site: Site) -> None:
    take(site, CASE, *NUMBERS)
    swept = site.sweep()
    assert swept.carried == 2, "October is not due"
    assert site.readable() == {b"C-1": LATER}, "and no view reads what is held"
    assert kept(site, CASE) == {n: secret(n) for n in NUMBERS[:2]}
    because = {v.why for v in swept.verdicts if v.dies}
    assert because == {"its day has come; what concerns case-7 is kept"}
    plain = [secret(n).decode() for n in NUMBERS] + [number(n).decode() for n in NUMBERS]
    assert canary.found(plain, canary.files(site.directory)) == []


def test_when_the_hold_ends_it_goes_with_the_next_sweep(site: Site) -> None:
    take(site, CASE, *NUMBERS)
    site.sweep()
    site.now += DAY
    assert site.sweep().keys == [] and stand(site, CASE) is Stand.HELD
    name = files(site)
    assert name == [held_under(CASE).period]
    site.facts.end(CASE.case)
    assert stand(site, CASE) is Stand.DUE
    swept = site.sweep()
    [key] = swept.keys
    assert (key["class"], key["why"]) == ("held", "its hold is over") and "sample" in key
    assert "C-1" not in Path(swept.proof).read_text()
    assert kept(site, CASE) == {} and files(site) == []


def test_a_hold_that_was_looked_at_too_late_is_told_of(site: Site) -> None:
    take(site, CASE, *NUMBERS)
    for at, late in ((CASE.review - 1, False), (CASE.review, True)):
        with site.keys() as keys:
            [verdict] = [v for v in site.sweeper(keys).verdicts({}, at) if v.name.kind == "held"]
        assert (verdict.late, verdict.stand, verdict.due) == (late, Stand.HELD, CASE.review)


@pytest.mark.parametrize(
    ("scope", "wanted"),
    [
        ({"customer": "C-1"}, {3}),
        ({"customer": "C-2"}, {EACH + 5}),
        ({"customer": "C-9"}, set()),
        ({"customer": "C-1", "period": "2026-09"}, {3}),
        ({"period": "2026-10"}, set()),
        ({"period": "2026-10@Asia/Tokyo"}, set()),  # reaches into September, not as far back
        ({"period": "2026-W36"}, set()),
    ],
)
def test_it_keeps_its_scope(site: Site, scope: dict[str, str], wanted: set[int]) -> None:
    hold = take(site, replace(CASE, **scope), *NUMBERS)
    site.sweep()
    assert site.readable() == {b"C-1": LATER}
    assert set(kept(site, hold)) == wanted


def test_a_content_is_kept_from_its_own_end_on(site: Site) -> None:
    """Contents die first; when the rest does, the copy has them still."""
    site.config = replace(site.config, retention=replace(site.config.retention, content=7 * DAY))
    take(site, CASE, 3)
    site.now = END + 7 * DAY
    assert site.sweep().carried == 1
    assert kept(site, CASE) == {3: secret(3)}
    late = take(site, replace(CASE, case="case-8"), 3, 4)
    site.now = DUE
    assert site.sweep().carried == 3
    assert kept(site, CASE) == {3: secret(3)}
    assert kept(site, late) == {3: None, 4: None}, "its content was gone when the hold began"


def test_what_one_hold_has_kept_another_may_keep(site: Site) -> None:
    take(site, CASE, *NUMBERS)
    site.sweep()
    other = take(site, replace(CASE, case="case-8", customer="C-1"), *NUMBERS)
    site.facts.end(CASE.case)
    assert site.sweep().carried == 1
    assert kept(site, CASE) == {} and kept(site, other) == {3: secret(3)}


def test_a_hold_on_all_keeps_what_is_held_already(site: Site) -> None:
    take(site, CASE, *NUMBERS)
    site.sweep()
    site.facts.hold(Hold("case-9", "block", "ada", "bob", review=DUE, customer="C-1"))
    site.facts.end(CASE.case)
    site.sweep()
    assert set(kept(site, CASE)) == {3, EACH + 5}
    site.facts.end("case-9")
    site.sweep()
    assert kept(site, CASE) == {}


def test_a_hold_that_has_lost_its_key_holds_all(site: Site) -> None:
    """It can't tell any more whom it is about, so nobody may be deleted for it."""
    take(site, replace(CASE, customer="C-2"), *NUMBERS)
    with site.keys() as keys:
        keys.destroy([keys.get(held_under(replace(CASE, customer="C-2"))).id])
    for _ in range(2):
        assert site.sweep().carried == 0
        assert site.readable() == {b"C-1": LATER, b"C-2": ALL[b"C-2"]}


def test_a_key_without_a_hold_goes(site: Site) -> None:
    with site.keys() as keys:
        held.begin(keys, CASE, [number(3)])
    [key] = [key for key in site.sweep().keys if key["class"] == "held"]
    assert "sample" not in key


def test_what_is_damaged_is_named_before_anything_is_destroyed(site: Site) -> None:
    take(site, CASE, *NUMBERS)
    path = Path(site.config.retention.directory) / "held" / held_under(CASE).period
    path.parent.mkdir()
    path.write_bytes(b"\xc1")
    with pytest.raises(StorageError, match=r"held/hold-\w+: is damaged"):
        site.sweep()
    assert site.readable() == ALL


@pytest.mark.parametrize("call", CALLS)
def test_killed_anywhere_it_has_what_is_held(call: str, tmp_path: Path) -> None:
    filled = Site(tmp_path / "0")
    filled.directory.mkdir()
    filled.fill()
    take(filled, CASE, *NUMBERS)
    for when in (*range(1, 12), 20, 40):
        directory = tmp_path / str(when)
        shutil.copytree(filled.directory, directory)
        one = Site(directory)
        for customer in (b"C-1", b"C-2"):
            one.facts.close(customer, "2026-09", CLOSED)
        one.now = DUE
        dead = _killed(one, call, when)
        mend(Path(one.config.traffic.directory))
        known, copied = one.readable(), kept(one, CASE)
        for customer, n in ((b"C-1", 3), (b"C-2", EACH + 5)):
            assert n in known.get(customer, ()) or copied.get(n) == secret(n)
        one.sweep()
        assert one.readable() == {b"C-1": LATER, b"C-3": ALL[b"C-3"]}
        assert kept(one, CASE) == {n: secret(n) for n in NUMBERS[:2]}
        assert files(one) == [held_under(CASE).period]
        shutil.rmtree(directory)
        if not dead:
            return


def test_the_audit_log_counts_them(site: Site) -> None:
    take(site, CASE, *NUMBERS)
    site.sweep()
    done = [entry for entry in site.audit if entry["event"] == "sweep.done"]
    assert [entry["carried"] for entry in done] == [2]
    assert "4477" not in json.dumps(done)
