/* What the search needs of a C library, for WebAssembly without one. */

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define INLINE inline __attribute__((always_inline))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define CYTHON_UNUSED __attribute__((unused))
#define CYTHON_FALLTHROUGH __attribute__((fallthrough))

extern unsigned char __heap_base;

void *memset(void *to, int byte, size_t n) {
    unsigned char *at = to;
    while (n--)
        *at++ = (unsigned char) byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t n) {
    unsigned char *at = to;
    const unsigned char *source = from;
    while (n--)
        *at++ = *source++;
    return to;
}

/* Memory behind everything else, in pages; never given back. */
static void *allocate(size_t bytes) {
    size_t start = ((size_t) &__heap_base + 63) & ~(size_t) 63;
    size_t pages = (start + bytes + 65535) / 65536, now = __builtin_wasm_memory_size(0);
    if (pages > now && __builtin_wasm_memory_grow(0, pages - now) == (size_t) -1)
        return 0;
    return (void *) start;
}

/* A page has no Ctrl-C; a search is stopped with its worker. */
static int bv_interrupted(void) { return 0; }
