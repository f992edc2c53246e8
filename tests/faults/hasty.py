"""A server with one fault: what should wait for the disk leaves at once. For a negative control.

hasty.py ARGUMENTS: as ``smsc ARGUMENTS``.
"""

from __future__ import annotations

import sys
from typing import TypeVar

from smsc import app, cli
from smsc.commit import Commit
from smsc.ports import Sink

T = TypeVar("T")


class Hasty(Commit):
    """Says yes and hopes for the best."""

    def stage(self, sink: Sink[T], item: T) -> None:
        self.stage_all(sink, [item])

    def stage_all(self, sink: Sink[T], items: list[T]) -> None:
        self.begin()
        sink.release(items)


if __name__ == "__main__":
    app.Commit = Hasty  # type: ignore[misc]
    sys.exit(cli.main())
