/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * lsm.hpp: the database of lsm.h for C++17 and later. Nothing to link but liblsm.
 *
 * What lsm.h says at its beginning holds here too; a member names only what differs.
 *
 * Results    What can fail answers a Result<T>, which the compiler wants looked at: ok() says
 *            whether it went well, `*` and `->` lead to the value, error() tells why there is none.
 *            or_throw() is the other way: it answers the value, or throws an lsm::Exception. What
 *            was not found is no error, but an empty std::optional.
 * Exceptions Nothing else here throws, except what your own functions throw, and std::bad_alloc
 *            where a container of the standard library is filled. With -fno-exceptions or_throw()
 *            is not there, and the rest is. What is compiled with exceptions and what is compiled
 *            without them are kept apart by the linker: hand lsm_db * from one to the other.
 * Handles    Each class owns one handle of lsm.h: it can be moved, not copied, and gives the handle
 *            back in its destructor. What was moved from, or made without a value, owns none: its
 *            calls answer Status::InvalidArgument. After Db::close() they answer Status::Closed.
 *            handle() is for what stands in lsm.h alone.
 * Lifetimes  A std::string_view that comes out lives as long as the object that lent it. Members
 *            that lend from a temporary are deleted, so `std::string_view v = *db.get("k")...` does
 *            not compile: keep the Value, or take a copy with str().
 * Threads    Const members and Db::close() may be called by many threads at once, others by one
 *            at a time. To move or to destroy an object is for one thread, when no other uses it.
 * Callbacks  Any callable. What a log or event function throws is dropped, as nobody is there to
 *            catch it. What others throw comes out of the call that they were handed to.
 */
#ifndef LSM_HPP
#define LSM_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lsm.h"

#if defined(__cpp_exceptions)
#  define LSM_HPP_EXCEPTIONS 1
#  define LSM_HPP_FACE throwing
#  include <exception>
#  include <stdexcept>
#else
#  define LSM_HPP_EXCEPTIONS 0
#  define LSM_HPP_FACE silent
#endif

namespace lsm {
inline namespace LSM_HPP_FACE {

/* ---- errors: what happened ------------------------------------------------------------------- */

/// What a call answered; what each means stands beside the constants of lsm.h.
enum class Status : lsm_status {
    Ok = LSM_OK,
    NotFound = LSM_NOT_FOUND,
    End = LSM_END,
    Truncated = LSM_TRUNCATED,
    InvalidArgument = LSM_INVALID_ARGUMENT,
    Unsupported = LSM_UNSUPPORTED,
    Io = LSM_IO,
    NoSpace = LSM_NO_SPACE,
    Corruption = LSM_CORRUPTION,
    Locked = LSM_LOCKED,
    Conflict = LSM_CONFLICT,
    TimedOut = LSM_TIMED_OUT,
    Closed = LSM_CLOSED,
    ReadOnly = LSM_READ_ONLY,
    Format = LSM_FORMAT,
    TooLarge = LSM_TOO_LARGE,
    Aborted = LSM_ABORTED,
    OutOfMemory = LSM_OUT_OF_MEMORY,
    Busy = LSM_BUSY,
    Exists = LSM_EXISTS,
    Forked = LSM_FORKED,
    Internal = LSM_INTERNAL
};

/// The name of a status, such as "LSM_IO".
inline std::string_view name(Status status) noexcept {
    return lsm_status_name(static_cast<lsm_status>(status));
}

namespace detail {

struct Free {
    void operator()(lsm_error *error) const noexcept { lsm_error_free(error); }
    void operator()(lsm_snapshot *snapshot) const noexcept { lsm_snapshot_free(snapshot); }
    void operator()(lsm_batch *batch) const noexcept { lsm_batch_free(batch); }
    void operator()(lsm_iter *iter) const noexcept { lsm_iter_free(iter); }
};

template <class Handle> using Owned = std::unique_ptr<Handle, Free>;

}  // namespace detail

/// Why a call failed. Any thread may look at it.
class Error {
  public:
    /// No error: its status is Ok.
    Error() = default;

    /// Takes over an error of lsm.h, which may be NULL.
    Error(lsm_status status, lsm_error *owned) noexcept
        : status_(status < 0 ? static_cast<Status>(status) : Status::Ok), error_(owned) {}

    /// What to do about it.
    Status status() const noexcept { return status_; }

    /// What happened, in a sentence for people. Lives as long as the error.
    const char *message() const & noexcept { return lsm_error_message(error_.get()); }
    const char *message() const && = delete;

    /// The file concerned; empty if it is none in particular.
    std::string path() const {
        const char *path = lsm_error_path(error_.get());
        return path == nullptr ? std::string() : std::string(path);
    }

    /// The byte of that file where the trouble begins.
    std::optional<std::uint64_t> offset() const noexcept {
        const std::uint64_t offset = lsm_error_offset(error_.get());
        return offset == UINT64_MAX ? std::nullopt : std::optional<std::uint64_t>(offset);
    }

    /// The error number of the operating system, as in errno; 0 if it gave none.
    int os_code() const noexcept { return lsm_error_os_code(error_.get()); }

    /// True if the same call may succeed later, with nothing else changed by the caller.
    bool is_retryable() const noexcept { return lsm_error_is_retryable(error_.get()); }

    /// True if the write that failed may be found after a restart all the same.
    bool maybe_committed() const noexcept { return lsm_error_maybe_committed(error_.get()); }

    /// Still owned by this object; NULL if there is none.
    const lsm_error *handle() const noexcept { return error_.get(); }

  private:
    Status status_ = Status::Ok;
    detail::Owned<lsm_error> error_;
};

#if LSM_HPP_EXCEPTIONS
/// What or_throw() throws: what() is the message of the error. Copies share the error.
class Exception : public std::runtime_error {
  public:
    explicit Exception(Error error)
        : std::runtime_error(error.message()),
          error_(std::make_shared<const Error>(std::move(error))) {}

    /// The whole error.
    const Error &error() const noexcept { return *error_; }

    /// What to do about it.
    Status status() const noexcept { return error_->status(); }

  private:
    std::shared_ptr<const Error> error_;
};
#endif

namespace detail {

/// Went well, or did not.
class Outcome {
  public:
    /// True if the call did what it was asked for.
    bool ok() const noexcept { return error_.status() == Status::Ok; }

    /// Ok, or the status of the error.
    Status status() const noexcept { return error_.status(); }

    /// Why the call failed; an error whose status is Ok if it did not.
    const Error &error() const & noexcept { return error_; }
    Error error() && noexcept { return std::move(error_); }

  protected:
    Outcome() = default;
    explicit Outcome(Error error) noexcept : error_(std::move(error)) {}

#if LSM_HPP_EXCEPTIONS
    void raise() {
        if (!ok()) {
            throw Exception(std::move(error_));
        }
    }
#endif

    Error error_;
};

}  // namespace detail

/// What a call answered: a value, or an error. There is no conversion to bool, which could be taken
/// for that of the value.
template <class T> class [[nodiscard]] Result : public detail::Outcome {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Error error) : Outcome(std::move(error)) {}

    /// The value. If the call failed it is an empty one, of which nothing crashes either.
    T &operator*() & noexcept { return value_; }
    const T &operator*() const & noexcept { return value_; }
    T operator*() && { return std::move(value_); }
    T *operator->() & noexcept { return &value_; }
    const T *operator->() const & noexcept { return &value_; }
    T *operator->() && = delete;

#if LSM_HPP_EXCEPTIONS
    /// The value, or an Exception.
    T or_throw() && {
        raise();
        return std::move(value_);
    }
#endif

  private:
    T value_{};
};

/// What a call answered that has nothing to tell but errors.
template <> class [[nodiscard]] Result<void> : public detail::Outcome {
  public:
    Result() = default;
    Result(Error error) : Outcome(std::move(error)) {}

#if LSM_HPP_EXCEPTIONS
    /// Nothing, or an Exception.
    void or_throw() && { raise(); }
#endif
};

/* ---- bytes: what goes in and what comes out -------------------------------------------------- */

/// One end of a range: std::nullopt is no bound.
using Bound = std::optional<std::string_view>;

/// The number of a write, in the order of writes.
using Seqno = std::uint64_t;

/// A key and its value, lent by an iterator until its next call.
struct Entry {
    std::string_view key;
    std::string_view value;
};

/// The bytes of a value where they lie: nothing was copied. Valid even after the database is
/// closed, until this object is gone.
class Value {
  public:
    Value() = default;

    /// Takes over a value of lsm.h.
    explicit Value(lsm_value owned) noexcept : value_(owned) {}

    Value(Value &&other) noexcept : value_(other.release()) {}
    Value &operator=(Value &&other) noexcept {
        lsm_value taken = other.release();
        std::swap(value_, taken);
        lsm_value_free(&taken);
        return *this;
    }
    ~Value() {
        // Most are gone already, because they were moved: those cost no call.
        if (value_.pin != nullptr) {
            lsm_value_free(&value_);
        }
    }

    /// The bytes, as long as this object lives.
    std::string_view view() const & noexcept { return {value_.data, value_.size}; }
    std::string_view view() const && = delete;
    operator std::string_view() const & noexcept { return view(); }
    operator std::string_view() const && = delete;

    /// Where they begin; NULL if there is no value.
    const char *data() const & noexcept { return value_.data; }
    const char *data() const && = delete;

    /// How many they are.
    std::size_t size() const noexcept { return value_.size; }

