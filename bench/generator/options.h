/* What the command line says. */

#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0: no limit, for messages, duration and rate. */
static struct {
    const char *host, *port, *system_id, *password, *source, *destinations;
    double connections, window, messages, duration, rate, text_octets, data_coding, timeout;
    int receipts;
} options = {
    .host = "127.0.0.1", .port = "2775", .system_id = "demo", .password = "demo1234",
    .source = "447700900000", .destinations = "999",
    .connections = 1, .window = 100, .messages = -1, .text_octets = 80, .timeout = 30,
};

/* Every word with the text or the number that follows it. */
static const struct {
    const char *word;
    const char **text;
    double *number;
} OPTIONS[] = {
    {"--host", &options.host, NULL},
    {"--port", &options.port, NULL},
    {"--system-id", &options.system_id, NULL},
    {"--password", &options.password, NULL},
    {"--from", &options.source, NULL},
    {"--destinations", &options.destinations, NULL},
    {"--connections", NULL, &options.connections},
    {"--window", NULL, &options.window},
    {"--messages", NULL, &options.messages},
    {"--duration", NULL, &options.duration},
    {"--rate", NULL, &options.rate},
    {"--text-octets", NULL, &options.text_octets},
    {"--data-coding", NULL, &options.data_coding},
    {"--timeout", NULL, &options.timeout},
};

enum { KNOWN = sizeof OPTIONS / sizeof *OPTIONS };

static inline int read_number(const char *word, double *number) {
    char *end;
    *number = strtod(word, &end);
    return end != word && !*end && *number >= 0 && *number <= 1e15;
}

/* Returns 0 if they can't be read. */
static inline int read_options(int count, char **words) {
    for (int n = 1; n < count; n++) {
        size_t at = 0;
        if (!strcmp(words[n], "--receipts")) {
            options.receipts = 1;
            continue;
        }
        while (at < KNOWN && strcmp(words[n], OPTIONS[at].word))
            at++;
        if (at == KNOWN || ++n == count)
            return 0;
        if (OPTIONS[at].text)
            *OPTIONS[at].text = words[n];
        else if (!read_number(words[n], OPTIONS[at].number))
            return 0;
    }
    if (options.messages < 0)
        options.messages = options.duration ? 0 : 10000;
    return options.connections >= 1;
}
