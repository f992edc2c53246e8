/* The clock, and which messages may go now: up to a total, a time and a rate.
 *
 * A rate is kept evenly, on a grid: at each of its moments those are due whose time has come since
 * the last one, whether or not the server has kept up.
 */

#pragma once

#include <stdint.h>
#include <time.h>

enum {
    SECOND = 1000 * 1000 * 1000,
    /* Nanoseconds of the grid. A finer one costs the machine that the server needs as well: half a
     * core at 100 us, a quarter at this. */
    GRAIN = 250 * 1000,
};

/* On the machine's steady clock, in nanoseconds, as of the last look at it. */
static uint64_t now;

static struct {
    double rate;           /* a second; 0: as fast as windows allow */
    uint64_t started, ends;
    uint64_t given, total; /* messages handed over, and how many there will be */
} pace;

static inline uint64_t read_clock(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return now = (uint64_t)at.tv_sec * SECOND + (uint64_t)at.tv_nsec;
}

/* When message `n` is due, on the grid. */
static inline uint64_t due_at(uint64_t n) {
    uint64_t after = (uint64_t)((double)n * SECOND / pace.rate);
    return pace.started + (after + GRAIN - 1) / GRAIN * GRAIN;
}

/* How many may go now. */
static inline uint64_t due(void) {
    if (now >= pace.ends)
        pace.total = pace.given;
    uint64_t most = pace.total;
    if (pace.rate) {
        uint64_t grid = (now - pace.started) / GRAIN * GRAIN;
        uint64_t planned = (uint64_t)((double)grid * pace.rate / SECOND) + 1;
        most = planned < most ? planned : most;
    }
    return most > pace.given ? most - pace.given : 0;
}
