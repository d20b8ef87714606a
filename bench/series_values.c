/* The value of one made-up series; see series_values.h. */
#include "bench/series_values.h"

#include "storage/base/hash.h"

enum { PAGE_BYTES = 4096, HISTORY_SCRAPES = 50000 };

static double uniform(uint64_t random)
{
    return (double)(random >> 11) * 0x1p-53;
}

/* Of the lower half of a random word, for a second number that is independent of uniform()'s upper digits. */
static double uniform_low(uint64_t random)
{
    return (double)(uint32_t)random * 0x1p-32;
}

/* About normal with deviation 1: the sum of four uniform numbers, scaled. */
static double bell(uint64_t random)
{
    uint64_t sum = (random & 0xFFFF) + (random >> 16 & 0xFFFF) + (random >> 32 & 0xFFFF) + (random >> 48);
    return ((double)sum - 2.0 * 65535) * (1.7320508075688772 / 65536);
}

/* Without its fraction; levels stay far below 2^53. */
static double whole(double value)
{
    return (double)(int64_t)value;
}

/* Events since the last scrape: the mean, spread by a third, rounded at random so that rare events stay rare. */
static double events(const struct value_state *state, uint64_t random, double load)
{
    double mean = (double)state->pace * load;
    return whole(mean * (0.65 + 0.7 * uniform(random)) + uniform_low(random));
}

/* Of a histogram's `count` observations, those below this bucket's bound. The distribution leans from scrape to scrape;
 * the map stays monotonic in the share, so a bucket never holds more than the next one. */
static double below_bound(const struct value_state *state, uint64_t random, double count)
{
    uint64_t other = hash_mix(random, 1);
    double share = (double)state->share, lean = 0.6 * uniform(other) - 0.3;
    return whole(count * (share + lean * share * (1 - share)) + uniform_low(other) * (share < 1));
}

static double clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static bool starts_at_zero(enum value_kind kind)
{
    return kind == VALUE_INTEGER_COUNTER || kind == VALUE_DECIMAL_COUNTER || kind == VALUE_BUCKET || kind == VALUE_SUM;
}

struct value_state value_start(enum value_kind kind, uint64_t salt, double pace, double share)
{
    uint64_t random = hash_mix(salt, UINT64_MAX);
    double own = pace * (0.5 + uniform(random)), past = whole(own * uniform_low(random) * HISTORY_SCRAPES);
    struct value_state state = {0, salt, (float)own, (float)share};

    switch (kind) {
    case VALUE_CONSTANT: state.pace = (float)pace; break;
    case VALUE_INTEGER_COUNTER:
    case VALUE_DECIMAL_COUNTER: state.level = past; break;
    case VALUE_SLOW_GAUGE: state.level = 100 + whole(own * 400 * uniform_low(random)); break;
    case VALUE_BYTES_GAUGE: state.level = 1000 + whole(own * 1000 * (0.5 + uniform_low(random))); break;
    case VALUE_BUCKET: state.level = whole(past * share); break;
    case VALUE_SUM: state.level = past * 0.125; break;
    case VALUE_WALK: state.level = 100 * uniform(random); break;
    case VALUE_NOISE: break;
    }
    return state;
}

double value_next(enum value_kind kind, struct value_state *state, uint32_t round, double load, bool reset)
{
    uint64_t random = hash_mix(state->salt, round);

    if (reset && starts_at_zero(kind)) state->level = 0;
    switch (kind) {
    case VALUE_CONSTANT: return (double)state->pace;
    case VALUE_INTEGER_COUNTER: return state->level += events(state, random, load);
    case VALUE_DECIMAL_COUNTER: return (state->level += events(state, random, load)) / 100;
    case VALUE_SLOW_GAUGE:
        if (uniform_low(random) < 0.45) state->level += whole(bell(hash_mix(random, 1)) * (double)state->pace);
        state->level = clamp(state->level, 0, 1e6);
        return state->level / (double)state->share;
    case VALUE_BYTES_GAUGE:
        state->level = clamp(state->level + whole(bell(random) * (double)state->pace), 1, 1e9);
        return state->level * PAGE_BYTES;
    case VALUE_NOISE: return whole((double)state->pace * (0.7 + uniform(random))) / 1e9;
    case VALUE_BUCKET: return state->level += below_bound(state, random, events(state, random, load));
    case VALUE_SUM: return state->level += events(state, random, load) * (0.1 + 0.05 * uniform(hash_mix(random, 2)));
    case VALUE_WALK: state->level = clamp(state->level + bell(random), 0, 100); return whole(state->level);
    }
    return 0;
}
