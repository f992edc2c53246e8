"""An act on somebody's data: its entry in the audit log, the one in the access log, and the server.

The audit entry comes first: nothing is seen or changed that is not noted. It names the case, the
kind of subject and who acted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import uvloop

from smsc import __version__, access, control, privacy
from smsc.config import Config
from smsc.errors import NotRunning, SmscError

#: How long a server may take over a claim, seconds: it walks over all that is owed, and may have to
#: write months of the traffic log anew.
PATIENCE: Final = 3_600.0


class ClaimError(SmscError):
    """What was claimed can't be had, in words for who claimed it."""


class Act:
    """One under way; ``octets`` are what it gave out."""

    def __init__(self) -> None:
        self.octets = 0


@contextmanager
def acting(loaded: Config, event: str, case: str, kind: str, **details: Any) -> Iterator[Act]:
    """An act with its entries. ``event`` is a word of the audit log, like ``subject.report``."""
    by = privacy.operator()
    privacy.audit_of(loaded).add(event, by=by, case=case, of=kind, **details)
    act, status = Act(), 500
    try:
        yield act
        status = 200
    finally:
        entry = {
            "address": "",
            "at": privacy.now_ms(),
            "fetched": f"smsc {event.replace('.', ' ')} {kind}",
            "status": status,
            "octets": act.octets,
            "agent": f"smsc/{__version__}",
            "referrer": "",
            "user": by,
        }
        access.write(Path(loaded.retention.directory) / access.DIRECTORY, entry)


def claim(loaded: Config, act: str, /, **body: Any) -> Any:
    """What the server says that has the data; where none runs, one is recovered for it."""
    try:
        path = control.where("claims", act)
        return control.ask(loaded.control, "POST", path, body, patience=PATIENCE)
    except NotRunning:
        return uvloop.run(_at_rest(loaded, act, body))


async def _at_rest(loaded: Config, act: str, body: Any) -> Any:
    from smsc.app import resting

    async with resting(loaded) as app:
        return await app.claims.answer(act, body)
