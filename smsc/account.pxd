from libc.stdint cimport int64_t, uint64_t


cdef class Account:
    cdef readonly int index
    cdef readonly object config, tariff, numbering
    cdef readonly bytes system_id, customer
    cdef readonly uint64_t max_queued, max_mails
    cdef readonly int max_priority
    cdef readonly int64_t default_validity, suppresses, mail_lifetime
    cdef readonly object time_zone
    cdef readonly bint receipts, writes_gsm, receipt_seconds

    cpdef bint allows(self, str address) except -1
    cpdef bint lists(self, str address) except -1
