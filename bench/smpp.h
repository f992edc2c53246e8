/* What the C of this harness knows of SMPP 3.4: frames, fields, and octets on their way out. */

#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    HEADER = 16,
    LONGEST_PDU = 65536,
    /* Addresses, service_type, times: octets of a field at most, with its NUL. */
    LONGEST_ADDRESS = 21,
    LONGEST_SERVICE = 6,
    LONGEST_TIME = 17,
    /* Octets that the peer has not taken at which no more of its requests are read. */
    WRITE_HIGH = 4 << 20,
};

static const uint32_t RESPONSE = 0x80000000u, GENERIC_NACK = 0x80000000u;

enum {
    BIND_RECEIVER = 1,
    BIND_TRANSMITTER = 2,
    SUBMIT_SM = 4,
    DELIVER_SM = 5,
    UNBIND = 6,
    BIND_TRANSCEIVER = 9,
    ENQUIRE_LINK = 0x15,
};

enum { ESME_ROK = 0, ESME_RINVCMDLEN = 2, ESME_RINVCMDID = 3 };

static inline void *must(void *memory) {
    if (memory == NULL) {
        perror("memory");
        exit(2);
    }
    return memory;
}

/* -- fields ----------------------------------------------------------------------------------- */

static inline uint32_t get16(const unsigned char *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t get32(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static inline void put32(unsigned char *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, 4);
}

static inline unsigned char *copy(unsigned char *at, const void *octets, size_t count) {
    memcpy(at, octets, count);
    return at + count;
}

/* Past a text and its NUL; NULL if there is none before the end. */
static inline const unsigned char *past(const unsigned char *at, const unsigned char *end,
                                        size_t most) {
    if (at == NULL || at >= end)
        return NULL;
    size_t left = (size_t)(end - at);
    const unsigned char *nul = memchr(at, 0, left < most ? left : most);
    return nul == NULL ? NULL : nul + 1;
}

/* The fixed octets at `at`; NULL if they are not all there. */
static inline const unsigned char *fixed(const unsigned char *at, const unsigned char *end,
                                         long octets) {
    return at == NULL || end - at < octets ? NULL : at;
}

/* The body that submit_sm and deliver_sm share (4.4.1, 4.6.1). Addresses with ton, npi and NUL. */
struct message {
    const unsigned char *source, *destination;
    size_t source_octets, destination_octets;
    unsigned esm_class, registered;
    const unsigned char *text;
    size_t text_octets;
    const unsigned char *options;   /* TLVs follow up to the PDU's end */
};

/* Returns 0 if it is not one. */
static inline int parse(const unsigned char *body, const unsigned char *end,
                        struct message *found) {
    const unsigned char *at = past(body, end, LONGEST_SERVICE);
    found->source = fixed(at, end, 2);
    at = found->source == NULL ? NULL : past(at + 2, end, LONGEST_ADDRESS);
    found->destination = fixed(at, end, 2);
    if (found->destination == NULL)
        return 0;
    found->source_octets = (size_t)(at - found->source);
    at = past(at + 2, end, LONGEST_ADDRESS);
    if (at == NULL)
        return 0;
    found->destination_octets = (size_t)(at - found->destination);
    at = fixed(at, end, 3);                    /* esm_class, protocol_id, priority_flag */
    if (at == NULL)
        return 0;
    found->esm_class = at[0];
    at = past(at + 3, end, LONGEST_TIME);                        /* schedule_delivery_time */
    at = past(at, end, LONGEST_TIME);                            /* validity_period */
    at = fixed(at, end, 5);  /* registered, replace, data_coding, sm_default_msg_id, sm_length */
    if (at == NULL)
        return 0;
    found->registered = at[0] & 3;
    found->text = at + 5;
    found->text_octets = at[4];
    found->options = at + 5 + at[4];
    return fixed(at + 5, end, at[4]) != NULL;
}

/* -- octets on their way out ------------------------------------------------------------------ */

struct buffer {
    size_t start, end;     /* what is not sent */
    size_t room;
    unsigned char *octets;
};

/* Room for so many octets more at the end of what is to be sent. */
static inline unsigned char *reserve(struct buffer *out, size_t octets) {
    if (out->start == out->end)
        out->start = out->end = 0;
    if (out->room - out->end < octets) {
        out->room = out->room * 2 + octets;
        out->octets = must(realloc(out->octets, out->room));
    }
    return out->octets + out->end;
}

static inline void append(struct buffer *out, const void *octets, size_t count) {
    memcpy(reserve(out, count), octets, count);
    out->end += count;
}

static inline void put_pdu(struct buffer *out, uint32_t command, uint32_t status,
                           uint32_t sequence, const void *body, size_t octets) {
    unsigned char *at = reserve(out, HEADER + octets);
    put32(at, (uint32_t)(HEADER + octets));
    put32(at + 4, command);
    put32(at + 8, status);
    put32(at + 12, sequence);
    memcpy(at + HEADER, body, octets);
    out->end += HEADER + octets;
}

/* Send what the peer takes. Returns 0 when the connection is over. */
static inline int send_out(int fd, struct buffer *out) {
    while (out->start < out->end) {
        ssize_t sent = send(fd, out->octets + out->start, out->end - out->start, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        out->start += (size_t)sent;
    }
    return 1;
}
