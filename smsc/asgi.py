"""HTTP inside our loop: one ASGI application on one listening socket.

Owns nothing but how uvicorn is run here: on the loop that is there already, with the process's
signals left to the process, quiet, and doing nothing while nobody asks.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """uvicorn that leaves the process's signals to the process."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


class Served:
    """See the module. ``stop`` may be called whether or not ``start`` was."""

    def __init__(self, application: ASGIApp) -> None:
        self._serving: asyncio.Task[None] | None = None
        self._server = _Server(
            uvicorn.Config(
                application,
                loop="none",
                http="h11",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )

    def start(self, listening: socket.socket) -> None:
        """Answer on this socket, which is closed with the rest."""
        loop = asyncio.get_running_loop()
        self._serving = loop.create_task(self._server.serve([listening]))

    async def stop(self) -> None:
        """Finish what is being answered, within a second, and close."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
