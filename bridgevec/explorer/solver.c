/* The face of the search for WebAssembly. build.py puts the search itself, taken from the C that
   Cython writes of _dds.pyx, before this, and libc.h before both. */

#define ARENA_BYTES (48u << 20)

static struct Search search;
static uint64_t hands[4];
static int8_t worths[64];
static uint8_t cards[52];

/* Call once, before anything else; 0 if there is no memory. */
EXPORT int start(void) {
    bv_fill_tables();
    fill_trump_table();
    fill_parts();
    for (int i = 0; i < N_WEIGHTS; i++)
        W[i] = WEIGHTS[i];
    search.arena = allocate(ARENA_BYTES);
    search.arena_size = ARENA_BYTES / sizeof(struct Block);
    return search.arena != 0;
}

/* Four masks of 52 bits, N E S W, are written here. */
EXPORT uint64_t *hands_at(void) { return hands; }
/* Cards played so far are written here, 0 = spade ace ... 51 = club two. */
EXPORT uint8_t *cards_at(void) { return cards; }
/* Results of tricks and worths_of are read here. */
EXPORT int8_t *worths_at(void) { return worths; }

/* Tricks of declarers N, E, S, W in one strain, into worths. As Solver.solve of _dds.pyx. */
EXPORT void tricks(int strain) {
    int n = bv_count(hands[0]), guess;
    search.pause = 0;
    deal_cards(&search, hands, strain);
    start_afresh(&search, n);
    guess = first_guess(&search, n);
    for (int i = 0; i < 4; i++) {
        int leader = (i * 2 + (i >> 1)) & 3;
        guess = search_tricks(&search, leader, guess, n);
        worths[(leader + 3) & 3] = (int8_t) (leader & 1 ? guess : n - guess);
    }
}

/* The side's tricks for each card that may be played after n_cards, by card, -1 for the others;
   how many there are, or -1 if a card before was not to be played. As Solver.board. */
EXPORT int worths_of(int strain, int leader, int n_cards) {
    struct Trick table = {0};
    int8_t by_lane[64];
    int found = 0;
    search.pause = 0;
    deal_cards(&search, hands, strain);
    table.seat = leader;
    for (int seat = 0; seat < 4; seat++)
        table.all |= search.hand[seat];
    for (int i = 0; i < n_cards; i++)
        if (!play(&search, &table, to_lane(cards[i], strain)))
            return -1;
    gather(&table);
    start_afresh(&search, bv_count(search.hand[table.seat]));
    all_worths(&search, &table, by_lane);
    for (int card = 0; card < 52; card++) {
        worths[card] = by_lane[to_lane(card, strain)];
        found += worths[card] >= 0;
    }
    return found;
}