    /// A copy.
    std::string str() const { return std::string(view()); }

    /// Gives it up: from now on it is the caller's, for lsm_value_free().
    lsm_value release() noexcept {
        const lsm_value none = LSM_VALUE_INIT;
        return std::exchange(value_, none);
    }

  private:
    lsm_value value_ = LSM_VALUE_INIT;
};

namespace detail {

inline lsm_slice to_c(std::string_view bytes) noexcept {
    return lsm_bytes(bytes.data(), bytes.size());
}

/// An empty bound is one, wherever its bytes lie.
inline lsm_slice to_c(const Bound &bound) noexcept {
    if (!bound) {
        return lsm_bytes(nullptr, 0);
    }
    return lsm_bytes(bound->empty() ? "" : bound->data(), bound->size());
}

inline std::string_view view(lsm_slice slice) noexcept { return {slice.data, slice.size}; }

/// A string for C: none, which is refused there, if a NUL inside would end it early.
inline const char *to_c(const std::string &text) noexcept {
    return text.find('\0') == std::string::npos ? text.c_str() : nullptr;
}

inline std::string string_of(const char *text) { return text == nullptr ? "" : text; }

template <class Word> constexpr std::uint32_t number(Word word) noexcept {
    return static_cast<std::uint32_t>(word);
}

/// What a call of lsm.h answered.
struct Answer {
    lsm_status status;
    Error error;

    /// What the call filled in, if it did not fail.
    template <class T> Result<T> give(T &filled) && {
        return status < 0 ? Result<T>(std::move(error)) : Result<T>(std::move(filled));
    }

    /// The owner of what the call made.
    template <class T, class Raw> Result<T> own(Raw &made) && {
        return status < 0 ? Result<T>(std::move(error)) : Result<T>(T(made));
    }

    /// What the call found, or nothing.
    template <class T, class Raw> Result<std::optional<T>> find(Raw &found) && {
        using Found = std::optional<T>;
        if (status < 0) {
            return std::move(error);
        }
        return status == LSM_NOT_FOUND ? Found() : Found(T(found));
    }

    /// What the call filled in, or nothing if something else was there.
    template <class T> Result<std::optional<T>> unless_conflict(T &filled) && {
        using Filled = std::optional<T>;
        if (status == LSM_CONFLICT) {
            return Filled();
        }
        return status < 0 ? Result<Filled>(std::move(error)) : Result<Filled>(Filled(filled));
    }

    /// Whether the call found something.
    Result<bool> is_found() && {
        return status < 0 ? Result<bool>(std::move(error)) : Result<bool>(status == LSM_OK);
    }
};

/// Calls a function of lsm.h, whose last argument is where the error goes.
template <class Function, class... Arguments>
Answer ask(Function function, Arguments... arguments) {
    lsm_error *error = nullptr;
    const lsm_status status = function(arguments..., &error);
    return {status, Error(status, error)};
}

/// The same for what answers nothing.
template <class Function, class... Arguments>
Result<void> done(Function function, Arguments... arguments) {
    return ask(function, arguments...).error;
}

/// The same for what answers a text at last.
template <class Function, class... Arguments>
Result<Value> text(Function function, Arguments... arguments) {
    lsm_value value = LSM_VALUE_INIT;
    return ask(function, arguments..., &value).template own<Value>(value);
}

/// Runs functions of the program while C waits for them: what they throw waits until C is done.
class Caught {
  public:
#if LSM_HPP_EXCEPTIONS
    template <class Call> void run(Call &&call) noexcept {
        if (thrown_ == nullptr) {
            try {
                call();
            } catch (...) {
                thrown_ = std::current_exception();
            }
        }
    }

    void rethrow() const {
        if (thrown_ != nullptr) {
            std::rethrow_exception(thrown_);
        }
    }

  private:
    std::exception_ptr thrown_;
#else
    template <class Call> void run(Call &&call) noexcept { call(); }
    void rethrow() const noexcept {}
#endif
};

}  // namespace detail

/* ---- options: what can be chosen ------------------------------------------------------------- */

/// For times: as long as it takes; for `sync_interval`: no background sync at all.
inline constexpr std::chrono::milliseconds never = std::chrono::milliseconds::max();

/// When a write is durable. Usual: as the database has it, and LSM_BUFFERED there.
enum class Durability : lsm_durability {
    Usual,
    Durable = LSM_DURABLE,
    Buffered = LSM_BUFFERED,
    Volatile = LSM_VOLATILE
};

/// How much the log is told. Usual: Info.
enum class LogLevel : lsm_log_level {
    Usual,
    Error = LSM_LOG_ERROR,
    Warn = LSM_LOG_WARN,
    Info = LSM_LOG_INFO,
    Debug = LSM_LOG_DEBUG
};

/// How blocks are packed. Usual: Lz4.
enum class Compression : lsm_compression {
    Usual,
    None = LSM_COMPRESSION_NONE,
    Lz4 = LSM_COMPRESSION_LZ4,
    Zstd = LSM_COMPRESSION_ZSTD
};

/// How tables are merged. Usual: Leveled.
enum class Strategy : lsm_strategy {
    Usual,
    Leveled = LSM_LEVELED,
    Tiered = LSM_TIERED,
    Fifo = LSM_FIFO,
    Lazy = LSM_LAZY
};

/// How the log is written. Usual: Auto.
enum class WalMode : lsm_wal_mode {
    Usual,
    Auto = LSM_WAL_AUTO,
    Write = LSM_WAL_WRITE,
    Mapped = LSM_WAL_MAPPED
};

/// The structure of what was written last. Usual: Tree.
enum class Memtable : lsm_memtable {
    Usual,
    Tree = LSM_MEMTABLE_TREE,
    SkipList = LSM_MEMTABLE_SKIPLIST
};

/// One event, as lsm.h has it: strings may be NULL, and live for the time of the call.
using Event = lsm_event;

/// The numbers that are asked for most, as lsm.h has them.
using Stats = lsm_stats;

/// Is told in words what happens, by any thread, by several at once.
using LogFunction = std::function<void(LogLevel level, std::string_view message)>;

/// Is told what happens in parts, by any thread, by several at once.
using EventFunction = std::function<void(const Event &event)>;

/// Is told how far a long call is, on the thread that made it; false stops the call, which then
/// answers Status::Aborted.
using Progress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

/// Is told one number, as Prometheus has them.
using MetricFunction =
    std::function<void(std::string_view name, std::string_view labels, double value)>;

/// What operands of the program's own do: see lsm_merge_operator. Any thread calls the functions,
/// several at once, until the database is closed. Nothing, or a throw, fails the read that asks.
struct MergeOperator {
    /// 1 to 64 letters, digits, `-`, `_` and `.`, and none of the built-in names.
    std::string name;
    /// What becomes of a value, or of none, with operands applied to it, the oldest first.
    std::function<std::optional<std::string>(std::string_view key,
                                             std::optional<std::string_view> base,
                                             const std::vector<std::string_view> &operands)>
        merge;
    /// One operand that does what two do; nothing if there is none. May be empty.
    std::function<std::optional<std::string>(std::string_view key, std::string_view older,
                                             std::string_view newer)>
        partial = {};
    /// Whether an operand that is about to be written makes sense. May be empty.
    std::function<bool(std::string_view operand)> check = {};
    /// Whether a value that is about to be put makes sense. May be empty.
    std::function<bool(std::string_view value)> check_value = {};
};

/// An order of keys that is the program's own: see lsm_comparator.
struct Comparator {
    /// 1 to 64 letters, digits, `-`, `_` and `.`.
    std::string name;
    /// The bytes by which a key is ordered; nothing, or a throw, fails the call that asks.
    std::function<std::optional<std::string>(std::string_view key)> sort_key;
};

/// What becomes of a value that a compaction filter is shown.
struct FilterDecision {
    /// LSM_FILTER_KEEP, LSM_FILTER_REMOVE or LSM_FILTER_REPLACE.
    lsm_filter_decision what = LSM_FILTER_KEEP;
    /// What takes its place.
    std::string replacement = {};

    /// It stays.
    static FilterDecision keep() { return {}; }

    /// It goes, as if the key had been deleted.
    static FilterDecision remove() { return {LSM_FILTER_REMOVE, {}}; }

