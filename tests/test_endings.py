"""How messages end, and what their clients hear on the way: receipts and notifications."""

from __future__ import annotations

import pytest

from smsc import records
from smsc._pdu import Message
from smsc.endings import MAX_NOTIFICATIONS
from smsc.journal import SimLog
from smsc.message import changed
from smsc.records import Kind, MailKind
from smsc.smpp import MessageState, Status, Tag
from tests.keeper import BASE, START, Client, Keeper, Relay, deliver_sm, submit_sm

#: What the dates below stand for: 2026-09-21 14:13:20 UTC.
assert START == 1_790_000_000_000


def keeper(account: str = "", **replaced: str) -> Keeper:
    """One whose first account has more settings, and BASE other words for some."""
    text = BASE.replace("rate: unlimited}", f"rate: unlimited{account}}}", 1)
    for old, new in replaced.items():
        text = text.replace(old, new)
    return Keeper(text=text)


def delivered(keeper: Keeper, message: Message, stat: bytes = b"DELIVRD") -> Message:
    """The receipt of a message that a carrier has taken and reported."""
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.attach(client)
    keeper.core.carrier_up(relay)
    [message_id] = keeper.submit(client, message)
    relay.answer(message_id, 1, carrier_id=b"x")
    keeper.run(60_000)
    relay.receipt(b"x", stat)
    keeper.run()
    [receipt] = client.delivered
    return receipt


@pytest.mark.parametrize(
    ("settings", "dates"),
    [
        ("", b"submit date:2609211413 done date:2609211414 "),
        (", receipt_seconds: true", b"submit date:260921141320 done date:260921141420 "),
        (", time_zone: Europe/Berlin", b"submit date:2609211613 done date:2609211614 "),
        (
            ", time_zone: Asia/Kathmandu, receipt_seconds: true",
            b"submit date:260921195820 done date:260921195920 ",
        ),
    ],
)
def test_dates_are_on_the_clients_clock(settings: str, dates: bytes) -> None:
    receipt = delivered(keeper(settings), submit_sm(registered_delivery=1))
    assert dates in receipt.short_message


# -- a crash in between --------------------------------------------------------------------------

#: A log whose frames hold few records, so that they end in every place.
SMALL = 4 * 16 * 1024


def ends(keeper: Keeper, relay: Relay, ids: list[int], by: str) -> None:
    if by == "receipt":
        keeper.core.inbound(
            relay,
            [receipt_of(b"%x" % id, "DELIVRD" if at else "UNDELIV") for at, id in enumerate(ids)],
        )
    elif by == "receipts with a large message between":
        large = changed(
            deliver_sm(destination_addr=b"80888"), [(Tag.MESSAGE_PAYLOAD, bytes(12_000))]
        )
        one, other = (receipt_of(b"%x" % id, "DELIVRD") for id in ids)
        assert keeper.core.inbound(relay, [one, large, other]) == [0, 0, 0]
    else:
        for id in ids:
            relay.answer(id, 1, Status.ESME_RINVDSTADR)


def receipt_of(carrier_id: bytes, stat: str) -> Message:
    text = b"id:%b sub:001 dlvrd:001 submit date:2611220915 done date:2611220916 stat:%b err:000"
    return deliver_sm(esm_class=4, short_message=text % (carrier_id, stat.encode()))


@pytest.mark.parametrize("filled", range(0, 16_000, 125))
@pytest.mark.parametrize("by", ["receipt", "receipts with a large message between", "refusal"])
def test_a_message_ends_with_the_word_to_its_client_or_not_at_all(by: str, filled: int) -> None:
    keeper = Keeper(SimLog(segment_octets=SMALL))
    client, relay = Client(keeper), Relay(keeper)
    keeper.core.carrier_up(relay)
    ids = keeper.submit(client, *[submit_sm(registered_delivery=1) for _ in range(2)])
    if by != "refusal":
        for id in ids:
            relay.answer(id, 1, carrier_id=b"%x" % id)
    keeper.run()
    keeper.commit.begin()
    keeper.core.append(Kind.ORPHAN_DONE, keeper.now, records.orphan_done(1), bytes(filled))
    ends(keeper, relay, ids, by)
    log = keeper.log
    frames = [frame.records.values() for frame in (*log._frames, log._open) if frame is not None]
    told = [
        (
            sum(kind == Kind.FINAL for kind, _, _ in frame),
            sum(
                kind == Kind.MAIL and records.read_mail(head).kind == MailKind.RECEIPT
                for kind, head, _ in frame
            ),
        )
        for frame in frames
    ]
    assert sum(ended for ended, _ in told) == 2
    assert all(ended == mailed for ended, mailed in told)


