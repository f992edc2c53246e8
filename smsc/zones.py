"""Time zones: the same moment on another clock.

Owns how far a place's clock is ahead of UTC. The rules are IANA's, by ``zoneinfo``; asking them
costs some microseconds, so a zone remembers the answer for the quarter of an hour it was asked
about: no place changes its clock within one.
"""

from __future__ import annotations

import functools
from datetime import UTC as _UTC
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_QUARTER = 15 * 60 * 1_000


class Zone:
    """A time zone by its name. Times are ms since the epoch; "local" ones count on its clock."""

    __slots__ = ("_ahead", "_info", "_quarter", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._info = _UTC if name == "UTC" else ZoneInfo(name)
        self._quarter = -1
        self._ahead = 0

    def local(self, ms: int) -> int:
        """This moment as its clock shows it."""
        quarter = ms // _QUARTER
        if quarter != self._quarter:
            ahead = datetime.fromtimestamp(quarter * _QUARTER // 1_000, self._info).utcoffset()
            assert ahead is not None
            self._ahead = round(ahead.total_seconds()) * 1_000
            self._quarter = quarter
        return ms + self._ahead

    def moment(self, local: int) -> int:
        """The moment at which its clock shows this; of an hour that comes twice, one."""
        # What is ahead of UTC now was so at the moment in question, but for the hours around a
        # change of the clock, where the second look is right.
        near = local - (self.local(local) - local)
        return local - (self.local(near) - near)

    def __repr__(self) -> str:
        return f"<Zone {self.name}>"


@functools.cache
def zone(name: str) -> Zone:
    """The one Zone of this name. Raises ValueError if there is none."""
    try:
        return Zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} must be a time zone like Europe/Berlin, or UTC") from None


UTC = zone("UTC")
