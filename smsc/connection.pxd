cimport cython

cimport smsc.batches as batches
from smsc._pdu cimport Decoder, Pdu
from smsc.links cimport Counters, Links
from smsc.session cimport Session
from smsc.turns cimport Share


cdef class Connection:
    cdef public dict handlers
    cdef public Links links
    cdef object _commit
    cdef public Share share
    cdef public Counters counters
    cdef public Session session
    cdef public long receive_window
    cdef public object transport
    cdef public str peer
    cdef public long answers, requests
    cdef public bint shedding
    cdef public str ending
    cdef public Decoder _decoder
    cdef list _out
    cdef int _paused
    cdef object _paused_at
    cdef public list _held
    cdef bint _waits
    cdef bytes _farewell
    cdef bint _finished
    cdef object _end_by
    cdef bint _eof
    cdef bint _unbind_answered

    cpdef data_received(self, bytes data)
    cpdef release(self, list staged)
    @cython.locals(requests=long)
    cpdef _release(self, list staged)
    cpdef tuple settled(self, list responses)
    cpdef on_settled(self, list settled)
    @cython.locals(pdus=list, decoder=Decoder)
    cpdef _receive(self, bytes data, now)
    @cython.locals(responses=list, requests=list)
    cpdef _dispatch(self, list pdus, now)
    @cython.locals(settled=list, others=list)
    cpdef _settle(self, list responses)
    @cython.locals(share=Share, count=long, room=long)
    cpdef _take(self, list requests, now)
    cpdef _serve_part(self, list requests, long count, now)
    @cython.locals(held=list)
    cpdef go_on(self, most, now)
    @cython.locals(pdu=Pdu, start=long, count=long, end=long, command_id=long)
    cpdef _serve(self, list requests, now)
    cpdef _serve_run(self, long command_id, list run, now)
    cpdef resume(self, int cause)
    cpdef long _unanswered(self) except -1
    cpdef bint _overloaded(self) except -1
    cpdef _ease(self)
    cpdef send(self, bytes octets)
    cpdef flush(self)
    cpdef _write(self, list octets)
    cpdef stage_requests(self, list requests)
    cpdef stage_answers(self, list answers)
    cpdef refuse_all(self, list refused)
    @cython.locals(sound=list, bad=list)
    cpdef list decoded(self, list run)
