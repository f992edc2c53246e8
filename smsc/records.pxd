# The heads of the keeper's records as values; layouts and promises are in records.pyx and .pyi.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t


cdef class Kin:
    cdef readonly uint64_t group
    cdef readonly uint8_t index, count

    cdef bytes packed(self)

cdef class MessageHead:
    cdef readonly uint64_t id, submitted, due, expiry, sent, key
    cdef readonly uint8_t state, lane, attempt, flags
    cdef readonly bytes account, carrier, charge, network
    cdef readonly Kin kin
    cdef readonly uint32_t pair

cdef class AttemptHead:
    cdef readonly uint64_t id
    cdef readonly uint8_t attempt
    cdef readonly bytes carrier

cdef class AckedHead:
    cdef readonly uint64_t id, until, key
    cdef readonly uint8_t attempt
    cdef readonly bytes carrier_id

cdef class QueuedHead:
    cdef readonly uint64_t id, due
    cdef readonly uint32_t status
    cdef readonly uint8_t attempt

cdef class DoubtHead:
    cdef readonly uint64_t id, until
    cdef readonly uint8_t attempt
    cdef readonly bytes cause

cdef class MovedHead:
    cdef readonly uint64_t id, due
    cdef readonly uint32_t status, pair
    cdef readonly uint8_t attempt
    cdef readonly bytes carrier

cdef class AsideHead:
    cdef readonly uint64_t id
    cdef readonly uint8_t notified, before
    cdef readonly tuple tried
    cdef readonly bint waited

cdef class LearnedHead:
    cdef readonly uint8_t ids, ahead, place, digits, error
    cdef readonly bytes carrier

cdef class FinalHead:
    cdef readonly uint64_t id
    cdef readonly uint32_t status, check
    cdef readonly uint8_t state, members, flags
    cdef readonly bytes network_error, error, carrier, account

cdef class MailHead:
    cdef readonly uint64_t id, received, expiry
    cdef readonly uint8_t kind
    cdef readonly bytes account, carrier

cdef class MailDoneHead:
    cdef readonly uint64_t id
    cdef readonly uint8_t state

cdef class OrphanHead:
    cdef readonly uint64_t key, until
    cdef readonly uint8_t state
    cdef readonly bint final
    cdef readonly bytes carrier, error, network_error

cdef class StatesHead:
    cdef readonly bytes account, entries
cdef class SplitHead:
    cdef readonly uint64_t id, pair
    cdef readonly uint32_t status
    cdef readonly uint16_t reference
    cdef readonly uint8_t parts, state
    cdef readonly bint wide
    cdef readonly bytes network_error, error

cpdef bytes message(
    uint64_t id, uint64_t submitted, uint64_t due, uint64_t expiry, uint64_t sent, uint64_t key,
    uint8_t state, uint8_t lane, uint8_t attempt, uint8_t flags, bytes account, bytes carrier,
    Kin kin=*, bytes charge=*, uint32_t pair=*, bytes network=*)
cpdef MessageHead read_message(bytes head)
cpdef bytes attempt(uint64_t id, uint8_t number, bytes carrier)
cpdef AttemptHead read_attempt(bytes head)
cpdef bytes acked(uint64_t id, uint8_t number, uint64_t until, uint64_t key, bytes carrier_id)
cpdef AckedHead read_acked(bytes head)
cpdef bytes queued(uint64_t id, uint8_t number, uint64_t due, uint32_t status)
cpdef QueuedHead read_queued(bytes head)
cpdef bytes doubt(uint64_t id, uint8_t number, uint64_t until, bytes cause)
cpdef DoubtHead read_doubt(bytes head)
cpdef bytes moved(
    uint64_t id, uint8_t number, uint64_t due, uint32_t status, bytes carrier, uint32_t pair=*)
cpdef MovedHead read_moved(bytes head)
cpdef bytes final(
    uint64_t id, uint8_t state, uint32_t status, bytes network_error, bytes error, bytes carrier,
    uint32_t check=*, uint8_t members=*, uint8_t flags=*, bytes account=*)
cpdef FinalHead read_final(bytes head)
cpdef bytes mail(
    uint64_t id, uint64_t received, uint64_t expiry, uint8_t kind, bytes account, bytes carrier)
cpdef MailHead read_mail(bytes head)
cpdef bytes mail_done(uint64_t id, uint8_t state)
cpdef MailDoneHead read_mail_done(bytes head)
cpdef bytes orphan(
    uint64_t key, uint64_t until, uint8_t state, bint final, bytes carrier, bytes error,
    bytes network_error)
cpdef OrphanHead read_orphan(bytes head)
cpdef bytes orphan_done(uint64_t key)
cpdef uint64_t read_orphan_done(bytes head) except? 0
cpdef bytes states(bytes account, bytes entries)
cpdef StatesHead read_states(bytes head)
cpdef bytes split(
    uint64_t id, uint64_t pair, uint16_t reference, bint wide, uint8_t parts, uint8_t state,
    uint32_t status, bytes network_error, bytes error)
cpdef SplitHead read_split(bytes head)
