/* The load generator: submits as fast as asked, checks every response and every receipt.
 *
 *     generator --port PORT --system-id NAME --password WORD [--receipts] [--OPTION VALUE ...]
 *
 * `options.h` has the options. One thread, one epoll loop, one read and one write per connection
 * and turn, no memory taken for a message: what is measured beside it should be the server. Prints
 * what came of it (`result.h`) and ends with 0 if every message was acknowledged (and receipted),
 * with 1 if not, with 2 if the run could not begin.
 *
 * Latency counts from when a message was handed over or, where a rate is kept, from when it was due
 * (`pace.h`): what a full window holds back waits as well, and who counted from the moment when it
 * could go at last would not see it.
 */

#define _GNU_SOURCE
#include "connection.h"
#include "histogram.h"
#include "ledger.h"
#include "options.h"
#include "pace.h"
#include "receipt.h"
#include "result.h"
#include "template.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

enum {
    EVENTS = 256,
    /* Connections being opened at a time; a listener's backlog is finite. */
    OPENING = 64,
    /* Milliseconds between two looks at whether all is done; how many an unbind may take. */
    TICK = 50,
    PARTING = 2000,
    /* Messages due at once that one connection gets at least; each run costs the server a read. */
    RUN = 8,
    /* Ids a second that a run which only time ends has room for from the beginning; who gives more
     * of them stands still for a moment. */
    IDS_PER_S = 1000 * 1000,
};

static struct connection *all;
static uint64_t count, opened, bound, window;
/* Whose turn it is to send. */
static uint64_t turn;
static int timer;
/* Whether some are due that no window has room for. */
static int starved;

static uint64_t progress_at, answered_at, receipted_at;
static struct histogram responses, receipts;

/* -- what goes -------------------------------------------------------------------------------- */

/* Hand over what is due, as far as the window goes. Returns how many. */
static uint64_t submit(struct connection *one, uint64_t most) {
    if (one->state != BOUND || one->late.start < one->late.end || one->in_flight >= window)
        return 0;
    uint64_t room = window - one->in_flight, ready = due();
    uint64_t going = room < most ? room : most;
    going = going < ready ? going : ready;
    unsigned char *at = reserve(&gathered, going * template.octets);
    for (uint64_t n = 0; n < going; n++) {
        struct place *place;
        /* A number whose place is still taken is passed over. */
        do
            place = place_of(one, next_sequence(one));
        while (place->sequence);
        *place = (struct place){one->sequence, pace.rate ? due_at(pace.given + n) : now};
        at = write_submit(at, one->sequence);
    }
    gathered.end += going * template.octets;
    pace.given += going;
    one->in_flight += going;
    in_flight += going;
    return going;
}