    /// This takes its place. When it expires stays.
    static FilterDecision replace(std::string value) {
        return {LSM_FILTER_REPLACE, std::move(value)};
    }
};

/// What a compaction filter may know besides key and value.
struct FilterContext {
    /// The name of the keyspace.
    std::string_view keyspace;
    /// The level where the value will stand.
    std::uint32_t level = 0;
    /// Nothing older lies beneath what is rewritten.
    bool is_last_level = false;
    /// When the value expires, in milliseconds since 1970; 0 for never.
    std::uint64_t expires_at_ms = 0;
};

/// What compactions take away or change: see lsm_compaction_filter. Threads of the database call
/// the function, several at once, until the database is closed. A throw keeps the value.
struct CompactionFilter {
    /// 1 to 64 letters, digits, `-`, `_` and `.`.
    std::string name;
    /// Says what becomes of a value.
    std::function<FilterDecision(std::string_view key, std::string_view value,
                                 const FilterContext &context)>
        filter;
};

namespace detail {

/// Milliseconds as C has them: what is longer is `never`, what is past is as short as can be.
inline std::uint32_t millis(std::chrono::milliseconds time) noexcept {
    const auto count = time.count();
    return count < 0             ? 1
           : count >= UINT32_MAX ? UINT32_MAX
                                 : static_cast<std::uint32_t>(count);
}

/// The same of a time to live, where less than nothing is nothing.
inline std::uint64_t count(std::chrono::milliseconds time) noexcept {
    return time.count() < 0 ? 0 : static_cast<std::uint64_t>(time.count());
}

inline std::chrono::milliseconds time_of(std::uint32_t millis) noexcept {
    return millis == UINT32_MAX ? never : std::chrono::milliseconds(millis);
}

}  // namespace detail

/// How a keyspace is kept: see lsm_keyspace_options.
struct KeyspaceOptions {
    /// How tables are merged.
    Strategy strategy = Strategy::Usual;
    /// How many times larger each level is, for Tiered and Lazy how many runs it holds: 2 to 100.
    std::uint32_t level_ratio = 0;
    /// How blocks are packed.
    Compression compression = Compression::Usual;
    /// For Zstd: 1, the fastest, to 22, the smallest.
    std::uint32_t compression_level = 0;
    /// How many bytes of entries share a block: 512 to 65,536.
    std::uint32_t block_bytes = 0;
    /// What a filter spends on a key: up to 32 bits, or LSM_NO_FILTER.
    std::uint32_t filter_bits_per_key = 0;
    /// For Fifo: how many bytes may stay.
    std::uint64_t fifo_bytes_max = 0;
    /// For Fifo: how many milliseconds a table may stay.
    std::uint64_t fifo_age_max_ms = 0;
    /// How many milliseconds after its write a value expires, if the write does not say it.
    std::uint64_t ttl_ms = 0;
    /// How many bytes the keyspace may take, on disk and in memory together; 0: any number.
    std::uint64_t quota_bytes = 0;
    /// What Db::merge() does: "add_i64", "append" and so on, or the name of one of
    /// Options::merge_operators. Empty: it is refused.
    std::string merge_operator = {};
    /// How keys are ordered: "bytewise", "reverse", or "user:" and the name of one of
    /// Options::comparators. Empty: as bytes.
    std::string comparator = {};
    /// The promise that no key is put again before it was deleted: see Db::single_delete().
    bool write_once = false;
    /// The name of one of Options::compaction_filters. Empty: none.
    std::string compaction_filter = {};
    /// From which length on values stand apart from their keys: 64 at least, or LSM_BLOB_NEVER.
    std::uint64_t blob_threshold = 0;

    /// Changes what `text` names, such as "strategy=leveled:10; compression=lz4".
    Result<void> parse(const std::string &text) {
        lsm_keyspace_options c = to_c();
        auto parsed = detail::done(lsm_keyspace_options_parse, &c, detail::to_c(text));
        if (parsed.ok()) {
            *this = from_c(c);
        }
        return parsed;
    }

    /// The text form: parse() reads it back.
    Result<Value> format() const {
        const lsm_keyspace_options c = to_c();
        return detail::text(lsm_keyspace_options_format, &c);
    }

    /// As lsm.h has it, for as long as this is not changed.
    lsm_keyspace_options to_c() const noexcept {
        lsm_keyspace_options c = LSM_KEYSPACE_OPTIONS_INIT;
        c.strategy = detail::number(strategy);
        c.level_ratio = level_ratio;
        c.compression = detail::number(compression);
        c.compression_level = compression_level;
        c.block_bytes = block_bytes;
        c.filter_bits_per_key = filter_bits_per_key;
        c.fifo_bytes_max = fifo_bytes_max;
        c.fifo_age_max_ms = fifo_age_max_ms;
        c.ttl_ms = ttl_ms;
        c.quota_bytes = quota_bytes;
        c.merge_operator = merge_operator.empty() ? nullptr : merge_operator.c_str();
        c.comparator = comparator.empty() ? nullptr : comparator.c_str();
        c.write_once = write_once ? 1 : 0;
        c.compaction_filter = compaction_filter.empty() ? nullptr : compaction_filter.c_str();
        c.blob_threshold = blob_threshold;
        return c;
    }

    /// Those of lsm.h.
    static KeyspaceOptions from_c(const lsm_keyspace_options &c) {
        KeyspaceOptions options;
        options.strategy = static_cast<Strategy>(c.strategy);
        options.level_ratio = c.level_ratio;
        options.compression = static_cast<Compression>(c.compression);
        options.compression_level = c.compression_level;
        options.block_bytes = c.block_bytes;
        options.filter_bits_per_key = c.filter_bits_per_key;
        options.fifo_bytes_max = c.fifo_bytes_max;
        options.fifo_age_max_ms = c.fifo_age_max_ms;
        options.ttl_ms = c.ttl_ms;
        options.quota_bytes = c.quota_bytes;
        options.merge_operator = detail::string_of(c.merge_operator);
        options.comparator = detail::string_of(c.comparator);
        options.write_once = c.write_once != 0;
        options.compaction_filter = detail::string_of(c.compaction_filter);
        options.blob_threshold = c.blob_threshold;
        return options;
    }
};

/// How a database is opened. What is 0, Usual, false or empty is the usual choice: see lsm_options.
struct Options {
    /// Fail instead of making a database.
    bool must_exist = false;
    /// Fail if there is one.
    bool must_be_new = false;
    /// Write nothing. Every write answers Status::ReadOnly. A writer may have the database open
    /// meanwhile: see Db::refresh().
    bool read_only = false;
    /// How much memory everything together may take, 16 MiB at least.
    std::uint64_t memory_limit = 0;
    /// The size at which a memtable is flushed.
    std::uint64_t memtable_bytes = 0;
    /// How much log there may be before memtables are flushed so that it gets shorter.
    std::uint64_t wal_bytes_max = 0;
    /// How many threads flush and compact: 1 to 64.
    std::uint32_t background_threads = 0;
    /// How many files of tables are kept open.
    std::uint32_t open_files_max = 0;
    /// For writes that do not say so themselves.
    Durability durability = Durability::Usual;
    /// How much `log` is told.
    LogLevel log_level = LogLevel::Usual;
    /// How fast flushes and compactions may write.
    std::uint64_t write_bytes_per_second = 0;
    /// How long a buffered write stays unsynced at most; `never` leaves syncing to Db::sync().
    std::chrono::milliseconds sync_interval{0};
    /// How the log is written.
    WalMode wal_mode = WalMode::Usual;
    /// The size that segments of the log grow to: 4 KiB to 1 GiB.
    std::uint64_t wal_segment_bytes_max = 0;
    /// The structure of memtables.
    Memtable memtable = Memtable::Usual;
    /// How many bytes a second are read in the background to find damage.
    std::uint64_t scrub_bytes_per_second = 0;
    /// With read_only: how often it is looked what the writer, in another process, has done. Usual:
    /// only by Db::refresh().
    std::chrono::milliseconds refresh_every{0};
    /// With read_only: how long the writer keeps files for this reader when it hangs. Usual: 60 s.
    std::chrono::milliseconds reader_lease{0};
    /// Is told in words what happens, until the database is closed. Lives until its Db is gone.
    LogFunction log = {};
    /// Is told what happens in parts, for as long.
    EventFunction event = {};
    /// What operands of the program's own do; they live as long.
    std::vector<MergeOperator> merge_operators = {};
    /// What keyspaces can choose as `user:` and its name to order their keys by.
    std::vector<Comparator> comparators = {};
    /// What keyspaces can choose by its name to have their compactions filtered by.
    std::vector<CompactionFilter> compaction_filters = {};
    /// How the default keyspace is kept, if the opening makes the database; one that is there with
    /// another default keyspace is refused. Nothing: as usual.
    std::optional<KeyspaceOptions> default_keyspace = {};

    /// Changes what `text` names, such as "memory_limit=1GiB; durability=durable": see
    /// lsm_options_parse(). Nothing is changed if it fails.
    Result<void> parse(const std::string &text) {
        lsm_options c = to_c();
        auto parsed = detail::done(lsm_options_parse, &c, detail::to_c(text));
        if (parsed.ok()) {
            from_c(c);
        }
        return parsed;
    }

    /// The text form, without the functions and the default keyspace: parse() reads it back.
    Result<Value> format() const {
        const lsm_options c = to_c();
        return detail::text(lsm_options_format, &c);
    }

    /// As lsm.h has it, without the functions and the default keyspace.
    lsm_options to_c() const noexcept {
        lsm_options c = LSM_OPTIONS_INIT;
        c.flags = (must_exist ? detail::number(LSM_OPEN_EXISTING) : 0) |
                  (must_be_new ? detail::number(LSM_OPEN_NEW) : 0) |
                  (read_only ? detail::number(LSM_OPEN_READONLY) : 0);
        c.memory_limit = memory_limit;
        c.memtable_bytes = memtable_bytes;
        c.wal_bytes_max = wal_bytes_max;
        c.background_threads = background_threads;
        c.open_files_max = open_files_max;
        c.durability = detail::number(durability);
        c.log_level = detail::number(log_level);
        c.write_bytes_per_second = write_bytes_per_second;
        c.sync_interval_ms = detail::millis(sync_interval);
        c.wal_mode = detail::number(wal_mode);
        c.wal_segment_bytes_max = wal_segment_bytes_max;
        c.memtable = detail::number(memtable);
        c.scrub_bytes_per_second = scrub_bytes_per_second;
        c.refresh_every_ms = detail::millis(refresh_every);
        c.reader_lease_ms = detail::millis(reader_lease);
        return c;
    }

