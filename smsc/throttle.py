"""How fast is fast enough: token buckets, a carrier's pace, penalties for failures, back-off.

All of it is arithmetic over the caller's clock and dice: ``now`` is int milliseconds and may jump
either way; a jump back costs nothing but the time it repeats.
"""

from __future__ import annotations

import math

#: A carrier that throttles is sent half as much: TCP's answer to a loss (RFC 5681), and stable.
CUT = 0.5

#: One cut per this long, ms: answers already on their way tell of the rate before the cut.
CUT_PAUSE = 1_000

#: A carrier's rate grows back from a cut to where it was in this time, ms.
RECOVERY = 10_000

#: A carrier's rate never falls below this, per second: what probes whether it takes more again.
SLOWEST = 1.0

#: What a carrier's unused rate may save up, seconds: enough for a loop that wakes ten times in one.
CARRIER_BURST = 0.1

#: More than any window can take: what an unlimited pace says.
PLENTY = 1_000_000

#: Doublings after which any delay has long met its ceiling.
MAX_DOUBLINGS = 30

#: The first refusal after too many failures, ms, and the longest.
FIRST_REFUSAL = 1_000
LONGEST_REFUSAL = 60_000


class TokenBucket:
    """``rate`` tokens per second, of which at most ``burst`` are saved up. Starts full."""

    def __init__(self, rate: float, burst: float, now: int = 0) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = now

    def take(self, cost: float, now: int) -> bool:
        """Take ``cost`` tokens or none. A cost above ``burst`` needs all of it, leaving a debt."""
        if now != self._at:
            self._fill(now)
        if self._tokens < cost and self._tokens < self.burst:
            return False
        self._tokens -= cost
        return True

    def spend(self, cost: float, now: int) -> None:
        """Take ``cost`` tokens for what is done already; what is missing is a debt."""
        if now != self._at:
            self._fill(now)
        self._tokens -= cost

    def available(self, now: int) -> float:
        """How many tokens there are; negative is a debt."""
        if now != self._at:
            self._fill(now)
        return self._tokens

    def wait(self, cost: float, now: int) -> int:
        """Milliseconds until ``take`` of this cost can succeed; 0 if it does now."""
        missing = min(cost, self.burst) - self.available(now)
        return math.ceil(missing * 1_000 / self.rate) if missing > 0 else 0

    def change(self, rate: float, burst: float, now: int) -> None:
        """Go on at another rate; what is saved up is kept, up to the new burst."""
        self._fill(now)
        self.rate = rate
        self.burst = burst
        self._tokens = min(self._tokens, burst)

    def _fill(self, now: int) -> None:
        elapsed = now - self._at
        self._at = now
        if elapsed > 0:
            self._tokens = min(self.burst, self._tokens + elapsed * self.rate / 1_000)


class Pace:
    """How fast a carrier may be sent to: its contract's rate, less while it throttles (AIMD).

    ``limit`` is in messages per second, ``inf`` for none; the pace never exceeds it. A cut starts
    from what was really sent in the last second, so that it bites without a limit too.
    """

    def __init__(self, limit: float, now: int = 0) -> None:
        self.limit = limit
        #: How often the carrier made us slower.
        self.cuts = 0
        self._bucket = TokenBucket(limit, _saved_up(limit), now)
        self._cut_at = now
        self._cut_rate = limit
        self._step = 0.0
        self._window = _Window(now)

    def rate(self, now: int) -> float:
        """Messages per second at this moment."""
        grown = self._cut_rate + self._step * max(0, now - self._cut_at) / 1_000
        return min(self.limit, grown)

    def available(self, now: int) -> int:
        """How many messages may be sent now; PLENTY where nothing limits it."""
        if self.cuts:
            self._follow(now)
        tokens = self._bucket.available(now)
        return 0 if tokens < 1 else int(tokens) if tokens < PLENTY else PLENTY

    def sent(self, count: int, now: int) -> None:
        """So many were sent."""
        self._window.add(count, now)
        self._bucket.spend(count, now)

    def wait(self, now: int) -> int:
        """Milliseconds until one message may be sent; 0 if it may now."""
        if self.cuts:
            self._follow(now)
        return self._bucket.wait(1, now)

    def throttled(self, now: int) -> None:
        """The carrier answered that it is being sent too much."""
        if self.cuts and 0 <= now - self._cut_at < CUT_PAUSE:
            return
        before = max(min(self.rate(now), self._window.rate(now)), SLOWEST)
        self.cuts += 1
        self._cut_at = now
        self._cut_rate = max(before * CUT, min(SLOWEST, self.limit))
        self._step = (before - self._cut_rate) * 1_000 / RECOVERY or before * CUT / 10
        self._follow(now)

    def _follow(self, now: int) -> None:
        if self._bucket.rate != (rate := self.rate(now)):
            self._bucket.change(rate, _saved_up(rate), now)


def _saved_up(rate: float) -> float:
    return max(1.0, rate * CARRIER_BURST)


class _Window:
    """How many there were in the last second: whole seconds counted, the older one by its share."""

    def __init__(self, now: int) -> None:
        self._second = now // 1_000
        self._count = 0
        self._before = 0

    def add(self, count: int, now: int) -> None:
        if now // 1_000 != self._second:
            self._turn(now)
        self._count += count

    def rate(self, now: int) -> float:
        self._turn(now)
        return self._count + self._before * (1_000 - now % 1_000) / 1_000

    def _turn(self, now: int) -> None:
        second = now // 1_000
        if second != self._second:
            self._before = self._count if second == self._second + 1 else 0
            self._count = 0
            self._second = second


class Penalty:
    """Refuses whoever fails more often than is forgiven, and twice as long each time.

    ``free`` failures cost nothing; one is forgiven every ``forgive`` ms. A refusal ends by itself,
    at the latest after LONGEST_REFUSAL: nobody is locked out for good. Wants a steady clock.
    """

    __slots__ = ("_at", "_failures", "_until", "forgive", "free")

    def __init__(self, free: int, forgive: int, now: int = 0) -> None:
        self.free = free
        self.forgive = forgive
        self._failures = 0.0
        self._at = now
        self._until = now

    def refuses(self, now: int) -> bool:
        """Whether the next try is refused unseen."""
        return now < self._until

    def failed(self, now: int) -> None:
        """One try was seen and failed."""
        self._failures = max(0.0, self._failures - (now - self._at) / self.forgive) + 1
        self._at = now
        if (over := self._failures - self.free) > 0:
            doublings = min(math.ceil(over) - 1, MAX_DOUBLINGS)
            self._until = now + min(LONGEST_REFUSAL, FIRST_REFUSAL << doublings)


def backoff(attempt: int, low: int, high: int, dice: float) -> int:
    """Milliseconds before try number ``attempt`` (from 0) of something that keeps failing.

    Anywhere between ``low`` and a ceiling that doubles up to ``high``, as ``dice`` in [0, 1) says:
    full jitter, so that what failed together does not come back together.
    """
    ceiling = min(high, low << min(attempt + 1, MAX_DOUBLINGS))
    return low + int(dice * (ceiling - low))


def congestion_state(*shares: float) -> int:
    """How loaded we are by the fullest of these shares, 0 idle to 100 congested (5.0 4.8.4.18)."""
    return round(100 * min(1.0, max(0.0, *shares)))
