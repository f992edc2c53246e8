"""Foreign clients bind, submit, and get their receipts and inbound messages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from worlds import INBOUND_TO, INBOX, WAITING, Peer, World, message

from smsc.smpp import Status

pytestmark = pytest.mark.interop

#: aiosmpplib closes after its unbind without reading the answer.
DEAF_TO_UNBIND = "aiosmpplib"

TEXTS: dict[str, tuple[str, bool]] = {
    "plain": ("Hello from the other side", False),
    "GSM extension": ("{curly} [square] 5 € @ ~ ñ Ä", False),
    "UCS-2": ("Привет, 世界 👋", False),
    "long": ("The quick brown fox jumps over the lazy dog. " * 9, True),
}

#: A receipt to the letter of 3.4 Appendix B.
RECEIPT = re.compile(
    r"id:(?P<id>[0-9a-f]{1,16}) sub:001 dlvrd:001 submit date:\d{10} done date:\d{10}"
    r" stat:DELIVRD err:000 text:(?P<text>.*)",
    re.DOTALL,
)


def assert_parted(peer: Peer, told: dict[str, Any]) -> None:
    """The session ended by unbind and its answer."""
    assert told["bound"] == 0
    assert told["unbound"] == (None if peer.name == DEAF_TO_UNBIND else 0)


@pytest.mark.parametrize("bind", ["trx", "tx", "rx"])
def test_bind_probe_and_unbind(world: World, peer: Peer, bind: str) -> None:
    told = peer.play(world.scenario(peer.name, bind=bind, enquire=True))
    assert_parted(peer, told)
    assert told["enquired"] == 0


def test_a_wrong_password_is_refused(world: World, peer: Peer) -> None:
    if peer.name == "smpp34":
        pytest.skip("smpp34 tells no refused bind from silence")
    told = peer.play(world.scenario(peer.name, password="wrong"))
    assert told["bound"] == Status.ESME_RBINDFAIL


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_arrives_and_its_receipt_comes_back(world: World, peer: Peer, name: str) -> None:
    text, long = TEXTS[name]
    sent = message(text, long)
    told = peer.play(world.scenario(peer.name, submits=[sent], receipts="each"))
    assert_parted(peer, told)
    assert {answer["status"] for answer in told["answers"]} == {0}
    answered = [answer["message_id"] for answer in told["answers"]]
    assert len(set(answered)) == len(answered)
    assert len(told["receipts"]) == len(answered)
    for receipt in told["receipts"]:
        assert_receipt_of(receipt, sent)
    if peer.name != DEAF_TO_UNBIND or not long:
        assert {receipt["message_id"] for receipt in told["receipts"]} == set(answered)
    if world.carrier == "node" or (world.carrier == "smpp34" and name in ("plain", "UCS-2")):
        assert_taken(world, sent)


def assert_receipt_of(receipt: dict[str, Any], sent: dict[str, Any]) -> None:
    """Text and TLVs say the same, and the addresses have changed places."""
    match = RECEIPT.fullmatch(receipt["text"])
    assert match is not None, receipt["text"]
    assert match["id"] == receipt["message_id"]
    assert receipt["state"] == 2
    assert (receipt["source"], receipt["destination"]) == (sent["destination"], sent["source"])
    if sent["text"] == TEXTS["plain"][0]:
        assert match["text"] == sent["text"][:20]


def assert_taken(world: World, sent: dict[str, Any]) -> None:
    """The carrier's own decoder reads the text that was sent, parts in order of their headers."""
    parts = sorted(world.taken(sent["destination"]), key=lambda part: part["udh"][-2:])
    assert "".join(part["text"] for part in parts) == sent["text"]
    assert all(part["source"] == sent["source"] for part in parts)
    assert all(bool(part["udh"]) is sent["long"] for part in parts)
    assert all(bool(part["esm_class"] & 0x40) is sent["long"] for part in parts)


def test_receipts_wait_for_a_receiver(world: World, peer: Peer) -> None:
    sent = message("Receipt for later")
    told = peer.play(world.scenario(peer.name, bind="tx", submits=[sent]))
    assert_parted(peer, told)
    (answer,) = told["answers"]
    told = peer.play(world.scenario(peer.name, bind="rx", receipts=1))
    assert_parted(peer, told)
    (receipt,) = told["receipts"]
    assert receipt["message_id"] == answer["message_id"]
    assert_receipt_of(receipt, sent)


