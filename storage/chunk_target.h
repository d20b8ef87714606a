/* Marks loops that are compiled once more for wider vectors and newer bit instructions; the loader picks.
 *
 * Nothing but speed may depend on it: only integer arithmetic and single operations of IEEE 754 stand in such
 * functions. Sanitizers and the loader's choice do not go together, and clang 14 has no names for whole levels of the
 * instruction set; there, the plain version is all.
 */
#ifndef VARVE_STORAGE_CHUNK_TARGET_H
#define VARVE_STORAGE_CHUNK_TARGET_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) && defined(__OPTIMIZE__)
#define CHUNK_HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CHUNK_HOT
#endif

#define CHUNK_INLINE static inline __attribute__((always_inline))

#endif
