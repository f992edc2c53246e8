"""The facts of SMPP 3.3, 3.4 and 5.0 as tables: what the codec compiles and the session reads.

Owns the numbers and nothing else: no function here decides anything. "3.4" is SMPP v3.4 issue 1.2,
"5.0" is SMPP v5.0. Where the two name a thing differently, the 5.0 name is used. Limits are octets
on the wire, terminators included.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

#: Octets before the body: command_length, command_id, command_status, sequence_number.
HEADER_LENGTH: Final = 16
#: A response's id is its request's with this bit set (3.4 5.1.2.1).
RESPONSE: Final = 0x80000000
#: Sequence numbers run from 1 to this and then begin again (3.4 5.1.4).
MAX_SEQUENCE_NUMBER: Final = 0x7FFFFFFF
#: More TLVs in one PDU than this are an attack: no legal PDU comes near (255 areas, twice).
MAX_TLVS: Final = 1024

#: Characters of an address: a C-octet string of 21 octets (3.4 section 5.2.8); data_sm has 64.
MAX_ADDRESS: Final = 20

#: Octets of short_message before 5.0 (3.4 section 5.2.21).
MAX_SHORT_MESSAGE: Final = 254


class Version(IntEnum):
    """The rules a session was bound under; values are those of interface_version."""

    V33 = 0x33
    V34 = 0x34
    V50 = 0x50


#: ``(lowest interface_version, rules it means)``, highest first; reserved values round down.
NEGOTIATION: Final = ((0x50, Version.V50), (0x34, Version.V34), (0x00, Version.V33))


class Command(IntEnum):
    """command_id (5.0 4.7.5). Those of 3.3 that 3.4 removed (0x22 to 0x24) count as unknown."""

    BIND_RECEIVER = 0x00000001
    BIND_TRANSMITTER = 0x00000002
    QUERY_SM = 0x00000003
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    REPLACE_SM = 0x00000007
    CANCEL_SM = 0x00000008
    BIND_TRANSCEIVER = 0x00000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    SUBMIT_MULTI = 0x00000021
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    BROADCAST_SM = 0x00000111
    QUERY_BROADCAST_SM = 0x00000112
    CANCEL_BROADCAST_SM = 0x00000113
    GENERIC_NACK = 0x80000000
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM_RESP = 0x80000005
    UNBIND_RESP = 0x80000006
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER_RESP = 0x80000009
    ENQUIRE_LINK_RESP = 0x80000015
    SUBMIT_MULTI_RESP = 0x80000021
    DATA_SM_RESP = 0x80000103
    BROADCAST_SM_RESP = 0x80000111
    QUERY_BROADCAST_SM_RESP = 0x80000112
    CANCEL_BROADCAST_SM_RESP = 0x80000113


#: Requests that have no response; what is wrong with them is said by generic_nack.
UNANSWERED: Final = frozenset({Command.OUTBIND, Command.ALERT_NOTIFICATION})

BINDS: Final = frozenset(
    {Command.BIND_RECEIVER, Command.BIND_TRANSMITTER, Command.BIND_TRANSCEIVER}
)
BROADCASTS: Final = frozenset(
    {Command.BROADCAST_SM, Command.QUERY_BROADCAST_SM, Command.CANCEL_BROADCAST_SM}
)


class Status(IntEnum):
    """command_status (5.0 4.7.6). Not consecutive, and any other value may come in a response."""

    ESME_ROK = 0x00
    ESME_RINVMSGLEN = 0x01
    ESME_RINVCMDLEN = 0x02
    ESME_RINVCMDID = 0x03
    ESME_RINVBNDSTS = 0x04
    ESME_RALYBND = 0x05
    ESME_RINVPRTFLG = 0x06
    ESME_RINVREGDLVFLG = 0x07
    ESME_RSYSERR = 0x08
    ESME_RINVSRCADR = 0x0A
    ESME_RINVDSTADR = 0x0B
    ESME_RINVMSGID = 0x0C
    ESME_RBINDFAIL = 0x0D
    ESME_RINVPASWD = 0x0E
    ESME_RINVSYSID = 0x0F
    ESME_RCANCELFAIL = 0x11
    ESME_RREPLACEFAIL = 0x13
    ESME_RMSGQFUL = 0x14
    ESME_RINVSERTYP = 0x15
    ESME_RINVNUMDESTS = 0x33
    ESME_RINVDLNAME = 0x34
    ESME_RINVDESTFLAG = 0x40
    ESME_RINVSUBREP = 0x42
    ESME_RINVESMCLASS = 0x43
    ESME_RCNTSUBDL = 0x44
    ESME_RSUBMITFAIL = 0x45
    ESME_RINVSRCTON = 0x48
    ESME_RINVSRCNPI = 0x49
    ESME_RINVDSTTON = 0x50
    ESME_RINVDSTNPI = 0x51
    ESME_RINVSYSTYP = 0x53
    ESME_RINVREPFLAG = 0x54
    ESME_RINVNUMMSGS = 0x55
    ESME_RTHROTTLED = 0x58
    ESME_RINVSCHED = 0x61
    ESME_RINVEXPIRY = 0x62
    ESME_RINVDFTMSGID = 0x63
    ESME_RX_T_APPN = 0x64
    ESME_RX_P_APPN = 0x65
    ESME_RX_R_APPN = 0x66
    ESME_RQUERYFAIL = 0x67
    ESME_RINVTLVSTREAM = 0xC0
    ESME_RTLVNOTALLWD = 0xC1
    ESME_RINVTLVLEN = 0xC2
    ESME_RMISSINGTLV = 0xC3
    ESME_RINVTLVVAL = 0xC4
    ESME_RDELIVERYFAILURE = 0xFE
    ESME_RUNKNOWNERR = 0xFF
    ESME_RSERTYPUNAUTH = 0x100
    ESME_RPROHIBITED = 0x101
    ESME_RSERTYPUNAVAIL = 0x102
    ESME_RSERTYPDENIED = 0x103
    ESME_RINVDCS = 0x104
    ESME_RINVSRCADDRSUBUNIT = 0x105
    ESME_RINVDSTADDRSUBUNIT = 0x106
    ESME_RINVBCASTFREQINT = 0x107
    ESME_RINVBCASTALIAS_NAME = 0x108
    ESME_RINVBCASTAREAFMT = 0x109
    ESME_RINVNUMBCAST_AREAS = 0x10A
    ESME_RINVBCASTCNTTYPE = 0x10B
    ESME_RINVBCASTMSGCLASS = 0x10C
    ESME_RBCASTFAIL = 0x10D
    ESME_RBCASTQUERYFAIL = 0x10E
    ESME_RBCASTCANCELFAIL = 0x10F
    ESME_RINVBCAST_REP = 0x110
    ESME_RINVBCASTSRVGRP = 0x111
    ESME_RINVBCASTCHANIND = 0x112


# -- bodies: mandatory parameters (3.4 section 4, 5.0 section 4) -------------------------------


class Kind(IntEnum):
    """How a mandatory parameter lies on the wire (3.4 3.1, 5.0 3.1)."""

    #: Unsigned, big endian, ``size`` octets.
    INT = 0
    #: An INT that says how long the next field is: octets of it, or entries.
    LENGTH = 1
    #: Octets ended by NUL, at most ``size`` with it.
    CSTRING = 2
    #: A CSTRING of exactly 1 or exactly ``size`` octets.
    TIME = 3
    #: As many octets as the LENGTH before it says.
    OCTETS = 4
    #: ``dest_address`` entries, as many as the LENGTH before it says, at least one.
    DESTS = 5
    #: ``unsuccess_sme`` entries, as many as the LENGTH before it says.
    UNSUCCESS = 6


class Field(NamedTuple):
    """One mandatory parameter: how it lies on the wire, and what to answer when it breaks that.

    A body that ends inside a field is ESME_RINVCMDLEN, whatever the field.
    """

    name: str
    kind: Kind
    size: int
    status: Status = Status.ESME_RINVCMDLEN


Layout = tuple[Field, ...]


def _int1(*names: str) -> Layout:
    return tuple(Field(name, Kind.INT, 1) for name in names)


_SERVICE_TYPE = Field("service_type", Kind.CSTRING, 6, Status.ESME_RINVSERTYP)
_MESSAGE_ID = Field("message_id", Kind.CSTRING, 65, Status.ESME_RINVMSGID)
_SYSTEM_ID = Field("system_id", Kind.CSTRING, 16, Status.ESME_RINVSYSID)
_PASSWORD = Field("password", Kind.CSTRING, 9, Status.ESME_RINVPASWD)
_SCHEDULE = Field("schedule_delivery_time", Kind.TIME, 17, Status.ESME_RINVSCHED)
_VALIDITY = Field("validity_period", Kind.TIME, 17, Status.ESME_RINVEXPIRY)

_SOURCE: Layout = (
    *_int1("source_addr_ton", "source_addr_npi"),
    Field("source_addr", Kind.CSTRING, 21, Status.ESME_RINVSRCADR),
)
_LONG_SOURCE: Layout = (
    *_int1("source_addr_ton", "source_addr_npi"),
    Field("source_addr", Kind.CSTRING, 65, Status.ESME_RINVSRCADR),
)
_DESTINATION: Layout = (
    *_int1("dest_addr_ton", "dest_addr_npi"),
    Field("destination_addr", Kind.CSTRING, 21, Status.ESME_RINVDSTADR),
)
_LONG_DESTINATION: Layout = (
    *_int1("dest_addr_ton", "dest_addr_npi"),
    Field("destination_addr", Kind.CSTRING, 65, Status.ESME_RINVDSTADR),
)
_TEXT: Layout = (
    Field("sm_length", Kind.LENGTH, 1),
    Field("short_message", Kind.OCTETS, 255, Status.ESME_RINVMSGLEN),
)
_CONTENT: Layout = (
    *_int1("esm_class", "protocol_id", "priority_flag"),
    _SCHEDULE,
    _VALIDITY,
    *_int1("registered_delivery", "replace_if_present_flag", "data_coding", "sm_default_msg_id"),
    *_TEXT,
)
_BIND: Layout = (
    _SYSTEM_ID,
    _PASSWORD,
    Field("system_type", Kind.CSTRING, 13, Status.ESME_RINVSYSTYP),
    *_int1("interface_version", "addr_ton", "addr_npi"),
    Field("address_range", Kind.CSTRING, 41, Status.ESME_RBINDFAIL),
)
_SM: Layout = (_SERVICE_TYPE, *_SOURCE, *_DESTINATION, *_CONTENT)

#: What follows dest_flag in one dest_address of submit_multi (3.4 4.5.1.1).
DEST_ADDRESS: Final[dict[int, Layout]] = {
    1: _DESTINATION,
    2: (Field("dl_name", Kind.CSTRING, 21, Status.ESME_RINVDLNAME),),
}

#: One refused destination in a submit_multi_resp (3.4 4.5.2.1).
UNSUCCESS_SME: Final[Layout] = (*_DESTINATION, Field("error_status_code", Kind.INT, 4))

#: Mandatory parameters of every PDU in wire order; TLVs follow.
LAYOUTS: Final[dict[Command, Layout]] = {
    Command.BIND_RECEIVER: _BIND,
    Command.BIND_TRANSMITTER: _BIND,
    Command.BIND_TRANSCEIVER: _BIND,
    Command.BIND_RECEIVER_RESP: (_SYSTEM_ID,),
    Command.BIND_TRANSMITTER_RESP: (_SYSTEM_ID,),
    Command.BIND_TRANSCEIVER_RESP: (_SYSTEM_ID,),
    Command.OUTBIND: (_SYSTEM_ID, _PASSWORD),
    Command.UNBIND: (),
    Command.UNBIND_RESP: (),
    Command.ENQUIRE_LINK: (),
    Command.ENQUIRE_LINK_RESP: (),
    Command.GENERIC_NACK: (),
    Command.SUBMIT_SM: _SM,
    Command.SUBMIT_SM_RESP: (_MESSAGE_ID,),
    Command.DELIVER_SM: _SM,
    Command.DELIVER_SM_RESP: (_MESSAGE_ID,),
    Command.SUBMIT_MULTI: (
        _SERVICE_TYPE,
        *_SOURCE,
        Field("number_of_dests", Kind.LENGTH, 1),
        Field("dest_address", Kind.DESTS, 255, Status.ESME_RINVNUMDESTS),
        *_CONTENT,
    ),
    Command.SUBMIT_MULTI_RESP: (
        _MESSAGE_ID,
        Field("no_unsuccess", Kind.LENGTH, 1),
        Field("unsuccess_sme", Kind.UNSUCCESS, 255),
    ),
    Command.DATA_SM: (
        _SERVICE_TYPE,
        *_LONG_SOURCE,
        *_LONG_DESTINATION,
        *_int1("esm_class", "registered_delivery", "data_coding"),
    ),
    Command.DATA_SM_RESP: (_MESSAGE_ID,),
    Command.QUERY_SM: (_MESSAGE_ID, *_SOURCE),
    Command.QUERY_SM_RESP: (
        _MESSAGE_ID,
        # A peer can't be answered about its response, so the status is never seen.
        Field("final_date", Kind.TIME, 17),
        *_int1("message_state", "error_code"),
    ),
    Command.CANCEL_SM: (_SERVICE_TYPE, _MESSAGE_ID, *_SOURCE, *_DESTINATION),
    Command.CANCEL_SM_RESP: (),
    Command.REPLACE_SM: (
        _MESSAGE_ID,
        *_SOURCE,
        _SCHEDULE,
        _VALIDITY,
        *_int1("registered_delivery", "sm_default_msg_id"),
        *_TEXT,
    ),
    Command.REPLACE_SM_RESP: (),
    Command.ALERT_NOTIFICATION: (
        *_LONG_SOURCE,
        *_int1("esme_addr_ton", "esme_addr_npi"),
        Field("esme_addr", Kind.CSTRING, 65, Status.ESME_RINVDSTADR),
    ),
    Command.BROADCAST_SM: (
        _SERVICE_TYPE,
        *_SOURCE,
        _MESSAGE_ID,
        *_int1("priority_flag"),
        _SCHEDULE,
        _VALIDITY,
        *_int1("replace_if_present_flag", "data_coding", "sm_default_msg_id"),
    ),
    Command.BROADCAST_SM_RESP: (_MESSAGE_ID,),
    Command.QUERY_BROADCAST_SM: (_MESSAGE_ID, *_SOURCE),
    Command.QUERY_BROADCAST_SM_RESP: (_MESSAGE_ID,),
    Command.CANCEL_BROADCAST_SM: (_SERVICE_TYPE, _MESSAGE_ID, *_SOURCE),
    Command.CANCEL_BROADCAST_SM_RESP: (),
}


# -- TLVs (3.4 section 5.3, 5.0 section 4.8) ---------------------------------------------------


class Tag(IntEnum):
    """TLV tags. 0x1400 to 0x3FFF are vendors'; any other value may come and is passed on."""

    DEST_ADDR_SUBUNIT = 0x0005
    DEST_NETWORK_TYPE = 0x0006
    DEST_BEARER_TYPE = 0x0007
    DEST_TELEMATICS_ID = 0x0008
    SOURCE_ADDR_SUBUNIT = 0x000D
    SOURCE_NETWORK_TYPE = 0x000E
    SOURCE_BEARER_TYPE = 0x000F
    SOURCE_TELEMATICS_ID = 0x0010
    QOS_TIME_TO_LIVE = 0x0017
    PAYLOAD_TYPE = 0x0019
    ADDITIONAL_STATUS_INFO_TEXT = 0x001D
    RECEIPTED_MESSAGE_ID = 0x001E
    MS_MSG_WAIT_FACILITIES = 0x0030
    PRIVACY_INDICATOR = 0x0201
    SOURCE_SUBADDRESS = 0x0202
    DEST_SUBADDRESS = 0x0203
    USER_MESSAGE_REFERENCE = 0x0204
    USER_RESPONSE_CODE = 0x0205
    SOURCE_PORT = 0x020A
    DESTINATION_PORT = 0x020B
    SAR_MSG_REF_NUM = 0x020C
    LANGUAGE_INDICATOR = 0x020D
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    CALLBACK_NUM_PRES_IND = 0x0302
    CALLBACK_NUM_ATAG = 0x0303
    NUMBER_OF_MESSAGES = 0x0304
    CALLBACK_NUM = 0x0381
    DPF_RESULT = 0x0420
    SET_DPF = 0x0421
    MS_AVAILABILITY_STATUS = 0x0422
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    DELIVERY_FAILURE_REASON = 0x0425
    MORE_MESSAGES_TO_SEND = 0x0426
    MESSAGE_STATE = 0x0427
    CONGESTION_STATE = 0x0428
    USSD_SERVICE_OP = 0x0501
    BROADCAST_CHANNEL_INDICATOR = 0x0600
    BROADCAST_CONTENT_TYPE = 0x0601
    BROADCAST_CONTENT_TYPE_INFO = 0x0602
    BROADCAST_MESSAGE_CLASS = 0x0603
    BROADCAST_REP_NUM = 0x0604
    BROADCAST_FREQUENCY_INTERVAL = 0x0605
    BROADCAST_AREA_IDENTIFIER = 0x0606
    BROADCAST_ERROR_STATUS = 0x0607
    BROADCAST_AREA_SUCCESS = 0x0608
    BROADCAST_END_TIME = 0x0609
    BROADCAST_SERVICE_GROUP = 0x060A
    BILLING_IDENTIFICATION = 0x060B
    SOURCE_NETWORK_ID = 0x060D
    DEST_NETWORK_ID = 0x060E
    SOURCE_NODE_ID = 0x060F
    DEST_NODE_ID = 0x0610
    DEST_ADDR_NP_RESOLUTION = 0x0611
    DEST_ADDR_NP_INFORMATION = 0x0612
    DEST_ADDR_NP_COUNTRY = 0x0613
    DISPLAY_TIME = 0x1201
    SMS_SIGNAL = 0x1203
    MS_VALIDITY = 0x1204
    ALERT_ON_MESSAGE_DELIVERY = 0x130C
    ITS_REPLY_TYPE = 0x1380
    ITS_SESSION_INFO = 0x1383


