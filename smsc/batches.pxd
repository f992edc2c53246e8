cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t

from smsc._pdu cimport Message, Pdu, Response, id_resp, resequence
from smsc._plain cimport Plain
from smsc._window cimport Window

cdef long _RESPONSE, _GENERIC_NACK, _UNKNOWN
cdef Plain _PLAIN
cdef int _ALL


@cython.locals(pdu=Pdu)
cpdef tuple split(list pdus)
@cython.locals(pdu=Pdu, end=cython.long, command_id=cython.long)
cpdef long end_of_run(list requests, long start) except -1
@cython.locals(pdu=Pdu, status=cython.int)
cpdef tuple decoded(list run)
@cython.locals(pdu=Pdu, plain=cython.bint, usual=cython.bint, status=cython.int)
cpdef tuple checked(list run, version, now, manners=*)
cpdef long fate(Pdu response) except? -1
@cython.locals(response=Pdu)
cpdef tuple fates(Window window, list responses)
@cython.locals(response=Pdu)
cpdef tuple outcomes(Window window, list responses)
cpdef tuple outcome(uint64_t id, uint32_t attempt, Pdu response)
@cython.locals(outcome=tuple, status=cython.long)
cpdef set refusals(list outcomes)
@cython.locals(pdu=Pdu, verdict=int64_t, at=cython.Py_ssize_t)
cpdef tuple id_answers(list requests, list verdicts, uint64_t mask, uint32_t command_id)
@cython.locals(pdu=Pdu, status=cython.long, at=cython.Py_ssize_t)
cpdef tuple same_answers(list requests, list statuses, bytes answer)
@cython.locals(message=Message, at=cython.Py_ssize_t)
cpdef list submits(list messages, list sequence_numbers, list registered)
@cython.locals(octets=bytes, count=cython.long)
cpdef long count_requests(list staged) except -1
@cython.locals(at=cython.Py_ssize_t)
cpdef list resequenced(list pdus, list sequence_numbers)