    /// `default_keyspace` as lsm.h has it, in `place`; NULL for nothing.
    const lsm_keyspace_options *default_keyspace_in(lsm_keyspace_options &place) const noexcept {
        if (!default_keyspace) {
            return nullptr;
        }
        place = default_keyspace->to_c();
        return &place;
    }

  private:
    void from_c(const lsm_options &c) noexcept {
        must_exist = (c.flags & LSM_OPEN_EXISTING) != 0;
        must_be_new = (c.flags & LSM_OPEN_NEW) != 0;
        read_only = (c.flags & LSM_OPEN_READONLY) != 0;
        memory_limit = c.memory_limit;
        memtable_bytes = c.memtable_bytes;
        wal_bytes_max = c.wal_bytes_max;
        background_threads = c.background_threads;
        open_files_max = c.open_files_max;
        durability = static_cast<Durability>(c.durability);
        log_level = static_cast<LogLevel>(c.log_level);
        write_bytes_per_second = c.write_bytes_per_second;
        sync_interval = detail::time_of(c.sync_interval_ms);
        wal_mode = static_cast<WalMode>(c.wal_mode);
        wal_segment_bytes_max = c.wal_segment_bytes_max;
        memtable = static_cast<Memtable>(c.memtable);
        scrub_bytes_per_second = c.scrub_bytes_per_second;
        refresh_every = detail::time_of(c.refresh_every_ms);
        reader_lease = detail::time_of(c.reader_lease_ms);
    }
};

/// How something is written: see lsm_write_options.
struct WriteOptions {
    /// When the write is durable.
    Durability durability = Durability::Usual;
    /// Status::TimedOut afterwards. 0: as long as it takes.
    std::chrono::milliseconds timeout{0};
    /// Status::Busy where the write would have to wait because the background is behind.
    bool no_wait = false;
    /// Other writes go first while writers are held back.
    bool low_priority = false;
    /// How long after the call the value that is put expires; `never` for never. 0: as the keyspace
    /// has it. Less: at once, which deletes the key.
    std::chrono::milliseconds ttl{0};
    /// In place of `ttl`: when it expires, in milliseconds since 1970. 0: as `ttl` says.
    std::uint64_t expires_at_ms = 0;

    /// As lsm.h has it, with a place for the number of the write, which may be NULL.
    lsm_write_options to_c(Seqno *seqno) const noexcept {
        lsm_write_options c = LSM_WRITE_OPTIONS_INIT;
        c.flags = (no_wait ? detail::number(LSM_WRITE_NO_WAIT) : 0) |
                  (low_priority ? detail::number(LSM_WRITE_LOW_PRIORITY) : 0);
        c.durability = detail::number(durability);
        c.timeout_ms = timeout == never ? 0 : detail::millis(timeout);
        c.ttl_ms = ttl == never ? LSM_TTL_NEVER : detail::count(ttl);
        c.seqno = seqno;
        c.expires_at_ms = expires_at_ms == 0 && ttl.count() < 0 ? 1 : expires_at_ms;
        return c;
    }
};

/// How a long call goes on.
struct CallOptions {
    /// Status::TimedOut afterwards. 0: as long as it takes.
    std::chrono::milliseconds timeout{0};
    /// Is told how far the call is, and can stop it.
    Progress progress = {};
};

/* ---- snapshots: the whole database as it was at one moment ----------------------------------- */

/// All keyspaces as they were when Db::snapshot() was called. What it sees is kept on disk until it
/// is gone. Any thread may read by it.
class Snapshot {
  public:
    Snapshot() = default;

    /// Takes over a handle of lsm.h.
    explicit Snapshot(lsm_snapshot *owned) noexcept : snapshot_(owned) {}

    /// The sequence number of the last write that it sees; 0 if there is no snapshot.
    Seqno seqno() const noexcept { return lsm_snapshot_seqno(snapshot_.get()); }

    /// Still owned by this object; NULL if there is none.
    const lsm_snapshot *handle() const noexcept { return snapshot_.get(); }

  private:
    detail::Owned<lsm_snapshot> snapshot_;
};

/// How an explained scan goes.
struct Explain {
    /// After so many pairs it ends. Usual: at the end of the range.
    std::uint64_t limit = 0;
    /// From the end of the range to its beginning.
    bool reverse = false;
};

/// How something is read: see lsm_read_options.
struct ReadOptions {
    /// What is read is as this snapshot sees it. Usual: the newest.
    const Snapshot *snapshot = nullptr;
    /// Iterators: the first key.
    Bound lower = std::nullopt;
    /// Iterators: the key that they end before.
    Bound upper = std::nullopt;
    /// Iterators: what all keys begin with, within the bounds.
    std::string_view prefix = {};
    /// Iterators leave values out: all are empty.
    bool keys_only = false;
    /// Blocks that are read from disk are not kept in the cache.
    bool no_fill_cache = false;
    /// Blocks that are in the cache are not believed: they are read again, and checked.
    bool verify = false;
    /// Nothing is read from disk: Status::Busy if that would be necessary.
    bool memory_only = false;

    /// As this snapshot sees it, which must live as long as the options do.
    static ReadOptions at(const Snapshot &snapshot) noexcept {
        ReadOptions options;
        options.snapshot = &snapshot;
        return options;
    }
    static ReadOptions at(const Snapshot &&) = delete;

    /// True if nothing is chosen: C gets NULL then, which costs a read less.
    bool is_usual() const noexcept {
        return snapshot == nullptr && !lower && !upper && prefix.empty() && !keys_only &&
               !no_fill_cache && !verify && !memory_only;
    }

    /// As lsm.h has it, for as long as the options and what they lead to live.
    lsm_read_options to_c() const noexcept {
        lsm_read_options c = LSM_READ_OPTIONS_INIT;
        c.flags = (no_fill_cache ? detail::number(LSM_READ_NO_FILL_CACHE) : 0) |
                  (verify ? detail::number(LSM_READ_VERIFY) : 0) |
                  (memory_only ? detail::number(LSM_READ_MEMORY_ONLY) : 0) |
                  (keys_only ? detail::number(LSM_READ_KEYS_ONLY) : 0);
        c.snapshot = snapshot == nullptr ? nullptr : handle_of(*snapshot);
        c.lower = detail::to_c(lower);
        c.upper = detail::to_c(upper);
        c.prefix = detail::to_c(prefix);
        return c;
    }

  private:
    /// A snapshot that was moved from must not be taken for "the newest": it becomes a handle that
    /// there never is.
    static const lsm_snapshot *handle_of(const Snapshot &snapshot) noexcept {
        const lsm_snapshot *handle = snapshot.handle();
        return handle != nullptr ? handle : reinterpret_cast<const lsm_snapshot *>(alignof(void *));
    }
};

/* ---- batches: writes that happen together or not at all -------------------------------------- */

class Db;

/// Writes to any keyspaces of one database, made by Db::batch(), done by Db::write(). It owns its
/// bytes. A call that fails leaves it as it was.
class Batch {
  public:
    Batch() = default;

    /// Takes over a handle of lsm.h.
    explicit Batch(lsm_batch *owned) noexcept : batch_(owned) {}

    /// Adds: give a key of this keyspace a value.
    inline Result<void> put(const Db &db, std::string_view key, std::string_view value);

    /// Adds: give a key of this keyspace a value that expires so long after this call; `never` for
    /// never, 0 as the keyspace has it.
    inline Result<void> put(const Db &db, std::string_view key, std::string_view value,
                            std::chrono::milliseconds ttl);

    /// Adds: give a key of this keyspace a value that expires at this moment, in milliseconds since
    /// 1970.
    inline Result<void> put_until(const Db &db, std::string_view key, std::string_view value,
                                  std::uint64_t expires_at_ms);

    /// Adds: apply an operand to a key of this keyspace, as Db::merge().
    inline Result<void> merge(const Db &db, std::string_view key, std::string_view operand);

    /// The same, and the value that comes of it expires so long after this call; `never` for never.
    inline Result<void> merge(const Db &db, std::string_view key, std::string_view operand,
                              std::chrono::milliseconds ttl);

    /// The same, and the value that comes of it expires at this moment, in milliseconds since 1970.
    inline Result<void> merge_until(const Db &db, std::string_view key, std::string_view operand,
                                    std::uint64_t expires_at_ms);

    /// Adds: take a key of this keyspace away.
    inline Result<void> erase(const Db &db, std::string_view key);

    /// Adds: take a key of this keyspace away, as Db::erase_single().
    inline Result<void> erase_single(const Db &db, std::string_view key);

    /// Adds: take away every key of this keyspace from `begin` on, before `end`.
    inline Result<void> erase_range(const Db &db, Bound begin, Bound end);

    /// Adds a condition: the key has no value. Db::write() looks at all conditions in the moment of
    /// the write; if one does not hold, nothing is written, and the answer is Status::Conflict.
    inline Result<void> require_absent(const Db &db, std::string_view key);

    /// Adds a condition: the key has this value.
    inline Result<void> require_value(const Db &db, std::string_view key, std::string_view value);

    /// Adds a condition: nobody has written to the key since the snapshot, which may go.
    inline Result<void> require_unchanged(const Db &db, std::string_view key,
                                          const Snapshot &snapshot);

    /// How many conditions it has.
    std::size_t conditions() const noexcept { return lsm_batch_conditions(batch_.get()); }

