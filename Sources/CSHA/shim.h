/* The processor's own instructions for SHA-256, which no Swift type reaches: header only, nothing to
   link. Where there are none, `csha_is_there` says so and Swift does the work. */
#ifndef CSHA_SHIM_H
#define CSHA_SHIM_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

#include <cpuid.h>

/* Whether the processor has the SHA extensions and what the shuffles below need. */
static inline int csha_is_there(void) {
    unsigned int a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29)) != 0;
}

typedef uint32_t csha_words __attribute__((vector_size(16), aligned(1), may_alias));
typedef int csha_signed __attribute__((vector_size(16)));
typedef char csha_bytes __attribute__((vector_size(16)));

/* Takes whole blocks of 64 bytes into the state (a to h). `k` are the 64 constants of FIPS 180-4;
   the order of the words in the registers is that of Intel's "SHA Extensions" paper (2013). */
__attribute__((target("sha,sse4.1,ssse3")))
static inline void csha_compress(
    uint32_t *state, const uint8_t *bytes, size_t blocks, const uint32_t *k
) {
    csha_words low = *(const csha_words *)state, high = *(const csha_words *)(state + 4);
    csha_words abef = __builtin_shufflevector(low, high, 5, 4, 1, 0);
    csha_words cdgh = __builtin_shufflevector(low, high, 7, 6, 3, 2);
    for (; blocks > 0; blocks -= 1, bytes += 64) {
        csha_words first = abef, second = cdgh, w[4];
        for (int i = 0; i < 4; i += 1) {
            csha_bytes raw = (csha_bytes)*(const csha_words *)(bytes + 16 * i);
            w[i] = (csha_words)__builtin_shufflevector(
                raw, raw, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < 16; r += 1) {
            csha_words sum = w[r & 3] + *(const csha_words *)(k + 4 * r);
            csha_words rest = __builtin_shufflevector(sum, sum, 2, 3, 0, 0);
            cdgh = (csha_words)__builtin_ia32_sha256rnds2(
                (csha_signed)cdgh, (csha_signed)abef, (csha_signed)sum);
            abef = (csha_words)__builtin_ia32_sha256rnds2(
                (csha_signed)abef, (csha_signed)cdgh, (csha_signed)rest);
            if (r < 12) {
                csha_words next = (csha_words)__builtin_ia32_sha256msg1(
                    (csha_signed)w[r & 3], (csha_signed)w[(r + 1) & 3]);
                next += __builtin_shufflevector(w[(r + 2) & 3], w[(r + 3) & 3], 1, 2, 3, 4);
                w[r & 3] = (csha_words)__builtin_ia32_sha256msg2(
                    (csha_signed)next, (csha_signed)w[(r + 3) & 3]);
            }
        }
        abef += first;
        cdgh += second;
    }
    *(csha_words *)state = __builtin_shufflevector(abef, cdgh, 3, 2, 7, 6);
    *(csha_words *)(state + 4) = __builtin_shufflevector(abef, cdgh, 1, 0, 5, 4);
}

#else

static inline int csha_is_there(void) { return 0; }

static inline void csha_compress(
    uint32_t *state, const uint8_t *bytes, size_t blocks, const uint32_t *k
) {
    (void)state, (void)bytes, (void)blocks, (void)k;
}

#endif

#endif
