"""What of a customer's is not finished, as a running server says it."""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from smsc import records
from smsc.app import App
from smsc.control import Asked
from smsc.errors import ControlError
from smsc.records import Kind, MailKind
from smsc.sim.profile import Profile
from smsc.spool import Stage
from smsc.unfinished import NAMED
from tests.keeper import Client, deliver_sm, submit_sm
from tests.serving import serving, submit

EVER = 1 << 50


def asking(directory: Path, use: object, profile: Profile | None = None) -> None:
    async def run() -> None:
        async with serving(directory, profile) as app:
            await use(app)  # type: ignore[operator]

    uvloop.run(run())


def test_messages_and_inbound_mail_are_counted_and_some_are_named(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        ids = app.core.submit(Client(app), [submit_sm()] * (NAMED + 5))  # type: ignore[arg-type]
        found = await app.unfinished.of(b"acme", 0, EVER)
        assert (found["owed"], found["in_doubt"]) == (NAMED + 5, 0)
        assert len(set(found["ids"])) == NAMED
        assert set(found["ids"]) <= {f"{id:x}" for id in ids}
        nothing = {"owed": 0, "in_doubt": 0, "ids": []}
        assert await app.unfinished.of(b"other", 0, EVER) == nothing
        assert await app.unfinished.of(b"acme", 0, 1) == nothing
        for id, kind in ((1, MailKind.INBOUND), (2, MailKind.RECEIPT)):
            now = app.commit.begin()
            head = records.mail(id, now, EVER, kind, b"acme", b"sim")
            app.core.append(Kind.MAIL, now, head, deliver_sm().raw)
        assert (await app.unfinished.of(b"acme", 0, EVER))["owed"] == NAMED + 6

    asking(tmp_path, use)


def test_it_answers_when_the_records_of_all_that_ended_are_on_disk(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        await submit(app, 50)
        ended = app.traffic.staged
        assert (await app.unfinished.of(b"acme", 0, EVER))["owed"] == 0
        assert app.traffic.covered >= ended > 0

    asking(tmp_path, use, Profile())


@pytest.mark.parametrize("query", [{}, {"since": "1"}, {"since": "x", "until": "2"}])
def test_a_question_without_a_span_is_refused(tmp_path: Path, query: dict[str, str]) -> None:
    async def use(app: App) -> None:
        with pytest.raises(ControlError, match="since and until"):
            await app.unfinished._answer(Asked({"customer": "acme"}, query, None))

    asking(tmp_path, use)


def test_doubts_are_told_apart(tmp_path: Path) -> None:
    async def use(app: App) -> None:
        app.core.submit(Client(app), [submit_sm()] * 2)  # type: ignore[arg-type]
        slab = app.core.state.spool.slab
        slab.set_state(slab.slots()[0], Stage.IN_DOUBT)
        found = await app.unfinished.of(b"acme", 0, EVER)
        assert (found["owed"], found["in_doubt"]) == (2, 1)

    asking(tmp_path, use)