class Tlv(NamedTuple):
    """What a TLV's value may measure in octets, where it is expected, and whether it repeats.

    Anywhere else it is ignored, whatever its length (3.4 3.3, 5.0 2.11.1). Of several that do not
    repeat, the first counts.
    """

    lengths: range
    commands: frozenset[Command]
    repeats: bool = False


def _between(least: int, most: int, step: int = 1) -> range:
    return range(least, most + 1, step)


def _exactly(length: int) -> range:
    return _between(length, length)


_SUBMISSION = frozenset({Command.SUBMIT_SM, Command.SUBMIT_MULTI, Command.DATA_SM})
_DELIVERY = frozenset({Command.DELIVER_SM, Command.DATA_SM})
_MESSAGES = _SUBMISSION | _DELIVERY
_BROADCAST = frozenset({Command.BROADCAST_SM})
_SUBMITTED = _SUBMISSION | _BROADCAST
_ANY_MESSAGE = _MESSAGES | _BROADCAST
_RESULTS = frozenset(
    {
        Command.SUBMIT_SM_RESP,
        Command.SUBMIT_MULTI_RESP,
        Command.DATA_SM_RESP,
        Command.DELIVER_SM_RESP,
    }
)
_BIND_RESULTS = frozenset(
    {
        Command.BIND_RECEIVER_RESP,
        Command.BIND_TRANSMITTER_RESP,
        Command.BIND_TRANSCEIVER_RESP,
    }
)
_RESPONSES = frozenset(command for command in Command if command & RESPONSE)
_BROADCAST_RESULT = frozenset({Command.BROADCAST_SM_RESP})
_BROADCAST_QUERIED = frozenset({Command.QUERY_BROADCAST_SM_RESP})

