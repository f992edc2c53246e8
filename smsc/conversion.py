"""One message said by another PDU, or for an older peer."""

from __future__ import annotations

from smsc import times
from smsc._pdu import Message, Pdu, encode
from smsc.smpp import LAYOUTS, MAX_ADDRESS, MAX_SHORT_MESSAGE, Command, Status, Tag

#: The mandatory parameters of data_sm, which the other messages have too.
_OF_DATA_SM = tuple(field.name for field in LAYOUTS[Command.DATA_SM])


def message_of(pdu: Pdu, command_id: int) -> Message | int:
    """A decoded data_sm as the submit_sm or deliver_sm that says the same.

    Or the command_status to refuse it with: its addresses may be longer than those have room for.
    """
    fields = pdu.fields
    if len(fields["source_addr"]) > MAX_ADDRESS:
        return Status.ESME_RINVSRCADR
    if len(fields["destination_addr"]) > MAX_ADDRESS:
        return Status.ESME_RINVDSTADR
    return Message.from_raw(encode(command_id, pdu.sequence_number, 0, pdu.tlvs, **fields))


def data_sm_of(message: Message, sequence_number: int, now: int) -> bytes:
    """A submit_sm or deliver_sm as the data_sm that says the same, as far as one can.

    A validity becomes a qos_time_to_live, counted from ``now``, ms; there is no place for
    protocol_id and priority_flag.
    """
    fields = {name: message.fields[name] for name in _OF_DATA_SM}
    tlvs = [tlv for tlv in message.tlvs if tlv[0] != Tag.MESSAGE_PAYLOAD]
    end = times.parse(message.validity_period, now)
    if end is not None and message.tlv(Tag.QOS_TIME_TO_LIVE) is None:
        seconds = max(1, (end - now) // times.SECOND)
        tlvs.append((Tag.QOS_TIME_TO_LIVE, seconds.to_bytes(4, "big")))
    tlvs.append((Tag.MESSAGE_PAYLOAD, message.text))
    return encode(Command.DATA_SM, sequence_number, 0, tlvs, **fields)


def with_tlv(pdu: bytes, tag: int, value: bytes) -> bytes:
    """A whole PDU with one TLV more."""
    tlv = tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
    return (len(pdu) + len(tlv)).to_bytes(4, "big") + pdu[4:] + tlv


def without_tlvs(raw: bytes) -> bytes:
    """A submit_sm or deliver_sm for a peer of 3.3, which must not be sent a TLV.

    The text of a message_payload moves where it fits; longer text can't be said to such a peer in
    one PDU, and stays as it is.
    """
    message = Message.from_raw(raw)
    if not message.tlvs or len(message.text) > MAX_SHORT_MESSAGE:
        return raw
    fields = {**message.fields, "short_message": message.text}
    del fields["sm_length"]
    return encode(message.command_id, message.sequence_number, **fields)
