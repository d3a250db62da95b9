/* What the programs of this folder share. Each takes an empty directory as its argument. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include <lsm.hpp>

/* Not assert(): it must hold in every build. */
#define CHECK(condition) ((condition) ? void() : check::failed(__FILE__, __LINE__, #condition))

/* The value of a Result; the end of the program if there is none. */
#define MUST(result) check::must((result), __FILE__, __LINE__)

/* The call fails, and for this reason. */
#define FAILS(result, reason) check::fails((result), lsm::Status::reason, __FILE__, __LINE__)

namespace check {

[[noreturn]] inline void failed(const char *file, int line, const char *what) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, what);
    std::exit(1);
}

template <class T> T must(lsm::Result<T> result, const char *file, int line) {
    if (!result.ok()) {
        failed(file, line, result.error().message());
    }
    return *std::move(result);
}

inline void must(lsm::Result<void> result, const char *file, int line) {
    if (!result.ok()) {
        failed(file, line, result.error().message());
    }
}

template <class T>
void fails(const lsm::Result<T> &result, lsm::Status reason, const char *file, int line) {
    if (result.status() != reason) {
        failed(file, line, std::string(lsm::name(result.status())).c_str());
    }
    if (std::string(result.error().message()).empty()) {
        failed(file, line, "an error says nothing");
    }
}

/* The value of a key as a string; "none" if it has none. */
inline std::string value_of(const lsm::Db &db, std::string_view key,
                            const lsm::ReadOptions &options = {}) {
    auto value = MUST(db.get(key, options));
    return value ? value->str() : "none";
}

/* Keys and values of a range, such as "a=1 b=2"; the end of the program if it fails. */
inline std::string all_of(lsm::Range range) {
    std::string found;
    for (const auto &[key, value] : range) {
        found += found.empty() ? "" : " ";
        found += std::string(key) + "=" + std::string(value);
    }
    CHECK(range.ok());
    return found;
}

}  // namespace check

#endif  // CHECK_HPP
