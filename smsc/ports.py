"""The two ports: the waist between edge, keeper and relay, and the log under the keeper.

Three roles carry a message. The *edge* faces clients and holds no truth. The *keeper* owns one log
and every piece of state that follows from it. The *relay* faces carriers and knows only what it
sent and what came back. They meet in the protocols below, in batches, and never see each other's
objects: what crosses is octets, ids and statuses.

In one process the waist is plain calls. What may leave only once the log is durable is *staged*
(``Commit.stage``): the side that sends builds its octets at once and they leave, in one write per
connection, when the frame they belong to is on disk. "Yes" means stored, because nothing else can
reach the socket.

Times are integers: milliseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from smsc._pdu import Message, Pdu
from smsc.broadcast import View

#: ``apply(kind, position, time_ms, head)``: how a log is folded into state, live and at replay.
Apply = Callable[[int, int, int, bytes], None]


class Cipher(Protocol):
    """Hides bodies, several at once, and makes them readable again."""

    def seal(self, bound: bytes, bodies: bytes) -> tuple[bytes, bytes]:
        """A nonce of 12 octets and ``bodies`` sealed: as long, and a tag of 16 octets."""

    def open(self, nonce: bytes, bound: bytes, sealed: bytes) -> bytes:
        """The bodies again. Raises BadSeal if they can't be opened or were changed."""


class Mark(NamedTuple):
    """One frame of a log, for those who know the log up to it."""

    segment: int
    #: Of the segment.
    salt: int
    #: Where in the segment the frame starts and ends.
    start: int
    end: int
    #: Its number, the CRC of its header, and its time.
    number: int
    crc: int
    time_ms: int


class Checkpoint(Protocol):
    """What was made of a log up to a frame, as octets."""

    @property
    def mark(self) -> Mark: ...

    @property
    def settled(self) -> int:
        """Position of the newest record before whose effect must be elsewhere, too."""

    def read(self, octets: int) -> bytes:
        """The next octets; fewer only at the end."""

    def close(self) -> None: ...


class Log(Protocol):
    """An append-only log of frames; one frame is one group commit, whole or absent.

    A record is ``kind`` (1..254), a clear ``head`` (at most 255 octets) and a ``body`` that may be
    sealed. Its *position* is ``segment << 32 | offset``, unique and growing, valid until released.
    """

    #: Which log this is among several; 0 in one process.
    partition: int
    #: How often this log was opened for writing; the first time is 1.
    epoch: int
    #: Number of the newest frame known to be on disk.
    durable: int
    #: Octets appended and not yet durable.
    pending_octets: int

    def checkpoint(self) -> Checkpoint | None:
        """What was made of this log up to a frame of it, if that is there and beyond doubt."""

    def doubt(self, reason: str) -> None:
        """The checkpoint was of no use: there is none any more."""

    def replay(self, apply: Apply, after: Mark | None = None) -> None:
        """Feed every record on disk to ``apply``, oldest first. Once, before the first append.

        With a checkpoint's mark only those that are behind it.
        """

    def glance(self, apply: Apply, mark: Mark, since: int) -> None:
        """Feed ``apply`` again what is before the mark, from not later than a time on."""

    def begin(self, now: int) -> int:
        """Open a frame at time ``now`` unless one is open; return the open frame's time.

        The time never runs backwards from one frame to the next.
        """

    def append(self, kind: int, head: bytes, body: bytes = b"") -> int:
        """Put a record in the open frame and return its position. Not durable yet."""

    def together(self, octets: int) -> None:
        """Have the records that come next, of so many octets with all overhead, in one frame.

        A crash leaves all of them or none. More than a frame holds is no promise.
        """

    def seal(self) -> int:
        """Close the open frame, start making it durable, and return its number."""

    def idle(self, now: int) -> None:
        """Nothing is to be done: prove the newest frame whole, if it is not proven yet."""

    @property
    def busy(self) -> bool:
        """Whether a sealed frame is still on its way to disk."""

    @property
    def open_octets(self) -> int:
        """Size of the open frame so far; 0 when none is open."""

    @property
    def room(self) -> bool:
        """Whether there is space for more than finishing what is owed."""

    @property
    def octets(self) -> int:
        """Disk space the log takes."""

    @property
    def ended_clean(self) -> bool:
        """Whether the last run closed this log. Known when it was replayed."""

    def fileno(self) -> int:
        """A descriptor that becomes readable when ``poll`` has news."""

    def poll(self) -> int:
        """Take the news: return the new ``durable``. Raises StorageError once the log is dead."""

    def read(self, position: int) -> tuple[int, bytes, bytes]:
        """``(kind, head, body)`` of a record, checked; also before it is durable."""

    def rotate(self) -> None:
        """Begin a new segment with the next frame, so that the one before can be forgotten."""

    def oldest_segment(self) -> int:
        """Number of the oldest segment that is still kept."""

    def release(self, segment: int) -> int:
        """Forget every segment below ``segment``; return how many were unlinked."""

    def close(self) -> None:
        """Make what was appended durable, mark a clean end, let go of the directory."""


T = TypeVar("T")


class Sink(Protocol[T]):
    """Who gets what was staged for a frame once the frame is durable; octets, mostly."""

    def release(self, staged: list[T], /) -> None:
        """All of it, in order; a connection sends it in one write."""


class Standing(NamedTuple):
    """How it stands with a message, as its client may hear it."""

    #: A message_state of 5.0.
    state: int
    #: When it became final, in ms; 0 while it is not.
    done: int
    #: The error_code, 0 for none.
    error: int


