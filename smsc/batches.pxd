cimport cython
from smsc._pdu cimport Message, Pdu, Response

cdef long _RESPONSE, _GENERIC_NACK, _UNKNOWN


@cython.locals(pdu=Pdu)
cpdef tuple split(list pdus)
@cython.locals(pdu=Pdu, end=cython.long)
cpdef long end_of_run(list requests, long start) except -1
@cython.locals(pdu=Pdu)
cpdef tuple decoded(list run)
@cython.locals(pdu=Pdu)
cpdef tuple checked(list run, version, now, manners=*)
cpdef long fate(Pdu response) except? -1
@cython.locals(response=Pdu)
cpdef list fates(list settled)
@cython.locals(response=Pdu)
cpdef list outcomes(list settled)
@cython.locals(pdu=Pdu)
cpdef tuple id_answers(requests, list verdicts, mask, answer)
@cython.locals(pdu=Pdu)
cpdef tuple same_answers(requests, list statuses, bytes answer)
@cython.locals(message=Message, at=cython.Py_ssize_t)
cpdef list submits(list messages, list sequence_numbers, list registered)
@cython.locals(at=cython.Py_ssize_t)
cpdef list resequenced(list pdus, list sequence_numbers)
