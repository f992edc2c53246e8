/* One bind: its window of unanswered submits, and octets in and out. */

#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "ledger.h"
#include "../smpp.h"

enum { READ = 262144 };

static const uint32_t LAST_SEQUENCE = 0x7fffffff;

/* An unanswered submit_sm. */
struct place {
    uint32_t sequence;     /* 0: free */
    uint64_t since;        /* what its latency counts from */
};

enum state { BINDING, BOUND, PARTED };

struct connection {
    int fd;
    enum state state;
    unsigned asked;        /* what epoll was asked for */
    uint32_t sequence;     /* of the last request */
    uint64_t in_flight;
    struct place *places;  /* by sequence number, modulo how many there are */
    size_t held;           /* octets in `rest`: a PDU that is not whole yet */
    unsigned char *rest;
    struct buffer late;    /* what the peer has not taken */
};

/* Read and written by one connection at a time, and small enough to stay in the cache. */
static unsigned char in[LONGEST_PDU + READ];
static struct buffer gathered;

/* Of all connections. `places` is of each: a power of two, and twice the window at least. */
static uint64_t alive, lost, in_flight, places;
static int epoll, finishing;

static inline void fail(const char *what, const char *why) {
    fprintf(stderr, "generator: %s: %s\n", what, why);
    exit(2);
}

static inline uint32_t next_sequence(struct connection *one) {
    return one->sequence = one->sequence == LAST_SEQUENCE ? 1 : one->sequence + 1;
}

static inline struct place *place_of(struct connection *one, uint32_t sequence) {
    return &one->places[sequence & (places - 1)];
}

static inline void ask(struct connection *one, int how) {
    size_t left = one->late.end - one->late.start;
    unsigned wanted = (left < WRITE_HIGH ? EPOLLIN : 0u) | (left ? EPOLLOUT : 0u);
    struct epoll_event event = {.events = wanted, .data.ptr = one};
    if (wanted != one->asked && epoll_ctl(epoll, how, one->fd, &event))
        fail("epoll", strerror(errno));
    one->asked = wanted;
}

/* The fate of what it had not answered is unknown. */
static inline void leave(struct connection *one) {
    if (one->state == BINDING)
        fail("bind", "the connection was closed before the answer");
    close(one->fd);
    free(one->places);
    free(one->rest);
    free(one->late.octets);
    if (!finishing) {
        ledger.unknown += one->in_flight;
        lost++;
    }
    in_flight -= one->in_flight;
    alive--;
    *one = (struct connection){.fd = -1, .state = PARTED};
}

/* Send what this turn has gathered, behind what an earlier one could not. */
static inline int flush(struct connection *one) {
    int waits = one->late.start < one->late.end;
    if (waits && gathered.end)
        append(&one->late, gathered.octets, gathered.end);
    int well = send_out(one->fd, waits ? &one->late : &gathered);
    if (!waits && gathered.start < gathered.end)
        append(&one->late, gathered.octets + gathered.start, gathered.end - gathered.start);
    gathered.start = gathered.end = 0;
    if (well)
        ask(one, EPOLL_CTL_MOD);
    return well;
}
