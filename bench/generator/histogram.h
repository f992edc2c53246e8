/* Latencies in log-linear buckets: constant memory, an error below 1 %, however many they are. */

#pragma once

#include <stdint.h>
#include <stdio.h>

enum {
    /* Buckets per power of two; 128 keep a bucket's width below 0.8 % of its value. */
    SUB_BITS = 7,
    /* The widest value told apart, 2**48 ns (three days), lies in the last bucket. */
    BUCKETS = (48 - SUB_BITS + 1) << SUB_BITS,
};

struct histogram {
    uint64_t total, longest;
    uint64_t counts[BUCKETS];
};

/* Count what lies between two moments, in nanoseconds; below zero counts as zero. */
static inline void record(struct histogram *of, uint64_t since, uint64_t now) {
    uint64_t value = now > since ? now - since : 0;
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned shift = bits > SUB_BITS ? bits - SUB_BITS - 1 : 0;
    uint64_t bucket = ((uint64_t)shift << SUB_BITS) + (value >> shift);
    of->counts[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
    of->total++;
    if (value > of->longest)
        of->longest = value;
}

/* The greatest value that falls in this bucket. */
static inline uint64_t highest(uint64_t bucket) {
    uint64_t shift = bucket >> SUB_BITS ? (bucket >> SUB_BITS) - 1 : 0;
    return ((bucket - (shift << SUB_BITS) + 1) << shift) - 1;
}

/* The least latency that so many percent of all values do not exceed; 0 if there are none. */
static inline uint64_t percentile(const struct histogram *of, double percent) {
    double rank = (double)of->total * percent / 100;
    uint64_t seen = 0;
    for (uint64_t bucket = 0; bucket < BUCKETS; bucket++) {
        seen += of->counts[bucket];
        if (of->counts[bucket] && (double)seen >= rank)
            return highest(bucket) < of->longest ? highest(bucket) : of->longest;
    }
    return 0;
}

/* As JSON, in milliseconds. */
static inline void print_histogram(const char *name, const struct histogram *of) {
    static const double percents[] = {50, 90, 99, 99.9};
    printf("  \"%s\": {", name);
    for (size_t n = 0; n < sizeof percents / sizeof *percents; n++)
        printf("\"p%g\": %.6f, ", percents[n], (double)percentile(of, percents[n]) / 1e6);
    printf("\"max\": %.6f}", (double)of->longest / 1e6);
}