def test_no_receipt_where_none_was_asked_for(world: World, peer: Peer) -> None:
    quiet, loud = message("No receipt", registered_delivery=0), message("Receipt, please")
    told = peer.play(world.scenario(peer.name, submits=[quiet, loud], receipts=1))
    assert [answer["status"] for answer in told["answers"]] == [0, 0]
    assert [receipt["source"] for receipt in told["receipts"]] == [loud["destination"]]


def test_a_receiver_may_not_submit(world: World, node: Peer) -> None:
    """With node's library alone: the others refuse it before it is sent."""
    told = node.play(world.scenario(node.name, bind="rx", submits=[message("Not from here")]))
    assert told["answers"] == [{"status": Status.ESME_RINVBNDSTS, "message_id": ""}]
    assert_parted(node, told)


@pytest.mark.parametrize("bind", ["trx", "rx"])
def test_inbound_messages_reach_their_account(world: World, peer: Peer, bind: str) -> None:
    told = peer.play(world.scenario(INBOX, bind=bind, inbound=1))
    assert_parted(peer, told)
    for inbound in told["inbound"]:
        assert inbound["destination"] == INBOUND_TO
        assert inbound["source"].startswith("447700900")
        assert inbound["text"].startswith("Inbound ")


def test_a_text_in_message_payload(world: World, peer: Peer) -> None:
    sent = message("The text is in a TLV.", payload=True)
    told = peer.play(world.scenario(peer.name, submits=[sent], receipts=1))
    assert_parted(peer, told)
    assert [answer["status"] for answer in told["answers"]] == [0]
    (receipt,) = told["receipts"]
    assert_receipt_of(receipt, sent)
    if world.carrier == "node":
        (taken,) = world.taken(sent["destination"])
        assert taken["text"] == sent["text"]


# -- what else an ESME may ask, of libraries that can ----------------------------------------------

ENROUTE = 1


def waiting() -> dict[str, Any]:
    """A message that waits, for a carrier that never comes."""
    sent = message("Waits", registered_delivery=0)
    return {**sent, "destination": WAITING + sent["destination"][-3:]}


def asked(world: World, peer: Peer, *asks: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """The answers to these, asked after a message that waits was submitted."""
    told = peer.play(world.scenario(peer.name, submits=[waiting()], asks=list(asks), **changes))
    assert_parted(peer, told)
    answers: list[dict[str, Any]] = told["asked"]
    return answers


def test_query_sm(world: World, peer: Peer) -> None:
    if peer.name not in ("node", "smpplib"):
        pytest.skip(f"{peer.name} has no query_sm")
    assert asked(world, peer, {"ask": "query_sm"}) == [{"status": 0, "state": ENROUTE}]


def test_cancel_sm(world: World, node: Peer) -> None:
    answers = asked(world, node, {"ask": "cancel_sm"}, {"ask": "cancel_sm"}, {"ask": "query_sm"})
    assert [answer["status"] for answer in answers] == [0, Status.ESME_RCANCELFAIL, 0]
    assert answers[-1]["state"] == 4


def test_replace_sm(world: World, node: Peer) -> None:
    answers = asked(world, node, {"ask": "replace_sm"}, {"ask": "query_sm"})
    assert answers == [{"status": 0}, {"status": 0, "state": ENROUTE}]


def test_submit_multi(world: World, node: Peer) -> None:
    destinations = [message("")["destination"] for _ in range(3)]
    (answer,) = asked(
        world, node, {"ask": "submit_multi", "destinations": [*destinations, "not a number"]}
    )
    assert answer["status"] == 0 and answer["message_id"]
    assert answer["unsuccess"] == 1


def test_data_sm(world: World, node: Peer) -> None:
    sent = message("By data_sm")
    told = node.play(
        world.scenario(
            node.name,
            asks=[{"ask": "data_sm", "destination": sent["destination"]}],
            receipts=1,
        )
    )
    assert_parted(node, told)
    (answer,), (receipt,) = told["asked"], told["receipts"]
    assert answer["status"] == 0
    assert receipt["message_id"] == answer["message_id"]
    assert_receipt_of(receipt, sent)
