/* submit_sm PDUs: made once; then only the sequence number and the message's number change.
 *
 * Each message has a destination of its own and, where the text has room, begins with its number,
 * so that what arrives at the far end can be told apart and accounted for.
 */

#pragma once

#include <stdint.h>
#include <string.h>

#include "../smpp.h"

enum {
    /* Digits of a message's number, in the text. */
    DIGITS = 12,
    /* Digits of an international number at most (E.164); fewer than six of one's own repeat soon. */
    ADDRESS_DIGITS = 15,
    LEAST_DIGITS = 6,
    /* The longest short_message in 3.4; longer text goes into message_payload. */
    SHORT_MESSAGE = 254,
    LONGEST_TEXT = 60000,
    UCS2 = 8,
};

static struct {
    size_t octets;
    unsigned char *last_of_destination, *last_of_text;   /* digits; NULL: no room in the text */
    unsigned varying, stride;
    unsigned char pdu[LONGEST_PDU];
} template;

/* Returns what is wrong, or NULL. */
static inline const char *make_template(const char *source, const char *prefix, unsigned octets,
                                        unsigned data_coding, int receipts) {
    static const char filler[] = " the quick brown fox jumps over the lazy dog";
    size_t kept = strlen(prefix);
    unsigned stride = data_coding == UCS2 ? 2 : 1;
    if (octets % stride)
        return "UCS-2 text needs an even number of octets";
    if (octets > LONGEST_TEXT)
        return "the text is too long";
    if (!kept || kept > ADDRESS_DIGITS - LEAST_DIGITS || strspn(prefix, "0123456789") != kept)
        return "a destination prefix is 1 to 9 digits";
    if (strlen(source) >= LONGEST_ADDRESS)
        return "the source address is too long";
    template.varying = ADDRESS_DIGITS - kept < DIGITS ? ADDRESS_DIGITS - (unsigned)kept : DIGITS;
    template.stride = stride;

    unsigned char *at = template.pdu + HEADER;
    *at++ = 0;                                   /* service_type */
    *at++ = 1, *at++ = 1;                        /* international, E.164 */
    at = copy(at, source, strlen(source) + 1);
    *at++ = 1, *at++ = 1;
    at = copy(at, prefix, kept);
    memset(at, '0', template.varying);
    at += template.varying;
    template.last_of_destination = at - 1;
    *at++ = 0;
    memset(at, 0, 5);      /* esm_class, protocol_id, priority_flag, schedule_delivery_time, validity */
    at += 5;
    *at++ = (unsigned char)receipts;             /* registered_delivery */
    *at++ = 0;                                   /* replace_if_present_flag */
    *at++ = (unsigned char)data_coding;
    *at++ = 0;                                   /* sm_default_msg_id */
    if (octets <= SHORT_MESSAGE) {
        *at++ = (unsigned char)octets;
    } else {
        at = copy(at, "\0\x04\x24", 3);          /* sm_length, then the TLV's tag */
        *at++ = (unsigned char)(octets >> 8);
        *at++ = (unsigned char)octets;
    }
    unsigned numbered = octets >= DIGITS * stride ? DIGITS : 0;
    for (unsigned n = 0; n < octets; n++) {
        unsigned character = n / stride;
        char c = character < numbered ? '0' : filler[(character - numbered) % (sizeof filler - 1)];
        *at++ = n % stride == stride - 1 ? (unsigned char)c : 0;
    }
    template.last_of_text = numbered ? at - octets + numbered * stride - 1 : NULL;
    template.octets = (size_t)(at - template.pdu);
    put32(template.pdu, (uint32_t)template.octets);
    put32(template.pdu + 4, SUBMIT_SM);
    return NULL;
}

/* One more in decimal digits; all nines become zeros. */
static inline void count_up(unsigned char *last, unsigned digits, unsigned stride) {
    while (digits-- && ++*last > '9') {
        *last = '0';
        last -= stride;
    }
}

/* Write the next message of this run. Returns where it ends. */
static inline unsigned char *write_submit(unsigned char *at, uint32_t sequence) {
    put32(template.pdu + 12, sequence);
    at = copy(at, template.pdu, template.octets);
    count_up(template.last_of_destination, template.varying, 1);
    if (template.last_of_text)
        count_up(template.last_of_text, DIGITS, template.stride);
    return at;
}
