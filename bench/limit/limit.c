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
#include "../smpp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    READ = 262144,
    /* Octets of answers to one submit_sm at most, receipt included. */
    ANSWER = 512,
    EVENTS = 256,
    BACKLOG = 4096,
};

/* Behind a bind's response: system_id, then sc_interface_version 3.4. */
static const unsigned char BOUND[] = {'l', 'i', 'm', 'i', 't', 0, 0x02, 0x10, 0, 1, 0x34};

struct connection {
    int fd;
    unsigned asked;        /* what epoll was asked for */
    uint32_t sequence;     /* of the last receipt */
    size_t held;           /* octets in `in`: a PDU that is not whole yet */
    struct buffer out;
    unsigned char in[READ];
};

static int receipts;
static uint64_t next_id;

/* -- answering -------------------------------------------------------------------------------- */

static void answer(struct connection *one, uint32_t command, uint32_t status, uint32_t sequence,
                   const void *body, size_t octets) {
    put_pdu(&one->out, command, status, sequence, body, octets);
}

static void receipt(struct connection *one, const struct message *of, const char *id, size_t length) {
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
    struct message found;
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
    free(one->out.octets);
    free(one);
}

/* Returns 0 when the connection is over. */
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

static void ask(int epoll, struct connection *one, int how) {
    size_t left = one->out.end - one->out.start;
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
            else if ((!(events[n].events & EPOLLOUT) || send_out(one->fd, &one->out))
                     && (!(events[n].events & ~(unsigned)EPOLLOUT) || receive(one))
                     && send_out(one->fd, &one->out))
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
