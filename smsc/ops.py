"""HTTP for operators: ``/metrics``, ``/healthz``, ``/readyz``, on a port of its own.

Owns what is answered there; ``asgi`` serves it, and ``access`` writes down who asked.

    GET /metrics           200, Prometheus text or OpenMetrics, as asked
    GET /metrics/accounts  the same per account; only if ``metrics.accounts`` is configured
    GET /healthz           200 while the process lives; 503: restart it
    GET /readyz            200 while messages may come; 503 and the reason: send them elsewhere
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smsc.access import DIRECTORY, AccessLog
from smsc.asgi import Served
from smsc.metrics import Accounts, Figures, Process, process_registry, registry


class Alive(Protocol):
    """Who knows whether the process still does its work."""

    def alive(self) -> bool:
        """Whether the log's thread gets frames to disk."""


class Watched(Process, Protocol):
    """What is asked about: ``smsc.app.App``."""

    loop: asyncio.AbstractEventLoop
    watchdog: Alive
    #: When the doors were opened; 0 before.
    ready_at: int


class Ops:
    """See the module."""

    def __init__(self, app: Watched) -> None:
        self._app = app
        self._figures = Figures(app)
        self._registry = process_registry(self._figures)
        self._accounts = registry(Accounts(app))
        self._socket: socket.socket | None = None
        directory = Path(app.config.retention.directory) / DIRECTORY
        answers = Starlette(routes=self._routes())
        self._served = Served(AccessLog(answers, directory, app.clock))

    def _routes(self) -> list[Route]:
        routes = [
            Route("/metrics", self._metrics),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
        ]
        if self._app.config.metrics.accounts:
            routes.append(Route("/metrics/accounts", self._metrics_accounts))
        return routes

    # -- life --------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port that is listened on, also where the configuration leaves it to the system."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises OSError if the address can't be had."""
        config = self._app.config.metrics
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        self._socket = socket.create_server((config.host, config.port), family=family)
        self._served.start(self._socket)

    async def stop(self) -> None:
        """Finish what is being answered, within a second, and close."""
        await self._served.stop()

    # -- answers -----------------------------------------------------------------------------

    async def _metrics(self, request: Request) -> Response:
        await self._figures.survey()
        return _exposition(self._registry, request)

    async def _metrics_accounts(self, request: Request) -> Response:
        return _exposition(self._accounts, request)

    async def _healthz(self, request: Request) -> Response:
        alive = self._app.watchdog.alive() and not self._app.failed.done()
        return _verdict("" if alive else "the log does not get frames to disk")

    async def _readyz(self, request: Request) -> Response:
        return _verdict(self._unready())

    def _unready(self) -> str:
        """Why no messages should come; empty if they may."""
        app = self._app
        if app.failed.done():
            return "the log is dead"
        if not app.ready_at:
            return "starting"
        if any(listener.stopping for listener in app.listeners):
            return "stopping"
        if app.log.stalled_us() > app.config.storage.slow_sync.unready * 1_000:
            return "the disk does not answer"
        return "" if app.log.room else "the disk is full"


def _exposition(source: CollectorRegistry, request: Request) -> Response:
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(source), headers={"content-type": content_type})


def _verdict(reason: str) -> Response:
    return PlainTextResponse((reason or "ok") + "\n", status_code=503 if reason else 200)
