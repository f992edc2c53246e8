from libc.stdint cimport uint64_t

from smsc._tally cimport Tally


cdef class Counters:
    cdef public uint64_t accepted
    cdef readonly object refused
    cdef readonly object submitted
    cdef readonly object outcomes
    cdef readonly Tally finished
    cdef readonly object retried
    cdef readonly object moved
    cdef readonly object in_doubt
    cdef readonly object resolved
    cdef public uint64_t confirmed_duplicates
    cdef readonly object joins
    cdef readonly object orphans
    cdef public uint64_t repeated_receipts
    cdef public uint64_t suppressed
    cdef readonly object inbound
    cdef public uint64_t inbound_unrouted
    cdef public uint64_t mailed
    cdef readonly Tally mails_ended
    cdef public uint64_t mails_refused
    cdef readonly Tally by_account
