"""smpplib plays one scenario (JSON in argv[1]) and tells what came of it (JSON on stdout).

The scenario and the answer are described in ``tests/interop/worlds.py``.
"""

import json
import sys

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

BINDS = {"trx": "bind_transceiver", "tx": "bind_transmitter", "rx": "bind_receiver"}


class Told(dict):
    """What the peer told us, in the order it came."""

    def on_answer(self, pdu):
        self["answers"].append(
            {"status": pdu.status, "message_id": (pdu.message_id or b"").decode()}
        )

    def on_error(self, pdu):
        self["answers"].append({"status": pdu.status, "message_id": ""})

    def on_deliver(self, pdu):
        kind = "receipts" if pdu.esm_class & 0x04 else "inbound"
        self[kind].append(
            {
                "source": pdu.source_addr.decode(),
                "destination": pdu.destination_addr.decode(),
                "text": pdu.short_message.decode("latin-1"),
                "message_id": (pdu.receipted_message_id or b"").decode().rstrip("\0"),
                "state": pdu.message_state,
            }
        )


def submit(client, message):
    """Send a text as smpplib cuts and encodes it; say how many PDUs that made."""
    parts, data_coding, esm_class = smpplib.gsm.make_parts(message["text"])
    payload = {}
    if message["payload"]:
        parts, payload = [b""], {"message_payload": message["text"].encode()}
        data_coding = esm_class = 0
    for part in parts:
        client.send_message(
            source_addr_ton=smpplib.consts.SMPP_TON_INTL,
            source_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            source_addr=message["source"],
            dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
            dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            destination_addr=message["destination"],
            short_message=part,
            data_coding=data_coding,
            esm_class=esm_class,
            registered_delivery=message["registered_delivery"],
            **payload,
        )
    return len(parts)


def ask(client, told, what):
    """Ask one thing more and take its answer; deliveries that come first are taken too."""
    before = len(told["answers"])
    if what["ask"] == "query_sm":
        client.query_message(
            message_id=told["answers"][0]["message_id"],
            source_addr_ton=smpplib.consts.SMPP_TON_INTL,
            source_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
            source_addr="447700900001",
        )
    client.set_query_resp_handler(
        lambda pdu, **_: told["asked"].append({"status": 0, "state": pdu.message_state})
    )
    while not told["asked"] and len(told["answers"]) == before:
        client.read_once(auto_send_enquire_link=False)
    told["asked"] += [{"status": each["status"]} for each in told["answers"][before:]]
    del told["answers"][before:]


def play(scenario):
    told = Told(bound=0, answers=[], receipts=[], inbound=[], enquired=None, unbound=None, asked=[])
    client = smpplib.client.Client(
        scenario["host"],
        scenario["port"],
        timeout=scenario["timeout"],
        allow_unknown_opt_params=True,
    )
    client.set_message_sent_handler(told.on_answer)
    client.set_error_pdu_handler(told.on_error)
    client.set_message_received_handler(told.on_deliver)
    client.connect()
    bind = getattr(client, BINDS[scenario["bind"]])
    try:
        bind(system_id=scenario["system_id"], password=scenario["password"])
    except smpplib.exceptions.PDUError as error:
        told["bound"] = error.args[1]
        client.disconnect()
        return told
    sent = sum(submit(client, message) for message in scenario["submits"])
    receipts = sent if scenario["receipts"] == "each" else scenario["receipts"]
    while (
        len(told["answers"]) < sent
        or len(told["receipts"]) < receipts
        or len(told["inbound"]) < scenario["inbound"]
    ):
        client.read_once(auto_send_enquire_link=False)
    for what in scenario["asks"]:
        ask(client, told, what)
    if scenario["enquire"]:
        client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=client))
        told["enquired"] = client.read_pdu().status
    told["unbound"] = client.unbind().status
    client.disconnect()
    return told


print(json.dumps(play(json.loads(sys.argv[1]))))