#: Every known TLV, by the rules of 5.0, which contain those of 3.4: what 5.0 lists for one kind of
#: message submission or delivery it allows for all of that kind.
TLVS: Final[dict[Tag, Tlv]] = {
    Tag.DEST_ADDR_SUBUNIT: Tlv(_exactly(1), _ANY_MESSAGE),
    Tag.DEST_NETWORK_TYPE: Tlv(_exactly(1), _SUBMISSION),
    Tag.DEST_BEARER_TYPE: Tlv(_exactly(1), _SUBMISSION),
    Tag.DEST_TELEMATICS_ID: Tlv(_exactly(2), _SUBMISSION),
    Tag.SOURCE_ADDR_SUBUNIT: Tlv(_exactly(1), _ANY_MESSAGE),
    Tag.SOURCE_NETWORK_TYPE: Tlv(_exactly(1), _SUBMISSION),
    Tag.SOURCE_BEARER_TYPE: Tlv(_exactly(1), _SUBMISSION),
    # One octet, unlike its counterpart dest_telematics_id (3.4 5.3.2.8).
    Tag.SOURCE_TELEMATICS_ID: Tlv(_exactly(1), _SUBMISSION),
    Tag.QOS_TIME_TO_LIVE: Tlv(_exactly(4), _SUBMISSION),
    Tag.PAYLOAD_TYPE: Tlv(_exactly(1), _ANY_MESSAGE),
    Tag.ADDITIONAL_STATUS_INFO_TEXT: Tlv(_between(1, 256), _RESULTS),
    Tag.RECEIPTED_MESSAGE_ID: Tlv(_between(1, 65), _DELIVERY),
    Tag.MS_MSG_WAIT_FACILITIES: Tlv(_exactly(1), _SUBMISSION),
    Tag.PRIVACY_INDICATOR: Tlv(_exactly(1), _ANY_MESSAGE),
    Tag.SOURCE_SUBADDRESS: Tlv(_between(2, 23), _ANY_MESSAGE),
    Tag.DEST_SUBADDRESS: Tlv(_between(2, 23), _ANY_MESSAGE),
    Tag.USER_MESSAGE_REFERENCE: Tlv(
        _exactly(2),
        _ANY_MESSAGE
        | {
            Command.QUERY_BROADCAST_SM,
            Command.CANCEL_BROADCAST_SM,
            Command.QUERY_BROADCAST_SM_RESP,
        },
    ),
    Tag.USER_RESPONSE_CODE: Tlv(_exactly(1), _MESSAGES),
    Tag.SOURCE_PORT: Tlv(_exactly(2), _ANY_MESSAGE),
    Tag.DESTINATION_PORT: Tlv(_exactly(2), _ANY_MESSAGE),
    Tag.SAR_MSG_REF_NUM: Tlv(_exactly(2), _MESSAGES),
    Tag.LANGUAGE_INDICATOR: Tlv(_exactly(1), _ANY_MESSAGE),
    Tag.SAR_TOTAL_SEGMENTS: Tlv(_exactly(1), _MESSAGES),
    Tag.SAR_SEGMENT_SEQNUM: Tlv(_exactly(1), _MESSAGES),
    Tag.SC_INTERFACE_VERSION: Tlv(_exactly(1), _BIND_RESULTS),
    Tag.CALLBACK_NUM_PRES_IND: Tlv(_exactly(1), _ANY_MESSAGE, repeats=True),
    Tag.CALLBACK_NUM_ATAG: Tlv(_between(1, 65), _ANY_MESSAGE, repeats=True),
    Tag.NUMBER_OF_MESSAGES: Tlv(_exactly(1), _SUBMISSION),
    Tag.CALLBACK_NUM: Tlv(_between(4, 19), _ANY_MESSAGE, repeats=True),
    Tag.DPF_RESULT: Tlv(_exactly(1), _RESULTS | _DELIVERY),
    Tag.SET_DPF: Tlv(_exactly(1), _SUBMISSION),
    Tag.MS_AVAILABILITY_STATUS: Tlv(_exactly(1), frozenset({Command.ALERT_NOTIFICATION})),
    Tag.NETWORK_ERROR_CODE: Tlv(_exactly(3), _RESULTS | _DELIVERY),
    Tag.MESSAGE_PAYLOAD: Tlv(_between(0, 65535), _ANY_MESSAGE | {Command.REPLACE_SM}),
    Tag.DELIVERY_FAILURE_REASON: Tlv(_exactly(1), _RESULTS),
    Tag.MORE_MESSAGES_TO_SEND: Tlv(_exactly(1), _SUBMISSION),
    Tag.MESSAGE_STATE: Tlv(_exactly(1), _DELIVERY | _BROADCAST_QUERIED),
    Tag.CONGESTION_STATE: Tlv(_exactly(1), _RESPONSES),
    Tag.USSD_SERVICE_OP: Tlv(_exactly(1), _MESSAGES),
    Tag.BROADCAST_CHANNEL_INDICATOR: Tlv(_exactly(1), _BROADCAST),
    Tag.BROADCAST_CONTENT_TYPE: Tlv(_exactly(3), _BROADCAST | {Command.CANCEL_BROADCAST_SM}),
    Tag.BROADCAST_CONTENT_TYPE_INFO: Tlv(_between(1, 255), _BROADCAST),
    Tag.BROADCAST_MESSAGE_CLASS: Tlv(_exactly(1), _BROADCAST),
    Tag.BROADCAST_REP_NUM: Tlv(_exactly(2), _BROADCAST),
    Tag.BROADCAST_FREQUENCY_INTERVAL: Tlv(_exactly(3), _BROADCAST),
    Tag.BROADCAST_AREA_IDENTIFIER: Tlv(
        _between(1, 101), _BROADCAST | _BROADCAST_RESULT | _BROADCAST_QUERIED, repeats=True
    ),
    Tag.BROADCAST_ERROR_STATUS: Tlv(_exactly(4), _BROADCAST_RESULT, repeats=True),
    # One for each area of the answer (5.0 4.6.2.1), so it repeats as the area does.
    Tag.BROADCAST_AREA_SUCCESS: Tlv(_exactly(1), _BROADCAST_QUERIED, repeats=True),
    # 5.0 4.8.4.12 leaves no room for the terminator that its type calls for.
    Tag.BROADCAST_END_TIME: Tlv(_between(16, 17), _BROADCAST_QUERIED),
    Tag.BROADCAST_SERVICE_GROUP: Tlv(_between(1, 255), _BROADCAST),
    Tag.BILLING_IDENTIFICATION: Tlv(_between(1, 1024), _SUBMISSION),
    Tag.SOURCE_NETWORK_ID: Tlv(_between(7, 65), _MESSAGES),
    Tag.DEST_NETWORK_ID: Tlv(_between(7, 65), _MESSAGES),
    Tag.SOURCE_NODE_ID: Tlv(_exactly(6), _MESSAGES),
    Tag.DEST_NODE_ID: Tlv(_exactly(6), _MESSAGES),
    Tag.DEST_ADDR_NP_RESOLUTION: Tlv(_exactly(1), _MESSAGES),
    Tag.DEST_ADDR_NP_INFORMATION: Tlv(_exactly(10), _MESSAGES),
    Tag.DEST_ADDR_NP_COUNTRY: Tlv(_between(1, 5), _MESSAGES),
    Tag.DISPLAY_TIME: Tlv(_exactly(1), _SUBMITTED),
    Tag.SMS_SIGNAL: Tlv(_exactly(2), _SUBMITTED),
    # 1 octet in 3.4, 1 or 4 in 5.0.
    Tag.MS_VALIDITY: Tlv(_between(1, 4, step=3), _SUBMITTED),
    # Empty in 3.4, 0 or 1 octet in 5.0.
    Tag.ALERT_ON_MESSAGE_DELIVERY: Tlv(_between(0, 1), _SUBMITTED),
    Tag.ITS_REPLY_TYPE: Tlv(_exactly(1), _MESSAGES),
    Tag.ITS_SESSION_INFO: Tlv(_exactly(2), _MESSAGES),
}

