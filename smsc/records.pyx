"""What the keeper's log says: the kinds of records and the layout of their heads.

Little endian, packed; names are a length octet and that many octets; times are milliseconds since
the Unix epoch. A head holds all that the fold needs; only MESSAGE and MAIL have bodies, and no
state depends on what is in them.

    START        epoch u32
    MESSAGE      id u64, submitted u64, due u64, expiry u64, sent u64, key u64, state u8, lane u8,
                 attempt u8, flags u8, account name, carrier name, and what only some have. First a
                 name of 4 octets: pair u32, a hash of account, source and destination. Then up to
                 three names, empty where they have nothing to say and another follows: 11 octets
                 for one of several that belong together, group u64, index u8, count u8, spare u8;
                 the charge (``rating.Charge``); the network (MCC and MNC); body: the PDU as it came
    ATTEMPT      id u64, attempt u8, carrier name
    ACKED        id u64, attempt u8, until u64, key u64, carrier's id name
    QUEUED       id u64, attempt u8, due u64, status u32
    DOUBT        id u64, attempt u8, until u64, and since its cause is asked for, that as a name
    FINAL        id u64, state u8, status u32, network error name, error name, carrier name, and for
                 what its client may ask a name of 6 octets and more: check u32, members u8, flags
                 u8, account
    MAIL         id u64, received u64, expiry u64, kind u8, account name, carrier name; body: the
                 deliver_sm to send
    MAIL_DONE    id u64, state u8
    ORPHAN       key u64, until u64, state u8, final u8, carrier name, error name,
                 network error name
    ORPHAN_DONE  key u64
    MOVED        id u64, attempt u8, due u64, status u32, carrier name, and as a name of 4 octets the
                 pair of its MESSAGE: it is queued at that carrier, whatever it was before, a text
                 in parts included
    ASIDE        id u64, notified u8, before u8, count u8, so many names of carriers it was tried with,
                 and where it waited for the other parts of its text an octet 1
    LEARNED      ids u8, ahead u8, place u8, digits u8, error u8, carrier name
    PURSE        spent u64, reserved u64, day_spent u64, month_spent u64, day u32, whole u8,
                 customer name; if not whole it counts once the record behind it is there
    STATES       account name, and a name of 20 octets for each of its finished messages: id u64,
                 check u32, done u32 (seconds), state u8, error u8, flags u8, members u8
    SPLIT        id u64, pair u64, reference u16, wide u8, parts u8, state u8, status u32,
                 network error name, error name
    JOINED       id u64, whole u64: it goes to its carrier as a part of that message

A MESSAGE, MAIL, ASIDE, LEARNED, PURSE or SPLIT record is the whole of its subject at that moment,
so the same kind serves to accept it and to carry it forward out of a segment that is to be
forgotten.

Compiled, since every message is written and read through here half a dozen times.
"""

import sys
from enum import IntEnum

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

if sys.byteorder != "little":
    raise ImportError("the log's records are little endian, and so must be the machine")


class Kind(IntEnum):
    """Record kinds. The numbers are on disk: never change one, never reuse one."""

    START = 1
    MESSAGE = 2
    ATTEMPT = 3
    ACKED = 4
    QUEUED = 5
    DOUBT = 6
    FINAL = 7
    MAIL = 8
    MAIL_DONE = 9
    ORPHAN = 10
    ORPHAN_DONE = 11
    MOVED = 12
    ASIDE = 13
    LEARNED = 14
    PURSE = 15
    STATES = 16
    SPLIT = 17
    JOINED = 18


class Flag(IntEnum):
    """Bits of a message's flags."""

    #: Accepted on a session below 3.4: short ids, no TLVs towards the client.
    OLD_PEER = 1
    #: The client asked for a receipt or notifications of some kind.
    RECEIPT_ASKED = 2
    #: Was in doubt and queued again: it may reach the handset twice.
    MAY_REPEAT = 4
    #: One destination of several; its client knows it by the id of the first (``Kin.group``).
    MEMBER = 8
    #: A part of a longer text, which is the message ``Kin.group``; no client knows of it.
    PART = 16
    #: A broadcast_sm, kept as ``broadcast`` says; it has no destination.
    BROADCAST = 32
    #: The whole of a text that came in parts; no client knows of it.
    WHOLE = 64
    #: Held until it is known where its number is: queued, and not to be sent before it is due.
    HELD = 128