    /// How many writes it holds.
    std::size_t count() const noexcept { return lsm_batch_count(batch_.get()); }

    /// How many bytes it takes in the log.
    std::size_t bytes() const noexcept { return lsm_batch_bytes(batch_.get()); }

    /// Empties it, and keeps its memory.
    void clear() noexcept { lsm_batch_clear(batch_.get()); }

    /// Still owned by this object; NULL if there is none.
    lsm_batch *handle() const noexcept { return batch_.get(); }

  private:
    detail::Owned<lsm_batch> batch_;
};

/* ---- iteration: the position is a gap between two entries ------------------------------------ */

/// Walks over the keys of a keyspace, in order, both ways. It begins in front of the first one, and
/// sees the moment of its making, or that of its snapshot. For one thread at a time.
class Iterator {
  public:
    Iterator() = default;

    /// Takes over a handle of lsm.h.
    explicit Iterator(lsm_iter *owned) noexcept : iter_(owned) {}

    /// Moves in front of the first entry whose key is `key` or behind it.
    Result<void> seek(std::string_view key) {
        return detail::done(lsm_iter_seek, handle(), detail::to_c(key));
    }

    /// Moves in front of everything.
    Result<void> seek_first() { return detail::done(lsm_iter_seek_first, handle()); }

    /// Moves behind everything.
    Result<void> seek_last() { return detail::done(lsm_iter_seek_last, handle()); }

    /// Passes the next entry and lends it until the next call; nothing behind the last one. After
    /// an error the place is as before.
    Result<std::optional<Entry>> next() & { return pass(lsm_iter_next); }
    Result<std::optional<Entry>> next() && = delete;

    /// Passes the entry before and lends it, as next() does; nothing in front of the first one.
    Result<std::optional<Entry>> prev() & { return pass(lsm_iter_prev); }
    Result<std::optional<Entry>> prev() && = delete;

    /// The value of the entry that was passed last, to be kept; nothing if none was since the last
    /// seek.
    Result<std::optional<Value>> pin() {
        lsm_value value = LSM_VALUE_INIT;
        return detail::ask(lsm_iter_pin, handle(), &value).find<Value>(value);
    }

    /// When the value of the entry that was passed last expires, in milliseconds since 1970, 0 for
    /// never; nothing if none was passed since the last seek.
    Result<std::optional<std::uint64_t>> expiry() {
        std::uint64_t moment = 0;
        return detail::ask(lsm_iter_expiry, handle(), &moment).find<std::uint64_t>(moment);
    }

    /// Sees from now on what is newest now, in the same place.
    Result<void> refresh() { return detail::done(lsm_iter_refresh, handle()); }

    /// Still owned by this object; NULL if there is none.
    lsm_iter *handle() const noexcept { return iter_.get(); }

  private:
    using Step = lsm_status (*)(lsm_iter *, lsm_slice *, lsm_slice *, lsm_error **);

    Result<std::optional<Entry>> pass(Step step) {
        lsm_slice key = {nullptr, 0};
        lsm_slice value = {nullptr, 0};
        auto answer = detail::ask(step, handle(), &key, &value);
        if (answer.status < 0) {
            return std::move(answer.error);
        }
        using Passed = std::optional<Entry>;
        const Entry entry = {detail::view(key), detail::view(value)};
        return answer.status == LSM_END ? Passed() : Passed(entry);
    }

    detail::Owned<lsm_iter> iter_;
};

/// Entries for a range-based for. Give it a name, and look at ok() behind the loop, which ends
/// early when something fails; or loop over or_throw(), and the loop throws:
///
///     for (auto [key, value] : db.range("a", "b").or_throw()) { ... }
///
/// Every loop begins anew. An entry lives until the loop goes on. For one thread at a time.
class [[nodiscard]] Range : public detail::Outcome {
  public:
    class iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Entry;
        using difference_type = std::ptrdiff_t;
        using pointer = const Entry *;
        using reference = const Entry &;

        iterator() = default;
        reference operator*() const noexcept { return *range_->entry_; }
        pointer operator->() const noexcept { return &*range_->entry_; }
        iterator &operator++() {
            *this = range_->passed();
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(iterator a, iterator b) noexcept { return a.range_ == b.range_; }
        friend bool operator!=(iterator a, iterator b) noexcept { return a.range_ != b.range_; }

      private:
        friend class Range;
        explicit iterator(Range *range) noexcept : range_(range) {}
        Range *range_ = nullptr;
    };

    Range() = default;

    /// Over all that an iterator gives.
    explicit Range(Result<Iterator> made) : iterator_(*std::move(made)) {
        error_ = std::move(made).error();
    }

    iterator begin() {
        // What could not be made keeps saying why.
        if (iterator_.handle() != nullptr || ok()) {
            error_ = (is_reversed_ ? iterator_.seek_last() : iterator_.seek_first()).error();
        }
        return ok() ? passed() : stopped();
    }
    iterator end() noexcept { return iterator(); }

    /// The same from the last entry to the first.
    Range reversed() && {
        is_reversed_ = !is_reversed_;
        return std::move(*this);
    }

    /// The value of the entry that the loop stands at, to be kept.
    Result<std::optional<Value>> pin() { return iterator_.pin(); }

#if LSM_HPP_EXCEPTIONS
    /// The same, but what fails throws an Exception: now, or in the middle of a loop.
    Range or_throw() && {
        raise();
        is_throwing_ = true;
        return std::move(*this);
    }
#endif

  private:
    iterator passed() {
        auto passed = is_reversed_ ? iterator_.prev() : iterator_.next();
        entry_ = *passed;
        error_ = std::move(passed).error();
        return entry_ ? iterator(this) : stopped();
    }

    iterator stopped() {
#if LSM_HPP_EXCEPTIONS
        if (is_throwing_) {
            raise();
        }
#endif
        return iterator();
    }

    Iterator iterator_;
    std::optional<Entry> entry_;
    bool is_reversed_ = false;
#if LSM_HPP_EXCEPTIONS
    bool is_throwing_ = false;
#endif
};

/* ---- database -------------------------------------------------------------------------------- */

namespace detail {

/// What a database calls, at an address that stays.
struct Callbacks {
    LogFunction log;
    EventFunction event;
    std::vector<MergeOperator> operators;
    std::vector<Comparator> comparators;
    std::vector<CompactionFilter> filters;

    static std::string_view view(lsm_slice bytes) noexcept {
        return bytes.size == 0 ? std::string_view() : std::string_view(bytes.data, bytes.size);
    }

    /// What a function of the program's answers, for C; `instead` if it answers nothing.
    template <class Function>
    static lsm_status answer(lsm_sink *result, lsm_status instead, Function &&function) noexcept {
        lsm_status status = LSM_ABORTED;
        Caught().run([&] {
            const std::optional<std::string> answer = function();
            status = answer ? lsm_sink_append(result, {answer->data(), answer->size()}) : instead;
        });
        return status;
    }

    static lsm_status merge(void *context, lsm_slice key, const lsm_slice *base,
                            const lsm_slice *operands, std::size_t count,
                            lsm_sink *result) noexcept {
        const auto *self = static_cast<const MergeOperator *>(context);
        return answer(result, LSM_ABORTED, [&] {
            std::vector<std::string_view> all;
            all.reserve(count);
            for (std::size_t at = 0; at < count; at++) {
                all.push_back(view(operands[at]));
            }
            std::optional<std::string_view> before;
            if (base != nullptr) {
                before = view(*base);
            }
            return self->merge(view(key), before, all);
        });
    }

    static lsm_status partial(void *context, lsm_slice key, lsm_slice older, lsm_slice newer,
                              lsm_sink *result) noexcept {
        const auto *self = static_cast<const MergeOperator *>(context);
        return answer(result, LSM_NOT_FOUND,
                      [&] { return self->partial(view(key), view(older), view(newer)); });
    }

    template <class Function>
    static lsm_status look(Function &&function) noexcept {
        lsm_status status = LSM_ABORTED;
        Caught().run([&] { status = function() ? LSM_OK : LSM_INVALID_ARGUMENT; });
        return status;
    }

    static lsm_status check(void *context, lsm_slice operand) noexcept {
        const auto *self = static_cast<const MergeOperator *>(context);
        return look([&] { return self->check(view(operand)); });
    }

    static lsm_status check_value(void *context, lsm_slice value) noexcept {
        const auto *self = static_cast<const MergeOperator *>(context);
        return look([&] { return self->check_value(view(value)); });
    }

    /// The operators as C has them: they lead to those of this object.
    std::vector<lsm_merge_operator> operators_for_c() {
        std::vector<lsm_merge_operator> all;
        for (MergeOperator &one : operators) {
            lsm_merge_operator c = LSM_MERGE_OPERATOR_INIT;
            c.name = one.name.c_str();
            c.context = &one;
            c.merge = one.merge ? merge : nullptr;
            c.partial = one.partial ? partial : nullptr;
            c.check = one.check ? check : nullptr;
            c.check_value = one.check_value ? check_value : nullptr;
            all.push_back(c);
        }
        return all;
    }

    std::vector<lsm_merge_operator> for_c;

    static lsm_status sort_key(void *context, lsm_slice key, lsm_sink *result) noexcept {
        const auto *self = static_cast<const Comparator *>(context);
        return answer(result, LSM_INVALID_ARGUMENT, [&] { return self->sort_key(view(key)); });
    }