#: TLVs a request is incomplete without, ESME_RMISSINGTLV. A data_sm is not here: a submission of
#: one needs message_payload, but a receipt in one does not.
REQUIRED_TLVS: Final[dict[Command, tuple[Tag, ...]]] = {
    Command.BROADCAST_SM: (
        Tag.BROADCAST_AREA_IDENTIFIER,
        Tag.BROADCAST_CONTENT_TYPE,
        Tag.BROADCAST_REP_NUM,
        Tag.BROADCAST_FREQUENCY_INTERVAL,
    ),
}


# -- sessions: who may send what, when (3.4 Table 2-1, 5.0 Table 2-1) --------------------------


class State(IntEnum):
    """Where a session stands (3.4 2.2, 5.0 2.3)."""

    OPEN = 0
    OUTBOUND = 1
    BOUND_TX = 2
    BOUND_RX = 3
    BOUND_TRX = 4
    UNBOUND = 5


Verdict = Status | None
#: What follows from a PDU by state: ESME_ROK to go on, another status to answer with, None to
#: drop it without an answer.
Operations = dict[Command, tuple[Verdict, Verdict, Verdict, Verdict, Verdict, Verdict]]

_YES = Status.ESME_ROK
_BAD = Status.ESME_RINVBNDSTS
_DUP = Status.ESME_RALYBND

