"""What a simulated carrier does, as values: how often it fails, how late it answers, how it writes.

Pure. Chance is an argument (``roll``, 0 <= roll < 1), so that a profile can be tested.
"""

from __future__ import annotations

from dataclasses import dataclass

from smsc.sim.dialect import DELIVRD, DIALECTS, FAILURES, Dialect, Outcome

#: Share of messages that a ``mixed`` profile does not deliver.
MIXED_FAILURES = 0.2


@dataclass(frozen=True, slots=True)
class Profile:
    """A carrier's character. Delays are milliseconds, shares lie between 0 and 1."""

    delay: int = 0
    jitter: int = 0
    errors: tuple[tuple[int, float], ...] = ()
    no_response: float = 0.0
    receipt: str = "delivrd"
    receipt_delay: int = 0
    #: Share of receipts that are sent before their response.
    overtakes: float = 0.0
    dialect: Dialect = DIALECTS["standard"]

    @property
    def faultless(self) -> bool:
        """Whether every submit_sm is taken and answered, so that no dice are needed."""
        return not (self.errors or self.no_response)

    def status(self, roll: float) -> int | None:
        """The command_status this roll answers with; None for no answer at all."""
        if roll < self.no_response:
            return None
        roll -= self.no_response
        for status, share in self.errors:
            if roll < share:
                return status
            roll -= share
        return 0

    def response_delay(self, roll: float) -> int:
        """How long the response waits, in milliseconds."""
        return self.delay + int(roll * self.jitter)

    def outcome(self, roll: float) -> Outcome:
        """How a message of a ``mixed`` profile ends."""
        if roll >= MIXED_FAILURES:
            return DELIVRD
        return FAILURES[int(roll / MIXED_FAILURES * len(FAILURES))]


#: registered_delivery bits 1-0 -> whether (failure, success) is receipted (3.4 5.2.17, 5.0).
RECEIPTED: tuple[tuple[bool, bool], ...] = (
    (False, False),
    (True, True),
    (True, False),
    (False, True),
)