class MailKind(IntEnum):
    """What waits in a mailbox."""

    RECEIPT = 1
    INBOUND = 2
    #: An alert_notification.
    ALERT = 3


cdef packed struct MessageLayout:
    uint64_t id
    uint64_t submitted
    uint64_t due
    uint64_t expiry
    uint64_t sent
    uint64_t key
    uint8_t state
    uint8_t lane
    uint8_t attempt
    uint8_t flags

cdef packed struct KinLayout:
    uint64_t group
    uint8_t index
    uint8_t count
    uint8_t spare

cdef packed struct EndedLayout:
    uint32_t check
    uint8_t members
    uint8_t flags

cdef packed struct AttemptLayout:
    uint64_t id
    uint8_t attempt

cdef packed struct AckedLayout:
    uint64_t id
    uint8_t attempt
    uint64_t until
    uint64_t key

cdef packed struct QueuedLayout:
    uint64_t id
    uint8_t attempt
    uint64_t due
    uint32_t status

cdef packed struct DoubtLayout:
    uint64_t id
    uint8_t attempt
    uint64_t until

cdef packed struct AsideLayout:
    uint64_t id
    uint8_t notified
    uint8_t before
    uint8_t count

cdef packed struct LearnedLayout:
    uint8_t ids
    uint8_t ahead
    uint8_t place
    uint8_t digits
    uint8_t error

cdef packed struct FinalLayout:
    uint64_t id
    uint8_t state
    uint32_t status

cdef packed struct MailLayout:
    uint64_t id
    uint64_t received
    uint64_t expiry
    uint8_t kind

cdef packed struct MailDoneLayout:
    uint64_t id
    uint8_t state

cdef packed struct SplitLayout:
    uint64_t id
    uint64_t pair
    uint16_t reference
    uint8_t wide
    uint8_t parts
    uint8_t state
    uint32_t status

cdef packed struct JoinedLayout:
    uint64_t id
    uint64_t whole

cdef packed struct OrphanLayout:
    uint64_t key
    uint64_t until
    uint8_t state
    uint8_t final

cdef packed struct PurseLayout:
    uint64_t spent
    uint64_t reserved
    uint64_t day_spent
    uint64_t month_spent
    uint32_t day
    uint8_t whole


# -- names: the variable end of a head ---------------------------------------------------------


cdef bytes _head(
    const void *layout, size_t octets, bytes a=None, bytes b=None, bytes c=None, bytes d=None,
    bytes e=None, bytes f=None,
):
    """A head: its fixed part, then the names that are not None."""
    cdef size_t room = octets
    cdef bytes head
    cdef char *at
    if a is not None:
        room += 1 + <size_t>PyBytes_GET_SIZE(a)
    if b is not None:
        room += 1 + <size_t>PyBytes_GET_SIZE(b)
    if c is not None:
        room += 1 + <size_t>PyBytes_GET_SIZE(c)
    if d is not None:
        room += 1 + <size_t>PyBytes_GET_SIZE(d)
    if e is not None:
        room += 1 + <size_t>PyBytes_GET_SIZE(e)
    if f is not None:
        room += 1 + <size_t>PyBytes_GET_SIZE(f)
    head = _blank(room)
    at = PyBytes_AS_STRING(head)
    memcpy(at, layout, octets)
    at += octets
    if a is not None:
        at = _put(at, a)
    if b is not None:
        at = _put(at, b)
    if c is not None:
        at = _put(at, c)
    if d is not None:
        at = _put(at, d)
    if e is not None:
        at = _put(at, e)
    if f is not None:
        at = _put(at, f)
    return head


cdef inline bytes _blank(size_t octets):
    if octets > 255:
        raise ValueError(f"a head of {octets} octets")
    return PyBytes_FromStringAndSize(NULL, octets)


cdef char *_put(char *at, bytes name) noexcept:
    cdef size_t octets = <size_t>PyBytes_GET_SIZE(name)
    at[0] = <char><uint8_t>octets
    memcpy(at + 1, PyBytes_AS_STRING(name), octets)
    return at + 1 + octets


cdef int _fixed(bytes head, void *layout, size_t octets) except -1:
    """Take the fixed part out of a head."""
    if <size_t>PyBytes_GET_SIZE(head) < octets:
        raise ValueError("a head is shorter than its kind demands")
    memcpy(layout, PyBytes_AS_STRING(head), octets)
    return 0