#: What an ESME may send, indexed by ``State``. Responses that a state allows must still match
#: a request that is outstanding. A refused request that has no response (UNANSWERED) gets
#: a generic_nack.
FROM_ESME: Final[Operations] = {
    #                                  OPEN  OUTB  TX    RX    TRX   UNBOUND
    Command.BIND_RECEIVER:            (_YES, _YES, _DUP, _DUP, _DUP, _BAD),
    Command.BIND_TRANSMITTER:         (_YES, _YES, _DUP, _DUP, _DUP, _BAD),
    Command.BIND_TRANSCEIVER:         (_YES, _YES, _DUP, _DUP, _DUP, _BAD),
    Command.SUBMIT_SM:                (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.SUBMIT_MULTI:             (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.QUERY_SM:                 (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.CANCEL_SM:                (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    # 3.4 Table 2-1 lists replace_sm for TX alone; 2.2 gives TRX all that TX has.
    Command.REPLACE_SM:               (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.BROADCAST_SM:             (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.QUERY_BROADCAST_SM:       (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.CANCEL_BROADCAST_SM:      (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.DATA_SM:                  (_BAD, _BAD, _YES, _BAD, _YES, _BAD),
    Command.DELIVER_SM:               (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.ALERT_NOTIFICATION:       (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.OUTBIND:                  (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.UNBIND:                   (_BAD, _BAD, _YES, _YES, _YES, _YES),
    Command.ENQUIRE_LINK:             (_YES, _YES, _YES, _YES, _YES, _YES),
    Command.DELIVER_SM_RESP:          (None, None, None, _YES, _YES, _YES),
    Command.DATA_SM_RESP:             (None, None, None, _YES, _YES, _YES),
    Command.UNBIND_RESP:              (None, None, _YES, _YES, _YES, _YES),
    Command.ENQUIRE_LINK_RESP:        (_YES, _YES, _YES, _YES, _YES, _YES),
    Command.GENERIC_NACK:             (_YES, _YES, _YES, _YES, _YES, _YES),
    Command.BIND_RECEIVER_RESP:       (None, None, None, None, None, None),
    Command.BIND_TRANSMITTER_RESP:    (None, None, None, None, None, None),
    Command.BIND_TRANSCEIVER_RESP:    (None, None, None, None, None, None),
    Command.SUBMIT_SM_RESP:           (None, None, None, None, None, None),
    Command.SUBMIT_MULTI_RESP:        (None, None, None, None, None, None),
    Command.QUERY_SM_RESP:            (None, None, None, None, None, None),
    Command.CANCEL_SM_RESP:           (None, None, None, None, None, None),
    Command.REPLACE_SM_RESP:          (None, None, None, None, None, None),
    Command.BROADCAST_SM_RESP:        (None, None, None, None, None, None),
    Command.QUERY_BROADCAST_SM_RESP:  (None, None, None, None, None, None),
    Command.CANCEL_BROADCAST_SM_RESP: (None, None, None, None, None, None),
}  # fmt: skip

#: What a message centre may send, indexed by ``State``: the other side of the same tables.
FROM_MC: Final[Operations] = {
    #                                  OPEN  OUTB  TX    RX    TRX   UNBOUND
    Command.BIND_RECEIVER_RESP:       (_YES, _YES, None, None, None, None),
    Command.BIND_TRANSMITTER_RESP:    (_YES, _YES, None, None, None, None),
    Command.BIND_TRANSCEIVER_RESP:    (_YES, _YES, None, None, None, None),
    Command.OUTBIND:                  (_YES, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.DELIVER_SM:               (_BAD, _BAD, _BAD, _YES, _YES, _BAD),
    # 3.4 Table 2-1 lists data_sm for TX too; 5.0 does not, and nothing could be done with it.
    Command.DATA_SM:                  (_BAD, _BAD, _BAD, _YES, _YES, _BAD),
    Command.ALERT_NOTIFICATION:       (_BAD, _BAD, _BAD, _YES, _YES, _BAD),
    Command.UNBIND:                   (_BAD, _BAD, _YES, _YES, _YES, _YES),
    Command.ENQUIRE_LINK:             (_YES, _YES, _YES, _YES, _YES, _YES),
    Command.SUBMIT_SM_RESP:           (None, None, _YES, None, _YES, _YES),
    Command.SUBMIT_MULTI_RESP:        (None, None, _YES, None, _YES, _YES),
    Command.DATA_SM_RESP:             (None, None, _YES, None, _YES, _YES),
    Command.QUERY_SM_RESP:            (None, None, _YES, None, _YES, _YES),
    Command.CANCEL_SM_RESP:           (None, None, _YES, None, _YES, _YES),
    Command.REPLACE_SM_RESP:          (None, None, _YES, None, _YES, _YES),
    Command.BROADCAST_SM_RESP:        (None, None, _YES, None, _YES, _YES),
    Command.QUERY_BROADCAST_SM_RESP:  (None, None, _YES, None, _YES, _YES),
    Command.CANCEL_BROADCAST_SM_RESP: (None, None, _YES, None, _YES, _YES),
    Command.UNBIND_RESP:              (None, None, _YES, _YES, _YES, _YES),
    Command.ENQUIRE_LINK_RESP:        (_YES, _YES, _YES, _YES, _YES, _YES),
    Command.GENERIC_NACK:             (_YES, _YES, _YES, _YES, _YES, _YES),
    Command.BIND_RECEIVER:            (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.BIND_TRANSMITTER:         (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.BIND_TRANSCEIVER:         (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.SUBMIT_SM:                (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.SUBMIT_MULTI:             (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.QUERY_SM:                 (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.CANCEL_SM:                (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.REPLACE_SM:               (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.BROADCAST_SM:             (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.QUERY_BROADCAST_SM:       (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.CANCEL_BROADCAST_SM:      (_BAD, _BAD, _BAD, _BAD, _BAD, _BAD),
    Command.DELIVER_SM_RESP:          (None, None, None, None, None, None),
}  # fmt: skip


# -- versions (3.4 3.4, 5.0 2.8.4) -------------------------------------------------------------


class Rules(NamedTuple):
    """What differs between versions and a server must act on."""

    #: Requests that do not exist in this version: generic_nack ESME_RINVCMDID.
    unknown: frozenset[Command]
    #: Whether we may put TLVs in what we send. Those that come are honoured in any case.
    tlvs: bool
    #: Whether a receiver bind may send data_sm (3.4 Table 2-1 lists it).
    data_sm_on_rx: bool
    #: Longest message_id we may issue, in characters.
    message_id: int
    #: Largest sm_length.
    sm_length: int
    #: Largest number_of_dests.
    number_of_dests: int


RULES: Final[dict[Version, Rules]] = {
    Version.V33: Rules(BROADCASTS, False, True, 8, 254, 254),
    Version.V34: Rules(BROADCASTS, True, True, 64, 254, 254),
    Version.V50: Rules(frozenset(), True, False, 64, 255, 255),
}

_BEFORE_50: dict[int, Status] = {
    Status.ESME_RSERTYPUNAUTH: Status.ESME_RINVSERTYP,
    Status.ESME_RPROHIBITED: Status.ESME_RSUBMITFAIL,
    Status.ESME_RSERTYPUNAVAIL: Status.ESME_RINVSERTYP,
    Status.ESME_RSERTYPDENIED: Status.ESME_RINVSERTYP,
    Status.ESME_RINVDCS: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVSRCADDRSUBUNIT: Status.ESME_RINVTLVVAL,
    Status.ESME_RINVDSTADDRSUBUNIT: Status.ESME_RINVTLVVAL,
}
_BEFORE_34: dict[int, Status] = {
    **_BEFORE_50,
    Status.ESME_RINVSRCADDRSUBUNIT: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVDSTADDRSUBUNIT: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVTLVSTREAM: Status.ESME_RINVCMDLEN,
    Status.ESME_RTLVNOTALLWD: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVTLVLEN: Status.ESME_RSUBMITFAIL,
    Status.ESME_RMISSINGTLV: Status.ESME_RSUBMITFAIL,
    Status.ESME_RINVTLVVAL: Status.ESME_RSUBMITFAIL,
}

#: The status to send in place of one a version does not have; what is not here is sent as it is.
#: The broadcast statuses need no entry: their commands exist in 5.0 alone.
DOWN_MAPPING: Final[dict[Version, dict[int, Status]]] = {
    Version.V33: _BEFORE_34,
    Version.V34: _BEFORE_50,
    Version.V50: {},
}

#: ESME_RPROHIBITED before 5.0, where the operation has a failure of its own.
PROHIBITED_BEFORE_50: Final[dict[Command, Status]] = {
    Command.CANCEL_SM: Status.ESME_RCANCELFAIL,
    Command.REPLACE_SM: Status.ESME_RREPLACEFAIL,
    Command.QUERY_SM: Status.ESME_RQUERYFAIL,
}


# -- message states (3.4 5.2.28, 5.0 4.7.15) ---------------------------------------------------


class MessageState(IntEnum):
    """Where a message stands, as message_state and receipts say it."""

    SCHEDULED = 0
    ENROUTE = 1
    DELIVERED = 2
    EXPIRED = 3
    DELETED = 4
    UNDELIVERABLE = 5
    ACCEPTED = 6
    UNKNOWN = 7
    REJECTED = 8
    SKIPPED = 9


#: What to say before 5.0, which has two states more (3.4 5.2.28).
STATES_BEFORE_50: Final[dict[int, MessageState]] = {
    MessageState.SCHEDULED: MessageState.ENROUTE,
    MessageState.SKIPPED: MessageState.REJECTED,
}
