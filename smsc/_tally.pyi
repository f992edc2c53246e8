"""Counts of what every message meets (see ``_tally.pyx``)."""

from collections.abc import Iterator

class Tally:
    """Counts by a small number and another, which is below ``columns``."""

    def __init__(self, columns: int) -> None: ...
    def count(self, row: int, column: int) -> int:
        """One more. Raises IndexError where there is no such column."""

    def row(self, row: int) -> list[int]:
        """What was counted of all that has this number, by the other one."""

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """``(row, column, count)`` of what was counted at all."""
