"""What a simulator measured, and how a person gets to see it.

``Histogram`` keeps latencies in logarithmic buckets: constant memory, at most 3 % error, no
matter how many messages. ``Display`` is the live line, ``table`` the summary at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

#: Buckets per power of two; 32 keep a bucket's width below 1/32 (3 %) of its value.
_SUB_BITS = 5
#: The widest value told apart, 2**48 us (nine years), lies in the last bucket.
_BUCKETS = (48 - _SUB_BITS + 1) << _SUB_BITS

#: The percentiles every report names.
PERCENTILES = (50.0, 90.0, 99.0, 99.9)


class Histogram:
    """How often each latency was seen, in microseconds."""

    __slots__ = ("counts", "longest", "total")

    def __init__(self) -> None:
        self.counts = [0] * _BUCKETS
        self.total = 0
        self.longest = 0

    def record(self, value: int, times: int = 1) -> None:
        """Count ``value`` microseconds ``times`` times; below zero counts as zero."""
        value = max(value, 0)
        shift = max(value.bit_length() - _SUB_BITS - 1, 0)
        self.counts[min((shift << _SUB_BITS) + (value >> shift), _BUCKETS - 1)] += times
        self.total += times
        self.longest = max(self.longest, value)

    def record_since(self, starts: Iterable[int], now: int) -> None:
        """Count what lies between each start and now. Equal starts (one batch) cost one bucket."""
        for start, times in Counter(starts).items():
            self.record(now - start, times)

    def percentile(self, percent: float) -> int:
        """The least latency that ``percent`` of all values do not exceed; 0 if there are none."""
        rank = self.total * percent / 100.0
        seen = 0
        for index, count in enumerate(self.counts):
            seen += count
            if count and seen >= rank:
                return min(_highest(index), self.longest)
        return 0

    def percentiles(self) -> dict[str, float]:
        """The usual percentiles and the maximum in milliseconds, by name (``p99.9``)."""
        named = {f"p{percent:g}": self.percentile(percent) / 1000 for percent in PERCENTILES}
        return {**named, "max": self.longest / 1000}


def _highest(index: int) -> int:
    """The greatest value that falls in this bucket."""
    shift = max((index >> _SUB_BITS) - 1, 0)
    return (((index - (shift << _SUB_BITS)) + 1) << shift) - 1


class Display:
    """One live line: done of total, rate, and whatever else is named. Silent when ``quiet``.

    It is redrawn when told to and has no thread: the loop's time belongs to the messages.
    """

    def __init__(self, title: str, total: int | None, fields: Iterable[str], quiet: bool) -> None:
        names = [f"{name} {{task.fields[{name}]:,}}" for name in fields]
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}"),
            *(TextColumn(name) for name in names),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            auto_refresh=False,
            disable=quiet,
        )
        zeros: dict[str, Any] = dict.fromkeys(fields, 0)
        self._task: TaskID = self._progress.add_task(title, total=total, **zeros)

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def update(self, done: int, **fields: Any) -> None:
        """Redraw. ``fields`` are the numbers named at the start."""
        self._progress.update(self._task, completed=done, refresh=True, **fields)


def table(title: str, rows: Mapping[str, object]) -> Table:
    """A summary of two columns; numbers with thousands separators, floats with few digits."""
    built = Table(title=title, show_header=False, title_justify="left")
    built.add_column(justify="left")
    built.add_column(justify="right")
    for name, value in rows.items():
        built.add_row(name, _shown(value))
    return built


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
