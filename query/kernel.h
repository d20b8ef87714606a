/* How hot loops are compiled.
 *
 * A loop over columns is written once in plain C and marked KERNEL: the compiler makes a copy for each instruction set
 * and the loader picks one. All copies give the same bits, since nothing is contracted or reordered. The thread
 * sanitizer can not start programs that choose code while they are loaded, and clang gives the choice a name of its
 * own, which other files do not know, so there the plain copy is the only one.
 */
#ifndef VARVE_QUERY_KERNEL_H
#define VARVE_QUERY_KERNEL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__x86_64__) || defined(__clang__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define KERNEL
#else
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif

/* The smaller and the larger of two numbers: an infinity that no number goes beyond wins even against NaN, else NaN
 * does; -0 is smaller than 0. */
static inline double smaller_of(double a, double b)
{
    uint64_t x, y;
    double equal;

    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    x |= y;
    memcpy(&equal, &x, sizeof equal);
    double ordered = a < b ? a : a > b ? b : equal;
    double checked = (isnan(a) | isnan(b)) ? NAN : ordered;
    return ((a == -INFINITY) | (b == -INFINITY)) ? -INFINITY : checked;
}

static inline double larger_of(double a, double b)
{
    return -smaller_of(-a, -b);
}

/* Before a loop whose iterations do not depend on each other, though its output may be one of its inputs. */
#ifdef __clang__
#define KERNEL_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define KERNEL_LOOP _Pragma("GCC ivdep")
#endif

/* One step of compensated summation (Neumaier's form of Kahan's): adds x to *sum, collecting what was rounded away in
 * *lost. An infinite sum has lost nothing. Written without branches, so that loops over columns become vectors. */
static inline void kahan_add(double x, double *sum, double *lost)
{
    double total = *sum + x;
    double small = fabs(*sum) >= fabs(x) ? (*sum - total) + x : (x - total) + *sum;
    double carried = *lost + small;

    *lost = isinf(total) ? 0 : carried;
    *sum = total;
}

#endif
