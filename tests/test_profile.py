"""What is learned of a carrier from its traffic, and that it is kept, and what is pinned wins."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsc import hearing, profile
from smsc.hearing import PATIENCE, Hearing
from smsc.lessons import Lesson
from smsc.profile import ENOUGH, RULES, Evidence, Pattern, Profile, consistent, writings
from smsc.receipt import IdRule, Receipt, date_ms
from smsc.records import Kind
from smsc.zones import zone
from tests.keeper import BASE, Client, Keeper, Relay, deliver_sm, submit_sm

Ids = Callable[[int], bytes]

# -- the ways of ids -----------------------------------------------------------------------------

NUMBER = st.integers(0, 2**64 - 1)
WRITTEN: dict[str, Ids] = {
    "hex": lambda number: b"%x" % number,
    "HEX": lambda number: b"%X" % number,
    "decimal": lambda number: b"%d" % number,
    "hex 16": lambda number: b"%016x" % number,
    "HEX 20": lambda number: b"%020X" % number,
    "decimal 20": lambda number: b"%020d" % number,
}


@given(NUMBER, NUMBER, st.sampled_from(sorted(WRITTEN)), st.sampled_from(sorted(WRITTEN)))
def test_any_writing_of_a_number_leads_to_any_other(
    number: int, other: int, response: str, receipt: str
) -> None:
    sample = WRITTEN[response](other).zfill(
        20 if "20" in response else 16 if "16" in response else 0
    )
    found = set(writings(WRITTEN[receipt](number), sample))
    assert WRITTEN[response](number) in found


@pytest.mark.parametrize("id", [b"", b"550e8400-e29b", b"a.b", b"x" * 65, b"\xff", "٣".encode()])
def test_what_is_no_number_has_no_other_writing(id: bytes) -> None:
    assert list(writings(id, b"1234")) == []


@pytest.mark.parametrize(
    ("response", "receipt", "rules"),
    [
        (b"5", b"5", ("verbatim", "any", "hex-decimal", "decimal-hex")),
        (b"10", b"10", ("verbatim", "any")),
        (b"0A", b"a", ("any",)),
        (b"1f", b"31", ("hex-decimal",)),
        (b"31", b"1F", ("decimal-hex",)),
        (b"1f", b"32", ()),
    ],
)
def test_rules_by_which_two_ids_are_one(
    response: bytes, receipt: bytes, rules: tuple[str, ...]
) -> None:
    assert consistent(response, receipt) == rules


# -- evidence ------------------------------------------------------------------------------------


def test_a_verdict_needs_enough_in_a_row() -> None:
    evidence: Evidence[str] = Evidence()
    assert not any(evidence.saw("a") for _ in range(ENOUGH - 1))
    assert not evidence.saw("b"), "one against, and all begins anew"
    assert not any(evidence.saw("a") for _ in range(ENOUGH - 1))
    assert evidence.verdict is None
    assert evidence.saw("a") and evidence.verdict == "a"
    assert not evidence.saw("a"), "nothing new"


def test_what_fits_several_answers_speaks_against_none_of_them() -> None:
    evidence: Evidence[str] = Evidence()
    for _ in range(ENOUGH - 1):
        evidence.saw("a", "b")
    assert evidence.saw("a", "b") and evidence.verdict == "a", "the simplest"
    assert evidence.saw("b") and evidence.verdict == "b", "all before fitted that too"
    assert not evidence.saw("a") and evidence.verdict == "b"


VERDICTS = st.builds(
    Lesson,
    st.just(b"one"),
    st.integers(0, len(RULES)),
    st.integers(52, 156),
    st.integers(1, len(profile.PLACES)),
    st.integers(0, 255),
    st.integers(1, len(profile.ERRORS)),
)


@given(VERDICTS | st.just(Lesson(b"one", 0, 0, 0, 0, 0)))
def test_verdicts_are_recalled_as_they_were_written_down(lesson: Lesson) -> None:
    known = Profile()
    known.recall(lesson)
    assert known.lesson(b"one") == lesson


@pytest.mark.parametrize(
    ("date", "text"),
    [
        (b"2609211413", "2026-09-21T14:13:00"),
        (b"260921141320", "2026-09-21T14:13:20"),
        (b"20260921141320", "2026-09-21T14:13:20"),
        *(
            (date, None)
            for date in (b"", b"26092114", b"2613211413", b"260921141360", b"26092114 3")
        ),
    ],
)
def test_dates(date: bytes, text: str | None) -> None:
    moment = None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)
    assert date_ms(date) == (moment and moment.timestamp() * 1_000)


@pytest.mark.parametrize(
    ("known", "moment"),
    [
        (Profile(), None),
        (Profile(zone=zone("Europe/Berlin")), "2026-09-21T12:13:00"),
        (Profile(zone=zone("UTC")), "2026-09-21T14:13:00"),
    ],
)
def test_a_date_is_a_moment_where_the_clock_is_known(known: Profile, moment: str | None) -> None:
    expected = moment and datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1_000
    assert known.moment(b"2609211413") == (expected or 0)
    assert known.moment(b"nonsense") == 0


# -- carriers ------------------------------------------------------------------------------------


class Carrier:
    """A carrier with ways of its own, behind a keeper that is to learn them."""

    def __init__(
        self, response: str, receipt: str, ahead: timedelta = timedelta(0), text: str = BASE
    ) -> None:
        self.response, self.written = WRITTEN[response], WRITTEN[receipt]
        self.ahead = ahead
        self.keeper = Keeper(text=text)
        self.number = random.Random(1).randrange(10**6, 10**7)
        self.start()

    def start(self) -> None:
        self.client = Client(self.keeper, window=10_000)
        self.relay = Relay(self.keeper, window=10_000)
        self.keeper.core.attach(self.client)
        self.keeper.core.carrier_up(self.relay)

    def crash(self) -> None:
        self.keeper = self.keeper.crash()
        self.start()

    def take(self) -> int:
        """A message, acknowledged; its number."""
        self.number += 1
        to = b"447700900%03d" % (self.number % 1_000)
        [id] = self.keeper.submit(
            self.client, submit_sm(registered_delivery=1, destination_addr=to)
        )
        self.relay.answer(id, 1, carrier_id=self.response(self.number))
        return self.number

    def report(self, number: int, **fields: object) -> None:
        done = datetime.fromtimestamp(self.keeper.now / 1_000, UTC) + self.ahead
        text = b"id:%b sub:001 dlvrd:001 submit date:%b done date:%b stat:DELIVRD err:000 text:"
        date = b"%b" % done.strftime("%y%m%d%H%M").encode()
        values = {
            "esm_class": 4,
            "source_addr": b"447700900%03d" % (number % 1_000),
            "short_message": text % (self.written(number), date, date),
        } | fields
        assert self.keeper.core.inbound(self.relay, [deliver_sm(**values)]) == [0]

    def carry(self, messages: int) -> None:
        for _ in range(messages):
            number = self.take()
            self.keeper.run(2_000)
            self.report(number)

    @property
    def profile(self) -> Profile:
        profile: Profile = self.keeper.core.correlations[b"one"].profile
        return profile

    def owed(self) -> int:
        return len(self.keeper.core.state.spool)

    def lessons(self) -> int:
        return [kind for kind, _, _ in self.keeper.log._records.values()].count(Kind.LEARNED)


DIALECTS = [
    ("hex", "hex", "verbatim"),
    ("decimal", "decimal", "verbatim"),
    ("hex", "HEX", "any"),
    ("hex 16", "hex", "any"),
    ("decimal", "decimal 20", "any"),
    ("hex", "decimal", "hex-decimal"),
    ("HEX 20", "decimal", "hex-decimal"),
    ("decimal", "hex", "decimal-hex"),
    ("decimal 20", "HEX", "decimal-hex"),
]


@pytest.mark.parametrize(("response", "receipt", "rule"), DIALECTS)
def test_how_ids_are_written_is_learned_and_nothing_is_lost_meanwhile(
    response: str, receipt: str, rule: str
) -> None:
    carrier = Carrier(response, receipt)
    early = [carrier.take() for _ in range(5)]
    carrier.carry(ENOUGH + 20)
    assert carrier.profile.ids.verdict == rule
    assert carrier.profile.rule == RULES[rule]
    for number in early:  # acknowledged before the rule was known
        carrier.report(number)
    carrier.keeper.run(PATIENCE)
    assert carrier.owed() == 0
    assert len(carrier.keeper.core.state.orphans) == 0
    assert carrier.lessons() <= 2, "written on change alone"


@pytest.mark.parametrize(("response", "receipt", "rule"), DIALECTS)
def test_what_was_learned_survives_a_restart(response: str, receipt: str, rule: str) -> None:
    carrier = Carrier(response, receipt, timedelta(hours=2))
    carrier.carry(ENOUGH + 20)
    owed = carrier.take()
    carrier.keeper.run()
    carrier.crash()
    assert carrier.profile.ids.verdict == rule
    assert carrier.profile.ahead.verdict == 8
    assert carrier.profile.pattern.verdict == Pattern("text", 10, "digits")
    carrier.report(owed)
    assert carrier.owed() == 0
    carrier.carry(3)
    assert carrier.owed() == 0 and carrier.lessons() <= 2


def test_what_was_learned_outlives_its_segment() -> None:
    carrier = Carrier("hex", "decimal")
    carrier.carry(ENOUGH)
    before = carrier.keeper.log.oldest_segment()
    for _ in range(4):
        carrier.take()
        carrier.keeper.run(3_700_000)
    assert carrier.keeper.log.oldest_segment() > before
    carrier.crash()
    assert carrier.profile.ids.verdict == "hex-decimal"


@pytest.mark.parametrize(("response", "receipt", "rule"), DIALECTS)
def test_a_receipt_that_overtakes_its_response_teaches_too(
    response: str, receipt: str, rule: str
) -> None:
    carrier = Carrier(response, receipt)
    for _ in range(ENOUGH + 20):
        [id] = carrier.keeper.submit(carrier.client, submit_sm(registered_delivery=1))
        carrier.number += 1
        carrier.report(carrier.number)
        carrier.relay.answer(id, 1, carrier_id=carrier.response(carrier.number))
    assert carrier.owed() == 0
    assert len(carrier.keeper.core.state.orphans) == 0
    if rule != "verbatim":
        assert carrier.profile.ids.verdict == rule


def test_a_carrier_that_changes_its_ways_is_believed_after_as_many() -> None:
    carrier = Carrier("hex", "decimal")
    carrier.carry(ENOUGH)
    carrier.written = WRITTEN["hex"]
    carrier.number = 0xABC000  # no receipt's id can be taken for the old writing
    for _ in range(3 * ENOUGH):
        carrier.report(carrier.take())
    carrier.keeper.run(PATIENCE)
    assert carrier.profile.ids.verdict == "verbatim"
    assert carrier.owed() == 0
    assert len(carrier.keeper.core.state.orphans) == 0


def test_a_receipt_that_overtook_is_not_looked_for_while_its_response_may_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carrier = Carrier("hex", "decimal")
    carrier.carry(ENOUGH)
    monkeypatch.setattr(Hearing, "_search", lambda *arguments: pytest.fail("looked for"))
    [id] = carrier.keeper.submit(carrier.client, submit_sm(registered_delivery=1))
    carrier.number += 1
    carrier.report(carrier.number)
    assert carrier.owed() == 1
    carrier.relay.answer(id, 1, carrier_id=carrier.response(carrier.number))
    assert carrier.owed() == 0
    carrier.keeper.run(PATIENCE)


def test_receipts_of_nothing_are_looked_for_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "PORTION", 1)
    carrier = Carrier("hex", "decimal")
    carrier.carry(ENOUGH)
    looked = carrier.profile.looked
    for number in range(8):
        carrier.report(number)  # never sent
    last = carrier.take()
    carrier.written = WRITTEN["hex"]
    carrier.report(last)
    carrier.keeper.run(PATIENCE)
    assert carrier.owed() == 1
    carrier.keeper.run(1_000)
    assert carrier.owed() == 0
    assert carrier.profile.looked == looked + 1
    assert len(carrier.keeper.core.state.orphans) == 8


def test_an_id_that_is_anothers_by_chance_ends_nobody_elses_message() -> None:
    """Response 10 is number 16, and its receipt says 16: what number 22 was called."""
    carrier = Carrier("hex", "decimal")
    carrier.number = 15
    sixteen = carrier.take()
    carrier.number = 21
    twenty_two = carrier.take()
    carrier.report(sixteen)
    assert carrier.owed() == 1
    carrier.report(twenty_two)
    assert carrier.owed() == 0


def test_addresses_in_a_writing_of_their_own_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "PATIENCE", 20)
    carrier = Carrier("hex", "hex")
    for _ in range(50):
        carrier.report(carrier.take(), source_addr=b"someone")
    assert carrier.owed() == 0
    assert carrier.profile.ids.count == 0, "and prove nothing"
    assert carrier.profile.looked == 21, "and are no longer looked at"


@pytest.mark.parametrize(("response", "receipt", "rule"), DIALECTS)
def test_a_repeated_receipt_is_known_as_such_meanwhile(
    response: str, receipt: str, rule: str
) -> None:
    carrier = Carrier(response, receipt)
    number = carrier.take()
    for _ in range(3):
        carrier.report(number)
    assert carrier.keeper.core.counters.repeated_receipts == 2
    assert len(carrier.keeper.core.state.orphans) == 0


@pytest.mark.parametrize(
    ("rule", "pinned"),
    [
        ("{response: verbatim, receipt: verbatim}", IdRule()),
        ("{response: hex, receipt: decimal}", IdRule("hex", "decimal")),
    ],
)
def test_what_is_pinned_is_not_learned(rule: str, pinned: IdRule) -> None:
    text = BASE.replace("    password: pw\n", f"    password: pw\n    id_rule: {rule}\n", 1)
    carrier = Carrier("decimal", "hex", text=text)
    carrier.carry(ENOUGH + 1)
    assert carrier.profile.rule == pinned
    assert carrier.owed() == ENOUGH + 1, "as the operator says"


# -- clocks and patterns -------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [0, 60, -300, 345, 14 * 60, -12 * 60])
def test_the_clock_of_fresh_receipts_is_learned(minutes: int) -> None:
    carrier = Carrier("hex", "hex", timedelta(minutes=minutes))
    carrier.carry(ENOUGH)
    assert carrier.profile.ahead.verdict == minutes / 15
    carrier.take()
    carrier.keeper.run(90_000)
    before = carrier.keeper.now
    carrier.report(carrier.number)
    moment = carrier.profile.moment(
        (datetime.fromtimestamp(before / 1_000, UTC) + carrier.ahead)
        .strftime("%y%m%d%H%M")
        .encode()
    )
    assert 0 <= before - moment < 60_000


@pytest.mark.parametrize(
    ("done", "error", "by_tlv", "pattern"),
    [
        (b"2609211413", b"000", False, Pattern("text", 10, "digits")),
        (b"260921141320", b"21b", True, Pattern("text+tlv", 12, "letters")),
        (b"", b"", True, Pattern("tlv", 0, "none")),
        (b"", b"", False, Pattern("text", 0, "none")),
        (b"", b"000", True, Pattern("text+tlv", 0, "digits")),
    ],
)
def test_the_form_of_receipts_is_learned(
    done: bytes, error: bytes, by_tlv: bool, pattern: Pattern
) -> None:
    known = Profile()
    told = Receipt(b"x", 2, True, error, done, b"")
    changes = [known.saw(told, by_tlv, 0, 10**12) for _ in range(ENOUGH + 1)]
    assert changes == [False] * (ENOUGH - 1) + [True, False]
    assert known.pattern.verdict == pattern


def test_a_clock_is_not_learned_from_what_is_old_or_mad() -> None:
    carrier = Carrier("hex", "hex", timedelta(hours=-1))
    old = [carrier.take() for _ in range(2 * ENOUGH)]
    carrier.keeper.run(3_600_000)
    for number in old:
        carrier.report(number)
    assert carrier.profile.ahead.verdict is None
    carrier.ahead = timedelta(days=30)
    carrier.carry(ENOUGH)
    assert carrier.profile.ahead.verdict is None


def test_a_clock_that_changes_is_followed() -> None:
    carrier = Carrier("hex", "hex", timedelta(hours=2))
    carrier.carry(ENOUGH)
    carrier.ahead = timedelta(hours=1)
    carrier.carry(2 * ENOUGH)
    assert carrier.profile.ahead.verdict == 4


def test_once_all_is_known_one_receipt_a_second_is_looked_at() -> None:
    carrier = Carrier("hex", "hex")
    carrier.carry(ENOUGH)
    looked = carrier.profile.looked
    for _ in range(50):
        carrier.report(carrier.take())
    assert carrier.profile.looked == looked
    assert carrier.owed() == 0
