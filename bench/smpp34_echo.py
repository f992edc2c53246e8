"""A server of the ``smpp34`` wheel that accepts everything and stores nothing.

smpp34_echo.py --ready-file FILE. The library does not say which port the system gave it, so one is
looked for first.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import sys

import smpp34


async def main(ready: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
    await server.start()
    with open(ready + ".new", "w", encoding="ascii") as file:
        json.dump({"ports": {"main": port}}, file)
    os.replace(ready + ".new", ready)
    ids = itertools.count(1)
    while True:
        event = await server.next()
        if isinstance(event, smpp34.SubmitSmEvent):
            event.accept(str(next(ids)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[sys.argv.index("--ready-file") + 1]))