# -- on the way ----------------------------------------------------------------------------------

NOTIFY = 0x10


class Way:
    """One message that a carrier has, and what its client hears of it."""

    def __init__(self, wish: int, text: str = BASE) -> None:
        self.keeper = Keeper(text=text)
        self.start()
        [self.id] = self.keeper.submit(self.client, submit_sm(registered_delivery=wish))

    def start(self) -> None:
        self.client, self.relay = Client(self.keeper, window=100), Relay(self.keeper)
        self.keeper.core.attach(self.client)
        self.keeper.core.carrier_up(self.relay)
        self.keeper.run()

    def crash(self) -> None:
        self.keeper = self.keeper.crash()
        self.start()

    def heard(self) -> list[tuple[int, bytes]]:
        """The esm_class and the word of each delivery."""
        self.keeper.run()
        self.client.answer()
        self.keeper.run()
        told, self.client.delivered = self.client.delivered, []
        return [(pdu.esm_class, pdu.text.partition(b"stat:")[2][:7]) for pdu in told]


@pytest.mark.parametrize(
    ("wish", "heard"),
    [(0x01, []), (0x11, [(0x20, b"ENROUTE")]), (NOTIFY, [(0x20, b"ENROUTE")])],
)
def test_the_first_failed_attempt_is_told_once_to_who_asked(
    wish: int, heard: list[tuple[int, bytes]]
) -> None:
    way = Way(wish)
    way.relay.answer(way.id, 1, Status.ESME_RSYSERR)
    assert way.heard() == heard
    way.keeper.run(20_000)
    way.relay.answer(way.id, 2, Status.ESME_RSYSERR)
    assert way.heard() == []
    way.crash()
    way.keeper.run(120_000)
    way.relay.answer(way.id, 3, Status.ESME_RTHROTTLED)
    assert way.heard() == [], "nor after a restart"
    assert len(way.keeper.core.state.spool) == 1


@pytest.mark.parametrize(
    ("stat", "esm_class"),
    [(b"ENROUTE", 0x04), (b"ENROUTE", 0x20), (b"BUFFRED", 0x04), (b"DELIVRD", 0x20)],
)
def test_what_a_carrier_reports_on_the_way_is_told(stat: bytes, esm_class: int) -> None:
    way = Way(0x11)
    way.relay.answer(way.id, 1, carrier_id=b"x")
    assert way.relay.receipt(b"x", stat, esm_class=esm_class) == 0
    assert way.heard() == [(0x20, b"ENROUTE")]
    assert way.keeper.core.state.spool.slab.find(way.id) >= 0, "it ended nothing"
    way.relay.receipt(b"x")
    assert way.heard() == [(0x04, b"DELIVRD")]


def test_who_asks_for_notifications_alone_hears_what_comes_after_the_carriers_yes() -> None:
    way = Way(NOTIFY)
    way.relay.answer(way.id, 1, carrier_id=b"x")
    way.relay.receipt(b"x", b"ENROUTE", esm_class=0x20)
    assert way.heard() == [(0x20, b"ENROUTE")]
    way.crash()
    way.relay.receipt(b"x", b"ENROUTE", esm_class=0x20)
    assert way.heard() == [(0x20, b"ENROUTE")]
    way.relay.receipt(b"x")
    assert way.heard() == [], "no receipt was asked for"
    [record] = way.keeper.records()
    assert record["state"] == MessageState.DELIVERED


@pytest.mark.parametrize("stat", [b"UNKNOWN", b"WHATEVR"])
def test_a_state_that_nobody_knows_is_no_news(stat: bytes) -> None:
    way = Way(0x11)
    way.relay.answer(way.id, 1, carrier_id=b"x")
    way.relay.receipt(b"x", stat)
    way.relay.receipt(b"nobody's", b"ENROUTE")
    assert way.heard() == []
    assert len(way.keeper.core.state.orphans) == 0


