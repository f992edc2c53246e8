cimport cython


cdef class Route:
    cdef readonly str name
    cdef readonly tuple groups
    cdef readonly bint tries_next
    cdef readonly bytes only

    cpdef bytes pick(self, alive, unsigned long long dice)


cdef class Table:
    cdef dict _by_prefix
    cdef tuple _lengths

    @cython.locals(length=int, rules=tuple, named=dict, general=dict, mine=dict)
    cpdef Route find(self, bytes account, bytes source, bytes destination)


cdef class Router:
    cdef tuple _routes
    cdef Table _anywhere
    cdef dict _by_network
    cdef readonly bint by_source, by_destination

    @cython.locals(table=Table)
    cpdef Route find(self, bytes account, bytes source, bytes destination, bytes network=*)
