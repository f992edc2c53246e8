/* CRC32C (Castagnoli, RFC 3720 appendix B.4): by SSE4.2 where the CPU has it, else by tables.
 *
 * All functions work on the raw register: start with 0xFFFFFFFF, end with a complement, so that a
 * checksum can go on over pieces that do not lie together.
 */
#ifndef SMSC_CRC32C_H
#define SMSC_CRC32C_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the log is written and read in place as little-endian integers"
#endif

#define CRC32C_POLYNOMIAL 0x82F63B78u /* reflected 0x1EDC6F41 */

static uint32_t crc32c_tables[8][256];

static uint32_t crc32c_by_table(uint32_t crc, const unsigned char *p, size_t n)
{
    uint64_t word;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        word ^= crc;
        crc = crc32c_tables[7][word & 0xFF] ^ crc32c_tables[6][(word >> 8) & 0xFF]
            ^ crc32c_tables[5][(word >> 16) & 0xFF] ^ crc32c_tables[4][(word >> 24) & 0xFF]
            ^ crc32c_tables[3][(word >> 32) & 0xFF] ^ crc32c_tables[2][(word >> 40) & 0xFF]
            ^ crc32c_tables[1][(word >> 48) & 0xFF] ^ crc32c_tables[0][word >> 56];
    }
    while (n--)
        crc = (crc >> 8) ^ crc32c_tables[0][(crc ^ *p++) & 0xFF];
    return crc;
}

static uint32_t (*crc32c_update)(uint32_t, const unsigned char *, size_t) = crc32c_by_table;

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static uint32_t crc32c_by_instruction(uint32_t crc, const unsigned char *p, size_t n)
{
    uint64_t word, wide = crc;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    while (n--)
        crc = __builtin_ia32_crc32qi(crc, *p++);
    return crc;
}
#endif

static void crc32c_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (CRC32C_POLYNOMIAL & (0u - (crc & 1)));
        crc32c_tables[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            crc32c_tables[k][i] = (crc32c_tables[k - 1][i] >> 8)
                ^ crc32c_tables[0][crc32c_tables[k - 1][i] & 0xFF];
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        crc32c_update = crc32c_by_instruction;
#endif
}

#endif
