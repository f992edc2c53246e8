"""The command line: ``smsc serve`` and the tools beside it."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

import uvloop

from smsc import __version__, config
from smsc.errors import ConfigError, SmscError, StorageError

log = logging.getLogger("smsc")

#: Exit statuses (sysexits.h): the configuration, the storage, anything else on purpose.
EX_CONFIG, EX_IOERR, EX_FAILURE = 78, 74, 1


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        status: int = options.run(options)
        return status
    except ConfigError as error:
        print(f"smsc: {error}", file=sys.stderr)
        return EX_CONFIG
    except StorageError as error:
        print(f"smsc: {error}", file=sys.stderr)
        return EX_IOERR
    except SmscError as error:
        print(f"smsc: {error}", file=sys.stderr)
        return EX_FAILURE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="smsc", description="A durable SMS centre.")
    parser.add_argument("--version", action="version", version=f"smsc {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    serve = commands.add_parser("serve", help="run the server until SIGTERM")
    _config_option(serve)
    serve.add_argument(
        "--ready-file",
        metavar="FILE",
        help="when ready, write the bound ports there as JSON",
    )
    serve.set_defaults(run=_serve)
    return parser


def _config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        metavar="FILE",
        default="config/smsc.yaml",
        help="the configuration (default: %(default)s)",
    )


def _serve(options: argparse.Namespace) -> int:
    loaded = config.load(options.config)
    logging.basicConfig(
        level=loaded.log.level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    return uvloop.run(_run(loaded, options.ready_file))


async def _run(loaded: config.Config, ready_file: str | None) -> int:
    from smsc.app import App

    app = App(loaded)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        app.loop.add_signal_handler(number, stop.set)
    await app.start()
    if ready_file:
        _write_ready(Path(ready_file), app.ports())
    waiting = asyncio.ensure_future(stop.wait())
    await asyncio.wait((waiting, app.failed), return_when=asyncio.FIRST_COMPLETED)
    if app.failed.done():
        return EX_IOERR
    log.info("stopping")
    await app.stop()
    log.info("stopped")
    return 0


def _write_ready(path: Path, ports: dict[str, int]) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps({"pid": os.getpid(), "ports": ports}))
    temporary.rename(path)


if __name__ == "__main__":
    sys.exit(main())
