"""A whole server between a carrier and a client that is called: alerts, data_sm, a broadcast."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop
from helpers import bind

from smsc import reading
from smsc._pdu import encode
from smsc.app import App
from smsc.config import Config
from smsc.smpp import RESPONSE, Command, MessageState, Tag
from tests.serving import CONFIG, HASH, PASSWORD
from tests.test_broadcast import pdu as broadcast_sm
from tests.test_carrier import Peer

PATIENCE = 60


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[tuple[int, asyncio.Queue[Peer]]]:
    """A port, and whoever connects to it."""
    accepted: asyncio.Queue[Peer] = asyncio.Queue()
    peers: list[Peer] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(Peer(reader, writer))
        await accepted.put(peers[-1])

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], accepted
    finally:
        for peer in peers:
            await peer.close()
        server.close()


def configured(directory: Path, carrier: int, client: int) -> Config:
    more = (
        "deliver_with: data_sm, broadcast: true, "
        f"outbind: {{host: 127.0.0.1, port: {client}, password: smsc0001}}, rate"
    )
    text = CONFIG.format(hash=HASH, port=carrier, directory=directory, accounts="false")
    text = text.replace("rate", more, 1).replace("window: 100", "window: 100, version: '5.0'")
    text = text.replace(
        "carriers: [sim]}]", "carriers: [sim]}, {name: b, broadcast: true, carriers: [sim]}]"
    )
    return reading.loads(text + "inbound: [{to: '80888', account: acme}]\n")


async def use(directory: Path) -> None:
    async with listening() as (carrier_port, carriers), listening() as (client_port, clients):
        app = App(configured(directory, carrier_port, client_port))
        await app.start()
        try:
            carrier = await carriers.get()
            await carrier.accept_bind(0x50)
            carrier.send(
                encode(Command.ALERT_NOTIFICATION, 1, esme_addr=b"80888", source_addr=b"4477009"),
                encode(Command.DELIVER_SM, 2, destination_addr=b"80888", short_message=b"hi"),
            )
            (kept,) = await carrier.expect(Command.DELIVER_SM_RESP)
            assert kept.command_status == 0
            client = await clients.get()
            await client.expect(Command.OUTBIND)
            client.send(bind("trx", 5, b"acme", PASSWORD.encode(), version=0x50))
            _, alert, mail = await client.expect(
                Command.BIND_TRANSCEIVER_RESP, Command.ALERT_NOTIFICATION, Command.DATA_SM
            )
            assert alert.fields["source_addr"] == b"4477009"
            assert mail.tlv(Tag.MESSAGE_PAYLOAD) == b"hi"
            client.send(encode(Command.DATA_SM_RESP, mail.sequence_number))
            await broadcasting(client, carrier)
            while app.core.state.mailboxes:
                await asyncio.sleep(0)
        finally:
            stopping = asyncio.create_task(app.stop())
            for peer in (client, carrier):
                (unbind,) = await peer.expect(Command.UNBIND)
                peer.send(encode(Command.UNBIND_RESP, unbind.sequence_number))
            await stopping


async def broadcasting(client: Peer, carrier: Peer) -> None:
    """The client's broadcast reaches the carrier, and the client may ask for it."""
    client.send(broadcast_sm().raw)
    (answer,) = await client.expect(Command.BROADCAST_SM_RESP)
    assert answer.command_status == 0 and answer.tlv(Tag.CONGESTION_STATE) is not None
    (sent,) = await carrier.expect(Command.BROADCAST_SM)
    assert sent.tlvs == broadcast_sm().tlvs
    carrier.send(encode(sent.command_id | RESPONSE, sent.sequence_number, message_id=b"cbc-1"))
    id = answer.fields["message_id"]
    client.send(
        encode(Command.QUERY_BROADCAST_SM, 51, message_id=id, source_addr=b"7777"),
        encode(Command.CANCEL_BROADCAST_SM, 52, message_id=id, source_addr=b"7777"),
    )
    # A refusal needs no record: it leaves first.
    refused, told = await client.expect(
        Command.CANCEL_BROADCAST_SM_RESP, Command.QUERY_BROADCAST_SM_RESP
    )
    assert told.tlv(Tag.MESSAGE_STATE) == bytes([MessageState.ENROUTE])
    assert refused.command_status != 0


def test_the_whole_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE):
            await use(tmp_path)

    uvloop.run(main())