/* Wake when the next is due. What waits for a window goes when there is room. */
static void set_timer(void) {
    if (!pace.rate || starved || pace.given >= pace.total)
        return;
    uint64_t at = due_at(pace.given);
    struct itimerspec next = {.it_value = {(time_t)(at / SECOND), (long)(at % SECOND)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &next, NULL);
}

/* Give what is due to the connections in turn, in small runs, until nothing is due or none has
 * room. */
static void pump(void) {
    uint64_t ready = due(), idle = 0, run = window;
    if (pace.rate)
        run = ready / count < RUN ? RUN : ready / count + 1;
    while (ready && idle < count) {
        struct connection *one = &all[turn];
        turn = turn + 1 < count ? turn + 1 : 0;
        uint64_t going = submit(one, run);
        idle = going ? 0 : idle + 1;
        ready -= going;
        if (going && !flush(one))
            leave(one);
    }
    starved = ready > 0;
    set_timer();
}

/* -- what comes ------------------------------------------------------------------------------- */

static void on_bind_resp(struct connection *one, uint32_t status) {
    char shown[16];
    snprintf(shown, sizeof shown, "0x%x", status);
    if (status)
        fail("bind refused", shown);
    bound += one->state == BINDING;
    one->state = BOUND;
    progress_at = now;
}

/* Returns since when the submit_sm that is answered counts, 0 if there is none. */
static uint64_t answered(struct connection *one, uint32_t sequence) {
    struct place *place = one->places ? place_of(one, sequence) : NULL;
    if (!sequence || !place || place->sequence != sequence)
        return 0;
    place->sequence = 0;
    one->in_flight--;
    in_flight--;
    progress_at = now;
    return place->since;
}

static void on_submit_sm_resp(struct connection *one, const unsigned char *pdu,
                              const unsigned char *end) {
    uint32_t status = get32(pdu + 8);
    uint64_t since = answered(one, get32(pdu + 12));
    if (!since) {
        ledger.strays++;
    } else if (status) {
        refuse(status);
    } else {
        const unsigned char *id = pdu + HEADER, *behind = past(id, end, (size_t)(end - id));
        record(&responses, since, now);
        answered_at = now;
        uint64_t came = acknowledge(id, behind ? (size_t)(behind - id) - 1 : 0, since);
        if (came)
            record(&receipts, since, came);
    }
}

static void on_deliver_sm(const unsigned char *pdu, const unsigned char *end) {
    struct message message;
    struct receipt receipt;
    int whole = parse(pdu + HEADER, end, &message);
    put_pdu(&gathered, DELIVER_SM | RESPONSE, ESME_ROK, get32(pdu + 12), "", 1);
    if (whole && !(message.esm_class & RECEIPT_BITS)) {
        ledger.inbound++;
    } else if (!whole || !read_receipt(&message, end, &receipt)) {
        ledger.malformed++;
    } else {
        uint64_t since = receipted(receipt.id, receipt.octets, (unsigned)receipt.state, now);
        if (since) {
            record(&receipts, since, now);
            receipted_at = progress_at = now;
        }
    }
}

/* Returns 0 when the connection is over. */
static int hear(struct connection *one, const unsigned char *pdu, uint32_t length) {
    uint32_t command = get32(pdu + 4), status = get32(pdu + 8), sequence = get32(pdu + 12);
    switch (command) {
    case SUBMIT_SM | RESPONSE:
        on_submit_sm_resp(one, pdu, pdu + length);
        break;
    case DELIVER_SM:
        on_deliver_sm(pdu, pdu + length);
        break;
    case BIND_TRANSCEIVER | RESPONSE:
        on_bind_resp(one, status);
        break;
    case GENERIC_NACK:
        if (one->state == BINDING)
            on_bind_resp(one, status);
        else if (answered(one, sequence))
            refuse(status);
        break;
    case ENQUIRE_LINK:
        put_pdu(&gathered, ENQUIRE_LINK | RESPONSE, ESME_ROK, sequence, "", 0);
        break;
    case UNBIND:
        put_pdu(&gathered, UNBIND | RESPONSE, ESME_ROK, sequence, "", 0);
        return 0;
    case UNBIND | RESPONSE:
        return 0;
    default:
        if (!(command & RESPONSE))
            put_pdu(&gathered, GENERIC_NACK, ESME_RINVCMDID, sequence, "", 0);
    }
    return 1;
}

/* Returns 0 when the connection is over. */
static int receive(struct connection *one) {
    if (one->held)
        memcpy(in, one->rest, one->held);
    ssize_t got = read(one->fd, in + one->held, READ);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    read_clock();
    size_t at = 0, end = one->held + (size_t)got;
    make_room(end / HEADER);
    while (end - at >= HEADER) {
        uint32_t length = get32(in + at);
        if (length < HEADER || length > LONGEST_PDU) {
            ledger.strays++;
            return 0;
        }
        if (end - at < length)
            break;
        if (!hear(one, in + at, length))
            return 0;
        at += length;
    }
    if (end - at > one->held)
        one->rest = must(realloc(one->rest, end - at));
    one->held = end - at;
    if (one->held)
        memcpy(one->rest, in + at, one->held);
    return 1;
}

/* -- the run ---------------------------------------------------------------------------------- */

static void attend(struct connection *one, unsigned events) {
    if (one->state == PARTED)
        return;
    int well = !(events & EPOLLOUT) || flush(one);
    well = well && (!(events & ~(unsigned)EPOLLOUT) || receive(one));
    if (well && pace.total && (!pace.rate || starved))
        submit(one, window);
    if (!flush(one) || !well)
        leave(one);
}

static void wait_and_attend(void) {
    struct epoll_event events[EVENTS];
    int happened = epoll_wait(epoll, events, EVENTS, TICK), ticked = 0;
    read_clock();
    for (int n = 0; n < happened; n++) {
        if (events[n].data.ptr == NULL)
            ticked = 1;
        else
            attend(events[n].data.ptr, events[n].events);
    }
    /* What waited for a window has gone: the clock says again what is next. */
    if (ticked || (starved && !due()))
        pump();
}

static int stuck(void) {
    return !alive || (double)(now - progress_at) > options.timeout * SECOND;
}

static void dial(struct connection *one, const struct addrinfo *where) {
    static const unsigned char version[] = {0x34, 0, 0, 0};  /* then no type, ton, npi, range */
    int yes = 1;
    one->fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (one->fd < 0 || connect(one->fd, where->ai_addr, where->ai_addrlen)
        || fcntl(one->fd, F_SETFL, O_NONBLOCK))
        fail("connection", strerror(errno));
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    one->places = must(calloc(places, sizeof *one->places));
    alive++;
    ask(one, EPOLL_CTL_ADD);

    unsigned char body[256], *at = body;
    at = copy(at, options.system_id, strlen(options.system_id) + 1);
    at = copy(at, options.password, strlen(options.password) + 1);
    *at++ = 0;                                   /* system_type */
    at = copy(at, version, sizeof version);
    put_pdu(&gathered, BIND_TRANSCEIVER, ESME_ROK, next_sequence(one), body, (size_t)(at - body));
    if (!flush(one))
        leave(one);
}

static void open_all(void) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *where;
    int wrong = getaddrinfo(options.host, options.port, &hints, &where);
    if (wrong)
        fail(options.host, gai_strerror(wrong));
    progress_at = read_clock();
    while (bound < count) {
        while (opened < count && opened - bound < OPENING)
            dial(&all[opened++], where);
        wait_and_attend();
        if (stuck())
            fail("bind", "no answer in time");
    }
    freeaddrinfo(where);
}

