"""Octets <-> PDU values, compiled. Types for mypy; the promises are in the docstrings.

Nothing here knows sockets, files, sessions or time.
"""

from collections.abc import Sequence
from typing import Any, final

class Pdu:
    """One whole PDU: framed, with its header read, its body decoded only when asked.

    It owns its octets. Nothing in it ever changes after ``decode``. The ``repr`` shows command,
    status, sequence number and lengths, never an address or text.
    """

    @property
    def command_id(self) -> int: ...
    @property
    def command_status(self) -> int: ...
    @property
    def sequence_number(self) -> int: ...
    @property
    def raw(self) -> bytes:
        """All octets of the PDU, header included."""

    @property
    def fields(self) -> dict[str, Any]:
        """Mandatory parameters by SMPP name in wire order; decodes first. Empty if undecodable.

        Values are ``int`` or ``bytes``, and two lists of tuples: ``dest_address`` of submit_multi,
        ``(1, ton, npi, address)`` or ``(2, dl_name)``, and ``unsuccess_sme`` of its response,
        ``(ton, npi, address, error_status_code)``. The dict is kept: don't change it.
        """

    @property
    def tlvs(self) -> tuple[tuple[int, bytes], ...]:
        """``(tag, value)`` in wire order, known or not; decodes first. Empty if undecodable.

        Lengths are as ``smpp.TLVS`` says wherever the PDU expects the TLV. A response that breaks
        this loses the TLVs in question; a request does not decode.
        """

    def tlv(self, tag: int) -> bytes | None:
        """The value of the first TLV with this tag; further ones do not count."""

    def decode(self) -> int:
        """Decode the body, once. 0, or the command_status to answer a bad body with.

        ESME_RINVCMDID if the command is unknown. Always 0 for a response: a body that can't be
        decoded counts as absent, since the header alone says what happened. What follows the
        header of unbind and enquire_link is ignored.
        """

@final
class Message(Pdu):
    """A submit_sm or deliver_sm, which share one layout.

    Values are valid once ``decode`` has returned 0; what they are before, or after another
    status, is nothing to rely on.
    """

    @property
    def service_type(self) -> bytes: ...
    @property
    def source_addr_ton(self) -> int: ...
    @property
    def source_addr_npi(self) -> int: ...
    @property
    def source_addr(self) -> bytes: ...
    @property
    def dest_addr_ton(self) -> int: ...
    @property
    def dest_addr_npi(self) -> int: ...
    @property
    def destination_addr(self) -> bytes: ...
    @property
    def esm_class(self) -> int: ...
    @property
    def protocol_id(self) -> int: ...
    @property
    def priority_flag(self) -> int: ...
    @property
    def schedule_delivery_time(self) -> bytes: ...
    @property
    def validity_period(self) -> bytes: ...
    @property
    def registered_delivery(self) -> int: ...
    @property
    def replace_if_present_flag(self) -> int: ...
    @property
    def data_coding(self) -> int: ...
    @property
    def sm_default_msg_id(self) -> int: ...
    @property
    def sm_length(self) -> int: ...
    @property
    def timeless(self) -> bool:
        """Whether it has neither a schedule nor a validity, nor a qos_time_to_live."""

    @property
    def bare(self) -> bool:
        """Whether it names its sender and asks for nothing that a centre would have to work out:
        no times, no TLVs but that of its text, no replacement, no predefined text, no datagram.
        """

    @property
    def short_message(self) -> bytes: ...
    @property
    def text(self) -> bytes:
        """The user data: short_message, or the message_payload TLV where sm_length is 0."""

    def forward(self, sequence_number: int, registered_delivery: int = -1) -> bytes:
        """The same octets as a submit_sm with this sequence number and status 0.

        ``registered_delivery`` is replaced when it is 0 or more. Raises ValueError if the body
        can't be decoded.
        """

    def reworded(
        self,
        esm_class: int,
        registered_delivery: int,
        data_coding: int,
        text: bytes,
        tlvs: Sequence[tuple[int, bytes]],
    ) -> Message:
        """The same message with another short_message, these values, and these TLVs alone.

        Raises ValueError for what a field can't hold.
        """

    @staticmethod
    def from_raw(raw: bytes) -> Message:
        """One whole, sound submit_sm or deliver_sm, decoded; ValueError for anything else."""

@final
class Response(Pdu):
    """A submit_sm_resp, deliver_sm_resp or data_sm_resp."""

    @property
    def message_id(self) -> bytes:
        """What the peer called the message; empty in a response of header only."""

@final
class Decoder:
    """Cuts a stream of octets into PDUs, across any split, in linear time.

    Bodies are not decoded: who may send what is decided on the header alone.
    """

    #: Longest PDU accepted, in octets. Writable: small before a bind, large after.
    max_pdu_length: int
    def __init__(self, max_pdu_length: int = 131072) -> None: ...
    @property
    def buffered(self) -> int:
        """Octets held of a PDU that has begun and is not complete."""

    def feed(self, data: bytes) -> list[Pdu]:
        """All PDUs that ``data`` completes.

        Raises FramingError as soon as a command_length can't be right, without waiting for the
        body. After that the boundaries are lost, and whatever else is fed is discarded.
        """

def known(command_id: int) -> bool:
    """Whether this command, request or response, is in the tables."""

def encode(
    command_id: int,
    sequence_number: int,
    command_status: int = 0,
    tlvs: Sequence[tuple[int, bytes]] = (),
    /,
    **fields: Any,
) -> bytes:
    """One PDU from its mandatory parameters by name; those absent are 0 or empty.

    sm_length and the counts of lists are derived. Raises ValueError for an unknown command, a
    field that is not one of it, and a value beyond its limits. A response with a status other
    than 0 and neither fields nor TLVs is header only (5.0 3.2.1.3).
    """

def header_only(command_id: int, command_status: int, sequence_number: int) -> bytes:
    """A PDU of 16 octets."""

def id_resp(command_id: int, sequence_number: int, message_id: int) -> bytes:
    """The positive answer to a submit_sm, data_sm or broadcast_sm: our id as lower-case hex."""

def resequence(pdu: bytes, sequence_number: int) -> bytes:
    """A copy of this PDU under another sequence number."""

def hex_id(message_id: int) -> bytes:
    """The text form of our message id: lower-case hex without leading zeros."""

def decode_by_table(raw: bytes) -> tuple[int, dict[str, Any], tuple[tuple[int, bytes], ...]]:
    """``(status, fields, tlvs)`` of one whole PDU, by the tables alone.

    The reference that the hand-tuned classes are tested against. ValueError if ``raw`` is not
    exactly one PDU.
    """
