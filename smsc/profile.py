"""What a carrier's traffic says of its ways: how it writes ids, its clock, its receipts' form.

Owns the evidence and the verdicts. A verdict needs ``ENOUGH`` receipts in a row that agree, so that
one odd receipt proves nothing, and a carrier that changes its ways is believed after as many. Until
there are verdicts every receipt is looked at; then one a second, for clocks change.

Pure: what was seen is an argument, and so is ``now``. What an operator has pinned is not learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from smsc.lessons import Lesson
from smsc.receipt import IdRule, Receipt, date_ms
from smsc.zones import Zone

#: Receipts in a row that must agree.
ENOUGH = 10

#: How often one is looked at once all is known, or once so many have proved nothing.
SELDOM = 1_000
PATIENCE = 1_000

#: A receipt tells the carrier's clock if its message left at most so long ago, ms: less than half
#: of what is told apart.
FRESH = 5 * 60_000
QUARTER = 15 * 60_000

#: Quarters of an hour that a clock somewhere is ahead of UTC.
AHEAD = range(-12 * 4, 14 * 4 + 1)

#: Octets of an id, of the longest that are tried in other writings.
MAX_ID = 64

#: The ways of writing ids that are told apart. Their places are on disk (``lessons``), from 1.
RULES = {
    "verbatim": IdRule(),
    "any": IdRule("any", "any"),
    "hex-decimal": IdRule("hex", "decimal"),
    "decimal-hex": IdRule("decimal", "hex"),
}

#: Where a receipt says what it says, and what its ``err`` looks like; on disk, from 1.
PLACES = ("text", "tlv", "text+tlv")
ERRORS = ("none", "digits", "letters")

#: Quarters of an hour ahead of UTC are on disk with this added.
_AHEAD = 100

T = TypeVar("T")


class Pattern(NamedTuple):
    """The form of a receipt: where it says it, the digits of its done date, its ``err``."""

    place: str
    digits: int
    error: str


class Evidence(Generic[T]):
    """One question: what all receipts of the present row are consistent with, and the verdict."""

    def __init__(self) -> None:
        self.verdict: T | None = None
        self.seen: tuple[T, ...] = ()
        self.count = 0

    def saw(self, *answers: T) -> bool:
        """One more receipt fits any of these answers, the simplest first; whether that changed
        the verdict."""
        both = tuple(answer for answer in self.seen if answer in answers)
        self.count = self.count + 1 if both else 1
        self.seen = both or answers
        if self.count < ENOUGH or self.verdict in self.seen:
            return False
        self.verdict = self.seen[0]
        return True


class Profile:
    """Of one carrier. ``rule`` and ``zone`` are what is pinned."""

    def __init__(self, rule: IdRule | None = None, zone: Zone | None = None) -> None:
        self.pinned_rule = rule
        self.pinned_zone = zone
        self.ids: Evidence[str] = Evidence()
        self.ahead: Evidence[int] = Evidence()
        self.pattern: Evidence[Pattern] = Evidence()
        #: Receipts that were looked at.
        self.looked = 0

    @property
    def rule(self) -> IdRule:
        """How ids are compared."""
        return self.pinned_rule or RULES[self.ids.verdict or "verbatim"]

    @property
    def asks(self) -> bool:
        """Whether it is still to be found out how ids are written."""
        return self.pinned_rule is None and self.ids.verdict is None

    def next_look(self, now: int) -> int:
        """From when on another receipt should be looked at, now that one was."""
        self.looked += 1
        known = not self.asks and (self.pinned_zone is not None or self.ahead.verdict is not None)
        settled = known and self.pattern.verdict is not None
        return now + SELDOM if settled or self.looked > PATIENCE else 0

    def moment(self, done: bytes) -> int:
        """The moment that a receipt's done date names, ms; 0 if it is not known."""
        local = date_ms(done)
        if local is None:
            return 0
        if self.pinned_zone is not None:
            return self.pinned_zone.moment(local)
        ahead = self.ahead.verdict
        return 0 if ahead is None else local - ahead * QUARTER

    # -- learning ----------------------------------------------------------------------------

    def saw(self, receipt: Receipt, told_by_tlv: bool, sent: int, now: int) -> bool:
        """A receipt came of a message that was sent at ``sent``; whether a verdict changed."""
        by_text = not told_by_tlv or bool(receipt.done or receipt.error)
        place = "+".join(["text"] * by_text + ["tlv"] * told_by_tlv)
        error = "none"
        if receipt.error:
            error = "digits" if receipt.error.isdigit() else "letters"
        changed = self.pattern.saw(Pattern(place, len(receipt.done), error))
        local = date_ms(receipt.done)
        if local is not None and self.pinned_zone is None and 0 <= now - sent <= FRESH:
            ahead = round((local - now) / QUARTER)
            if ahead in AHEAD and self.ahead.saw(ahead):
                changed = True
        return changed

    def saw_ids(self, names: tuple[str, ...]) -> bool:
        """A receipt named its message as these rules say; whether the verdict changed."""
        return self.ids.saw(*names)

    # -- what is kept ------------------------------------------------------------------------

    def lesson(self, carrier: bytes) -> Lesson:
        """The verdicts, to be written down."""
        pattern, ahead = self.pattern.verdict, self.ahead.verdict
        return Lesson(
            carrier,
            list(RULES).index(self.ids.verdict) + 1 if self.ids.verdict else 0,
            ahead + _AHEAD if ahead is not None else 0,
            PLACES.index(pattern.place) + 1 if pattern else 0,
            pattern.digits if pattern else 0,
            ERRORS.index(pattern.error) + 1 if pattern else 0,
        )

    def recall(self, lesson: Lesson) -> None:
        """What was learned in an earlier life."""
        if lesson.ids:
            self.ids.verdict = list(RULES)[lesson.ids - 1]
        if lesson.ahead:
            self.ahead.verdict = lesson.ahead - _AHEAD
        if lesson.place:
            place, error = PLACES[lesson.place - 1], ERRORS[lesson.error - 1]
            self.pattern.verdict = Pattern(place, lesson.digits, error)


def consistent(response: bytes, receipt: bytes) -> tuple[str, ...]:
    """The rules by which these two ids are of one message."""
    return tuple(
        name
        for name, rule in RULES.items()
        if rule.of_response(response) == rule.of_receipt(receipt)
    )


def writings(id: bytes, sample: bytes) -> Iterator[bytes]:
    """Other ways in which the number that this id is may be written.

    ``sample`` is an id as the other side writes them: it shows how many zeros are put before one.
    """
    if len(id) > MAX_ID or not id.isalnum():
        return
    bare = id.lower().lstrip(b"0") or b"0"
    numbers = [bare]
    if bare.isdigit():
        numbers.append(b"%x" % int(bare))
    if not bare.strip(b"0123456789abcdef"):
        numbers.append(b"%d" % int(bare, 16))
    for digits in numbers:
        for writing in (digits, digits.zfill(len(sample))):
            yield writing
            yield writing.upper()
