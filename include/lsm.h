/* SPDX-License-Identifier: MIT OR Apache-2.0 */

#ifndef LSM_H
#define LSM_H

/* Generated from lsm-capi/src: change it there, then REWRITE=1 cargo test -p lsm-capi. */

#include <stdint.h>

#if defined(_WIN32) && !defined(LSM_STATIC)
#  define LSM_API __declspec(dllimport)
#elif defined(__GNUC__)
#  define LSM_API __attribute__((visibility("default")))
#else
#  define LSM_API
#endif

// The first part of the version this header belongs to.
#define LSM_VERSION_MAJOR 0

// The second part; before 1.0 it grows with every change of this interface.
#define LSM_VERSION_MINOR 1

// The third part.
#define LSM_VERSION_PATCH 0

// The version of this header as one number, to hold against `lsm_version_number()`.
#define LSM_VERSION_NUMBER (((LSM_VERSION_MAJOR * 1000000) + (LSM_VERSION_MINOR * 1000)) + LSM_VERSION_PATCH)

// What a call answers: 0 success, above 0 an expected outcome, below 0 an error.
typedef int32_t lsm_status;

// Success.
#define LSM_OK 0

// No such key, keyspace or backup.
#define LSM_NOT_FOUND 1

// The iteration is over.
#define LSM_END 2

// The caller's buffer is too small; the size needed is reported.
#define LSM_TRUNCATED 3

// Fix the call.
#define LSM_INVALID_ARGUMENT -1

// This platform, medium or build cannot do it.
#define LSM_UNSUPPORTED -2

// The operating system failed.
#define LSM_IO -3

// Free some space, then retry.
#define LSM_NO_SPACE -4

// Stored bytes are wrong: restore or salvage.
#define LSM_CORRUPTION -5

// Somebody else has the database open.
#define LSM_LOCKED -6

// A condition did not hold: read again and retry.
#define LSM_CONFLICT -7

// The deadline passed first.
#define LSM_TIMED_OUT -8

// The database, or what the handle depended on, was closed.
#define LSM_CLOSED -9

// Opened read-only, or turned read-only by an earlier fault.
#define LSM_READ_ONLY -10

// Not a database of ours, or written by a newer version.
#define LSM_FORMAT -11

// A documented limit was exceeded.
#define LSM_TOO_LARGE -12

// A callback refused.
#define LSM_ABORTED -13

// Memory could not be had.
#define LSM_OUT_OF_MEMORY -14

// In use right now: retry later.
#define LSM_BUSY -15

// It is there already.
#define LSM_EXISTS -16

// The handle was inherited through fork(): open the database anew in the child.
#define LSM_FORKED -17

// A bug in this library: please report it.
#define LSM_INTERNAL -99

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the loaded library, such as "0.1.0". Static: never freed.
LSM_API const char *lsm_version_string(void);

// The version of the loaded library as one number, made as `LSM_VERSION_NUMBER` is.
LSM_API uint32_t lsm_version_number(void);

// The name of a status, such as "LSM_IO"; "LSM_UNKNOWN" for a number that is none. Static: never
// freed.
LSM_API const char *lsm_status_name(lsm_status status);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LSM_H */
