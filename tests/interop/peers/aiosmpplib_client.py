"""aiosmpplib plays one scenario (JSON in argv[1]) and tells what came of it (JSON on stdout).

The scenario and the answer are described in ``tests/interop/worlds.py``. This library joins and
hides the parts of a long text: one answer and one receipt stand for all of them. It does not
read the answer to its unbind.
"""

import asyncio
import json
import sys

import aiosmpplib
from aiosmpplib.state import BindMode, SmppError

BINDS = {"trx": BindMode.TRANSCEIVER, "tx": BindMode.TRANSMITTER, "rx": BindMode.RECEIVER}
RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x001E, 0x0427
UDHI = 0x40


class Told(aiosmpplib.AbstractHook):
    """What the peer told us, in the order it came; ``news`` is set whenever it grows."""

    def __init__(self):
        self.news = asyncio.Event()
        self.told = dict(bound=0, answers=[], receipts=[], inbound=[], enquired=None, unbound=None)

    async def sending(self, smpp_message, pdu, client_id):
        pass

    async def send_error(self, smpp_message, error, client_id):
        self.told["error"] = repr(error)
        self.news.set()

    async def received(self, smpp_message, pdu, client_id):
        if smpp_message is None:
            # It can't read a refusal without a body, which is how refusals are (5.0 4.1.1.2).
            self.told["bound"] = int.from_bytes(pdu[8:12], "big")
        elif isinstance(smpp_message, aiosmpplib.SubmitSmResp):
            self.told["answers"].append(
                {
                    "status": int(smpp_message.command_status),
                    "message_id": smpp_message.message_id,
                }
            )
        elif isinstance(smpp_message, aiosmpplib.DeliverSm):
            self.deliver(smpp_message)
        elif isinstance(smpp_message, aiosmpplib.protocol.EnquireLinkResp):
            self.told["enquired"] = int(smpp_message.command_status)
        self.news.set()

    def deliver(self, message):
        tlvs = {param.tag: param.value for param in message.optional_params or []}
        message_id = tlvs.get(RECEIPTED_MESSAGE_ID, "")
        self.told["receipts" if message.is_receipt() else "inbound"].append(
            {
                "source": message.source.number,
                "destination": message.destination.number,
                "text": message.short_message,
                "message_id": message_id.rstrip("\0"),
                "state": tlvs.get(MESSAGE_STATE),
            }
        )

    def complete(self, scenario):
        told = self.told
        receipts = scenario["receipts"]
        if receipts == "each":
            receipts = len(scenario["submits"])
        return "error" in told or (
            len(told["answers"]) >= len(scenario["submits"])
            and len(told["receipts"]) >= receipts
            and len(told["inbound"]) >= scenario["inbound"]
            and (told["enquired"] is not None or not scenario["enquire"])
        )


def submit(message):
    phone = aiosmpplib.PhoneNumber
    return aiosmpplib.SubmitSm(
        short_message=message["text"],
        source=phone(message["source"]),
        destination=phone(message["destination"]),
        registered_delivery=message["registered_delivery"],
        esm_class=UDHI if message["long"] else 0,
        # Without it a text is cut into parts; a short one then meets a fault of this library.
        auto_message_payload=message["payload"] or not message["long"],
        log_id=message["destination"],
    )


async def play(scenario):
    hook = Told()
    esme = aiosmpplib.ESME(
        smsc_host=scenario["host"],
        smsc_port=scenario["port"],
        system_id=scenario["system_id"],
        password=scenario["password"],
        bind_mode=BINDS[scenario["bind"]],
        enquire_link_interval=0.2 if scenario["enquire"] else 60.0,
        log_level="CRITICAL",
        hook=hook,
    )
    try:
        await esme.connect()
    except (SmppError, ValueError):
        return hook.told
    running = asyncio.create_task(esme.start())
    for message in scenario["submits"]:
        await esme.broker.enqueue(submit(message))
    async with asyncio.timeout(scenario["timeout"]):
        while not hook.complete(scenario):
            hook.news.clear()
            await hook.news.wait()
    await esme.stop()
    await running
    return hook.told


print(json.dumps(asyncio.run(play(json.loads(sys.argv[1])))))
