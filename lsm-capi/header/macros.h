#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(LSM_STATIC)
#  define LSM_API __declspec(dllimport)
#elif defined(__GNUC__)
#  define LSM_API __attribute__((visibility("default")))
#else
#  define LSM_API
#endif

/* The answer must be looked at. */
#if defined(__GNUC__)
#  define LSM_CHECK __attribute__((warn_unused_result))
#else
#  define LSM_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif
