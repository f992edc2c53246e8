cimport cython

cdef object _GSM, _UCS2

cpdef bytes preview(bytes message_text, int data_coding, bint udhi)
@cython.locals(at=cython.Py_ssize_t, after=cython.Py_ssize_t, end=cython.Py_ssize_t)
cpdef tuple parse_udh(bytes message_text)
cpdef bytes build_udh(elements)
cdef tuple _declared(int reference, int total, int number, bint wide)
cdef _part(int reference, int total, int number, bint wide)
@cython.locals(element=int, data=bytes)
cpdef concat(elements)
cpdef sar(pdu)
@cython.locals(room=int)
cpdef int capacity(charset, int udh_octets) except -1
cpdef tuple on_air(bytes octets, charset, elements)
cpdef int segments(bytes message_text, int data_coding, bint udhi) except -1
@cython.locals(piece=bytes, number=int)
cpdef list split(bytes octets, charset, int reference, bint wide=*, elements=*)
cdef bint _splits_pair(bytes octets, Py_ssize_t start, Py_ssize_t end, charset) except -1
@cython.locals(start=cython.Py_ssize_t, end=cython.Py_ssize_t, size=cython.Py_ssize_t)
cdef list _pieces(bytes octets, Py_ssize_t room, charset)