    /// The comparators as C has them: they lead to those of this object.
    std::vector<lsm_comparator> comparators_for_c() {
        std::vector<lsm_comparator> all;
        for (Comparator &one : comparators) {
            lsm_comparator c = LSM_COMPARATOR_INIT;
            c.name = one.name.c_str();
            c.context = &one;
            c.sort_key = one.sort_key ? sort_key : nullptr;
            all.push_back(c);
        }
        return all;
    }

    std::vector<lsm_comparator> orders_for_c;

    static lsm_status filter(void *context, lsm_slice key, lsm_slice value,
                             const lsm_filter_context *about, lsm_filter_decision *decision,
                             lsm_sink *replacement) noexcept {
        const auto *self = static_cast<const CompactionFilter *>(context);
        const FilterContext told = {view(about->keyspace), about->level, about->is_last_level != 0,
                                    about->expires_at_ms};
        return answer(replacement, LSM_ABORTED, [&] {
            FilterDecision answered = self->filter(view(key), view(value), told);
            *decision = answered.what;
            return std::optional<std::string>(std::move(answered.replacement));
        });
    }

    /// The filters as C has them: they lead to those of this object.
    std::vector<lsm_compaction_filter> compaction_filters_for_c() {
        std::vector<lsm_compaction_filter> all;
        for (CompactionFilter &one : filters) {
            lsm_compaction_filter c = LSM_COMPACTION_FILTER_INIT;
            c.name = one.name.c_str();
            c.context = &one;
            c.filter = one.filter ? filter : nullptr;
            all.push_back(c);
        }
        return all;
    }

    std::vector<lsm_compaction_filter> filters_for_c;

    static void tell_log(void *context, lsm_log_level level, const char *message) noexcept {
        const auto *self = static_cast<const Callbacks *>(context);
        Caught().run([&] { self->log(static_cast<LogLevel>(level), message); });
    }

    static void tell_event(void *context, const lsm_event *event) noexcept {
        const auto *self = static_cast<const Callbacks *>(context);
        Caught().run([&] { self->event(*event); });
    }
};

/// Closes a database, then lets go of what it calls.
struct Close {
    std::unique_ptr<Callbacks> callbacks;

    void operator()(lsm_db *db) noexcept {
        // In a callback no database can be closed: it stays open, and goes on calling.
        if (lsm_close(db, nullptr) == LSM_INVALID_ARGUMENT) {
            static_cast<void>(callbacks.release());
        }
    }
};

/// One long call, and what it tells.
class Watched {
  public:
    explicit Watched(const CallOptions &options) noexcept : options_(options) {}

    /// For C, as long as this object lives.
    const lsm_call_options *how() noexcept {
        how_.timeout_ms = options_.timeout == never ? 0 : millis(options_.timeout);
        if (options_.progress) {
            how_.progress = tell;
            how_.progress_context = this;
        }
        return &how_;
    }

    /// The call is over: what the program's function threw comes out.
    Answer over(Answer answer) const {
        caught_.rethrow();
        return answer;
    }

  private:
    static lsm_status tell(void *context, std::uint64_t done, std::uint64_t total) noexcept {
        auto *self = static_cast<Watched *>(context);
        bool goes_on = false;
        self->caught_.run([&] { goes_on = self->options_.progress(done, total); });
        return goes_on ? LSM_OK : LSM_ABORTED;
    }

    const CallOptions &options_;
    lsm_call_options how_ = LSM_CALL_OPTIONS_INIT;
    Caught caught_;
};

}  // namespace detail

/// A database seen through one of its keyspaces: the default one for that of open(), another one
/// for that of keyspace(). All threads may use it at once.
///
/// Closing, or destroying, the one of open() closes the database: all others of it answer
/// Status::Closed from then on.
class Db {
  public:
    Db() = default;

    /// Takes over a handle of lsm.h.
    explicit Db(lsm_db *owned) noexcept : db_(owned) {}

    /// Opens the database in a directory, and makes it if there is none: see lsm_open().
    static Result<Db> open(const std::string &path, Options options = {}) {
        lsm_options c = options.to_c();
        lsm_keyspace_options kept = LSM_KEYSPACE_OPTIONS_INIT;
        c.default_keyspace = options.default_keyspace_in(kept);
        detail::Close close{callbacks_of(options, c)};
        lsm_db *db = nullptr;
        auto answer = detail::ask(lsm_open, detail::to_c(path), &c, &db);
        if (answer.status < 0) {
            return std::move(answer.error);
        }
        return Db(db, std::move(close));
    }

    /// Deletes the files of the database in a directory, and nothing else that lies there.
    static Result<void> destroy(const std::string &path) {
        return detail::done(lsm_destroy, detail::to_c(path));
    }

    /// Rebuilds what can be read of the damaged database at `path` in `new_path`, which is made or
    /// empty, and answers a report in JSON: see lsm_salvage(). The options are those of the new
    /// database. Progress is told of bytes.
    static Result<Value> salvage(const std::string &path, const std::string &new_path,
                                 Options options = {}, const CallOptions &call_options = {}) {
        lsm_options c = options.to_c();
        lsm_keyspace_options kept = LSM_KEYSPACE_OPTIONS_INIT;
        c.default_keyspace = options.default_keyspace_in(kept);
        const auto callbacks = callbacks_of(options, c);
        detail::Watched call(call_options);
        lsm_value report = LSM_VALUE_INIT;
        return call.over(detail::ask(lsm_salvage_with, detail::to_c(path), detail::to_c(new_path),
                                     &c, call.how(), &report)).own<Value>(report);
    }

    /// Closes it, and tells what was not made durable; the destructor does it silently. Other
    /// threads may still be using it: their calls answer Status::Closed.
    Result<void> close() { return detail::done(lsm_close, handle()); }

    /// The path that it was opened with; empty if it is closed.
    std::string path() const { return detail::string_of(lsm_path(handle())); }

    /// Still owned by this object; NULL if there is none.
    lsm_db *handle() const noexcept { return db_.get(); }

    /* -- reading -- */

    /// The value of a key, where it lies; nothing if there is none.
    Result<std::optional<Value>> get(std::string_view key, const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        lsm_value value = LSM_VALUE_INIT;
        return detail::ask(lsm_get, handle(), options.is_usual() ? nullptr : &c,
                           detail::to_c(key), &value)
            .find<Value>(value);
    }

    /// Copies the value of a key into `buffer`, and answers its whole length: if that is more than
    /// `capacity`, the buffer holds its beginning. Nothing if there is none.
    Result<std::optional<std::size_t>> get_into(std::string_view key, void *buffer,
                                                std::size_t capacity,
                                                const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        std::size_t size = 0;
        return detail::ask(lsm_get_into, handle(), options.is_usual() ? nullptr : &c,
                           detail::to_c(key), buffer, capacity, &size)
            .find<std::size_t>(size);
    }

    /// True if the key has a value.
    Result<bool> exists(std::string_view key, const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        return detail::ask(lsm_exists, handle(), options.is_usual() ? nullptr : &c,
                           detail::to_c(key))
            .is_found();
    }

    /// When the value of a key expires, in milliseconds since 1970, 0 for never; nothing if the key
    /// has no value.
    Result<std::optional<std::uint64_t>> expiry(std::string_view key,
                                                const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        std::uint64_t moment = 0;
        return detail::ask(lsm_expiry, handle(), options.is_usual() ? nullptr : &c,
                           detail::to_c(key), &moment)
            .find<std::uint64_t>(moment);
    }

    /// The values of several keys, all of the same moment: one for each, or nothing.
    Result<std::vector<std::optional<Value>>> multi_get(const std::vector<std::string_view> &keys,
                                                        const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        std::vector<lsm_slice> slices;
        slices.reserve(keys.size());
        for (std::string_view key : keys) {
            slices.push_back(detail::to_c(key));
        }
        std::vector<std::optional<Value>> answers(keys.size());
        std::vector<lsm_value> values(keys.size());
        auto answer = detail::ask(lsm_multi_get, handle(), &c, keys.size(), slices.data(),
                                  values.data(), nullptr);
        for (std::size_t at = 0; at < values.size(); at++) {
            if (values[at].data != nullptr) {
                answers[at].emplace(values[at]);
            }
        }
        return std::move(answer).give(answers);
    }

    /// Entries whose keys lie from `begin` on, before `end`, in order.
    Range range(Bound begin, Bound end, ReadOptions options = {}) const {
        options.lower = begin;
        options.upper = end;
        return Range(iterator(options));
    }

    /// Entries whose keys begin with `prefix`, in order.
    Range prefix(std::string_view prefix, ReadOptions options = {}) const {
        options.prefix = prefix;
        return Range(iterator(options));
    }

    /// All entries of the keyspace, in order, within the bounds of the options.
    Range all(const ReadOptions &options = {}) const { return Range(iterator(options)); }

    /// An iterator within the bounds of the options.
    Result<Iterator> iterator(const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        lsm_iter *iter = nullptr;
        return detail::ask(lsm_iter_new, handle(), &c, &iter).own<Iterator>(iter);
    }

    /// The whole database as it is now, for `snapshot` of ReadOptions.
    Result<Snapshot> snapshot() const {
        lsm_snapshot *snapshot = nullptr;
        return detail::ask(lsm_snapshot_new, handle(), &snapshot).own<Snapshot>(snapshot);
    }

    /* -- writing: each answers the sequence number of the write -- */

