/* The limit of the machine: a peer that only parses frames and answers them.
 *
 *     limit [--receipts] --ready-file FILE
 *
 * One thread, one epoll loop, one read and one write per connection and turn. It takes every bind,
 * gives every submit_sm that it can parse an id, and forgets it: nothing is checked, stored, routed
 * or remembered. With --receipts each message that asks for one gets its receipt behind its
 * response. So it stands for a server (what would the load generator reach if the server cost
 * nothing?) and for a carrier (what does ours reach if its carrier costs next to nothing?).
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEADER = 16,
    LONGEST_PDU = 65536,
    READ = 262144,
    /* Octets that the peer has not taken at which no more of its requests are read. */
    WRITE_HIGH = 4 << 20,
    /* Octets of answers to one submit_sm at most, receipt included. */
    ANSWER = 512,
    EVENTS = 256,
    BACKLOG = 4096,
    LONGEST_ADDRESS = 21,
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

/* Behind a bind's response: system_id, then sc_interface_version 3.4. */
static const unsigned char BOUND[] = {'l', 'i', 'm', 'i', 't', 0, 0x02, 0x10, 0, 1, 0x34};

struct connection {
    int fd;
    unsigned asked;        /* what epoll was asked for */
    uint32_t sequence;     /* of the last receipt */
    size_t held;           /* octets in `in`: a PDU that is not whole yet */
    size_t start, end;     /* what of `out` is not sent */
    size_t room;           /* of `out` */
    unsigned char *out;
    unsigned char in[READ];
};

struct submit {
    const unsigned char *source, *destination;   /* ton, npi, address and NUL */
    size_t source_octets, destination_octets;
    unsigned registered;
};

static int receipts;
static uint64_t next_id;

static uint32_t get32(const unsigned char *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static void put32(unsigned char *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, 4);
}

static void *must(void *memory) {
    if (memory == NULL) {
        perror("limit");
        exit(1);
    }
    return memory;
}

/* -- parsing ---------------------------------------------------------------------------------- */

/* Past a text and its NUL; NULL if there is none before the end. */
static const unsigned char *past(const unsigned char *at, const unsigned char *end, size_t most) {
    if (at == NULL || at >= end)
        return NULL;
    size_t left = (size_t)(end - at);
    const unsigned char *nul = memchr(at, 0, left < most ? left : most);
    return nul == NULL ? NULL : nul + 1;
}

/* The fixed octets at `at`; NULL if they are not all there. */
static const unsigned char *fixed(const unsigned char *at, const unsigned char *end, long octets) {
    return at == NULL || end - at < octets ? NULL : at;
}

/* The body of a submit_sm (SMPP 3.4 4.4.1). Returns 0 if it is not one. */
static int parse(const unsigned char *body, const unsigned char *end, struct submit *found) {
    const unsigned char *at = past(body, end, 6);                /* service_type */
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
    at = at == NULL ? NULL : past(at + 3, end, 17);              /* schedule_delivery_time */
    at = past(at, end, 17);                                      /* validity_period */
    at = fixed(at, end, 5);  /* registered, replace, data_coding, sm_default_msg_id, sm_length */
    if (at == NULL)
        return 0;
    found->registered = at[0] & 3;
    return fixed(at + 5, end, at[4]) != NULL;
}

/* -- answering -------------------------------------------------------------------------------- */

/* Room for so many octets more at the end of what is to be sent. */
static unsigned char *reserve(struct connection *one, size_t octets) {
    if (one->start == one->end)
        one->start = one->end = 0;
    if (one->room - one->end < octets) {
        one->room = one->room * 2 + octets;
        one->out = must(realloc(one->out, one->room));
    }
    return one->out + one->end;
}

static void answer(struct connection *one, uint32_t command, uint32_t status, uint32_t sequence,
                   const void *body, size_t octets) {
    unsigned char *at = reserve(one, HEADER + octets);
    put32(at, (uint32_t)(HEADER + octets));
    put32(at + 4, command);
    put32(at + 8, status);
    put32(at + 12, sequence);
    memcpy(at + HEADER, body, octets);
    one->end += HEADER + octets;
}

static unsigned char *copy(unsigned char *at, const void *octets, size_t count) {
    memcpy(at, octets, count);
    return at + count;
}

static void receipt(struct connection *one, const struct submit *of, const char *id, size_t length) {
    static const char head[] = "id:";
    static const char tail[] = " sub:001 dlvrd:001 submit date:2611220915"
                               " done date:2611220916 stat:DELIVRD err:000 text:";
    /* esm_class 4 (a receipt), then zeros up to sm_length. */
    static const unsigned char middle[] = {4, 0, 0, 0, 0, 0, 0, 0, 0};
    unsigned char body[ANSWER], *at = body;
    *at++ = 0;
    at = copy(at, of->destination, of->destination_octets);
    at = copy(at, of->source, of->source_octets);
    at = copy(at, middle, sizeof middle);
    *at++ = (unsigned char)(sizeof head - 1 + length + sizeof tail - 1);
    at = copy(at, head, sizeof head - 1);
    at = copy(at, id, length);
    at = copy(at, tail, sizeof tail - 1);
    answer(one, DELIVER_SM, ESME_ROK, ++one->sequence, body, (size_t)(at - body));
}

