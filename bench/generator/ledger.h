/* What was promised and what came: every id is new, and gets one final receipt where one was asked.
 *
 * An id is kept as 64 bits of a hash: that two of ten million are taken for the same happens once
 * in 300,000 runs. Ids that differ in their last digit alone lie beside each other, as those of one
 * read do: most are found in the cache.
 */

#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "../smpp.h"

enum {
    /* Ids that differ in their last octet alone share so many places. */
    NEAR_BITS = 5,
    LEAST_BITS = 16,
    /* message_state (5.0 4.7.15), and who of them announces another receipt. */
    ENROUTE = 1,
    STATES = 9,
};

/* What is known of an id: since when a receipt is awaited, or one of these in the upper octet. */
#define AWAITED(what) ((what) >> 56 == 0)
static const uint64_t CLOSED = 0xffull << 56;
/* A receipt of this state that was there before its response; below, when. */
#define EARLY(state) ((uint64_t)(state) << 56 | 1ull << 63)
#define STATE_OF(early) ((early) >> 56 & 0x7f)
#define MOMENT_OF(early) ((early) & ((1ull << 56) - 1))

struct entry {
    uint64_t key;          /* 0: free */
    uint64_t what;
};

struct refusal {
    uint32_t status;
    uint64_t count;
};

static struct {
    int wanted;            /* whether receipts are */
    unsigned bits;
    uint64_t known;        /* ids in the table */
    struct entry *entries;
    uint64_t acknowledged, unknown, duplicate_ids, strays;
    uint64_t receipts, states[STATES], doubled, malformed, early, unnamed, intermediate, inbound;
    size_t refusals;
    struct refusal *refused;
} ledger;

static inline uint64_t hashed(const unsigned char *id, size_t octets) {
    uint64_t hash = octets, word;
    size_t most = octets - 1;
    for (size_t at = 0; at < most; at += 8) {
        word = 0;
        memcpy(&word, id + at, most - at < 8 ? most - at : 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    hash *= 0xbf58476d1ce4e5b9u;
    hash ^= hash >> 32 ^ id[octets - 1];
    return hash ? hash : 1;
}

static inline struct entry *entry_of(uint64_t key) {
    uint64_t mask = (1ull << ledger.bits) - 1, near = (1u << NEAR_BITS) - 1;
    uint64_t at = (key >> (64 - ledger.bits) & ~near) | (key & near);
    while (ledger.entries[at].key && ledger.entries[at].key != key)
        at = (at + 1) & mask;
    return &ledger.entries[at];
}

/* Touched here and now: a page that is not there yet would cost a message its latency. */
static inline struct entry *fresh(unsigned bits) {
    void *memory = mmap(NULL, sizeof(struct entry) << bits, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return must(memory == MAP_FAILED ? NULL : memory);
}

/* Room for so many ids more; the table is at most half full. */
static inline void make_room(uint64_t more) {
    unsigned bits = ledger.bits ? ledger.bits : LEAST_BITS;
    while ((ledger.known + more) * 2 > 1ull << bits)
        bits++;
    if (bits == ledger.bits)
        return;
    struct entry *old = ledger.entries;
    uint64_t count = old ? 1ull << ledger.bits : 0;
    ledger.bits = bits;
    ledger.entries = fresh(bits);
    for (uint64_t at = 0; at < count; at++)
        if (old[at].key)
            *entry_of(old[at].key) = old[at];
    if (old)
        munmap(old, sizeof *old * count);
}

static inline void know(struct entry *entry, uint64_t key, uint64_t what) {
    ledger.known += !entry->key;
    *entry = (struct entry){key, what};
}

static inline void count_receipt(unsigned state) {
    ledger.receipts++;
    ledger.states[state]++;
}

/* A submit_sm that counts from `since` was accepted under this id. Returns when its receipt came,
 * 0 if it has not. */
static inline uint64_t acknowledge(const unsigned char *id, size_t octets, uint64_t since) {
    uint64_t key = octets ? hashed(id, octets) : 0;
    struct entry *entry = octets ? entry_of(key) : NULL;
    int early = octets && entry->key && !AWAITED(entry->what) && entry->what != CLOSED;
    if (!octets || (entry->key && !early)) {
        ledger.duplicate_ids++;
        return 0;
    }
    uint64_t what = entry->what;
    ledger.acknowledged++;
    know(entry, key, ledger.wanted ? since : CLOSED);
    if (!early)
        return 0;
    ledger.early++;
    ledger.unnamed--;
    if (!ledger.wanted) {
        ledger.doubled++;
        return 0;
    }
    entry->what = CLOSED;
    count_receipt(STATE_OF(what));
    return MOMENT_OF(what);
}

/* A receipt came at `now`. Returns since when its message counts, 0 if none was awaited. */
static inline uint64_t receipted(const unsigned char *id, size_t octets, unsigned state,
                                 uint64_t now) {
    if (state <= ENROUTE) {
        ledger.intermediate++;
        return 0;
    }
    uint64_t key = hashed(id, octets);
    struct entry *entry = entry_of(key);
    uint64_t since = entry->what;
    if (!entry->key) {
        ledger.unnamed++;
        know(entry, key, EARLY(state) | now);
        return 0;
    }
    if (!AWAITED(since)) {
        ledger.doubled++;
        return 0;
    }
    entry->what = CLOSED;
    count_receipt(state);
    return since;
}

static inline void refuse(uint32_t status) {
    size_t at = 0;
    while (at < ledger.refusals && ledger.refused[at].status != status)
        at++;
    if (at == ledger.refusals) {
        ledger.refused = must(realloc(ledger.refused, (at + 1) * sizeof *ledger.refused));
        ledger.refused[ledger.refusals++] = (struct refusal){status, 0};
    }
    ledger.refused[at].count++;
}

static inline uint64_t missing(void) {
    return ledger.wanted ? ledger.acknowledged - ledger.receipts : 0;
}

/* How often the peer broke a promise, not counting refusals and what is still owed. */
static inline uint64_t faults(void) {
    return ledger.duplicate_ids + ledger.strays + ledger.doubled + ledger.malformed
           + ledger.unnamed;
}