    /// Gives a key a value.
    Result<Seqno> put(std::string_view key, std::string_view value,
                      const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        return detail::ask(lsm_put, handle(), &c, detail::to_c(key), detail::to_c(value))
            .give(seqno);
    }

    /// Takes a key away, whether or not it is there.
    Result<Seqno> erase(std::string_view key, const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        return detail::ask(lsm_delete, handle(), &c, detail::to_c(key)).give(seqno);
    }

    /// Takes a key away, whether or not it is there; in a keyspace with `write_once` for less room:
    /// see lsm_single_delete().
    Result<Seqno> erase_single(std::string_view key, const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        return detail::ask(lsm_single_delete, handle(), &c, detail::to_c(key)).give(seqno);
    }

    /// Takes away every key from `begin` on, before `end`, at the same cost for any number of them.
    Result<Seqno> erase_range(Bound begin, Bound end, const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        return detail::ask(lsm_delete_range, handle(), &c, detail::to_c(begin), detail::to_c(end))
            .give(seqno);
    }

    /// Gives a key a value if it has none; nothing if it has one, which stays.
    Result<std::optional<Seqno>> insert_if_absent(std::string_view key, std::string_view value,
                                                  const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        return detail::ask(lsm_insert_if_absent, handle(), &c, detail::to_c(key),
                           detail::to_c(value))
            .unless_conflict(seqno);
    }

    /// Gives a key the value `wanted`, or takes it away, if it has the value `expected`, or none;
    /// nothing if it has something else, which stays.
    Result<std::optional<Seqno>> compare_and_set(std::string_view key,
                                                 std::optional<std::string_view> expected,
                                                 std::optional<std::string_view> wanted,
                                                 const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        const lsm_slice before = detail::to_c(expected.value_or(""));
        const lsm_slice after = detail::to_c(wanted.value_or(""));
        return detail::ask(lsm_compare_and_set, handle(), &c, detail::to_c(key),
                           expected ? &before : nullptr, wanted ? &after : nullptr)
            .unless_conflict(seqno);
    }

    /// Applies an operand to the value of a key, or to none, by the keyspace's merge operator, and
    /// reads nothing for that: see lsm_merge().
    Result<Seqno> merge(std::string_view key, std::string_view operand,
                        const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        return detail::ask(lsm_merge, handle(), &c, detail::to_c(key), detail::to_c(operand))
            .give(seqno);
    }

    /// Lets the value that a key has expire at another moment, as `ttl` and `expires_at_ms` of the
    /// options say; nothing if the key has no value.
    Result<std::optional<Seqno>> touch(std::string_view key, const WriteOptions &options) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(&seqno);
        return detail::ask(lsm_touch, handle(), &c, detail::to_c(key)).find<Seqno>(seqno);
    }

    /// An empty batch.
    Result<Batch> batch() const {
        lsm_batch *batch = nullptr;
        return detail::ask(lsm_batch_new, &batch).own<Batch>(batch);
    }

    /// Makes all writes of a batch: all of them or none, for every reader and after every crash.
    /// The batch stays as it is.
    Result<Seqno> write(const Batch &batch, const WriteOptions &options = {}) const {
        Seqno seqno = 0;
        const lsm_write_options c = options.to_c(nullptr);
        return detail::ask(lsm_write, handle(), &c, batch.handle(), &seqno).give(seqno);
    }

    /* -- durability and health -- */

    /// The sequence number of the newest write that readers see; 0 if it is closed.
    Seqno latest_seqno() const noexcept { return lsm_latest_seqno(handle()); }

    /// Every logged write up to this sequence number is durable; 0 if it is closed.
    Seqno durable_seqno() const noexcept { return lsm_durable_seqno(handle()); }

    /// Returns once the write with this sequence number, and every logged one before it, is
    /// durable. Status::TimedOut after `timeout`, if that is not 0.
    Result<void> wait_durable(Seqno seqno, std::chrono::milliseconds timeout = {}) const {
        const std::uint32_t millis = timeout == never ? 0 : detail::millis(timeout);
        return detail::done(lsm_wait_durable_for, handle(), seqno, millis);
    }

    /// Shows what the writer, in another process, has done up to now, where the database was opened
    /// with Options::read_only. Snapshots and iterators stay what they are.
    Result<void> refresh() const { return detail::done(lsm_refresh, handle()); }

    /// Makes every logged write so far durable.
    Result<void> sync() const { return detail::done(lsm_sync, handle()); }

    /// Fails with the fault that stopped writes, if there is one.
    Result<void> health() const { return detail::done(lsm_health, handle()); }

    /// Takes up writing again after a fault whose cause is mended.
    Result<void> resume() const { return detail::done(lsm_resume, handle()); }

    /* -- keyspaces -- */

    /// Another keyspace of the same database, which is made if there is none of this name.
    Result<Db> keyspace(const std::string &name, const KeyspaceOptions &options = {}) const {
        const lsm_keyspace_options c = options.to_c();
        lsm_db *keyspace = nullptr;
        return detail::ask(lsm_keyspace_open, handle(), detail::to_c(name), &c, &keyspace)
            .own<Db>(keyspace);
    }

    /// Drops a keyspace with everything in it; false if there is none of this name.
    Result<bool> drop_keyspace(const std::string &name) const {
        return detail::ask(lsm_keyspace_drop, handle(), detail::to_c(name)).is_found();
    }

    /// The names of all keyspaces but the default one, in order.
    Result<std::vector<std::string>> keyspaces() const {
        struct Names {
            std::vector<std::string> all;
            detail::Caught caught;
        } names;
        const lsm_keyspace_fn visit = [](void *context, const char *name) {
            auto *told = static_cast<Names *>(context);
            told->caught.run([&] { told->all.emplace_back(name); });
        };
        auto answer = detail::ask(lsm_keyspace_list, handle(), visit, &names);
        names.caught.rethrow();
        return std::move(answer).give(names.all);
    }

    /// The name of its keyspace; empty if it is closed.
    std::string keyspace_name() const { return detail::string_of(lsm_keyspace_name(handle())); }

    /// How its keyspace is kept.
    Result<KeyspaceOptions> keyspace_options() const {
        lsm_keyspace_options c = LSM_KEYSPACE_OPTIONS_INIT;
        auto answer = detail::ask(lsm_keyspace_options_read, handle(), &c);
        KeyspaceOptions options = KeyspaceOptions::from_c(c);
        return std::move(answer).give(options);
    }

    /* -- maintenance -- */

    /// Writes what is in memory to a table, and returns when it is durable there. Progress is told
    /// of entries.
    Result<void> flush(const CallOptions &options = {}) const {
        detail::Watched call(options);
        return call.over(detail::ask(lsm_flush_with, handle(), call.how())).error;
    }

    /// Merges everything from `begin` on, before `end`, down to the last level. Progress is told of
    /// entries.
    Result<void> compact(Bound begin = {}, Bound end = {}, const CallOptions &options = {}) const {
        detail::Watched call(options);
        return call.over(detail::ask(lsm_compact_with, handle(), detail::to_c(begin),
                                     detail::to_c(end), call.how())).error;
    }

    /// Returns once nothing is left to flush and nothing wants to be merged, or there is a pause.
    /// Tables that nobody reads any more are gone then, too.
    Result<void> wait_idle() const { return detail::done(lsm_wait_idle, handle()); }

    /// Begins no more merges until resume_background(), and drops no tables. Pauses count.
    Result<void> pause_background() const {
        return detail::done(lsm_background_pause, handle());
    }

    /// Takes one pause back; does nothing if there is none.
    Result<void> resume_background() const {
        return detail::done(lsm_background_resume, handle());
    }

    /// Checks every file and reads every byte. Progress is told of bytes.
    Result<void> verify(const CallOptions &options = {}) const {
        detail::Watched call(options);
        return call.over(detail::ask(lsm_verify_with, handle(), call.how())).error;
    }

    /// How many keys there are from `begin` on, before `end`: reads every one of them. Progress is
    /// told of keys.
    Result<std::uint64_t> count(Bound begin = {}, Bound end = {}, const ReadOptions &options = {},
                                const CallOptions &call_options = {}) const {
        const lsm_read_options c = options.to_c();
        detail::Watched call(call_options);
        std::uint64_t count = 0;
        return call.over(detail::ask(lsm_count, handle(), &c, detail::to_c(begin),
                                     detail::to_c(end), call.how(), &count)).give(count);
    }

    /* -- looking inside -- */

    /// The numbers that are asked for most: of this keyspace, and of the whole database.
    Result<Stats> stats() const {
        Stats stats = LSM_STATS_INIT;
        return detail::ask(lsm_stats_read, handle(), &stats).give(stats);
    }

    /// Tells every number there is, one after the other.
    Result<void> metrics(const MetricFunction &visit) const {
        struct Visit {
            const MetricFunction &tell;
            detail::Caught caught;
        } visited{visit, {}};
        const lsm_metric_fn tell = [](void *context, const char *name, const char *labels,
                                      double value) {
            auto *told = static_cast<Visit *>(context);
            told->caught.run([&] { told->tell(name, labels, value); });
        };
        auto done = detail::done(lsm_metrics_visit, handle(), visit ? tell : nullptr, &visited);
        visited.caught.rethrow();
        return done;
    }

    /// Everything about the database as JSON.
    Result<Value> describe() const { return detail::text(lsm_describe, handle()); }

    /// The same as a text for people.
    Result<Value> describe_text() const { return detail::text(lsm_describe_text, handle()); }

