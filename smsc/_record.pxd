from libc.stdint cimport int64_t, uint64_t

from smsc._pdu cimport Message

cpdef bytes packed(
    uint64_t id, bint inbound, int64_t accepted, int64_t sent, int64_t done, int64_t expiry,
    Message message, int state, uint64_t status, bytes network_error, bytes error, uint64_t parts,
    uint64_t attempts, bytes network, bytes carrier, bytes customer, bytes account, bytes price)