static void run(void) {
    pace.started = answered_at = receipted_at = progress_at = read_clock();
    pace.rate = options.rate;
    pace.ends = options.duration ? now + (uint64_t)(options.duration * SECOND) : UINT64_MAX;
    pace.total = options.messages ? (uint64_t)options.messages : UINT64_MAX;
    pump();
    while (!stuck()) {
        due();
        if (pace.given >= pace.total && !in_flight && !missing())
            break;
        wait_and_attend();
    }
}

/* Part in peace: what does not answer in time is cut. */
static void part(void) {
    uint64_t until = read_clock() + PARTING * (SECOND / 1000);
    pace.total = pace.given;
    finishing = 1;
    for (uint64_t n = 0; n < count; n++) {
        if (all[n].state != BOUND)
            continue;
        put_pdu(&gathered, UNBIND, ESME_ROK, next_sequence(&all[n]), "", 0);
        if (!flush(&all[n]))
            leave(&all[n]);
    }
    while (alive && now < until)
        wait_and_attend();
}

int main(int words_count, char **words) {
    if (!read_options(words_count, words))
        fail("usage", "generator --port PORT [--receipts] [--OPTION VALUE ...]");
    if (strlen(options.system_id) > 15 || strlen(options.password) > 64)
        fail("options", "the system_id or the password is too long");
    const char *wrong = make_template(options.source, options.destinations,
                                      (unsigned)options.text_octets,
                                      (unsigned)options.data_coding, options.receipts);
    if (wrong)
        fail("options", wrong);

    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    count = (uint64_t)options.connections;
    window = (uint64_t)options.window;
    for (places = 16; places < window * 2; places *= 2)
        ;
    all = must(calloc(count, sizeof *all));
    ledger.wanted = options.receipts;
    make_room((uint64_t)(options.messages ? options.messages
                         : options.duration * (options.rate ? options.rate : IDS_PER_S)));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event ticking = {.events = EPOLLIN | EPOLLET};
    if (epoll < 0 || timer < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &ticking))
        fail("epoll", strerror(errno));

    open_all();
    run();
    struct flow flow = {
        .submitted = pace.given,
        .wanted = options.duration ? 0 : (uint64_t)options.messages,
        .unanswered = in_flight,
        .lost = lost,
        .started = pace.started,
        .answering = answered_at - pace.started,
        .receipting = receipted_at - pace.started,
    };
    part();
    return print_result(&flow, &responses, &receipts) ? 0 : 1;
}