    /// Looks a key up as get() does, and tells as JSON what was asked, what each place said, and
    /// what it cost.
    Result<Value> explain_get(std::string_view key, const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        return detail::text(lsm_explain_get, handle(), &c, detail::to_c(key));
    }

    /// The same as a text for people.
    Result<Value> explain_get_text(std::string_view key, const ReadOptions &options = {}) const {
        const lsm_read_options c = options.to_c();
        return detail::text(lsm_explain_get_text, handle(), &c, detail::to_c(key));
    }

    /// Walks through the keys from `begin` on, before `end`, and tells as JSON what was read, what
    /// was passed over, and what it cost. Progress is told of pairs.
    Result<Value> explain_range(Bound begin = {}, Bound end = {}, const Explain &how = {},
                                const ReadOptions &options = {},
                                const CallOptions &call_options = {}) const {
        return explain(lsm_explain_range, begin, end, how, options, call_options);
    }

    /// The same as a text for people.
    Result<Value> explain_range_text(Bound begin = {}, Bound end = {}, const Explain &how = {},
                                     const ReadOptions &options = {},
                                     const CallOptions &call_options = {}) const {
        return explain(lsm_explain_range_text, begin, end, how, options, call_options);
    }

    /// Says as JSON what is wrong or slow, and which limit or option causes it.
    Result<Value> doctor() const { return detail::text(lsm_doctor, handle()); }

    /// The same as a text for people.
    Result<Value> doctor_text() const { return detail::text(lsm_doctor_text, handle()); }

    /// The readers for which the writer keeps files, as JSON.
    Result<Value> readers() const { return detail::text(lsm_readers, handle()); }

    /// What the opening found, as JSON.
    Result<Value> open_report() const { return detail::text(lsm_open_report, handle()); }

    /// About how many bytes the keys from `begin` on, before `end`, take on disk.
    Result<std::uint64_t> approximate_bytes(Bound begin = {}, Bound end = {}) const {
        std::uint64_t bytes = 0;
        return detail::ask(lsm_approximate_bytes, handle(), detail::to_c(begin),
                           detail::to_c(end), &bytes)
            .give(bytes);
    }

    /// About how many entries the keyspace has.
    Result<std::uint64_t> approximate_count() const {
        std::uint64_t count = 0;
        return detail::ask(lsm_approximate_count, handle(), &count).give(count);
    }

    /// What the keyspace takes, and how much of that is alive.
    Result<lsm_usage> usage() const {
        lsm_usage usage = LSM_USAGE_INIT;
        return detail::ask(lsm_keyspace_usage, handle(), &usage).give(usage);
    }

    /// About how many keys a reader sees from `begin` on, before `end`.
    Result<lsm_estimate> approximate_count(Bound begin, Bound end) const {
        lsm_estimate count = {};
        return detail::ask(lsm_approximate_range_count, handle(), detail::to_c(begin),
                           detail::to_c(end), &count)
            .give(count);
    }

    /// About how many bytes the keys from `begin` on, before `end`, take on disk.
    Result<lsm_estimate> approximate_size(Bound begin = {}, Bound end = {}) const {
        lsm_estimate size = {};
        return detail::ask(lsm_approximate_range_size, handle(), detail::to_c(begin),
                           detail::to_c(end), &size)
            .give(size);
    }

    /// At most `parts` - 1 keys, ascending and strictly inside of the range, that cut it into
    /// parts of about the same size.
    Result<std::vector<Value>> split_points(Bound begin, Bound end, std::size_t parts) const {
        const std::size_t room = parts > 0 && parts <= 65536 ? parts - 1 : 0;
        std::vector<lsm_value> values(room);
        std::size_t count = 0;
        auto answer = detail::ask(lsm_split_points, handle(), detail::to_c(begin),
                                  detail::to_c(end), parts, values.data(), &count);
        std::vector<Value> points;
        points.reserve(count);
        for (std::size_t at = 0; at < count; at++) {
            points.emplace_back(values[at]);
        }
        return std::move(answer).give(points);
    }

  private:
    Db(lsm_db *owned, detail::Close close) noexcept : db_(owned, std::move(close)) {}

    template <class Function>
    Result<Value> explain(Function function, Bound begin, Bound end, const Explain &how,
                          const ReadOptions &options, const CallOptions &call_options) const {
        const lsm_read_options c = options.to_c();
        detail::Watched call(call_options);
        lsm_value value = LSM_VALUE_INIT;
        const std::uint32_t flags = how.reverse ? LSM_EXPLAIN_REVERSE : 0;
        return call.over(detail::ask(function, handle(), &c, detail::to_c(begin),
                                     detail::to_c(end), how.limit, flags, call.how(), &value))
            .template own<Value>(value);
    }

    /// Moves the functions to where they stay, and tells C where that is.
    static std::unique_ptr<detail::Callbacks> callbacks_of(Options &options, lsm_options &c) {
        if (!options.log && !options.event && options.merge_operators.empty() &&
            options.comparators.empty() && options.compaction_filters.empty()) {
            return nullptr;
        }
        auto callbacks = std::make_unique<detail::Callbacks>();
        callbacks->log = std::move(options.log);
        callbacks->event = std::move(options.event);
        c.log = callbacks->log ? detail::Callbacks::tell_log : nullptr;
        c.event = callbacks->event ? detail::Callbacks::tell_event : nullptr;
        c.log_context = callbacks.get();
        c.event_context = callbacks.get();
        callbacks->operators = std::move(options.merge_operators);
        callbacks->for_c = callbacks->operators_for_c();
        c.merge_operators = callbacks->for_c.data();
        c.merge_operator_count = callbacks->for_c.size();
        callbacks->comparators = std::move(options.comparators);
        callbacks->orders_for_c = callbacks->comparators_for_c();
        c.comparators = callbacks->orders_for_c.data();
        c.comparator_count = callbacks->orders_for_c.size();
        callbacks->filters = std::move(options.compaction_filters);
        callbacks->filters_for_c = callbacks->compaction_filters_for_c();
        c.compaction_filters = callbacks->filters_for_c.data();
        c.compaction_filter_count = callbacks->filters_for_c.size();
        return callbacks;
    }

    std::unique_ptr<lsm_db, detail::Close> db_;
};

inline Result<void> Batch::put(const Db &db, std::string_view key, std::string_view value) {
    return detail::done(lsm_batch_put, handle(), db.handle(), detail::to_c(key),
                        detail::to_c(value));
}

inline Result<void> Batch::put(const Db &db, std::string_view key, std::string_view value,
                               std::chrono::milliseconds ttl) {
    if (ttl.count() < 0) {
        return put_until(db, key, value, 0);
    }
    return detail::done(lsm_batch_put_ttl, handle(), db.handle(), detail::to_c(key),
                        detail::to_c(value), ttl == never ? LSM_TTL_NEVER : detail::count(ttl));
}

inline Result<void> Batch::merge(const Db &db, std::string_view key, std::string_view operand) {
    return detail::done(lsm_batch_merge, handle(), db.handle(), detail::to_c(key),
                        detail::to_c(operand));
}

inline Result<void> Batch::merge(const Db &db, std::string_view key, std::string_view operand,
                                 std::chrono::milliseconds ttl) {
    if (ttl.count() < 0) {
        return merge_until(db, key, operand, 0);
    }
    return detail::done(lsm_batch_merge_ttl, handle(), db.handle(), detail::to_c(key),
                        detail::to_c(operand), ttl == never ? LSM_TTL_NEVER : detail::count(ttl));
}

inline Result<void> Batch::merge_until(const Db &db, std::string_view key,
                                       std::string_view operand, std::uint64_t expires_at_ms) {
    return detail::done(lsm_batch_merge_until, handle(), db.handle(), detail::to_c(key),
                        detail::to_c(operand), expires_at_ms);
}

inline Result<void> Batch::put_until(const Db &db, std::string_view key, std::string_view value,
                                     std::uint64_t expires_at_ms) {
    return detail::done(lsm_batch_put_until, handle(), db.handle(), detail::to_c(key),
                        detail::to_c(value), expires_at_ms);
}

inline Result<void> Batch::erase(const Db &db, std::string_view key) {
    return detail::done(lsm_batch_delete, handle(), db.handle(), detail::to_c(key));
}

inline Result<void> Batch::erase_single(const Db &db, std::string_view key) {
    return detail::done(lsm_batch_single_delete, handle(), db.handle(), detail::to_c(key));
}

inline Result<void> Batch::erase_range(const Db &db, Bound begin, Bound end) {
    return detail::done(lsm_batch_delete_range, handle(), db.handle(), detail::to_c(begin),
                        detail::to_c(end));
}

inline Result<void> Batch::require_absent(const Db &db, std::string_view key) {
    return detail::done(lsm_batch_require_absent, handle(), db.handle(), detail::to_c(key));
}

inline Result<void> Batch::require_value(const Db &db, std::string_view key,
                                         std::string_view value) {
    return detail::done(lsm_batch_require_value, handle(), db.handle(), detail::to_c(key),
                        detail::to_c(value));
}

inline Result<void> Batch::require_unchanged(const Db &db, std::string_view key,
                                             const Snapshot &snapshot) {
    return detail::done(lsm_batch_require_unchanged, handle(), db.handle(), detail::to_c(key),
                        snapshot.handle());
}

}  // namespace LSM_HPP_FACE
}  // namespace lsm

#endif  // LSM_HPP