class EdgeBind(Protocol):
    """A client's bind, as the keeper sees it."""

    #: The bound account's system_id.
    account: bytes
    #: Whether deliver_sm may be sent on it (receiver or transceiver).
    receives: bool
    #: The negotiated interface_version: below 0x34 ids are short and no TLV is sent.
    version: int

    @property
    def unbound(self) -> bool:
        """Whether the client took its leave, so that it has had every answer."""

    def credit(self) -> int:
        """How many more deliveries this bind takes now."""

    def deliver(self, mail_ids: list[int], pdus: list[bytes]) -> None:
        """Stage these deliver_sm, no more than ``credit``; each gets a sequence number here."""

    def notify(self, pdu: bytes) -> None:
        """Stage one alert_notification; nothing answers it. Not below 3.4."""


class RelayBind(Protocol):
    """A bind to a carrier, as the keeper sees it."""

    #: The carrier's name in the configuration.
    carrier: bytes

    @property
    def version(self) -> int:
        """The interface_version it has agreed to."""

    def credit(self) -> int:
        """How many more attempts this bind takes now: its window and rate, whichever is less."""

    @property
    def open(self) -> bool:
        """Whether anything can still be sent on it. If not, it will be reported down."""

    def send(self, attempts: list[tuple[int, int]], messages: list[Message]) -> None:
        """Stage a submit_sm for each, under sequence numbers of the bind, which is ``open``.

        No more than ``credit`` gave. An attempt is ``(message id, its number)``.
        """

    def broadcast(self, message_id: int, attempt: int, message: Message) -> None:
        """As ``send``, for a broadcast_sm as ``broadcast.kept`` made it."""


class Lookup(Protocol):
    """Who can be asked where a number really is. Numbers are E.164 digits, networks MCC and MNC."""

    def known(self, number: bytes) -> bytes | None:
        """The network; empty if none is to be had; None if it is worth to ``ask``."""

    def ask(self, number: bytes, then: Callable[[bytes], None]) -> None:
        """Find out; ``then`` gets the network, or nothing, once and never from within this."""


class Keeper(Protocol):
    """All that happens to an account's messages meets here. Never blocks, never awaits."""

    # -- edge --------------------------------------------------------------------------------

    def attach(self, bind: EdgeBind) -> None:
        """A bind is up: what waits in its account's mailbox may flow to it."""

    def detach(self, bind: EdgeBind) -> None:
        """A bind is gone: what it took and did not confirm waits in the mailbox again."""

    def submit(self, bind: EdgeBind, batch: Sequence[Message]) -> list[int]:
        """Accept or refuse each message, in order.

        A positive number is the id of an accepted message: its answer must be staged, not sent.
        Zero or less is a refusal, the command_status negated; it may be answered at once.
        """

    #: Whether broadcasts are offered to anybody.
    broadcasting: bool

    def broadcast(self, bind: EdgeBind, pdu: Pdu) -> int:
        """Accept or refuse a broadcast_sm, as ``submit`` does."""

    def query_broadcast(self, bind: EdgeBind, pdu: Pdu) -> View | None:
        """The broadcast that a query_broadcast_sm asks for, if this account has it."""

    def cancel_broadcast(self, bind: EdgeBind, pdu: Pdu) -> int:
        """The command_status that answers a cancel_broadcast_sm, staged if 0."""

    def submit_multi(self, bind: EdgeBind, members: Sequence[Message]) -> list[int]:
        """``submit`` for messages that belong together: their client knows all by the first id."""

    def query(self, bind: EdgeBind, request: Pdu) -> Standing | int:
        """How it stands with what a query_sm names, or the command_status of the refusal.

        What is told is staged: it may rest on what is not durable yet.
        """

    def cancel(self, bind: EdgeBind, request: Pdu) -> int:
        """Delete what a cancel_sm names, as far as it waits; the command_status, staged if 0."""

    def replace(self, bind: EdgeBind, request: Pdu) -> int:
        """Put the text of a replace_sm in place of one that waits; the command_status, as above."""

    def delivered(self, bind: EdgeBind, batch: Sequence[tuple[int, int]]) -> None:
        """``(mail id, command_status)`` of each delivery the client answered or let time out."""

    def deliverable(self, bind: EdgeBind) -> None:
        """The bind has credit again."""

    def waiting(self, account: bytes) -> int:
        """How many deliveries wait for a bind of this account."""

    # -- relay -------------------------------------------------------------------------------

    def carrier_up(self, bind: RelayBind) -> None:
        """A carrier's bind is up and has credit."""

    def carrier_down(
        self,
        bind: RelayBind,
        unsent: Sequence[tuple[int, int]],
        unanswered: Sequence[tuple[int, int]],
    ) -> None:
        """It is gone. ``(message id, attempt)`` of what certainly never left and of what may have.

        The first are queued again, the second are in doubt.
        """

    def outcomes(self, bind: RelayBind, batch: Sequence[tuple[int, int, int, bytes]]) -> None:
        """``(message id, attempt, command_status, carrier's id)`` of each answered attempt.

        Taken late and from any bind of the carrier; monotone: an acknowledgement beats in-doubt.
        """

    def timed_out(self, bind: RelayBind, batch: Sequence[tuple[int, int]]) -> None:
        """No response came to these attempts in time, on a bind that lives: they are in doubt."""

    def inbound(self, bind: RelayBind, batch: Sequence[Message]) -> list[int]:
        """Receipts and inbound messages; the command_status to answer each with, staged if 0.

        Durable before the answer leaves, and idempotent by (carrier, id, state).
        """

    def alerted(self, bind: RelayBind, batch: Sequence[Pdu]) -> None:
        """alert_notifications: handsets that can be reached again. Nothing answers them."""

    def sendable(self, bind: RelayBind) -> None:
        """The bind has credit again."""
