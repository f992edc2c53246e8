"""A flag that a loop can wait for."""

from __future__ import annotations

import os
from contextlib import suppress


class Wake:
    """A flag with a descriptor that is readable while it is set.

    The descriptor exists once it was asked for: simulated logs come by the ten thousand.
    """

    def __init__(self) -> None:
        self._set = False
        self._fd = -1

    def __del__(self) -> None:
        self.close()

    def fileno(self) -> int:
        if self._fd < 0:
            self._fd = os.eventfd(self._set, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        return self._fd

    def set(self) -> None:
        self._set = True
        if self._fd >= 0:
            os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        self._set = False
        if self._fd >= 0:
            with suppress(BlockingIOError):
                os.eventfd_read(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
