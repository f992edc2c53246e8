cimport cython
from libc.stdint cimport uint64_t

cimport smsc.text as text
from smsc._pdu cimport Message

cdef object _GSM
cdef bytes _ON_AIR
cdef int _UDHI, _PAYLOAD, _SAR, _SHORT_MESSAGE, _SURELY_CUT


cdef class _Words:
    cdef readonly int data_coding
    cdef readonly object charset
    cdef readonly bytes octets
    cdef readonly bytes header
    cdef readonly tuple elements
    cdef readonly object part
    cdef readonly bint sar

    cpdef _Words coded(self, int data_coding, bytes octets)
    cpdef _Words headed(self, elements, part, bint sar)
    cpdef _Words recoded(self, int data_coding, bytes octets)
    cpdef bint fits(self) except -1


cdef class Dialect:
    cdef readonly object alphabet
    cdef readonly frozenset data_codings
    cdef readonly str long_messages
    cdef readonly bint wide
    cdef readonly bint tlvs
    cdef bint _has_sar
    cdef bint _recodes
    cdef bytes _plain

    cdef bint _is_plain(self, Message message) except -1
    cpdef Message say(self, Message message)
    cpdef Message hear(self, Message message)
    cpdef list cut(self, Message message, int reference, bint wide)
    cdef list _pieces(self, _Words words, int reference, bint wide)
    cdef bint _takes(self, int data_coding) except -1
    cdef _Words _coded(self, _Words words, tuple order)
    cdef _Words _recoded(self, _Words words, int coding)
    cdef bint _has_words(self, _Words words) except -1
    cdef _Words _spoken(self, _Words words)
    cdef _Words _shaped(self, _Words words)


cdef _Words _words_of(Message message)
cpdef Message heard(Message message, alphabet)
cdef tuple _part_words(Message message)
cpdef bint is_part(Message message) except -1
cpdef uint64_t gathered(bytes account, Message message) except? 0
@cython.locals(words=_Words, reference=int, total=int, wide=bint, header=bytes)
cpdef tuple part_of(Message message)
cdef bytes _encoded(str said, charset)
cdef bint _in_payload(Message message) except -1
cdef Message _put(Message message, _Words words, bint payload, bint tlvs=*)
cdef list _others(Message message)
