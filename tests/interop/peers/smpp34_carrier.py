"""smpp34 in the place of a carrier: takes what comes, sends receipts, and inbound messages.

smpp34_carrier.py LOG INBOUND_TO --ready-file FILE. Each message taken is a line of JSON in LOG,
written before it is answered; FILE gets {"ports": {"carrier": N}} once it listens. The library
binds to the port it is told and does not say which the system chose, so one is looked for first.
"""

import asyncio
import contextlib
import datetime
import itertools
import json
import os
import socket
import sys

import smpp34

LOG, INBOUND_TO, _, READY = sys.argv[1:]
INBOUND_EVERY = 0.1

receivers = {}
ids = itertools.count(int(datetime.datetime.now().timestamp()) * 1_000)
tasks = set()


def note(event):
    """A short message without a header, in the two alphabets that need no table."""
    octets = event.short_message
    coding = "utf-16-be" if event.data_coding == 8 else "latin-1"
    line = {
        "destination": event.destination_addr,
        "source": event.source_addr,
        "data_coding": event.data_coding,
        "esm_class": event.esm_class,
        "udh": "",
        "text": octets.decode(coding, "replace"),
    }
    with open(LOG, "a", encoding="utf-8") as log:
        print(json.dumps(line), file=log)


async def report(event, name):
    """The receipt of a message, to whom submitted it."""
    date = datetime.datetime.now(datetime.UTC).strftime("%y%m%d%H%M")
    text = (
        f"id:{name} sub:001 dlvrd:001 submit date:{date} done date:{date} stat:DELIVRD err:000"
        " text:"
    )
    esme = receivers.get(event.session_id)
    if esme is not None:
        await esme.deliver_sm(
            event.source_addr,
            text.encode(),
            source_addr=event.destination_addr,
            source_addr_ton=event.dest_addr_ton,
            source_addr_npi=event.dest_addr_npi,
            dest_addr_ton=event.source_addr_ton,
            dest_addr_npi=event.source_addr_npi,
            esm_class=4,
            tlvs=[
                smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, name.encode() + b"\0"),
                smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, b"\2"),
            ],
        )


async def write_in():
    """Inbound messages, one after another."""
    while True:
        await asyncio.sleep(INBOUND_EVERY)
        for esme in list(receivers.values())[:1]:
            with contextlib.suppress(smpp34.SmppError, OSError):
                await esme.deliver_sm(
                    INBOUND_TO,
                    b"Inbound from smpp34",
                    source_addr="447700900001",
                    source_addr_ton=1,
                    source_addr_npi=1,
                    dest_addr_ton=1,
                    dest_addr_npi=1,
                )


def spawn(coroutine):
    task = asyncio.ensure_future(coroutine)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def main():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
    await server.start()
    with open(READY + ".new", "w", encoding="utf-8") as ready:
        json.dump({"ports": {"carrier": port}}, ready)
    os.rename(READY + ".new", READY)
    spawn(write_in())
    while True:
        event = await server.next()
        if isinstance(event, smpp34.Esme):
            receivers[event.session_id] = event
        elif isinstance(event, smpp34.Unbound):
            receivers.pop(event.session_id, None)
        else:
            note(event)
            name = str(next(ids))
            event.accept(name)
            if event.registered_delivery & 3:
                spawn(report(event, name))


asyncio.run(main())
