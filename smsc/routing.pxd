cdef class Route:
    cdef readonly str name
    cdef readonly tuple groups
    cdef readonly bint tries_next
    cdef readonly bytes only

    cpdef bytes pick(self, alive, unsigned long long dice)


cdef class Router:
    cdef tuple _routes
    cdef dict _by_prefix
    cdef tuple _lengths

    cpdef Route find(self, bytes account, bytes source, bytes destination)
