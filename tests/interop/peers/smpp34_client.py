"""smpp34 plays one scenario (JSON in argv[1]) and tells what came of it (JSON on stdout).

The scenario and the answer are described in ``tests/interop/worlds.py``. This library takes octets
and leaves alphabets and parts to its user, so smpplib cuts and encodes here. It probes the link by
itself, and says whether it lives.
"""

import asyncio
import json
import os
import sys

import smpp34
import smpplib.gsm

UDHI = 0x40


def deliver(told, event):
    kind = "receipts" if event.esm_class & 0x04 else "inbound"
    tlvs = {each.tag: each.value for each in event.tlvs}
    state = tlvs.get(smpp34.TLV_MESSAGE_STATE)
    told[kind].append(
        {
            "source": event.source_addr,
            "destination": event.destination_addr,
            "text": event.short_message.decode("latin-1"),
            "message_id": tlvs.get(smpp34.TLV_RECEIPTED_MESSAGE_ID, b"").decode().rstrip("\0"),
            "state": None if state is None else state[0],
        }
    )


async def submit(smsc, told, message):
    parts, data_coding, esm_class = smpplib.gsm.make_parts(message["text"])
    tlvs = []
    if message["payload"]:
        tlvs = [smpp34.Tlv(smpp34.TLV_MESSAGE_PAYLOAD, message["text"].encode())]
        parts, data_coding, esm_class = [b""], 0, 0
    for part in parts:
        answer = await smsc.submit_sm(
            message["destination"],
            part,
            source_addr=message["source"],
            source_addr_ton=1,
            source_addr_npi=1,
            dest_addr_ton=1,
            dest_addr_npi=1,
            data_coding=data_coding,
            esm_class=esm_class,
            registered_delivery=message["registered_delivery"],
            tlvs=tlvs,
        )
        told["answers"].append(
            {"status": answer.command_status, "message_id": answer.message_id or ""}
        )


async def play(scenario):
    told = dict(bound=0, answers=[], receipts=[], inbound=[], enquired=None, unbound=None)
    client = smpp34.Client(
        scenario["host"],
        scenario["port"],
        scenario["system_id"],
        scenario["password"],
        bind_type=scenario["bind"],
    )
    smsc = await client.connect()
    for message in scenario["submits"]:
        await submit(smsc, told, message)
    receipts = scenario["receipts"]
    if receipts == "each":
        receipts = len(told["answers"])
    async with asyncio.timeout(scenario["timeout"]):
        while len(told["receipts"]) < receipts or len(told["inbound"]) < scenario["inbound"]:
            event = await smsc.next()
            if isinstance(event, smpp34.Disconnected):
                break
            deliver(told, event)
    if scenario["enquire"]:
        told["enquired"] = 0 if await client.is_alive() else 1
    await smsc.unbind()
    told["unbound"] = 0
    await client.stop()
    return told


print(json.dumps(asyncio.run(play(json.loads(sys.argv[1])))), flush=True)
# Its threads outlive the interpreter and crash it at its end.
os._exit(0)