def test_a_carrier_can_not_flood_a_client() -> None:
    way = Way(0x11)
    way.relay.answer(way.id, 1, carrier_id=b"x")
    for _ in range(2):
        for _ in range(MAX_NOTIFICATIONS):
            way.relay.receipt(b"x", b"ENROUTE")
        way.keeper.run()
    assert len(way.heard()) == MAX_NOTIFICATIONS
    way.relay.receipt(b"x")
    assert way.heard() == [(0x04, b"DELIVRD")]
    assert way.keeper.core.state.asides.count == 0


def test_a_notification_outlives_a_crash() -> None:
    way = Way(0x11)
    way.keeper.core.detach(way.client)
    way.relay.answer(way.id, 1, Status.ESME_RSYSERR)
    way.keeper.run()
    way.crash()
    assert way.heard() == [(0x20, b"ENROUTE")]


def test_who_may_have_no_receipts_gets_no_notifications_either() -> None:
    way = Way(0, BASE.replace("rate: unlimited}", "rate: unlimited, receipts: false}", 1))
    [result] = way.keeper.submit(way.client, submit_sm(registered_delivery=NOTIFY))
    assert result == -Status.ESME_RINVREGDLVFLG


# -- how it ended --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stat", "told"),
    [
        (b"DELIVRD", b"DELIVRD"),
        (b"EXPIRED", b"EXPIRED"),
        (b"DELETED", b"DELETED"),
        (b"UNDELIV", b"UNDELIV"),
        (b"ACCEPTD", b"ACCEPTD"),
        (b"REJECTD", b"REJECTD"),
        (b"SKIPPED", b"REJECTD"),
        (b"failed", b"UNDELIV"),
    ],
)
def test_a_final_state_is_told_as_the_client_knows_it(stat: bytes, told: bytes) -> None:
    way = Way(0x01)
    way.relay.answer(way.id, 1, carrier_id=b"x")
    way.relay.receipt(b"x", stat)
    assert way.heard() == [(0x04, told)]
    assert len(way.keeper.core.state.spool) == 0


@pytest.mark.parametrize("again", [b"DELIVRD", b"UNDELIV", b"ENROUTE"])
@pytest.mark.parametrize("crash", [False, True])
def test_the_first_final_state_stays(again: bytes, crash: bool) -> None:
    way = Way(0x11)
    way.relay.answer(way.id, 1, carrier_id=b"x")
    way.relay.receipt(b"x", b"DELIVRD")
    assert way.heard() == [(0x04, b"DELIVRD")]
    if crash:
        way.crash()
    way.relay.receipt(b"x", again)
    assert way.heard() == []
    assert len(way.keeper.core.state.orphans) == 0
    assert way.keeper.core.counters.repeated_receipts == (again != b"ENROUTE")
    assert [record["state"] for record in way.keeper.records()] == [2]


@pytest.mark.parametrize(
    ("pinned", "done"),
    [("UTC", b"1413"), ("Europe/Berlin", b"1413"), ("America/New_York", b"1414")],
)
def test_the_done_date_is_the_carriers_where_its_clock_is_known(pinned: str, done: bytes) -> None:
    carrier = f"password: pw, receipt_time_zone: {pinned}" + "}"
    way = Way(0x01, BASE.replace("password: pw}", carrier).replace("[one, two]", "[two]"))
    relay = Relay(way.keeper, b"two")
    way.keeper.core.carrier_up(relay)
    way.keeper.run(200)
    relay.answer(way.id, 1, carrier_id=b"x")
    way.keeper.run(60_000)
    # 14:13 in UTC, which in Berlin was before it was sent and in New York is still to come.
    text = b"id:x sub:001 dlvrd:001 submit date:2609211413 done date:2609211413 stat:DELIVRD err:0"
    way.keeper.core.inbound(relay, [deliver_sm(esm_class=4, short_message=text)])
    way.keeper.run()
    [receipt] = way.client.delivered
    assert b" done date:260921%b " % done in receipt.text