static void take(struct connection *one, const unsigned char *pdu, uint32_t length) {
    static const char digits[] = "0123456789abcdef";
    uint32_t sequence = get32(pdu + 12);
    struct submit found;
    if (!parse(pdu + HEADER, pdu + length, &found)) {
        answer(one, SUBMIT_SM | RESPONSE, ESME_RINVCMDLEN, sequence, "", 0);
        return;
    }
    char id[17], *first = id + 16;
    *first = 0;
    for (uint64_t rest = next_id++; rest; rest >>= 4)
        *--first = digits[rest & 15];
    size_t octets = (size_t)(id + 16 - first);
    answer(one, SUBMIT_SM | RESPONSE, ESME_ROK, sequence, first, octets + 1);
    if (receipts && found.registered)
        receipt(one, &found, first, octets);
}

static void hear(struct connection *one, const unsigned char *pdu, uint32_t length) {
    uint32_t command = get32(pdu + 4), sequence = get32(pdu + 12);
    switch (command) {
    case SUBMIT_SM:
        take(one, pdu, length);
        break;
    case BIND_RECEIVER:
    case BIND_TRANSMITTER:
    case BIND_TRANSCEIVER:
        answer(one, command | RESPONSE, ESME_ROK, sequence, BOUND, sizeof BOUND);
        break;
    case ENQUIRE_LINK:
    case UNBIND:
        answer(one, command | RESPONSE, ESME_ROK, sequence, "", 0);
        break;
    default:
        if (!(command & RESPONSE))
            answer(one, GENERIC_NACK, ESME_RINVCMDID, sequence, "", 0);
    }
}

/* -- connections ------------------------------------------------------------------------------ */

static void leave(struct connection *one) {
    close(one->fd);
    free(one->out);
    free(one);
}

/* Each returns 0 when the connection is over. */

static int receive(struct connection *one) {
    ssize_t got = read(one->fd, one->in + one->held, READ - one->held);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    size_t at = 0, end = one->held + (size_t)got;
    while (end - at >= HEADER) {
        uint32_t length = get32(one->in + at);
        if (length < HEADER || length > LONGEST_PDU)
            return 0;
        if (end - at < length)
            break;
        hear(one, one->in + at, length);
        at += length;
    }
    one->held = end - at;
    memmove(one->in, one->in + at, one->held);
    return 1;
}

static int send_out(struct connection *one) {
    while (one->start < one->end) {
        ssize_t sent = send(one->fd, one->out + one->start, one->end - one->start, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        one->start += (size_t)sent;
    }
    return 1;
}

static void ask(int epoll, struct connection *one, int how) {
    size_t left = one->end - one->start;
    unsigned wanted = (left < WRITE_HIGH ? EPOLLIN : 0u) | (left ? EPOLLOUT : 0u);
    struct epoll_event event = {.events = wanted, .data.ptr = one};
    if (wanted != one->asked)
        epoll_ctl(epoll, how, one->fd, &event);
    one->asked = wanted;
}

static void welcome(int epoll, int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct connection *one = must(calloc(1, sizeof *one));
    one->fd = fd;
    ask(epoll, one, EPOLL_CTL_ADD);
}

static void serve(int listener) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS], listening = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int n = 0; n < count; n++) {
            struct connection *one = events[n].data.ptr;
            if (one == NULL)
                welcome(epoll, listener);
            else if ((!(events[n].events & EPOLLOUT) || send_out(one))
                     && (!(events[n].events & ~(unsigned)EPOLLOUT) || receive(one))
                     && send_out(one))
                ask(epoll, one, EPOLL_CTL_MOD);
            else
                leave(one);
        }
    }
}

/* -- starting --------------------------------------------------------------------------------- */

static int bound(int *port) {
    struct sockaddr_in where = {.sin_family = AF_INET};
    socklen_t octets = sizeof where;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof where) || listen(fd, BACKLOG)
        || getsockname(fd, (struct sockaddr *)&where, &octets)) {
        perror("limit");
        exit(1);
    }
    *port = ntohs(where.sin_port);
    return fd;
}

/* As everything that the harness starts: the ports in a file, which is there whole or not at all. */
static void announce(const char *path, int port) {
    char new[4096];
    snprintf(new, sizeof new, "%s.new", path);
    FILE *file = must(fopen(new, "w"));
    fprintf(file, "{\"ports\": {\"main\": %d}}\n", port);
    if (fclose(file) || rename(new, path)) {
        perror(path);
        exit(1);
    }
}

int main(int count, char **words) {
    int port, listener = bound(&port);
    /* Ids of two runs must not meet: a server remembers yesterday's. */
    next_id = (uint64_t)time(NULL) << 24;
    for (int n = 1; n < count; n++) {
        if (!strcmp(words[n], "--receipts")) {
            receipts = 1;
        } else if (!strcmp(words[n], "--ready-file") && n + 1 < count) {
            announce(words[++n], port);
        } else {
            fprintf(stderr, "usage: limit [--receipts] --ready-file FILE\n");
            return 2;
        }
    }
    serve(listener);
}
