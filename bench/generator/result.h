/* What a run came to, as JSON: keys and meaning are those of `smsc sim load --json`, but that a
 * refusal is named by its number. */

#pragma once

#include <stdint.h>
#include <stdio.h>

#include "histogram.h"
#include "ledger.h"
#include "pace.h"
#include "receipt.h"

/* What the ledger does not know. Times in nanoseconds, on the machine's steady clock. */
struct flow {
    uint64_t submitted;
    uint64_t wanted;                    /* 0 when only time ended the run */
    uint64_t unanswered, lost;
    uint64_t started;                   /* when the first submit could leave */
    uint64_t answering, receipting;     /* until the last response, and the last receipt */
};

static inline void print_count(const char *name, uint64_t value) {
    printf("  \"%s\": %llu,\n", name, (unsigned long long)value);
}

/* One of the counts of a mapping, behind what was printed before it. */
static inline const char *print_one_of(const char *comma, const char *name, uint64_t value) {
    printf("%s\"%s\": %llu", comma, name, (unsigned long long)value);
    return ", ";
}

static inline void print_refused(void) {
    const char *comma = "";
    char name[16];
    printf("  \"refused\": {");
    for (size_t n = 0; n < ledger.refusals; n++) {
        snprintf(name, sizeof name, "0x%x", ledger.refused[n].status);
        comma = print_one_of(comma, name, ledger.refused[n].count);
    }
    printf("},\n");
}

static inline void print_states(void) {
    const char *comma = "";
    printf("  \"states\": {");
    for (int state = 0; state < STATES; state++)
        if (ledger.states[state])
            comma = print_one_of(comma, WORDS[state], ledger.states[state]);
    printf("},\n");
}

/* Returns whether every message was acknowledged, and receipted exactly once where asked. */
static inline int print_result(const struct flow *of, const struct histogram *responses,
                               const struct histogram *receipts) {
    uint64_t unsent = of->wanted > of->submitted ? of->wanted - of->submitted : 0;
    double accepting = (double)(of->answering ? of->answering : 1000) / SECOND;
    double whole_way = (double)(of->receipting ? of->receipting : 1000) / SECOND;
    int passed = of->submitted && ledger.acknowledged == of->submitted && !unsent && !faults()
                 && !missing();

    printf("{\n");
    print_count("submitted", of->submitted);
    print_count("acknowledged", ledger.acknowledged);
    print_refused();
    print_count("unknown", ledger.unknown);
    print_count("unanswered", of->unanswered);
    print_count("unsent", unsent);
    print_count("faults", faults());
    print_count("duplicate_ids", ledger.duplicate_ids);
    print_count("strays", ledger.strays);
    printf("  \"receipts_wanted\": %s,\n", ledger.wanted ? "true" : "false");
    print_count("receipts", ledger.receipts);
    print_states();
    print_count("receipts_missing", missing());
    print_count("receipts_doubled", ledger.doubled);
    print_count("receipts_unknown", ledger.unnamed);
    print_count("receipts_malformed", ledger.malformed);
    print_count("receipts_early", ledger.early);
    print_count("intermediate", ledger.intermediate);
    print_count("inbound", ledger.inbound);
    print_count("connections_lost", of->lost);
    printf("  \"began\": %.6f,\n", (double)of->started / SECOND);
    printf("  \"seconds\": %.6f,\n", accepting > whole_way ? accepting : whole_way);
    printf("  \"accept_per_s\": %.3f,\n", (double)ledger.acknowledged / accepting);
    printf("  \"whole_way_per_s\": %.3f,\n", (double)ledger.receipts / whole_way);
    print_histogram("response_ms", responses);
    printf(",\n");
    print_histogram("receipt_ms", receipts);
    printf(",\n  \"passed\": %s\n}\n", passed ? "true" : "false");
    return passed;
}
