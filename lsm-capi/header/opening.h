/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lsm.h: an ordered, durable key-value store that programs link.
 *
 * What holds everywhere in this file; a function names only what differs.
 *
 * Names      lsm_<noun>_<verb>; the daily verbs are short: lsm_open, lsm_get, lsm_put, lsm_delete,
 *            lsm_write, lsm_close. Constants are LSM_*. An argument that may be NULL is called
 *            ..._or_null, but for `error`.
 * Status     What can fail returns an lsm_status: LSM_OK is 0, an outcome that is to be expected
 *            (not found, the end) is above 0, an error is below 0. `if (lsm_put(...) < 0)` is the
 *            whole test. Nothing that can fail returns void.
 * Errors     The last argument, `lsm_error **error`, may be NULL. Otherwise it is always written:
 *            NULL unless the status is below 0, else an error for lsm_error_free(). It is never
 *            read, so it need not be initialised. There is no error state elsewhere, neither of the
 *            thread nor of the process.
 * Handles    A handle comes out of ..._open or ..._new through a pointer, which gets NULL when the
 *            call fails, and goes to lsm_close() or ..._free once. Handles look like pointers and
 *            are none: they are looked up. A handle that was closed, closed twice, made up, NULL or
 *            of another kind is answered with LSM_CLOSED or LSM_INVALID_ARGUMENT, from any thread
 *            and at any time; the ..._free functions then do nothing. No function takes over a
 *            handle that it is given.
 * Lifetimes  Whatever comes from a database keeps what it needs: free handles in any order. After
 *            lsm_close() iterators and snapshots answer LSM_CLOSED, and values that were read stay
 *            valid until they are freed. What is answered as `const char *` lives as long as the
 *            handle that it was asked of.
 * Bytes      Keys and values are any bytes with a length: see lsm_bytes() and lsm_str(). Input is
 *            copied before a call returns. Keys are ordered byte by byte, as memcmp() does.
 * Threads    `const T *` may be used by many threads at once; that is every database, snapshot and
 *            error. `T *` is for one thread at a time, whichever: a second one gets LSM_BUSY.
 * Structs    Options begin with their size: initialise them with their _INIT macro. 0 is the usual
 *            choice in every other field.
 * Enums      Integers of a fixed size with constants. What is unknown is LSM_INVALID_ARGUMENT.
 * Memory     Never give memory from here to free(), nor memory of malloc() to here.
 * Fork       A database belongs to the process that opened it. In a forked child each call with it
 *            answers LSM_FORKED, and freeing handles is harmless. Open it anew in the child, once
 *            the parent has closed it.
 * Callbacks  Any thread may call them, at any time until lsm_close() has returned. They must return:
 *            no longjmp(), no exception. In a callback a program may read, iterate and look inside;
 *            a call that writes, or that waits for background work, answers LSM_INVALID_ARGUMENT.
 * Signals    With the usual `wal_mode` the library handles SIGBUS, for addresses of its own alone,
 *            and passes all others on to the handler that was there before.
 */