cdef const char *_take_name(bytes head, size_t *at, size_t *octets) except NULL:
    """Where the name at ``at`` begins and how long it is; ``at`` moves behind it."""
    cdef size_t size = <size_t>PyBytes_GET_SIZE(head)
    cdef size_t start = at[0] + 1
    if start > size:
        raise ValueError("a head ends before its last name")
    octets[0] = <uint8_t>PyBytes_AS_STRING(head)[at[0]]
    if start + octets[0] > size:
        raise ValueError("a head ends within a name")
    at[0] = start + octets[0]
    return PyBytes_AS_STRING(head) + start


cdef bytes _name(bytes head, size_t *at):
    """The name at ``at``, which moves behind it."""
    cdef size_t octets
    cdef const char *name = _take_name(head, at, &octets)
    return PyBytes_FromStringAndSize(name, octets)


#: Names of accounts and carriers as they were met last, by a few of their bits: there are few, and
#: nearly every record has some.
cdef list _MET = [b""] * 256


cdef bytes _met(const char *name, size_t octets):
    """These octets, as the same object as before if they were met lately."""
    cdef size_t place
    cdef bytes met
    if octets == 0:
        return b""
    place = (octets + <uint8_t>name[0] * 7 + <uint8_t>name[octets - 1] * 31) & 255
    met = <bytes>_MET[place]
    if <size_t>PyBytes_GET_SIZE(met) != octets or memcmp(PyBytes_AS_STRING(met), name, octets):
        _MET[place] = met = PyBytes_FromStringAndSize(name, octets)
    return met


cdef bytes _known(bytes head, size_t *at):
    """``_name`` for what many records name."""
    cdef size_t octets
    cdef const char *name = _take_name(head, at, &octets)
    return _met(name, octets)


cdef inline bytes _pair(uint32_t pair):
    if not pair:
        return None
    return PyBytes_FromStringAndSize(<const char *>&pair, sizeof(pair))


cdef inline uint32_t _read_pair(bytes head, size_t *at) except? 0:
    """The pair if it is what follows, else 0."""
    cdef uint32_t pair = 0
    cdef size_t octets
    if at[0] < <size_t>PyBytes_GET_SIZE(head) and PyBytes_AS_STRING(head)[at[0]] == sizeof(pair):
        memcpy(&pair, _take_name(head, at, &octets), sizeof(pair))
    return pair


# -- the kinds ---------------------------------------------------------------------------------


def start(uint32_t epoch):
    return _head(&epoch, sizeof(epoch))


def read_start(bytes head):
    cdef uint32_t epoch
    _fixed(head, &epoch, sizeof(epoch))
    return epoch


@cython.final
cdef class Kin:
    def __init__(self, uint64_t group, uint8_t index, uint8_t count):
        self.group = group
        self.index = index
        self.count = count

    def __iter__(self):
        return iter((self.group, self.index, self.count))

    cdef bytes packed(self):
        cdef KinLayout f
        f.group = self.group
        f.index = self.index
        f.count = self.count
        f.spare = 0
        return PyBytes_FromStringAndSize(<const char *>&f, sizeof(f))


cdef Kin _kin(bytes packed):
    cdef KinLayout f
    _fixed(packed, &f, sizeof(f))
    return Kin(f.group, f.index, f.count)


@cython.final
@cython.freelist(64)
cdef class MessageHead:
    def __iter__(self):
        return iter((
            self.id, self.submitted, self.due, self.expiry, self.sent, self.key, self.state,
            self.lane, self.attempt, self.flags, self.account, self.carrier,
        ))


cpdef bytes message(
    uint64_t id, uint64_t submitted, uint64_t due, uint64_t expiry, uint64_t sent, uint64_t key,
    uint8_t state, uint8_t lane, uint8_t attempt, uint8_t flags, bytes account, bytes carrier,
    Kin kin=None, bytes charge=None, uint32_t pair=0, bytes network=b"",
):
    cdef MessageLayout f
    cdef bytes packed = None if kin is None else kin.packed()
    f.id = id
    f.submitted = submitted
    f.due = due
    f.expiry = expiry
    f.sent = sent
    f.key = key
    f.state = state
    f.lane = lane
    f.attempt = attempt
    f.flags = flags
    if network:
        packed, charge = packed or b"", charge or b""
    elif charge is not None:
        packed = packed or b""
    return _head(&f, sizeof(f), account, carrier, _pair(pair), packed, charge, network or None)


