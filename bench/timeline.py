"""What went on when, and how long messages took meanwhile. Pure but for the clock it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.probe import Sample
from bench.spread import quantile

#: Seconds after something's end in which a pause may still be of its making.
AFTERMATH = 0.1
#: A pause that is longer is a finding, ms.
TOLERATED = 20.0


class Event(NamedTuple):
    name: str
    began: float
    ended: float

    def touches(self, sample: Sample) -> bool:
        """Whether the message was under way while it lasted, or just after."""
        return self.began <= sample.at + sample.ms / 1000 and sample.at <= self.ended + AFTERMATH


@dataclass(frozen=True)
class Timeline:
    """Events by the clock. Later ones go before earlier ones that they lie within."""

    clock: Callable[[], float]
    events: list[Event] = field(default_factory=list)

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        began = self.clock()
        place = len(self.events)
        yield
        self.events.insert(place, Event(name, began, self.clock()))

    def note(self, name: str, began: float) -> None:
        """Something that began then and is over now."""
        self.events.append(Event(name, began, self.clock()))

    def split(self, samples: Iterable[Sample]) -> dict[str, list[Sample]]:
        """The samples by the name of what went on; those of no event are left out."""
        found: dict[str, list[Sample]] = {event.name: [] for event in self.events}
        for sample in samples:
            within = [event.name for event in self.events if event.touches(sample)]
            if within:
                found[within[-1]].append(sample)
        return found


class Pauses(NamedTuple):
    """How messages fared while something went on; milliseconds."""

    name: str
    times: int
    messages: int
    p50: float
    p99: float
    #: The slowest message.
    slowest: Sample
    #: The most that the server itself has to answer for.
    own: float

    @property
    def found(self) -> bool:
        return self.own > TOLERATED

    @property
    def cause(self) -> str:
        """Of the slowest, if it is one to speak of: where more than half of its time went."""
        one = self.slowest
        if one.ms <= TOLERATED:
            return "-"
        causes = (("the disk", one.disk_ms), ("no core", one.coreless_ms))
        share, name = max((ms, name) for name, ms in (*causes, (self.name, one.own_ms)))
        return name if share > one.ms / 2 else "several"


def pauses(timeline: Timeline, samples: Iterable[Sample]) -> list[Pauses]:
    """One line for each name, in order of their first event."""
    return [
        Pauses(
            name,
            sum(event.name == name for event in timeline.events),
            len(found),
            quantile([sample.ms for sample in found], 0.5),
            quantile([sample.ms for sample in found], 0.99),
            max(found, key=lambda sample: sample.ms),
            max(sample.own_ms for sample in found),
        )
        for name, found in timeline.split(samples).items()
        if found
    ]
