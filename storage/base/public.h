/* Marks the functions that libvarve offers: those, and no others, can be linked from outside. In C++ they keep the
 * names that C gives them. */
#ifndef VARVE_STORAGE_BASE_PUBLIC_H
#define VARVE_STORAGE_BASE_PUBLIC_H

#ifdef __cplusplus
#define VARVE_PUBLIC extern "C" __attribute__((visibility("default")))
#else
#define VARVE_PUBLIC __attribute__((visibility("default")))
#endif

#endif
