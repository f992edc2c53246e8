cdef class TokenBucket:
    cdef readonly double rate
    cdef readonly double burst
    cdef double _tokens
    cdef long long _at

    cpdef bint take(self, double cost, long long now) except -1
    cpdef spend(self, double cost, long long now)
    cpdef double available(self, long long now) except? -1
    cdef _fill(self, long long now)


cdef class _Window:
    cdef long long _second
    cdef long long _count
    cdef long long _before

    cpdef add(self, long count, long long now)
    cdef _turn(self, long long now)


cdef class Pace:
    cdef readonly double limit
    cdef readonly long cuts
    cdef TokenBucket _bucket
    cdef long long _cut_at
    cdef double _cut_rate
    cdef double _step
    cdef _Window _window

    cpdef double rate(self, long long now) except? -1
    cpdef long available(self, long long now) except? -1
    cpdef sent(self, long count, long long now)
    cdef _follow(self, long long now)
