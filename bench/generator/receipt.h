/* Which message a receipt speaks of, and what became of it: from its text, its TLVs, or both. */

#pragma once

#include <stdint.h>
#include <string.h>

#include "../smpp.h"

enum {
    /* esm_class of a receipt or intermediate notification (SMPP 3.4 5.2.12). */
    RECEIPT_BITS = 0x24,
    RECEIPTED_MESSAGE_ID = 0x001e,
    MESSAGE_PAYLOAD = 0x0424,
    MESSAGE_STATE = 0x0427,
};

/* The words of receipt texts (3.4 appendix B), at the message_state that they mean. */
static const char *const WORDS[] = {
    "SCHEDULED", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
    "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD",
};

/* `octets` is 0 for an id that is not there, `state` -1. */
struct receipt {
    const unsigned char *id;
    size_t octets;
    int state;
};

/* What follows the label up to the next space. */
static inline const unsigned char *word_after(const unsigned char *text, size_t octets,
                                              const char *label, size_t *length) {
    size_t skipped = strlen(label);
    const unsigned char *at = memmem(text, octets, label, skipped);
    *length = 0;
    if (at == NULL)
        return NULL;
    at += skipped;
    size_t left = octets - (size_t)(at - text);
    const unsigned char *space = left ? memchr(at, ' ', left) : NULL;
    *length = space ? (size_t)(space - at) : left;
    return at;
}

static inline struct receipt read_text(const unsigned char *text, size_t octets) {
    struct receipt found = {.state = -1};
    size_t length;
    found.id = word_after(text, octets, "id:", &found.octets);
    const unsigned char *word = word_after(text, octets, "stat:", &length);
    for (int state = 1; state < (int)(sizeof WORDS / sizeof *WORDS); state++)
        if (length == strlen(WORDS[state]) && !memcmp(word, WORDS[state], length))
            found.state = state;
    return found;
}

/* Returns 0 if it is none, or if text and TLVs do not agree. Either alone is enough: 5.0 has no
 * receipt text, 3.3 no TLVs. */
static inline int read_receipt(const struct message *of, const unsigned char *end,
                               struct receipt *found) {
    const unsigned char *text = of->text, *at = of->options;
    size_t octets = of->text_octets;
    *found = (struct receipt){.state = -1};
    while (at < end) {
        if (end - at < 4 || end - at - 4 < (long)get16(at + 2))
            return 0;
        uint32_t tag = get16(at), length = get16(at + 2);
        at += 4;
        if (tag == RECEIPTED_MESSAGE_ID) {
            found->id = at;
            found->octets = length && !at[length - 1] ? length - 1 : length;
        } else if (tag == MESSAGE_STATE && length == 1) {
            found->state = at[0];
        } else if (tag == MESSAGE_PAYLOAD) {
            text = at;
            octets = length;
        }
        at += length;
    }
    if (octets) {
        struct receipt told = read_text(text, octets);
        if (found->octets == 0)
            found->id = told.id, found->octets = told.octets;
        if (found->state < 0)
            found->state = told.state;
        if (!told.octets || found->octets != told.octets || found->state != told.state
            || memcmp(found->id, told.id, told.octets))
            return 0;
    }
    return found->octets && found->state >= 0
           && found->state < (int)(sizeof WORDS / sizeof *WORDS);
}
