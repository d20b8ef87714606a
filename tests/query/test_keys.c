/* Dense ids for sequences of words. */
#include "query/keys.h"

#include "tests/query/fixture.h"

Test(keys, ids_come_in_the_order_of_first_appearance)
{
    struct keys keys;
    uint32_t words[] = {1, 2, 3}, count;

    keys_init(&keys, NULL);
    cr_assert(keys_add(&keys, words, 3) == 0);
    cr_assert(keys_add(&keys, words, 2) == 1);
    cr_assert(keys_add(&keys, words, 0) == 2);
    cr_assert(keys_add(&keys, words + 1, 2) == 3);
    cr_assert(keys_add(&keys, words, 2) == 1);
    cr_assert(keys_add(&keys, NULL, 0) == 2);
    cr_assert(keys_count(&keys) == 4);
    cr_assert(keys_words(&keys, 3, &count)[0] == 2 && count == 2);
    keys_words(&keys, 2, &count);
    cr_assert(count == 0);
    keys_release(&keys);
}

Test(keys, many_against_a_linear_search)
{
    struct random random = {5};
    uint32_t known[600][2];
    uint32_t known_count = 0;
    struct keys keys;

    keys_init(&keys, NULL);
    for (int i = 0; i < 5000; i++) {
        uint32_t words[2] = {(uint32_t)(random_next(&random) % 24), (uint32_t)(random_next(&random) % 24)},
                 expected = 0;
        while (expected < known_count && (known[expected][0] != words[0] || known[expected][1] != words[1])) expected++;
        if (expected == known_count) {
            known[known_count][0] = words[0];
            known[known_count++][1] = words[1];
        }
        cr_assert(keys_add(&keys, words, 2) == expected);
    }
    keys_release(&keys);
}
