/* The typed vector. */
#include "storage/base/vec.h"

#include "tests/support/test.h"

struct pair {
    int first, second;
};

Test(vec, grows_and_keeps)
{
    vec(struct pair) pairs = {0};
    int seen = 0;

    for (int i = 0; i < 10000; i++) {
        vec_push(&pairs, (struct pair){i, -i});
        cr_assert(vec_last(&pairs)->first == i && pairs.count <= pairs.capacity);
    }
    vec_each (pair, &pairs) {
        cr_assert(pair->first == seen && pair->second == -seen);
        seen++;
    }
    cr_expect(seen == 10000);
    vec_release(&pairs);
    cr_expect(!pairs.data && pairs.count == 0 && pairs.capacity == 0);
    vec_release(&pairs);
}

Test(vec, empty_has_no_items)
{
    vec(int) numbers = {0};

    vec_each (number, &numbers) cr_assert(false, "an item %p", (void *)number);
    vec_reserve(&numbers, 0);
    cr_expect(numbers.count == 0);
    vec_each (number, &numbers) cr_assert(false, "an item %p", (void *)number);
    vec_release(&numbers);
}

Test(vec, reserved_items_do_not_move)
{
    vec(int) numbers = {0};

    vec_reserve(&numbers, 1000);
    const int *place = numbers.data;
    for (int i = 0; i < 1000; i++) *vec_push_slot(&numbers) = i;
    cr_expect(numbers.data == place && numbers.count == 1000 && numbers.data[999] == 999);
    vec_push(&numbers, 1000);
    cr_expect(numbers.capacity >= 1500, "capacity grows by half");
    vec_release(&numbers);
}