cpdef MessageHead read_message(bytes head):
    cdef MessageLayout f
    cdef bytes packed
    cdef MessageHead m = MessageHead.__new__(MessageHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    m.id = f.id
    m.submitted = f.submitted
    m.due = f.due
    m.expiry = f.expiry
    m.sent = f.sent
    m.key = f.key
    m.state = f.state
    m.lane = f.lane
    m.attempt = f.attempt
    m.flags = f.flags
    m.account = _known(head, &at)
    m.carrier = _known(head, &at)
    m.kin = m.charge = None
    m.network = b""
    m.pair = _read_pair(head, &at)
    if at < <size_t>PyBytes_GET_SIZE(head):
        packed = _name(head, &at)
        m.kin = _kin(packed) if packed else None
    if at < <size_t>PyBytes_GET_SIZE(head):
        m.charge = _name(head, &at) or None
    if at < <size_t>PyBytes_GET_SIZE(head):
        m.network = _name(head, &at)
    return m


@cython.final
@cython.freelist(64)
cdef class AttemptHead:
    pass


cpdef bytes attempt(uint64_t id, uint8_t number, bytes carrier):
    cdef AttemptLayout f
    f.id = id
    f.attempt = number
    return _head(&f, sizeof(f), carrier)


cpdef AttemptHead read_attempt(bytes head):
    cdef AttemptLayout f
    cdef AttemptHead a = AttemptHead.__new__(AttemptHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    a.id = f.id
    a.attempt = f.attempt
    a.carrier = _known(head, &at)
    return a


@cython.final
@cython.freelist(64)
cdef class AckedHead:
    pass


cpdef bytes acked(uint64_t id, uint8_t number, uint64_t until, uint64_t key, bytes carrier_id):
    cdef AckedLayout f
    f.id = id
    f.attempt = number
    f.until = until
    f.key = key
    return _head(&f, sizeof(f), carrier_id)


cpdef AckedHead read_acked(bytes head):
    cdef AckedLayout f
    cdef AckedHead a = AckedHead.__new__(AckedHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    a.id = f.id
    a.attempt = f.attempt
    a.until = f.until
    a.key = f.key
    a.carrier_id = _name(head, &at)
    return a


@cython.final
@cython.freelist(64)
cdef class QueuedHead:
    pass


cpdef bytes queued(uint64_t id, uint8_t number, uint64_t due, uint32_t status):
    cdef QueuedLayout f
    f.id = id
    f.attempt = number
    f.due = due
    f.status = status
    return _head(&f, sizeof(f))


cpdef QueuedHead read_queued(bytes head):
    cdef QueuedLayout f
    cdef QueuedHead q = QueuedHead.__new__(QueuedHead)
    _fixed(head, &f, sizeof(f))
    q.id = f.id
    q.attempt = f.attempt
    q.due = f.due
    q.status = f.status
    return q


@cython.final
@cython.freelist(64)
cdef class DoubtHead:
    pass


cpdef bytes doubt(uint64_t id, uint8_t number, uint64_t until, bytes cause):
    cdef DoubtLayout f
    f.id = id
    f.attempt = number
    f.until = until
    return _head(&f, sizeof(f), cause)


cpdef DoubtHead read_doubt(bytes head):
    cdef DoubtLayout f
    cdef DoubtHead d = DoubtHead.__new__(DoubtHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    d.id = f.id
    d.attempt = f.attempt
    d.until = f.until
    d.cause = _name(head, &at) if at < <size_t>PyBytes_GET_SIZE(head) else b"unknown"
    return d


@cython.final
cdef class MovedHead:
    pass


cpdef bytes moved(
    uint64_t id, uint8_t number, uint64_t due, uint32_t status, bytes carrier, uint32_t pair=0
):
    cdef QueuedLayout f
    f.id = id
    f.attempt = number
    f.due = due
    f.status = status
    return _head(&f, sizeof(f), carrier, _pair(pair))


cpdef MovedHead read_moved(bytes head):
    cdef QueuedLayout f
    cdef MovedHead m = MovedHead.__new__(MovedHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    m.id = f.id
    m.attempt = f.attempt
    m.due = f.due
    m.status = f.status
    m.carrier = _name(head, &at)
    m.pair = _read_pair(head, &at)
    return m


@cython.final
cdef class AsideHead:
    pass


def aside(uint64_t id, uint8_t notified, uint8_t before, tuple tried, bint waited=False):
    cdef AsideLayout f
    f.id = id
    f.notified = notified
    f.before = before
    f.count = len(tried)
    head = _head(&f, sizeof(f)) + b"".join(bytes((len(name),)) + name for name in tried)
    if waited:
        head += b"\x01"
    if len(head) > 255:
        raise ValueError(f"a head of {len(head)} octets")
    return head


def read_aside(bytes head):
    cdef AsideLayout f
    cdef AsideHead a = AsideHead.__new__(AsideHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    a.id = f.id
    a.notified = f.notified
    a.before = f.before
    a.tried = tuple([_name(head, &at) for _ in range(f.count)])
    a.waited = at < <size_t>PyBytes_GET_SIZE(head)
    return a


@cython.final
cdef class LearnedHead:
    def __iter__(self):
        return iter((self.carrier, self.ids, self.ahead, self.place, self.digits, self.error))


def learned(
    bytes carrier not None, uint8_t ids, uint8_t ahead, uint8_t place, uint8_t digits,
    uint8_t error,
):
    cdef LearnedLayout f
    f.ids = ids
    f.ahead = ahead
    f.place = place
    f.digits = digits
    f.error = error
    return _head(&f, sizeof(f), carrier)


def read_learned(bytes head):
    cdef LearnedLayout f
    cdef LearnedHead told = LearnedHead.__new__(LearnedHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    told.ids = f.ids
    told.ahead = f.ahead
    told.place = f.place
    told.digits = f.digits
    told.error = f.error
    told.carrier = _name(head, &at)
    return told


@cython.final
@cython.freelist(64)
cdef class FinalHead:
    pass


cpdef bytes final(
    uint64_t id, uint8_t state, uint32_t status, bytes network_error, bytes error, bytes carrier,
    uint32_t check=0, uint8_t members=0, uint8_t flags=0, bytes account=b"",
):
    cdef FinalLayout f
    cdef EndedLayout ended
    cdef bytes head
    cdef char *at
    cdef size_t asked = sizeof(ended)
    f.id = id
    f.state = state
    f.status = status
    if not check:
        return _head(&f, sizeof(f), network_error, error, carrier)
    ended.check = check
    ended.members = members
    ended.flags = flags
    if network_error is None or error is None or carrier is None or account is None:
        raise TypeError("what is asked about has all of its names")
    asked += PyBytes_GET_SIZE(account)
    head = _blank(
        sizeof(f) + 3 + PyBytes_GET_SIZE(network_error) + PyBytes_GET_SIZE(error)
        + PyBytes_GET_SIZE(carrier) + 1 + asked
    )
    at = PyBytes_AS_STRING(head)
    memcpy(at, &f, sizeof(f))
    at = _put(_put(_put(at + sizeof(f), network_error), error), carrier)
    at[0] = <char><uint8_t>asked
    memcpy(at + 1, &ended, sizeof(ended))
    memcpy(at + 1 + sizeof(ended), PyBytes_AS_STRING(account), PyBytes_GET_SIZE(account))
    return head


cpdef FinalHead read_final(bytes head):
    cdef FinalLayout f
    cdef EndedLayout ended
    cdef const char *asked
    cdef size_t octets
    cdef FinalHead end = FinalHead.__new__(FinalHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    end.id = f.id
    end.state = f.state
    end.status = f.status
    end.network_error = _known(head, &at)
    end.error = _known(head, &at)
    end.carrier = _known(head, &at)
    if at < <size_t>PyBytes_GET_SIZE(head):
        asked = _take_name(head, &at, &octets)
        if octets < sizeof(ended):
            raise ValueError("what is asked about is shorter than its kind demands")
        memcpy(&ended, asked, sizeof(ended))
        end.check = ended.check
        end.members = ended.members
        end.flags = ended.flags
        end.account = _met(asked + sizeof(ended), octets - sizeof(ended))
    return end


@cython.final
@cython.freelist(64)
cdef class MailHead:
    pass


cpdef bytes mail(
    uint64_t id, uint64_t received, uint64_t expiry, uint8_t kind, bytes account, bytes carrier
):
    cdef MailLayout f
    f.id = id
    f.received = received
    f.expiry = expiry
    f.kind = kind
    return _head(&f, sizeof(f), account, carrier)


cpdef MailHead read_mail(bytes head):
    cdef MailLayout f
    cdef MailHead m = MailHead.__new__(MailHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    m.id = f.id
    m.received = f.received
    m.expiry = f.expiry
    m.kind = f.kind
    m.account = _known(head, &at)
    m.carrier = _known(head, &at)
    return m


@cython.final
@cython.freelist(64)
cdef class MailDoneHead:
    pass


cpdef bytes mail_done(uint64_t id, uint8_t state):
    cdef MailDoneLayout f
    f.id = id
    f.state = state
    return _head(&f, sizeof(f))


cpdef MailDoneHead read_mail_done(bytes head):
    cdef MailDoneLayout f
    cdef MailDoneHead end = MailDoneHead.__new__(MailDoneHead)
    _fixed(head, &f, sizeof(f))
    end.id = f.id
    end.state = f.state
    return end


@cython.final
cdef class OrphanHead:
    def __iter__(self):
        return iter((
            self.key, self.until, self.state, self.final, self.carrier, self.error,
            self.network_error,
        ))


cpdef bytes orphan(
    uint64_t key, uint64_t until, uint8_t state, bint final, bytes carrier, bytes error,
    bytes network_error,
):
    cdef OrphanLayout f
    f.key = key
    f.until = until
    f.state = state
    f.final = final
    return _head(&f, sizeof(f), carrier, error, network_error)


cpdef OrphanHead read_orphan(bytes head):
    cdef OrphanLayout f
    cdef OrphanHead o = OrphanHead.__new__(OrphanHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    o.key = f.key
    o.until = f.until
    o.state = f.state
    o.final = f.final
    o.carrier = _name(head, &at)
    o.error = _name(head, &at)
    o.network_error = _name(head, &at)
    return o


cpdef bytes orphan_done(uint64_t key):
    return _head(&key, sizeof(key))


cpdef uint64_t read_orphan_done(bytes head) except? 0:
    cdef uint64_t key
    _fixed(head, &key, sizeof(key))
    return key


def purse(
    bint whole, bytes customer, uint64_t spent, uint64_t reserved, uint32_t day,
    uint64_t day_spent, uint64_t month_spent,
):
    cdef PurseLayout f
    f.spent = spent
    f.reserved = reserved
    f.day_spent = day_spent
    f.month_spent = month_spent
    f.day = day
    f.whole = whole
    return _head(&f, sizeof(f), customer)


def read_purse(bytes head):
    cdef PurseLayout f
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    customer = _name(head, &at)
    return bool(f.whole), customer, f.spent, f.reserved, f.day, f.day_spent, f.month_spent
#: What a STATES record holds of one message, and how many of them one record may hold.
STATE_OCTETS = 20
MAX_STATES = 11


@cython.final
cdef class StatesHead:
    pass


cpdef bytes states(bytes account, bytes entries):
    cdef uint8_t nothing = 0
    return _head(&nothing, 0, account, entries)


cpdef StatesHead read_states(bytes head):
    cdef StatesHead s = StatesHead.__new__(StatesHead)
    cdef size_t at = 0
    s.account = _name(head, &at)
    s.entries = _name(head, &at)
    return s


@cython.final
cdef class SplitHead:
    def __iter__(self):
        return iter((
            self.id, self.pair, self.reference, self.wide, self.parts, self.state, self.status,
            self.network_error, self.error,
        ))


cpdef bytes split(
    uint64_t id, uint64_t pair, uint16_t reference, bint wide, uint8_t parts, uint8_t state,
    uint32_t status, bytes network_error, bytes error,
):
    cdef SplitLayout f
    f.id = id
    f.pair = pair
    f.reference = reference
    f.wide = wide
    f.parts = parts
    f.state = state
    f.status = status
    return _head(&f, sizeof(f), network_error, error)


cpdef SplitHead read_split(bytes head):
    cdef SplitLayout f
    cdef SplitHead s = SplitHead.__new__(SplitHead)
    cdef size_t at = sizeof(f)
    _fixed(head, &f, sizeof(f))
    s.id = f.id
    s.pair = f.pair
    s.reference = f.reference
    s.wide = f.wide
    s.parts = f.parts
    s.state = f.state
    s.status = f.status
    s.network_error = _name(head, &at)
    s.error = _name(head, &at)
    return s


def joined(uint64_t id, uint64_t whole):
    cdef JoinedLayout f
    f.id = id
    f.whole = whole
    return _head(&f, sizeof(f))


def read_joined(bytes head):
    cdef JoinedLayout f
    _fixed(head, &f, sizeof(f))
    return f.id, f.whole
