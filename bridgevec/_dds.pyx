"""The double-dummy search. `bridgevec.dds` is its public face; nothing here checks its input."""

from libc.stdlib cimport free
from libc.string cimport memset

cdef extern from "<stdlib.h>":
    void* aligned_alloc(size_t alignment, size_t size) noexcept nogil

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(__x86_64__)
    #include <immintrin.h>
    #endif
    #if defined(__BMI2__)
    #define bv_pext(x, m) _pext_u64((x), (m))
    #define bv_pdep(x, m) _pdep_u64((x), (m))
    static void bv_fill_tables(void) { }
    #else
    /* Half a lane at a time, by tables; no mask has one of the two highest bits of a lane. */
    static uint8_t bv_squeeze[128][128], bv_spread[128][128], bv_ones[128];
    static void bv_fill_tables(void) {
        for (int m = 0; m < 128; m++) {
            for (int x = 0; x < 128; x++) {
                int at = 0, squeezed = 0, spread = 0;
                for (int bit = 0; bit < 7; bit++)
                    if (m >> bit & 1) {
                        squeezed |= (x >> bit & 1) << at;
                        spread |= (x >> at++ & 1) << bit;
                    }
                bv_squeeze[m][x] = (uint8_t) squeezed;
                bv_spread[m][x] = (uint8_t) spread;
                bv_ones[m] = (uint8_t) at;
            }
        }
    }
    static inline uint64_t bv_pext(uint64_t x, uint64_t m) {
        uint64_t out = 0;
        int at = 0;
        for (int k = 0; k < 64; k += 16)
            for (int i = k; i < k + 14; i += 7) {
                unsigned half = m >> i & 127;
                out |= (uint64_t) bv_squeeze[half][x >> i & 127] << at;
                at += bv_ones[half];
            }
        return out;
    }
    static inline uint64_t bv_pdep(uint64_t x, uint64_t m) {
        uint64_t out = 0;
        for (int k = 0; k < 64; k += 16)
            for (int i = k; i < k + 14; i += 7) {
                unsigned half = m >> i & 127;
                out |= (uint64_t) bv_spread[half][x & 127] << i;
                x >>= bv_ones[half];
            }
        return out;
    }
    #endif
    #if defined(__POPCNT__) || !defined(__x86_64__)
    #define bv_count(x) __builtin_popcountll(x)
    #else
    static inline int bv_count(uint64_t x) {
        x -= x >> 1 & UINT64_C(0x5555555555555555);
        x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
        x = (x + (x >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
        return (int) (x * UINT64_C(0x0101010101010101) >> 56);
    }
    #endif
    #if defined(__x86_64__)
    /* The first Zen processors have BMI2, but their pext takes dozens of cycles. */
    static int bv_fast(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")
            && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma")
            && !__builtin_cpu_is("znver1") && !__builtin_cpu_is("znver2");
    }
    #else
    static int bv_fast(void) { return 0; }
    #endif
    #if defined(__BMI2__)
    #define BV_BUILT_FOR "x86-64-v3"
    #elif defined(__x86_64__)
    #define BV_BUILT_FOR "x86-64 without BMI2"
    #elif defined(__aarch64__)
    #define BV_BUILT_FOR "arm64"
    #else
    #define BV_BUILT_FOR "any processor"
    #endif
    #if defined(__GNUC__)
    #undef CYTHON_INLINE
    #define CYTHON_INLINE inline __attribute__((always_inline))
    #endif
    static inline uint32_t bv_match8(const uint32_t *mask, const uint32_t *odd,
                                     const uint32_t *high, uint32_t o, uint32_t h) {
    #if defined(__AVX2__)
        __m256i differ = _mm256_or_si256(
            _mm256_xor_si256(_mm256_load_si256((const __m256i *) odd), _mm256_set1_epi32((int) o)),
            _mm256_xor_si256(_mm256_load_si256((const __m256i *) high), _mm256_set1_epi32((int) h)));
        differ = _mm256_and_si256(differ, _mm256_load_si256((const __m256i *) mask));
        differ = _mm256_cmpeq_epi32(differ, _mm256_setzero_si256());
        return (uint32_t) _mm256_movemask_ps(_mm256_castsi256_ps(differ));
    #elif defined(__SSE2__)
        uint32_t hits = 0;
        for (int i = 0; i < 8; i += 4) {
            __m128i differ = _mm_or_si128(
                _mm_xor_si128(_mm_load_si128((const __m128i *) (odd + i)), _mm_set1_epi32((int) o)),
                _mm_xor_si128(_mm_load_si128((const __m128i *) (high + i)), _mm_set1_epi32((int) h)));
            differ = _mm_and_si128(differ, _mm_load_si128((const __m128i *) (mask + i)));
            differ = _mm_cmpeq_epi32(differ, _mm_setzero_si128());
            hits |= (uint32_t) _mm_movemask_ps(_mm_castsi128_ps(differ)) << i;
        }
        return hits;
    #else
        uint32_t hits = 0;
        for (int i = 0; i < 8; i++)
            hits |= (uint32_t) ((((odd[i] ^ o) | (high[i] ^ h)) & mask[i]) == 0) << i;
        return hits;
    #endif
    }
    static inline uint32_t bv_match4(const uint32_t *mask, const uint32_t *odd,
                                     const uint32_t *high, uint64_t o, uint64_t h) {
        const uint64_t *m = (const uint64_t *) mask;
        const uint64_t *p = (const uint64_t *) odd, *q = (const uint64_t *) high;
        uint32_t hits = 0;
        for (int i = 0; i < 4; i++)
            hits |= (uint32_t) ((((p[i] ^ o) | (q[i] ^ h)) & m[i]) == 0) << i;
        return hits;
    }
    static inline uint32_t bv_decided(const uint8_t *least, const uint8_t *denied, int target) {
    #if defined(__SSE2__)
        __m128i won = _mm_cmpgt_epi8(_mm_loadl_epi64((const __m128i *) least),
                                     _mm_set1_epi8((char) (target - 1)));
        __m128i lost = _mm_cmpgt_epi8(_mm_loadl_epi64((const __m128i *) denied),
                                      _mm_set1_epi8((char) (15 - target)));
        return (uint32_t) _mm_movemask_epi8(_mm_or_si128(won, lost)) & 255;
    #else
        uint32_t out = 0;
        for (int i = 0; i < 8; i++)
            out |= (uint32_t) (least[i] >= target || denied[i] > 15 - target) << i;
        return out;
    #endif
    }
    /* Four suits at once, a lane of 16 bits each; the upper half of the vectors is not used. */
    typedef uint16_t bv_suits __attribute__((vector_size(16)));
    typedef uint64_t bv_words __attribute__((vector_size(16)));
    typedef int16_t bv_signed __attribute__((vector_size(16)));
    #define BV_EACH(x) ((uint64_t) (x) * UINT64_C(0x0001000100010001))
    static inline bv_suits bv_load(uint64_t lanes) { return (bv_suits) (bv_words) {lanes, 0}; }
    static inline uint64_t bv_lanes(bv_suits v) { return ((bv_words) v)[0]; }
    #if defined(__SSE2__)
    #define bv_least(a, b) ((bv_suits) _mm_min_epi16((__m128i) (a), (__m128i) (b)))
    #define bv_most(a, b) ((bv_suits) _mm_max_epi16((__m128i) (a), (__m128i) (b)))
    #define bv_more(a, b) ((bv_suits) _mm_cmpgt_epi16((__m128i) (a), (__m128i) (b)))
    #else
    #define bv_more(a, b) ((bv_suits) ((bv_signed) (a) > (bv_signed) (b)))
    static inline bv_suits bv_least(bv_suits a, bv_suits b) {
        bv_suits more = bv_more(a, b);
        return (b & more) | (a & ~more);
    }
    static inline bv_suits bv_most(bv_suits a, bv_suits b) {
        bv_suits more = bv_more(a, b);
        return (a & more) | (b & ~more);
    }
    #endif
    static inline bv_suits bv_down(bv_suits x) {         /* the highest bit and all below it */
        x |= x >> 1;
        x |= x >> 2;
        x |= x >> 4;
        return x | x >> 8;
    }
    static inline bv_suits bv_counts(bv_suits x) {
    #if defined(__SSSE3__)
        const __m128i ones = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        __m128i low = _mm_and_si128((__m128i) x, _mm_set1_epi8(15));
        __m128i high = _mm_and_si128(_mm_srli_epi16((__m128i) x, 4), _mm_set1_epi8(15));
        low = _mm_add_epi8(_mm_shuffle_epi8(ones, low), _mm_shuffle_epi8(ones, high));
        return ((bv_suits) low + (bv_suits) _mm_srli_epi16(low, 8)) & 31;
    #else
        x -= x >> 1 & 0x5555;
        x = (x & 0x3333) + (x >> 2 & 0x3333);
        x = (x + (x >> 4)) & 0x0F0F;
        return (x + (x >> 8)) & 31;
    #endif
    }
    struct bv_cash {              /* what a hand can cash, and then its partner; a lane for each suit */
        uint64_t runs, tricks, her_runs, her_tricks, entries, ruffs;
        int total, her_total;
    };
    /* Without branches, since what the cards are nobody can guess. follows: the rounds of each suit
       that everybody who could ruff follows to. */
    static inline void bv_count_cash(struct bv_cash *out, uint64_t me, uint64_t pd, uint64_t all,
                                     uint64_t len_me, uint64_t len_pd, uint64_t len_opp,
                                     uint64_t follows) {
        bv_suits mine = bv_load(me), hers = bv_load(pd), cards = bv_load(all);
        bv_suits long_me = bv_load(len_me), long_pd = bv_load(len_pd), long_opp = bv_load(len_opp);
        bv_suits limit = bv_load(follows), zero = mine ^ mine;
        bv_suits run = mine & ~bv_down(cards ^ mine), k = bv_counts(run);
        /* Once the others are out of a suit, any card wins. */
        bv_suits some = bv_more(bv_most(long_opp, long_pd), k);
        bv_suits t = bv_least((k & some) | (long_me & ~some), limit);
        bv_suits her_run = hers & ~bv_down(cards ^ hers ^ run);
        bv_suits left = bv_most(bv_least(long_pd, limit) - t, zero) & ~bv_more(k, t);
        bv_suits her_k = bv_least(bv_counts(her_run), left);
        some = bv_more(bv_most(long_opp, long_me), t + her_k);
        bv_suits her_t = (her_k & some) | (left & ~some);
        out->runs = bv_lanes(run);
        out->her_runs = bv_lanes(her_run);
        out->tricks = bv_lanes(t);
        out->her_tricks = bv_lanes(her_t);
        out->entries = bv_lanes(bv_more(her_t, zero) & bv_more(long_me, t));
        out->ruffs = bv_lanes(bv_more(bv_least(long_me, limit), t) & ~bv_more(long_pd, zero));
        out->total = (int) (BV_EACH(out->tricks) >> 48);
        out->her_total = (int) (BV_EACH(out->her_tricks) >> 48);
    }
    static inline uint64_t bv_longer(uint64_t a, uint64_t b) {
        return bv_lanes(bv_most(bv_load(a), bv_load(b)));
    }
    static inline uint64_t bv_shorter(uint64_t a, uint64_t b) {
        return bv_lanes(bv_least(bv_load(a), bv_load(b)));
    }
    /* A hand's cards that beat all others of their suit. */
    static inline uint64_t bv_runs(uint64_t hand, uint64_t all) {
        return bv_lanes(bv_load(hand) & ~bv_down(bv_load(all ^ hand)));
    }
    static inline uint64_t bv_held(uint64_t cards) {
        bv_suits v = bv_load(cards);
        return bv_lanes(bv_more(v, v ^ v));
    }
    /* The best card of every suit. */
    static inline uint64_t bv_tops(uint64_t cards) {
        bv_suits down = bv_down(bv_load(cards));
        return bv_lanes(down ^ down >> 1);
    }
    #if defined(__linux__)
    #include <sys/mman.h>
    #define bv_huge_pages(p, size) ((void) madvise((p), (size), MADV_HUGEPAGE))
    #else
    #define bv_huge_pages(p, size) ((void) (p), (void) (size))
    #endif
    #define BV_LANE UINT64_C(0x1FFF)
    #define BV_CARDS UINT64_C(0x1FFF1FFF1FFF1FFF)
    #define BV_GUARD UINT64_C(0x2000200020002000)
    #define BV_SIGN UINT64_C(0x8000800080008000)
    #define BV_WON (UINT64_C(1) << 63)
    #define BV_FOUND (UINT64_C(1) << 62)
    #define bv_prefetch(p) __builtin_prefetch((const char *) (p))
    #define bv_ctz(x) __builtin_ctzll(x)
    #define bv_top(x) (63 - __builtin_clzll(x))
    #if defined(__LZCNT__)
    #define bv_bits(x) (64 - (int) _lzcnt_u64(x))
    #else
    #define bv_bits(x) ((x) ? 64 - __builtin_clzll(x) : 0)
    #endif
    #define BV_NO_MOVE (-2147483647 - 1)
    static inline void bv_clear_moves(int *moves) {
        for (int i = 0; i < 16; i++)
            moves[i] = BV_NO_MOVE;
    }
    static inline int bv_next_move(const int *moves, int last) {
        int best = BV_NO_MOVE;
        for (int i = 0; i < 16; i++) {
            int move = moves[i] < last ? moves[i] : BV_NO_MOVE;
            best = move > best ? move : best;
        }
        return best;
    }
    #define bv_choose(test, a, b) ((b) ^ (((a) ^ (b)) & -(test)))
    #define bv_unlikely(x) __builtin_expect(!!(x), 0)
    static int bv_interrupted(void) {          /* leaves the exception set */
        PyGILState_STATE state = PyGILState_Ensure();
        int raised = PyErr_CheckSignals();
        PyGILState_Release(state);
        return raised;
    }
    static int bv_raised(void) { return PyErr_Occurred() ? -1 : 0; }
    """
    ctypedef unsigned long long u64 "uint64_t"
    ctypedef unsigned int u32 "uint32_t"
    ctypedef unsigned char u8 "uint8_t"
    ctypedef signed char i8 "int8_t"
    ctypedef short i16 "int16_t"
    ctypedef unsigned short u16 "uint16_t"
    const u64 LANE "BV_LANE"
    const u64 CARDS "BV_CARDS"
    const u64 GUARD "BV_GUARD"
    const u64 SIGN "BV_SIGN"
    const u64 WON "BV_WON"
    const u64 FOUND "BV_FOUND"
    void prefetch "bv_prefetch"(const void* p) noexcept nogil
    u64 pext "bv_pext"(u64 x, u64 mask) noexcept nogil
    u64 pdep "bv_pdep"(u64 x, u64 mask) noexcept nogil
    u32 match8 "bv_match8"(const u32* mask, const u32* odd, const u32* high,
                           u32 o, u32 h) noexcept nogil
    u32 match4 "bv_match4"(const u32* mask, const u32* odd, const u32* high,
                           u64 o, u64 h) noexcept nogil
    u32 decided "bv_decided"(const u8* least, const u8* denied, int target) noexcept nogil
    u64 each "BV_EACH"(int x) noexcept nogil                # a number in all four lanes
    u64 longer "bv_longer"(u64 a, u64 b) noexcept nogil     # the higher number in every lane
    u64 shorter "bv_shorter"(u64 a, u64 b) noexcept nogil
    u64 held_suits "bv_held"(u64 cards) noexcept nogil      # all bits of the lanes with cards
    u64 runs_of "bv_runs"(u64 hand, u64 all) noexcept nogil # its cards that beat all of the others
    u64 tops_of "bv_tops"(u64 cards) noexcept nogil         # the best card of every suit
    ctypedef struct Cash "struct bv_cash":
        u64 runs, tricks, her_runs, her_tricks, entries, ruffs
        int total, her_total
    void count_cash "bv_count_cash"(Cash* out, u64 me, u64 pd, u64 all, u64 len_me, u64 len_pd,
                                    u64 len_opp, u64 follows) noexcept nogil
    int ctz "bv_ctz"(u64 x) noexcept nogil
    int top_bit "bv_top"(u64 x) noexcept nogil
    int bits "bv_bits"(u64 x) noexcept nogil                # up to the highest set one
    const int NO_MOVE "BV_NO_MOVE"
    void clear_moves "bv_clear_moves"(int* moves) noexcept nogil
    int next_move "bv_next_move"(const int* moves, int last) noexcept nogil
    int count "bv_count"(u64 x) noexcept nogil
    bint unlikely "bv_unlikely"(bint x) noexcept nogil
    int choose "bv_choose"(int test, int a, int b) noexcept nogil       # never with a branch
    u64 choose_cards "bv_choose"(u64 test, u64 a, u64 b) noexcept nogil
    void huge_pages "bv_huge_pages"(void* p, size_t size) noexcept nogil
    void fill_tables "bv_fill_tables"() noexcept nogil
    bint fast_processor "bv_fast"() noexcept nogil
    const char* built_for "BV_BUILT_FOR"
    bint interrupted "bv_interrupted"() noexcept nogil
    int raise_interrupt "bv_raised"() except -1

fill_tables()

BUILT_FOR = built_for.decode()
"""The kind of processor for which this module was built."""


def runs_v3():
    """Whether this processor has what x86-64-v3 asks for, and is fast at it."""
    return fast_processor()


def is_symmetrical(const u64[::1] masks):
    """Whether a deal stays the same if the table turns, or suits change names, or both."""
    cdef int suit, other
    for suit in range(4):
        for other in range(suit):
            if same_strain(&masks[0], suit, other, 0):
                return True
    return find_turns(&masks[0]) != 1


# ---------------------------------------------------------------------------------------------
# Types. Inside the search a suit is a lane of 16 bits, deuce = bit 0 … ace = bit 12, trumps in
# lane 3. Bit 13 of every lane is a guard that no card uses: it keeps suits apart when a pext
# squeezes out the cards already played. A card is its bit number 0..63.

# A search returns the cards whose rank its proof relied on, and WON if NS reach the target.

cdef struct Block:          # two cache lines: eight proven patterns of one shape, compared at once
    u64 key                 # the lengths of all suits in all hands, who leads, and the part
    u32 older               # index of the next block of the shape, 0 if there is none
    u8 used                 # patterns
    u8 move                 # the last lead that worked, and RECENT if the shape was of use of late
    u16 parts               # how many blocks, up to LONG_CHAIN; from bit 5 on, the parts that exist
    u8 least[8]             # NS take at least so many of the tricks left
    u8 denied[8]            # 15 less the most that they take; zeros decide nothing
    # With more than 32 ranks in play the arrays below hold four patterns of 64 bits each.
    u32 mask[8]             # which relative ranks matter
    u32 odd[8]              # who owns them: bit 0 of the owner's seat …
    u32 high[8]             # … and bit 1

cdef enum:
    MOST_FIRST_BUCKETS = 13 # their binary logarithm in a table that was just emptied
    NARROW = 32             # bits of a pattern, of which a block then holds eight
    RECENT = 64             # since the table was full the last time
    HINTS = 1 << 15
    HINT_MARK = 0xFFC0
    FEW_TRICKS = 4
    LONG_CHAIN = 12         # blocks of a shape before its patterns are parted by their best cards
    PARTS = 11              # sets of two suits or more
    PATIENCE = 1 << 16      # nodes after which the search looks whether to stop

cdef struct Search:
    u64 hand[4]
    u64 shape               # nibble 4*lane + seat: how many cards of the suit the seat holds
    u64 trumps              # lane 3, or no card at notrump
    u64 nodes
    u64 pause               # nodes at which to look whether to stop; 0 while the search unwinds
    bint halted             # set from any thread, at any time
    bint signals            # look for Ctrl-C as well: the search runs in the caller's thread
    i16 success[64]         # how often leading a card worked of late, 0..256
    i16 suit_success[4096]  # how often leading a suit of such lengths did, -256..256
    i16 left_success[8192]  # the same by the cards left in the suit
    i16 next_success[4096]  # at notrump: of the card after the one that won the last trick
    int last_winner         # that one
    int usual_cost[16]      # of leads that work, by the tricks left: 64 times the mean, see cost_of
    u16 hints[HINTS]        # the card that last worked and a part of the key, see hint_key; small,
                            # as every player waits for one
    u64 strain_count        # part of the key as well, so that hints of other searches are dead
    Block* arena            # where patterns live; emptied when the strain changes
    Block* buckets          # in it, the hash table by shape, which grows …
    u64 bucket_mask         # its size less one
    int bucket_shift        # 64 less the binary logarithm of its size
    u64 bucket_count
    u32 arena_size
    u32 arena_used          # … and behind it the older blocks of its shapes
    u32 free, free_end      # where the table stood before it grew, also for older blocks
    bint full               # no block is left


cdef inline int max2(int a, int b) noexcept nogil:
    return a if a > b else b


cdef inline int min2(int a, int b) noexcept nogil:
    return a if a < b else b


cdef inline u64 lane_of(int card) noexcept nogil:
    return LANE << (card & 48)


cdef inline u64 fill_up(u64 cards) noexcept nogil:
    """In every lane, all cards from the lowest set bit up."""
    return (cards | (SIGN - cards)) & CARDS

# ---------------------------------------------------------------------------------------------
# Transposition table. Partition search (Ginsberg 1996): a proof that relied on the top ranks of
# each suit alone holds for every deal of the same shape in which those have the same owners.

cdef void clear_table(Search* s, int n) noexcept nogil:
    """Empty the table. Few tricks have few shapes, so only a small one need be zeroed."""
    cdef u32 size = 1 << min2(n + 2, MOST_FIRST_BUCKETS)
    while 2 * (size - 1) >= s.arena_size:
        size >>= 1
    s.buckets = s.arena
    s.bucket_mask = size - 1
    s.bucket_shift = 64 - ctz(size)
    s.bucket_count = 0
    s.arena_used = size
    s.free = s.free_end = 0
    s.full = False
    memset(s.arena, 0, s.arena_used * sizeof(Block))


cdef inline Block* probe_start(Search* s, u64 key) noexcept nogil:
    return &s.buckets[key * <u64>0x9E3779B97F4A7C15 >> s.bucket_shift]


cdef inline Block* probe(Search* s, u64 key) noexcept nogil:
    """The key's bucket, or the empty one where it belongs."""
    cdef Block* b = probe_start(s, key)
    while (b.key != key) & (b.key != 0):
        b = b + 1 if b < s.buckets + s.bucket_mask else s.buckets
    return b


cdef void double_buckets(Search* s) noexcept nogil:
    cdef Block* old = s.buckets
    cdef u64 i, n = s.bucket_mask + 1
    s.buckets = s.arena + s.arena_used
    s.arena_used += 2 * n
    s.bucket_mask = 2 * n - 1
    s.bucket_shift -= 1
    memset(s.buckets, 0, 2 * n * sizeof(Block))
    for i in range(n):
        if old[i].key:
            probe(s, old[i].key)[0] = old[i]
    s.free = old - s.arena
    s.free_end = s.free + n
    if s.free == 0:
        s.free = 4                                          # 0 is no index


cdef void keep_recent(Search* s) noexcept nogil:
    """Make room in a full table: the shapes that were of use since this happened last stay, as many
    as fill half of the buckets, those of the most tricks first; of each its newest patterns."""
    cdef Block* old = s.buckets
    cdef u64 i, n = s.bucket_mask + 1, quota
    cdef u32 size = 1
    cdef u32 shapes[16]
    cdef int tricks = 15
    while 4 * size <= s.arena_size:
        size *= 2
    memset(shapes, 0, sizeof(shapes))
    for i in range(n):
        if old[i].key and old[i].move & RECENT:
            shapes[old[i].key >> 12 & 15] += 1
    quota = size >> 1
    while tricks >= 0 and shapes[tricks] <= quota:
        quota -= shapes[tricks]
        tricks -= 1
    s.bucket_count = 0
    for i in range(n):                                      # to the start, never ahead of what is read
        if old[i].key and old[i].move & RECENT and <int> (old[i].key >> 12 & 15) > tricks:
            s.arena[s.bucket_count] = old[i]
            s.bucket_count += 1
    s.buckets = s.arena + s.arena_size - size
    s.bucket_mask = size - 1
    s.bucket_shift = 64 - ctz(size)
    memset(s.buckets, 0, size * sizeof(Block))
    for i in range(s.bucket_count):
        old = probe(s, s.arena[i].key)
        old[0] = s.arena[i]
        old.move ^= RECENT
        old.older = 0
        if (old.parts & 31) < LONG_CHAIN:
            old.parts &= ~31
    s.arena_used = s.arena_size
    s.free = 4                                              # 0 is no index
    s.free_end = s.arena_size - size & ~<u32>3
    s.full = False


cdef inline u64 bucket_key(Search* s, int leader, int n) noexcept nogil:
    # The lengths in the last lane follow from the tricks left; their place is for the part.
    return s.shape << 16 | n << 12 | leader << 10


cdef inline Block* find_bucket(Search* s, u64 key) noexcept nogil:
    cdef Block* b = probe(s, key)
    if b.key == 0:
        if s.bucket_count * 2 > s.bucket_mask:
            if s.arena_used + 4 * s.bucket_mask < s.arena_size:
                double_buckets(s)
            elif s.full or s.bucket_count * 8 > s.bucket_mask * 7:
                keep_recent(s)
            b = probe(s, key)
        b.key = key
        b.move = RECENT
        s.bucket_count += 1
    return b


cdef inline void swap(u32* a, u32* b) noexcept nogil:
    a[0], b[0] = b[0], a[0]


cdef inline u64 lookup(Search* s, Block* b, u64 odd, u64 high, int target,
                       bint narrow) noexcept nogil:
    """The mask of a pattern that decides the position, and how (WON, FOUND); 0 if there is none."""
    cdef Block* block = b
    cdef u32 hits
    cdef int i, j
    cdef u64 out
    while True:
        if narrow:
            hits = match8(block.mask, block.odd, block.high, odd, high)
        else:
            hits = match4(block.mask, block.odd, block.high, odd, high)
        hits &= decided(block.least, block.denied, target)
        if hits:
            i = ctz(hits)
            hits &= hits - 1
            while hits:                                     # the proof that relies on the fewest ranks
                j = ctz(hits)
                hits &= hits - 1
                if narrow:
                    if count(block.mask[j]) < count(block.mask[i]):
                        i = j
                elif count((<u64*> block.mask)[j]) < count((<u64*> block.mask)[i]):
                    i = j
            out = FOUND | (WON if block.least[i] >= target else 0)
            if not b.move & RECENT:
                b.move |= RECENT
            if narrow:
                out |= block.mask[i]
                if block != b:                              # what is used comes to the front
                    j = odd & 7
                    swap(&block.mask[i], &b.mask[j])
                    swap(&block.odd[i], &b.odd[j])
                    swap(&block.high[i], &b.high[j])
                    block.least[i], b.least[j] = b.least[j], block.least[i]
                    block.denied[i], b.denied[j] = b.denied[j], block.denied[i]
            else:
                out |= (<u64*> block.mask)[i]
            return out
        if not block.older:
            return 0
        block = s.arena + block.older
        prefetch(block + 1)
        prefetch(&block[1].odd)
        prefetch(block + 2)
        prefetch(&block[2].odd)


cdef u32 take_block(Search* s, u32 older) noexcept nogil:
    """The index of a block not yet in use, before the older one if possible, or 0.

    Four in a row are taken at once, for the oldest of a shape first, so that the walk through
    them runs up in memory.
    """
    if older & 3:
        return older - 1
    if s.free < s.free_end:
        s.free += 4
        return s.free - 1
    if s.arena_used + 4 <= s.arena_size:
        s.arena_used += 4
        return s.arena_used - 1
    return 0


cdef inline void write_pattern(Block* b, u32 i, u64 mask, u64 odd, u64 high, int least,
                               int denied, bint narrow) noexcept nogil:
    if narrow:
        b.mask[i] = mask
        b.odd[i] = odd
        b.high[i] = high
    else:
        (<u64*> b.mask)[i] = mask
        (<u64*> b.odd)[i] = odd
        (<u64*> b.high)[i] = high
    b.least[i] = least
    b.denied[i] = denied


cdef void append(Search* s, Block* b, u64 mask, u64 odd, u64 high, int least, int denied,
                 bint narrow) noexcept nogil:
    """Write a pattern behind the others of the newest block, or into a new one."""
    cdef u32 i = b.used, at
    if i == (8 if narrow else 4):
        at = take_block(s, b.older)
        if at:
            s.arena[at] = b[0]
            b.older = at
            b.used = 0
            b.parts += (b.parts & 31) < LONG_CHAIN
            i = 0
            memset(b.least, 0, 8)
            memset(b.denied, 0, 8)
        else:
            i = s.nodes & (i - 1)                           # out of memory: forget one
            s.full = True
    write_pattern(b, i, mask, odd, high, least, denied, narrow)
    if i == b.used:
        b.used += 1


# Some shapes have hundreds of patterns. Those are parted by the suits, two or more, whose best card
# they ask for, and by who has these cards; so a position need not be compared with most of them.

cdef u64 part_lanes[PARTS]  # the suits of a part
cdef int part_start[PARTS]  # what its owners' numbers start from
cdef int part_suits[PARTS]  # how many suits
cdef int part_of[16]        # the part with these suits


cdef void fill_parts() noexcept nogil:
    cdef int suits, lane, part = 0, start = 1
    cdef u64 lanes
    for suits in range(16):
        part_of[suits] = -1
        if suits & (suits - 1):
            lanes = 0
            for lane in range(4):
                if suits >> lane & 1:
                    lanes |= LANE << 16 * lane
            part_of[suits] = part
            part_lanes[part] = lanes
            part_suits[part] = count(suits)
            part_start[part] = start
            start += 1 << 2 * count(suits)
            part += 1


fill_parts()


cdef inline u64 part_key(u64 key, int part, u64 odd, u64 high, u64 tops, u64 ranked) noexcept nogil:
    """The key of those patterns of a shape that ask for these owners of these suits' best cards."""
    cdef u64 best = pext(tops & part_lanes[part], ranked)
    return key | part_start[part] + (pext(odd, best) | pext(high, best) << part_suits[part])


cdef inline int part_for(u64 mask, u64 tops, u64 ranked) noexcept nogil:
    """The part where a pattern belongs; -1 if it asks for the best card of fewer than two suits."""
    cdef u64 best = pdep(mask, ranked) & tops
    cdef int lane, suits = 0
    for lane in range(4):
        suits |= ((best & LANE << 16 * lane) != 0) << lane
    return part_of[suits]


cdef void part_patterns(Search* s, u64 key, u64 tops, u64 ranked, int n, bint narrow) noexcept nogil:
    """Part the patterns of a shape that has many."""
    cdef Block* b = probe(s, key)
    cdef Block newest = b[0]
    cdef Block* block = &newest
    cdef u64 mask, odd, high
    cdef int i, part, size = 8 if narrow else 4
    if s.arena_used + 4 * s.bucket_mask + 16 * LONG_CHAIN > s.arena_size:
        return                                              # it might be emptied meanwhile
    b.older = b.used = 0
    memset(b.least, 0, 8)
    memset(b.denied, 0, 8)
    while True:
        for i in range(size):
            if block.least[i] or block.denied[i]:
                mask = block.mask[i] if narrow else (<u64*> block.mask)[i]
                odd = block.odd[i] if narrow else (<u64*> block.odd)[i]
                high = block.high[i] if narrow else (<u64*> block.high)[i]
                part = part_for(mask, tops, ranked)
                b = probe(s, key)
                if part >= 0:
                    b.parts |= 32 << part
                    b = find_bucket(s, part_key(key, part, odd, high, tops, ranked))
                append(s, b, mask, odd, high, block.least[i], block.denied[i], narrow)
        if not block.older:
            return
        block = s.arena + block.older


cdef u64 lookup_parts(Search* s, u64 key, int parts, u64 odd, u64 high, u64 tops, u64 ranked,
                      int target, bint narrow) noexcept nogil:
    """Look a position up in the parts of its shape."""
    cdef Block* b
    cdef u64 known
    while parts:
        b = probe(s, part_key(key, ctz(parts), odd, high, tops, ranked))
        parts &= parts - 1
        if b.key:
            known = lookup(s, b, odd, high, target, narrow)
            if known:
                return known
    return 0


cdef void store(Search* s, u64 key, u64 mask, u64 odd, u64 high, int least, int denied,
                int move, int n, u64 tops, u64 ranked, bint narrow) noexcept nogil:
    cdef Block* b = find_bucket(s, key)
    cdef u64* wide_mask
    cdef u64* wide_odd
    cdef u64* wide_high
    cdef u32 i, m = mask
    cdef int part
    b.move = (move if move else b.move) | RECENT
    if (b.parts & 31) == LONG_CHAIN:
        part = part_for(mask, tops, ranked)
        if part >= 0:
            b.parts |= 32 << part
            b = find_bucket(s, part_key(key, part, odd, high, tops, ranked))
            b.move |= RECENT
    odd &= mask
    high &= mask
    wide_mask = <u64*> b.mask
    wide_odd = <u64*> b.odd
    wide_high = <u64*> b.high
    for i in range(b.used):                                 # a narrower pattern makes room
        if b.least[i] <= least and b.denied[i] <= denied:
            if narrow:
                if (b.mask[i] & m) == m and \
                        not (((b.odd[i] ^ odd) | (b.high[i] ^ high)) & m):
                    break
            elif (wide_mask[i] & mask) == mask and \
                    not (((wide_odd[i] ^ odd) | (wide_high[i] ^ high)) & mask):
                break
    else:
        part = b.parts & 31
        append(s, b, mask, odd, high, least, denied, narrow)
        if part < LONG_CHAIN and (b.parts & 31) == LONG_CHAIN and not b.key & 1023:
            part_patterns(s, key, tops, ranked, n, narrow)
        return
    write_pattern(b, i, mask, odd, high, least, denied, narrow)

# ---------------------------------------------------------------------------------------------
# Bounds without search. Each reports the ranks it relied on.

cdef struct Bound:
    int tricks
    u64 ranks

cdef enum:                  # how partner comes on lead, if not in one of the suits she cashes
    NO_ENTRY = -1
    RUFF_ENTRY = 4


cdef inline u64 above(u64 cards, u64 others) noexcept nogil:
    """Those of the cards of one lane that beat all others of it."""
    return cards & ~<u64>0 << bits(others)


cdef inline u64 best_of(u64 cards, int k) noexcept nogil:
    """The k-th highest of the cards, of which there are at least k > 0."""
    return pdep(<u64>1 << (count(cards) - k), cards)


cdef u8 trump_table[1 << 14]


cdef void fill_trump_table() noexcept nogil:
    """What trump_tricks finds for every holding."""
    cdef int held, card, j, others, tricks
    for held in range(1 << 14):
        j = others = tricks = 0
        if held > 1:
            for card in range(top_bit(held) - 1, -1, -1):
                if held >> card & 1:
                    j += 1
                    tricks = max2(tricks, j - others)
                else:
                    others += 1
        trump_table[held] = tricks


fill_trump_table()


cdef inline int trump_tricks(u64 mine, u64 trumps) noexcept nogil:
    """Tricks that one hand's trumps are sure of: its j best, less the better ones elsewhere."""
    return trump_table[<u64>1 << count(trumps) | pext(mine, trumps)]


cdef u64 trump_rank(u64 mine, u64 trumps, int need) noexcept nogil:
    """The lowest of one hand's trumps that it relies on to be sure of `need` tricks, which it is."""
    cdef u64 low = 0, left = mine
    while count(mine & ~(low - 1)) - count(trumps & ~mine & ~(low - 1)) < need:
        low = <u64>1 << top_bit(left)
        left ^= low
    return low


cdef inline int length(Search* s, int shift, int seat) noexcept nogil:
    return s.shape >> (shift + 4 * seat) & 15


cdef inline u64 lengths(Search* s, int seat) noexcept nogil:
    """The lengths of a hand's suits, one in each lane."""
    return s.shape >> 4 * seat & each(15)


cdef inline u64 rank_needed(Search* s, int suit, int seat, u64 runs, int tricks,
                            int before) noexcept nogil:
    """The lowest rank that a hand relies on which cashes its run after some rounds of the suit."""
    cdef u64 others = (s.shape >> 16 * suit & 0xFFFF) & ~(<u64>15 << 4 * seat)
    cdef int longest = max2(max2(others & 15, others >> 4 & 15), max2(others >> 8 & 15, others >> 12))
    cdef int k = min2(tricks, longest - before)
    return best_of(runs & LANE << 16 * suit, k) if k > 0 else 0


cdef inline u64 cashed_ranks(Search* s, int seat, Cash* cash, int need) noexcept nogil:
    """The ranks that a hand relies on for as many of its tricks as are needed."""
    cdef int suit, t
    cdef u64 ranks = 0
    for suit in range(3, -1, -1):
        t = cash.tricks >> 16 * suit & 15
        if t and need > 0:
            ranks |= rank_needed(s, suit, seat, cash.runs, min2(t, need), 0)
            need -= t
    return ranks


cdef Bound quick_with_partner(Search* s, int leader, Cash* cash, int need,
                              int entry) noexcept nogil:
    """The proof that a hand and its partner, reached by a suit or a ruff, cash enough."""
    cdef Bound out
    cdef int suit, t, i
    out.tricks = cash.total
    out.ranks = cashed_ranks(s, leader, cash, need)
    for i in range(-1, 4):                      # the suit of the entry first
        suit = 3 - i if i >= 0 else entry
        if suit == RUFF_ENTRY or i >= 0 and (suit == entry or out.tricks >= need):
            continue
        t = cash.her_tricks >> 16 * suit & 15
        if t:
            out.ranks |= rank_needed(s, suit, leader ^ 2, cash.her_runs, t,
                                     cash.tricks >> 16 * suit & 15)
            out.tricks += t
    return out


cdef inline Bound quick_tricks(Search* s, int leader, u64 all, int need) noexcept nogil:
    """Tricks up to `need` that the side on lead can cash at once, whatever the others do.

    The leader cashes what it can without giving up the lead, then crosses to partner, who does
    the same; in a suit that an opponent may ruff, no more rounds than that opponent follows to.
    """
    cdef Bound out
    cdef Cash cash
    cdef int left = (leader + 1) & 3, right = (leader + 3) & 3, k, t, entry
    cdef u64 me = s.hand[leader], pd = s.hand[leader ^ 2], trumps = s.trumps & all
    cdef u64 len_l = lengths(s, left), len_r = lengths(s, right), limit = each(15)
    if trumps:
        k = count(above(me & trumps, trumps & ~me))
        limit = shorter(len_l | (0 if len_l >> 48 > k else limit),
                        len_r | (0 if len_r >> 48 > k else limit)) | <u64>15 << 48
    count_cash(&cash, me, pd, all, lengths(s, leader), lengths(s, leader ^ 2),
               longer(len_l, len_r), limit)
    out.tricks = cash.total
    out.ranks = 0
    if cash.total >= need:
        out.ranks = cashed_ranks(s, leader, &cash, need)
        return out
    t = cash.total + cash.her_total
    if t + 1 >= need:
        entry = top_bit(cash.entries) >> 4 if cash.entries else NO_ENTRY
        if trumps and cash.ruffs & (CARDS >> 16) and \
                length(s, 48, leader ^ 2) > (cash.tricks + cash.her_tricks >> 48):
            cash.total += 1
            t += 1
            if entry == NO_ENTRY:
                entry = RUFF_ENTRY
        if entry != NO_ENTRY and t >= need:
            return quick_with_partner(s, leader, &cash, need, entry)
    if trumps:
        # Trumps that win in the end, though not at once.
        k = cash.tricks >> 48
        t = need - (out.tricks - k)
        if trump_tricks(me & trumps, trumps) >= t:
            pd = me
        elif k or count(pd & ~trumps) < out.tricks or trump_tricks(pd & trumps, trumps) < t:
            return out
        out.ranks = trump_rank(pd & trumps, trumps, t) | cashed_ranks(s, leader, &cash, 13)
        out.tricks = need
    return out


cdef inline u64 some_winners(u64 runs, u64 first, int k) noexcept nogil:
    """`k` of the cards in runs, one of `first` included if there are any, as high as possible."""
    cdef u64 out = first & -first, layer
    runs ^= out
    k -= first != 0
    while k > 0:
        layer = tops_of(runs)
        runs ^= layer
        while k > 0 and layer:
            out |= layer & -layer
            layer &= layer - 1
            k -= 1
    return out


cdef inline Bound notrump_losers(Search* s, int leader, u64 all, int n, int need) noexcept nogil:
    """Tricks up to `need` that the side on lead must lose at notrump, where its own suits run out.

    In a suit of which it has the best card it wins at most as many tricks as its longer hand has
    cards. Sooner or later it leads another suit, or loses the lead before. Whoever wins then cashes
    cards that beat all others, which nobody made her throw, or crosses to partner, who does.
    """
    cdef Bound out
    cdef int shift, longest, run_out = 0, others = 0, i, n_left, n_right
    cdef u64 lane, top, ours = s.hand[leader] | s.hand[leader ^ 2]
    cdef u64 left = s.hand[(leader + 1) & 3], right = s.hand[(leader + 3) & 3]
    cdef u64 left_runs, right_runs, to_left, to_right
    cdef u64 tops[4]
    cdef int lengths[4]
    out.tricks = 0
    out.ranks = 0
    for shift in range(0, 64, 16):
        lane = all & LANE << shift
        if not lane:
            continue
        longest = max2(length(s, shift, leader), length(s, shift, leader ^ 2))
        top = <u64>1 << top_bit(lane)
        if top & ours:
            run_out += longest
        else:
            tops[others] = top
            lengths[others] = longest
            others += 1
    if run_out >= n:
        return out
    out.tricks = 1
    if 1 < need <= n - run_out:
        left_runs = runs_of(left, all)
        right_runs = runs_of(right, all)
        n_left = count(left_runs)
        n_right = count(right_runs)
        to_left = tops_of(left_runs) & held_suits(right)    # by which a hand crosses to partner
        to_right = tops_of(right_runs) & held_suits(left)
        if to_right and n_right >= need:
            out.ranks = some_winners(right_runs, to_right, need)
        elif to_left and n_left >= need:
            out.ranks = some_winners(left_runs, to_left, need)
        elif (n_left >= need or to_right and n_right + 1 >= need) and \
                (n_right >= need or to_left and n_left + 1 >= need):
            out.ranks = (some_winners(left_runs, 0, need) if n_left >= need
                         else some_winners(right_runs, to_right, need - 1))
            out.ranks |= (some_winners(right_runs, 0, need) if n_right >= need
                          else some_winners(left_runs, to_left, need - 1))
        else:
            need = 1
        out.tricks = need
    else:
        need = 1
    for i in range(others):                                 # as few of the tops as will do
        run_out += lengths[i]
        if run_out > n - need:
            out.ranks |= tops[i]
            run_out -= lengths[i]
    return out


cdef inline Bound sure_tricks(Search* s, int leader, u64 all, int n, int need) noexcept nogil:
    """Tricks up to `need` that the side not on lead is sure of."""
    cdef Bound out
    cdef u64 trumps = all & s.trumps, mine, hers, low
    if not trumps:
        # Where trumps have been, more than one trick is rarely to be found, and costs too many ranks.
        return notrump_losers(s, leader, all, n, 1 if s.trumps else need)
    mine = s.hand[(leader + 1) & 3] & trumps
    hers = s.hand[(leader + 3) & 3] & trumps
    out.ranks = 0
    if trump_tricks(mine, trumps) >= need:
        out.ranks = trump_rank(mine, trumps, need)
    if trump_tricks(hers, trumps) >= need:
        low = trump_rank(hers, trumps, need)
        if low > out.ranks:
            out.ranks = low
    if not out.ranks and mine and hers:
        # Their best trumps, whoever has them, win one each, as long as one hand can follow.
        trumps = above(mine | hers, trumps & ~(mine | hers))
        if min2(count(trumps), max2(count(mine), count(hers))) >= need:
            out.ranks = best_of(trumps, need)
    out.tricks = need if out.ranks else 0
    return out


cdef inline u64 refuted_suits(Search* s, int leader, u64 all, int need, u64* ranks) noexcept nogil:
    """Suits that must not be led: an opponent takes the trick with the top card and then cashes."""
    cdef u64 top, out = 0, partner = s.hand[leader ^ 2], mine = s.hand[leader]
    cdef u64 tops = tops_of(all) & ~(mine | partner) & held_suits(mine)
    cdef Bound bounds[2]
    cdef bint known[2]
    cdef int seat, side
    known[0] = known[1] = False
    if partner & s.trumps:
        tops &= held_suits(partner) | s.trumps
    while tops:
        top = tops & -tops
        tops ^= top
        side = not top & s.hand[(leader + 1) & 3]
        seat = (leader + 1 + 2 * side) & 3
        if not known[side]:
            bounds[side] = quick_tricks(s, seat, all, need)
            known[side] = True
        if bounds[side].tricks >= need:
            out |= lane_of(ctz(top))
            ranks[0] |= bounds[side].ranks | top
    return out

# ---------------------------------------------------------------------------------------------
# Weights of the move ordering: what is known of a move, each worth so much. A lead is judged by
# tables, in _dds_leads.h, learned from searches: which leads worked, and how many nodes they
# took. The other numbers stand in _dds_weights.pxi; benchmarks/tune_dds.py finds them by counting
# nodes. What worked of late in this search counts as well.

cdef enum:                  # tables of leads: a suit at notrump, a side suit, trumps
    LENGTHS = 5 * 5 * 5 * 5 # of the suit in the four hands from the leader, counted up to 4
    OWNERS = 4 * 4 * 4 * 16 # of its three best cards; lengths of mine and partner's, up to 3
    ROLES = 4 * 64          # the card is the suit's best, beats the opponents, my last; owners
    RUFFS = 4 * 4 * 4 * 4 * 24  # side suits: trumps of the four hands, up to 3; who is short

cdef extern from "_dds_leads.h":
    const i16* lead_lengths "bv_lead_lengths"               # [3 * LENGTHS]
    const i16* lead_owners "bv_lead_owners"                 # [3 * OWNERS]
    const i16* lead_roles "bv_lead_roles"                   # [3 * ROLES]
    const i16* lead_ruffs "bv_lead_ruffs"                   # [RUFFS]

cdef enum:                  # of a lead: at notrump, of a side suit, of trumps
    HIGHEST                 # the highest card of my suit, if another is the suit's best
    RANK                    # for every lower card of the suit
    PARTNER_SOLID           # the suit's best of one side's cards is partner's, or mine
    SOLID
    FAVOURITE               # it worked in a position of the same shape
    SUCCESS                 # how often the card worked of late
    SUIT_SUCCESS            # how often the suit worked of late when it had these lengths
    LEFT_SUCCESS            # how often it did with just these cards left in it
    NEXT_SUCCESS            # how often the card did after the one that won the last trick
    HINT                    # it worked last from this hand
    LEAD_SET

cdef enum:                  # of a card that follows: played second, third, fourth; notrump, trumps
    WIN_RANK                # for every lower card of the suit
    WIN
    WIN_BEATEN              # the next hand can beat it
    WIN_FROM_PARTNER        # who is sure to win the trick
    WIN_NEEDLESS            # partner, who plays last, can win
    LOW_LAST                # the lowest
    RUFF
    RUFF_PARTNER
    RUFF_NEEDLESS
    RUFF_BEATEN
    RUFF_LOW
    DISCARD
    DISCARD_LENGTH
    DISCARD_TOP             # the suit's best card
    DISCARD_LAST            # the lowest of my suit
    DISCARD_UNDER_OWN       # the suit's best card is mine, or partner's
    WIN_TOP
    LOW_RANK
    DISCARD_UNDER_PARTNER
    DISCARD_RANK
    LOW_PARTNER_WINS
    DISCARD_PARTNER_VOID
    LOW_PARTNER_CAN
    DISCARD_SOLID           # it beats everybody else's cards of the suit
    FOLLOW_SET

cdef enum:
    N_WEIGHTS = 3 * LEAD_SET + 6 * FOLLOW_SET

cdef int W[N_WEIGHTS]


def set_weights(weights):
    """Replace the weights of the move ordering, for tuning; results stay the same."""
    if len(weights) != N_WEIGHTS:
        raise ValueError(f"{len(weights)} weights, expected {N_WEIGHTS}")
    for i in range(N_WEIGHTS):
        W[i] = weights[i]


include "_dds_weights.pxi"
set_weights(WEIGHTS)

# ---------------------------------------------------------------------------------------------
# Moves. Of touching cards in one hand one stands for all; weights order the rest.

cdef inline u64 distinct(u64 cards, u64 all) noexcept nogil:
    """The highest of each run of touching cards."""
    cdef u64 squeezed = pext(cards, all | GUARD)
    return pdep(squeezed & ~(squeezed >> 1), all | GUARD)


cdef inline u64 distinct_after(u64 cards, u64 all, u64 trick, int best) noexcept nogil:
    """One of each run of cards that touch once the trick is gone.

    The highest of those that beat the best card, which parts them from the rest; of the rest the
    lowest, so that a proof needs no lower rank because a higher card was thrown away.
    """
    cdef u64 winners = cards & lane_of(best) & ~((<u64>1 << best) - 1)
    cdef u64 left = all & ~trick | GUARD, squeezed = pext(cards ^ winners, left)
    return distinct(winners, left) | pdep(squeezed & ~(squeezed << 1), left)


cdef inline i16* suit_success(Search* s, int leader, int shift) noexcept nogil:
    """Where the success of leading a suit of these lengths is counted."""
    cdef u64 key = (s.shape >> shift & 0xFFFF) << 4 | leader << 2 | shift >> 4
    return &s.suit_success[key * <u64>0x9E3779B97F4A7C15 >> 52]


cdef inline i16* left_success(Search* s, int leader, u64 all, int shift) noexcept nogil:
    """Where it is counted by the cards left in the suit, which in one deal tell who has them."""
    cdef u64 key = (all >> shift & LANE) << 4 | leader << 2 | shift >> 4
    return &s.left_success[key * <u64>0x9E3779B97F4A7C15 >> 51]


cdef inline int lead_moves(Search* s, int leader, u64 all, int favourite,
                           int hint, const i16* next_success, u64 cards,
                           int* moves) noexcept nogil:
    """Write down these leads, and return the best. The low six bits of a move are its card, the
    rest its score, less what breaks ties for the one generated first."""
    cdef u64 me = s.hand[leader], pd = s.hand[leader ^ 2]
    cdef u64 lho = s.hand[(leader + 1) & 3], rho = s.hand[(leader + 3) & 3]
    cdef u64 odd = lho | rho, high = pd | rho               # bits of the owner, from the leader
    cdef u64 lane, mine, top, opp, rest, bit
    cdef u64 trumps = s.trumps
    cdef int shift, n = 0, card, score, base, owners, len_me, len_pd, len_l, len_r, j, kind, role
    cdef int ruffs = 0, move, best = NO_MOVE
    cdef int* w
    clear_moves(moves)
    if trumps:
        ruffs = (min2(count(me & trumps), 3) * 4 + min2(count(lho & trumps), 3)) * 4
        ruffs = (ruffs + min2(count(pd & trumps), 3)) * 4 + min2(count(rho & trumps), 3)
    for shift in range(0, 64, 16):
        lane = LANE << shift
        if not cards & lane:
            continue
        lane &= all
        mine = me & lane
        len_me = min2(count(mine), 4)
        len_l = min2(count(lho & lane), 4)
        len_pd = min2(count(pd & lane), 4)
        len_r = min2(count(rho & lane), 4)
        opp = (lho | rho) & lane
        top = <u64>1 << top_bit(lane)
        rest = lane
        owners = 0
        for j in range(3):
            owners *= 4
            if rest:
                card = top_bit(rest)
                rest ^= <u64>1 << card
                owners += (odd >> card & 1) + 2 * (high >> card & 1)
        kind = 0 if not trumps else (2 if shift == 48 else 1)
        w = &W[kind * LEAD_SET]
        base = lead_lengths[kind * LENGTHS + ((len_me * 5 + len_l) * 5 + len_pd) * 5 + len_r]
        base += lead_owners[kind * OWNERS + owners * 16 + min2(len_me, 3) * 4 + min2(len_pd, 3)]
        if kind == 1:
            base += lead_ruffs[ruffs * 24 + ((len_me == 1) * 2 + (len_l == 0)) * 6
                               + min2(len_pd, 2) * 2 + (len_r == 0)]
        if pd & lane > opp:
            base += w[PARTNER_SOLID]
        if mine > opp:
            base += w[SOLID]
        base += (w[SUIT_SUCCESS] * suit_success(s, leader, shift)[0]
                 + w[LEFT_SUCCESS] * left_success(s, leader, all, shift)[0]) >> 8
        j = 0
        mine &= cards
        while mine:
            card = top_bit(mine)
            bit = <u64>1 << card
            mine ^= bit
            role = 0 if bit == top else (1 if bit > opp else (3 if mine else 2))
            score = base + lead_roles[kind * ROLES + role * 64 + owners]
            if j == 0 and mine and role:
                score += w[HIGHEST]
            score -= w[RANK] * count(lane & (bit - 1))
            if card == favourite:
                score += w[FAVOURITE]
            if card == hint:
                score += w[HINT]
            score += w[SUCCESS] * s.success[card] >> 8
            if not trumps:
                score += w[NEXT_SUCCESS] * next_success[card] >> 8
            move = (score * 16 - n) * 64 + card
            moves[n] = move
            best = max2(best, move)
            n += 1
            j += 1
    return best


cdef inline int follow_moves(Search* s, int pos, int seat, int led, int best, int best_seat,
                             u64 all, u64 cards, int* moves) noexcept nogil:
    cdef u64 me = s.hand[seat], lane = LANE << (led & 48), bit, trumps = s.trumps, own
    cdef u64 next_hand = s.hand[(seat + 1) & 3], pd = s.hand[seat ^ 2], best_lane = lane_of(best)
    cdef int n = 0, card, score, win, low, move, first = NO_MOVE
    cdef bint partner_best = best_seat == (seat ^ 2), safe = False, following = (me & lane) != 0
    cdef bint ruffed = (best & 48) != (led & 48), partner_can = False
    cdef int* w = &W[3 * LEAD_SET + (pos - 1 + (3 if trumps else 0)) * FOLLOW_SET]
    cdef u64 threat = 0, top
    clear_moves(moves)
    # What the opponent still to play (if any) can beat.
    if pos < 3:
        if next_hand & lane:
            threat = 0 if ruffed else next_hand & lane
        else:
            threat = next_hand & trumps
    if pos == 1:
        if pd & lane:
            partner_can = not ruffed and top_bit(pd & lane) > best and \
                (threat == 0 or (threat & lane and pd & lane > threat))
        elif pd & trumps:
            partner_can = threat & trumps == 0 or pd & trumps > threat
    if partner_best and pos > 1:
        safe = threat == 0 or (threat & best_lane and <u64>1 << best > threat)
    if following:
        own = all & lane
        win = w[WIN] + (w[WIN_FROM_PARTNER] if safe else 0)
        low = w[LOW_PARTNER_WINS] if partner_best else 0
        if partner_can:
            win += w[WIN_NEEDLESS]
            low += w[LOW_PARTNER_CAN]
        while cards:
            card = top_bit(cards)
            bit = <u64>1 << card
            cards ^= bit
            if not ruffed and card > best:
                score = win - w[WIN_RANK] * count(own & (bit - 1))
                if threat and (not threat & lane or threat > bit):
                    score += w[WIN_BEATEN]
                if bit > own >> 1:
                    score += w[WIN_TOP]
            else:
                score = low - w[LOW_RANK] * count(own & (bit - 1))
                if not cards:
                    score += w[LOW_LAST]
            move = (score * 16 - n) * 64 + card
            moves[n] = move
            first = max2(first, move)
            n += 1
        return first
    while cards:
        card = top_bit(cards)
        bit = <u64>1 << card
        cards ^= bit
        own = lane_of(card)
        if bit & trumps:
            score = -w[WIN_RANK] * count(all & own & (bit - 1))
            if not ruffed or card > best:
                score += w[RUFF]
                if safe:
                    score += w[RUFF_PARTNER]
                if partner_can:
                    score += w[RUFF_NEEDLESS]
                if threat & trumps and threat > bit:
                    score += w[RUFF_BEATEN]
            else:
                score += w[RUFF_LOW]
        else:
            score = w[DISCARD] + w[DISCARD_LENGTH] * count(me & own)
            score -= w[DISCARD_RANK] * count(all & own & (bit - 1))
            top = <u64>1 << top_bit(all & own)
            if bit == top:
                score += w[DISCARD_TOP]
            elif top & me:
                score += w[DISCARD_UNDER_OWN]
            elif top & pd:
                score += w[DISCARD_UNDER_PARTNER]
            if not (cards & own):
                score += w[DISCARD_LAST]
            if not (pd & own):
                score += w[DISCARD_PARTNER_VOID]
            if bit > all & own & ~me:
                score += w[DISCARD_SOLID]
        move = (score * 16 - n) * 64 + card
        moves[n] = move
        first = max2(first, move)
        n += 1
    return first


# ---------------------------------------------------------------------------------------------
# Search. Zero windows: can NS take `target` of the n tricks left?

cdef inline bint relies_on_run(u64 hand, u64 left, int card, u64 low) noexcept nogil:
    """Whether `low`, the lowest rank that a proof relied on, is above the card in its run.

    Where the card stands for its run, the proof relies on the card, too: in a deal in which others
    hold it, or one between, the rest of the run would not be as good.
    """
    cdef u64 bit = <u64>1 << card
    return (bit < low) & ((low & CARDS) != 0) & \
        ((left & ~hand & lane_of(card) & (low - bit | low)) == 0)


cdef inline u64 lower_cards(u64 stand, int card, u64 ranks) noexcept nogil:
    """After a card failed: those below the lowest rank of its suit that mattered, which fail, too."""
    cdef u64 low = ranks & lane_of(card)
    low = low & -low if low else <u64>1 << (card & 48) << 15
    return stand & lane_of(card) & (low - 1) if <u64>1 << card < low else 0


cdef bint must_stop(Search* s) noexcept nogil:
    """Whether somebody wants the search to end; it unwinds if so, and its result means nothing."""
    s.pause = s.nodes + PATIENCE
    if not s.halted and s.signals:
        s.halted = interrupted()
    if s.halted:
        s.pause = 0
    return s.halted


cdef u64 last_trick(Search* s, int leader) noexcept nogil:
    cdef int seat = leader, best_seat = leader, i, card, best = top_bit(s.hand[leader])
    cdef u64 trick = s.hand[leader]
    for i in range(1, 4):
        seat = (leader + i) & 3
        card = top_bit(s.hand[seat])
        trick |= s.hand[seat]
        if (card & 48) == (best & 48):
            if card > best:
                best = card
                best_seat = seat
        elif lane_of(card) == s.trumps:
            best = card
            best_seat = seat
    cdef u64 out = WON if not (best_seat & 1) else 0
    trick &= lane_of(best)
    if trick & (trick - 1):
        out |= <u64>1 << best
    return out


cdef inline u64 hint_key(Search* s, int pos, int seat, int best, u64 suit, u64 hand) noexcept nogil:
    """Where the card that last worked is kept: the highest bits number the place, and the ten below
    them mark it as this one's.

    Who follows suit finds it by the cards left in the suit, which in one deal tell who has them;
    who leads, discards or ruffs, by the hand. All by the place in the trick and the best card in it.
    """
    cdef u64 key = (s.strain_count << 4 | seat << 2 | pos) << 6 | best
    return (choose_cards(suit != 0, suit, ~hand) + key * <u64>0x2545F4914F6CDD1D) \
        * <u64>0x9E3779B97F4A7C15


cdef inline int recall(u16* hint, u64 key) noexcept nogil:
    """The card that last worked there, or 63, which is none."""
    cdef u32 found = hint[0] ^ (<u32> (key >> 33) & HINT_MARK)
    return found if found < 64 else 63


cdef inline void remember(u16* hint, u64 key, int card) noexcept nogil:
    hint[0] = <u32> (key >> 33) & HINT_MARK | card


cdef inline int cost_of(u64 nodes) noexcept nogil:
    """Eight times the binary logarithm of how many nodes a proof took, and 8."""
    cdef int b = bits(nodes)
    return b * 8 + (<int> (nodes << (64 - b) >> 60) & 7)


cdef u64 lead(Search* s, int leader, int target, int n) noexcept nogil:
    if target <= 0:
        return WON
    if target > n:
        return 0
    s.nodes += 1
    if n == 1:
        return last_trick(s, leader)
    if unlikely(s.nodes >= s.pause) and must_stop(s):
        return 0
    cdef u64 all = s.hand[0] | s.hand[1] | s.hand[2] | s.hand[3]
    cdef bint ours = not (leader & 1)
    cdef int need = target if ours else n - target + 1      # what the side on lead needs

    # Before the table, which takes longer to come from memory.
    cdef Bound bound = quick_tricks(s, leader, all, need)
    if bound.tricks >= need:
        return bound.ranks | (WON if ours else 0)

    # Who has the lowest card of a suit follows from the lengths.
    cdef u64 ranked = all & ((all | SIGN) - each(1))
    cdef bint narrow = count(ranked) <= NARROW
    cdef u64 odd = pext(s.hand[1] | s.hand[3], ranked)
    cdef u64 high = pext(s.hand[2] | s.hand[3], ranked)
    cdef u64 key = bucket_key(s, leader, n), tops = tops_of(all) & ranked
    cdef Block* b = probe(s, key)
    cdef u64 known = lookup(s, b, odd, high, target, narrow)
    if unlikely(not known and b.parts > 31):
        known = lookup_parts(s, key, b.parts >> 5, odd, high, tops, ranked, target, narrow)
    if known:
        return pdep(known & ~(WON | FOUND), ranked) | known & WON

    bound = sure_tricks(s, leader, all, n, n - need + 1)
    if n - bound.tricks < need:
        return bound.ranks | (0 if ours else WON)

    cdef int moves[16]
    cdef int cost
    cdef u64 began, ranks = 0
    cdef u64 hopeless = refuted_suits(s, leader, all, n - need + 1, &ranks)
    cdef u64 hand_key = hint_key(s, 0, leader, 0, 0, s.hand[leader])
    cdef u16* hint = &s.hints[hand_key >> 49]
    cdef int move = NO_MOVE, card = recall(hint, hand_key), last = card
    cdef u64 r, bit, low, cards = 0, stand = 0
    cdef i16* worked
    cdef i16* next_success = &s.next_success[s.last_winner << 6]
    cdef bint won = not ours, generated
    # What worked last from this hand and from this shape is tried before any move is generated.
    generated = card != b.move & 63 or not (s.hand[leader] & ~hopeless) >> card & 1
    if generated:
        cards = distinct(s.hand[leader], all) & ~hopeless
        if not cards:
            return ranks | (WON if won else 0)
        move = lead_moves(s, leader, all, b.move & 63, last, next_success, cards, moves)
        card = move & 63
        stand = cards ^ <u64>1 << card
    while True:
        bit = <u64>1 << card
        s.hand[leader] ^= bit
        s.shape -= <u64>1 << ((card >> 4) * 16 + leader * 4)
        began = s.nodes
        r = second(s, (leader + 1) & 3, card, card, leader, bit, all, target, n)
        s.shape += <u64>1 << ((card >> 4) * 16 + leader * 4)
        s.hand[leader] ^= bit
        if ((r & WON) != 0) == ours:
            won = ours
            ranks = r & CARDS
            remember(hint, hand_key, card)
            # The more, the fewer nodes it took, compared with other leads of as many tricks.
            cost = cost_of(s.nodes - began)
            if s.usual_cost[n] == 0:
                s.usual_cost[n] = cost << 6
            s.usual_cost[n] += cost - (s.usual_cost[n] >> 6)
            cost -= s.usual_cost[n] >> 6
            s.success[card] += (max2(0, min2(256, 192 - 4 * cost)) - s.success[card]) >> 3
            cost = max2(-256, min2(256, 128 - 8 * cost))
            worked = suit_success(s, leader, card & 48)
            worked[0] += (cost - worked[0]) >> 3
            worked = left_success(s, leader, all, card & 48)
            worked[0] += (cost - worked[0]) >> 2
            next_success[card] += (cost - next_success[card]) >> 3
            break
        s.success[card] -= s.success[card] >> 3
        worked = suit_success(s, leader, card & 48)
        worked[0] -= (256 + worked[0]) >> 3
        worked = left_success(s, leader, all, card & 48)
        worked[0] -= (256 + worked[0]) >> 2
        next_success[card] -= (256 + next_success[card]) >> 3
        known = bit                             # whether the proof counts for other cards, too
        if not generated:
            generated = True
            cards = distinct(s.hand[leader], all) & ~hopeless
            known = cards & bit                 # if it stands for no other, forget that it failed
            stand = cards ^ known
        if known:
            r &= CARDS
            ranks |= r
            stand ^= lower_cards(stand, card, r)
        if not stand:
            break
        if not stand & (stand - 1):
            card = ctz(stand)
        else:
            move = next_move(moves, move) if move != NO_MOVE else \
                lead_moves(s, leader, all, b.move & 63, last, next_success, cards, moves)
            while not stand >> (move & 63) & 1:
                move = next_move(moves, move)
            card = move & 63
        stand ^= <u64>1 << card
    if unlikely(s.pause == 0):
        return 0
    low = pext(fill_up(ranks), ranked)
    if won:
        store(s, key, low, odd, high, target, 0, card if ours else 0, n, tops, ranked, narrow)
    else:
        store(s, key, low, odd, high, 0, 16 - target, 0 if ours else card, n, tops, ranked,
              narrow)
    return ranks | (WON if won else 0)


cdef inline u64 follow(Search* s, int pos, int seat, int led, int best, int best_seat,
                       u64 trick, u64 all, int target, int n) noexcept nogil:
    cdef int moves[16]
    cdef int move = NO_MOVE, card, new_best, new_seat
    cdef u64 r, ranks = 0, bit, low, now, mates, below, cards = 0, stand = 0
    cdef Block* start
    cdef bint ours = not (seat & 1), generated, beats
    cdef u64 legal = s.hand[seat] & lane_of(led)
    cdef u64 following = legal != 0
    legal = choose_cards(following, legal, s.hand[seat])
    cdef u64 key = hint_key(s, pos, seat, best, all & lane_of(led) & -following, legal)
    cdef u16* hint = &s.hints[key >> 49]
    s.nodes += 1
    card = recall(hint, key)                    # tried before any move is generated
    generated = not legal >> card & 1
    if generated:
        cards = distinct_after(legal, all, trick, best)
        if not cards & (cards - 1):
            card = ctz(cards)
        else:
            move = follow_moves(s, pos, seat, led, best, best_seat, all, cards, moves)
            card = move & 63
        stand = cards ^ <u64>1 << card
    while True:
        bit = <u64>1 << card
        beats = (card > best) & (((card ^ best) < 16) | ((bit & s.trumps) != 0))
        new_best = choose(beats, card, best)
        new_seat = choose(beats, seat, best_seat)
        s.hand[seat] ^= bit
        s.shape -= <u64>1 << ((card >> 4) * 16 + seat * 4)
        if pos < 3:
            if pos == 1:
                r = third(s, (seat + 1) & 3, led, new_best, new_seat, trick | bit, all, target, n)
            else:
                r = fourth(s, (seat + 1) & 3, led, new_best, new_seat, trick | bit, all, target, n)
        else:
            start = probe_start(s, bucket_key(s, new_seat, n - 1))
            prefetch(start)
            prefetch(start.odd)
            s.last_winner = new_best
            r = lead(s, new_seat, target - (not (new_seat & 1)), n - 1)
            now = (trick | bit) & lane_of(new_best)
            if now & (now - 1):                 # it beat a card of its own suit
                low = <u64>1 << new_best
                if ((r & WON) != 0) == (new_seat & 1):
                    # For the side that fails, all cards touching the winner are as good as it.
                    mates = s.hand[new_seat] & lane_of(new_best) & (low - 1)
                    if mates:
                        below = all & lane_of(new_best) & (low - 1) & ~mates
                        if below:
                            mates = above(mates, below)
                        if mates:
                            low = mates & -mates
                r |= low
        s.shape += <u64>1 << ((card >> 4) * 16 + seat * 4)
        s.hand[seat] ^= bit
        if ((r & WON) != 0) == ours:
            remember(hint, key, card)
            return r
        if not generated:
            generated = True
            cards = distinct_after(legal, all, trick, best)
            now = cards & bit                   # if it stands for no other, forget that it failed
            stand = cards ^ now
        else:
            now = bit
        if now:
            r &= CARDS
            low = r & lane_of(card)
            if relies_on_run(s.hand[seat], all & ~trick | <u64>1 << best, card, low & -low):
                r |= bit
            ranks |= r
            now = lower_cards(stand, card, r)
            if now:
                stand ^= now
                now = <u64>1 << top_bit(now)
                if relies_on_run(s.hand[seat], all & ~trick | <u64>1 << best, top_bit(now),
                                 low & -low):
                    ranks |= now
        if not stand:
            break
        if not stand & (stand - 1):
            card = ctz(stand)
        else:
            move = next_move(moves, move) if move != NO_MOVE else \
                follow_moves(s, pos, seat, led, best, best_seat, all, cards, moves)
            while not stand >> (move & 63) & 1:
                move = next_move(moves, move)
            card = move & 63
        stand ^= <u64>1 << card
    return ranks | (0 if ours else WON)


cdef u64 second(Search* s, int seat, int led, int best, int best_seat, u64 trick, u64 all,
                int target, int n) noexcept nogil:
    return follow(s, 1, seat, led, best, best_seat, trick, all, target, n)


cdef u64 third(Search* s, int seat, int led, int best, int best_seat, u64 trick, u64 all,
               int target, int n) noexcept nogil:
    return follow(s, 2, seat, led, best, best_seat, trick, all, target, n)


cdef u64 fourth(Search* s, int seat, int led, int best, int best_seat, u64 trick, u64 all,
                int target, int n) noexcept nogil:
    return follow(s, 3, seat, led, best, best_seat, trick, all, target, n)

# ---------------------------------------------------------------------------------------------
# One strain of one deal: four leaders share the table.

cdef void start_afresh(Search* s, int n) noexcept nogil:
    """Forget what was learned in other deals and strains.

    What worked of late stays for a few tricks: it matters little there, and clearing it would take
    as long as the search.
    """
    if n > FEW_TRICKS:
        memset(s.success, 0, sizeof(s.success))
        memset(s.suit_success, 0, sizeof(s.suit_success))
        memset(s.left_success, 0, sizeof(s.left_success))
        memset(s.next_success, 0, sizeof(s.next_success))
    s.strain_count += 1
    clear_table(s, n)


cdef inline int lane_number(int suit, int strain) noexcept nogil:
    """Clubs 0 … spades 3 like the strains, but the trump suit changes places with lane 3."""
    cdef int lane = 3 - suit
    if strain < 4:
        lane = 3 if lane == strain else (strain if lane == 3 else lane)
    return lane


cdef inline int to_lane(int card, int strain) noexcept nogil:
    """From a card 0..51 (ace of spades first) to its bit in the search."""
    return lane_number(card // 13, strain) * 16 + 12 - card % 13


cdef void deal_cards(Search* s, const u64* masks, int strain) noexcept nogil:
    cdef int seat, card
    cdef u64 left, bit
    s.shape = 0
    s.trumps = LANE << 48 if strain < 4 else 0
    for seat in range(4):
        s.hand[seat] = 0
        left = masks[seat]
        while left:
            card = to_lane(ctz(left), strain)
            left &= left - 1
            s.hand[seat] |= <u64>1 << card
            s.shape += <u64>1 << ((card >> 4) * 16 + seat * 4)


cdef int first_guess(Search* s, int n) noexcept nogil:
    """Tricks NS are likely to take: least squares on points, trump length and short suits.

    In whole numbers, so that builds with and without fused multiplications guess the same.
    """
    cdef u64 ns = s.hand[0] | s.hand[2], lane
    cdef int shift, points = 0, short_suits = 0
    if n < 13:
        return (n + 1) >> 1
    for shift in range(0, 64, 16):
        lane = ns >> shift
        points += 4 * (lane >> 12 & 1) + 3 * (lane >> 11 & 1)
        points += 2 * (lane >> 10 & 1) + (lane >> 9 & 1)
        if shift < 48:
            lane = LANE << shift
            short_suits += min2(count(s.hand[0] & lane), count(s.hand[2] & lane))
    if s.trumps:
        return (716 + 36 * (points - 20) + 47 * (2 * count(ns & s.trumps) - 13)
                - 17 * (short_suits - 5)) // 100
    return (13 + points - 20) // 2


cdef inline bint same_strain(const u64* masks, int strain, int other, int turn) noexcept nogil:
    """Whether, so many seats on, everybody holds of the other strain what they hold of this one."""
    cdef int seat
    if strain == 4 or other == 4:
        return strain == other
    for seat in range(4):
        if (masks[seat] >> 13 * (3 - strain) ^ masks[(seat + turn) & 3] >> 13 * (3 - other)) & LANE:
            return False
    return True


cdef int find_turns(const u64* masks) noexcept nogil:
    """By how many seats the table may turn, a bit each, so that with suits renamed the deal is the same.

    Then every suit goes to one that is held so many seats on as it was held before, each to another.
    Nothing in the play tells the two deals apart, so a declarer takes as many tricks in a strain as
    the player so many seats on in any that is held alike. Reflected, a deal is another one: play
    goes clockwise.
    """
    cdef int turn, suit, other, taken, turns = 0
    for turn in range(4):
        taken = 0
        for suit in range(4):
            for other in range(4):
                if not taken >> other & 1 and same_strain(masks, suit, other, turn):
                    taken |= 1 << other
                    break
        turns |= (taken == 15) << turn
    return turns


cdef int search_tricks(Search* s, int leader, int guess, int n) noexcept nogil:
    """Tricks NS take, by zero windows that step away from the guess."""
    cdef int low = 0, high = n
    while low < high:
        guess = max2(low + 1, min2(guess, high))
        if lead(s, leader, guess, n) & WON:
            low = guess
            guess += 1
        else:
            high = guess - 1
            guess -= 1
        if s.halted:
            break
    return low


cdef struct Trick:          # the cards on the table
    u64 all                 # every card left, those on the table included
    u64 cards
    int size
    int led
    int best
    int best_seat
    int seat                # who plays next


cdef void gather(Trick* t) noexcept nogil:
    """Turn a complete trick over."""
    if t.size == 4:
        t.all ^= t.cards
        t.cards = 0
        t.size = 0
        t.seat = t.best_seat


cdef bint play(Search* s, Trick* t, int card) noexcept nogil:
    """Play a card; False if it is not the player's to play."""
    cdef u64 bit = <u64>1 << card, suit
    gather(t)
    if t.size:
        suit = s.hand[t.seat] & lane_of(t.led)
        if suit and not suit & bit:
            return False
    else:
        t.led = card
    if not s.hand[t.seat] & bit:
        return False
    s.hand[t.seat] ^= bit
    s.shape -= <u64>1 << ((card >> 4) * 16 + t.seat * 4)
    if t.size == 0 or ((card & 48) == (t.best & 48) and card > t.best) or \
            ((card & 48) != (t.best & 48) and bit & s.trumps):
        t.best = card
        t.best_seat = t.seat
    t.cards |= bit
    t.size += 1
    t.seat = (t.seat + 1) & 3
    return True


cdef int trick_tricks(Search* s, Trick* t, int n, int low, int high, int guess) noexcept nogil:
    """Tricks NS take of the n left, the one on the table included; known to be low to high."""
    cdef u64 r
    s.pause = 0
    while low < high and not s.halted:
        guess = max2(low + 1, min2(guess, high))
        if t.size == 0:
            r = lead(s, t.seat, guess, n)
        elif t.size < 4:
            r = follow(s, t.size, t.seat, t.led, t.best, t.best_seat, t.cards, t.all, guess, n)
        else:
            r = lead(s, t.best_seat, guess - (not (t.best_seat & 1)), n - 1)
        if r & WON:
            low = guess
            guess += 1
        else:
            high = guess - 1
            guess -= 1
    return low


cdef void all_worths(Search* s, Trick* table, i8* worths) noexcept nogil:
    """What every card that the next player may play is worth to that player's side; else -1."""
    cdef Trick after
    cdef u64 higher, held = s.hand[table.seat], legal = held
    cdef int card, n = count(held), tricks = first_guess(s, n)
    memset(worths, -1, 64)
    if table.size and held & lane_of(table.led):
        legal = held & lane_of(table.led)
    cdef u64 left = legal
    while left and not s.halted:
        card = top_bit(left)
        left ^= <u64>1 << card
        higher = table.all >> card >> 1 & (LANE >> (card & 15) >> 1)
        if higher and legal >> (card + 1 + ctz(higher)) & 1:
            worths[card] = worths[card + 1 + ctz(higher)]   # it touches the card before
            continue
        after = table[0]
        play(s, &after, card)
        tricks = trick_tricks(s, &after, n, 0, n, tricks)
        s.hand[table.seat] |= <u64>1 << card
        s.shape += <u64>1 << ((card >> 4) * 16 + table.seat * 4)
        worths[card] = n - tricks if table.seat & 1 else tricks


cdef class Solver:
    """One search with its own table; use it from one thread at a time.

    With `signals`, Ctrl-C ends a search that runs in the main thread.
    """
    cdef Search s

    def __cinit__(self, size_t memory=128 << 20, bint signals=False):
        self.s.signals = signals
        self.s.arena_size = max(<size_t>32, min(memory // sizeof(Block), <size_t>0xFFFFFFFF))
        cdef size_t size = self.s.arena_size * sizeof(Block), page = 2 << 20
        if size < page:
            page = sizeof(Block)
        size = (size + page - 1) // page * page
        self.s.arena = <Block*> aligned_alloc(page, size)
        if self.s.arena == NULL:
            raise MemoryError("no memory for the solver's table")
        huge_pages(self.s.arena, size)

    def __dealloc__(self):
        free(self.s.arena)

    def stop(self):
        self.s.halted = True

    @property
    def nodes(self):
        return self.s.nodes

    @property
    def memory(self):
        """Bytes of the table in use."""
        return self.s.arena_used * sizeof(Block)

    def solve(self, const u64[::1] masks, i8[:, ::1] table, int first=0, int last=5):
        """Fill in the rows of a trick table; False if the search was stopped."""
        cdef int strain, leader, declarer, tricks, n, guess, turns, turn, other, i
        with nogil:
            n = count(masks[0])
            turns = find_turns(&masks[0])
            self.s.pause = 0
            for strain in range(first, last):
                for declarer in range(4):
                    table[strain, declarer] = -1
            for strain in range(first, last):
                deal_cards(&self.s, &masks[0], strain)
                start_afresh(&self.s, n)
                guess = first_guess(&self.s, n)
                for i in range(4):
                    leader = (i * 2 + (i >> 1)) & 3      # 0, 2, 1, 3
                    declarer = (leader + 3) & 3          # sits before the leader
                    if table[strain, declarer] < 0:
                        guess = search_tricks(&self.s, leader, guess, n)
                        tricks = guess if leader & 1 else n - guess
                        for turn in range(4):            # 0 is one of them
                            for other in range(strain, last if turns >> turn & 1 else strain):
                                if same_strain(&masks[0], strain, other, turn):
                                    table[other, (declarer + turn) & 3] = tricks
        raise_interrupt()
        return not self.s.halted

    cdef bint place(self, hands, int strain, int leader, cards, Trick* table):
        """Set up the position after some cards; False if one was not to be played."""
        cdef u64 masks[4]
        cdef int i, card
        for i in range(4):
            masks[i] = hands[i]
        deal_cards(&self.s, masks, strain)
        memset(table, 0, sizeof(Trick))
        table.seat = leader
        for i in range(4):
            table.all |= self.s.hand[i]
        for card in cards:
            if not play(&self.s, table, to_lane(card, strain)):
                return False
        gather(table)
        return True

    def board(self, hands, int strain, int leader, cards):
        """Pairs of a card and its tricks for the player's side, the best first, then as in the hand.

        None if one of the cards before was not to be played.
        """
        cdef Trick table
        cdef i8 worths[64]
        cdef int numbers[13]
        cdef int tricks[13]
        cdef int number, i, worth, size = 0
        if not self.place(hands, strain, leader, cards, &table):
            return None
        with nogil:
            start_afresh(&self.s, count(self.s.hand[table.seat]))
            all_worths(&self.s, &table, worths)
        raise_interrupt()
        for number in range(52):
            worth = worths[to_lane(number, strain)]
            if worth >= 0:
                i = size
                while i > 0 and tricks[i - 1] < worth:
                    tricks[i] = tricks[i - 1]
                    numbers[i] = numbers[i - 1]
                    i -= 1
                tricks[i] = worth
                numbers[i] = number
                size += 1
        return [(numbers[i], tricks[i]) for i in range(size)]

    def leads(self, const u64[::1] masks, int strain, int leader, i8[::1] worths):
        """The same for the opening leads, into an array; False if the search was stopped."""
        cdef Trick table
        cdef i8 by_card[64]
        cdef int number, card, k = 0
        with nogil:
            deal_cards(&self.s, &masks[0], strain)
            memset(&table, 0, sizeof(Trick))
            table.seat = leader
            table.all = self.s.hand[0] | self.s.hand[1] | self.s.hand[2] | self.s.hand[3]
            start_afresh(&self.s, 13)
            all_worths(&self.s, &table, by_card)
            for number in range(52):
                card = to_lane(number, strain)
                if self.s.hand[leader] >> card & 1:
                    worths[k] = by_card[card]
                    k += 1
        raise_interrupt()
        return not self.s.halted

    def tricks(self, hands, int strain, int leader, cards, int low, int high, int guess,
               bint fresh):
        """Tricks NS take from the trick on that is to be completed or led, known to be low to high.

        A guess below 0 stands for one from the cards. What is known from positions of the same
        strain before is used again unless `fresh`.
        """
        cdef Trick table
        cdef int n, found
        if not self.place(hands, strain, leader, cards, &table):
            raise ValueError("a card was not to be played")
        n = count(self.s.hand[(table.seat - table.size) & 3]) + (table.size > 0)
        if fresh:
            start_afresh(&self.s, n)
        if guess < 0:
            guess = first_guess(&self.s, n)
        with nogil:
            found = trick_tricks(&self.s, &table, n, low, high, guess)
        raise_interrupt()
        if self.s.halted:
            raise InterruptedError("the solver was stopped")
        return found
