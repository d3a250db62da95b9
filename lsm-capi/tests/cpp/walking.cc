/* Iterators, and ranges in loops. */
#include "check.hpp"

#include <algorithm>
#include <type_traits>
#if __cplusplus >= 202002L
#include <ranges>
static_assert(std::input_iterator<lsm::Range::iterator>);
static_assert(std::ranges::input_range<lsm::Range>);
#endif

namespace {

template <class T, class = void> struct can_step : std::false_type {};
template <class T>
struct can_step<T, std::void_t<decltype(std::declval<T>().next())>> : std::true_type {};
static_assert(can_step<lsm::Iterator &>::value && !can_step<lsm::Iterator>::value);

lsm::Db filled(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    for (const char *key : {"a", "ab", "b", "c"}) {
        MUST(db.put(key, std::string(key) + "!"));
    }
    return db;
}

std::string key_of(lsm::Result<std::optional<lsm::Entry>> passed) {
    auto entry = MUST(std::move(passed));
    return entry ? std::string(entry->key) : "end";
}

void an_iterator_walks_both_ways(const lsm::Db &db) {
    auto iterator = MUST(db.iterator());
    CHECK(!MUST(iterator.pin()).has_value());
    CHECK(key_of(iterator.next()) == "a");
    CHECK(key_of(iterator.next()) == "ab");
    CHECK(key_of(iterator.prev()) == "ab");
    CHECK(key_of(iterator.prev()) == "a");
    CHECK(key_of(iterator.prev()) == "end");
    MUST(iterator.seek("b"));
    CHECK(key_of(iterator.next()) == "b");
    CHECK(MUST(iterator.pin())->view() == "b!");
    MUST(iterator.seek_last());
    CHECK(key_of(iterator.next()) == "end");
    CHECK(key_of(iterator.prev()) == "c");
    MUST(iterator.seek_first());
    CHECK(key_of(iterator.next()) == "a");
}

void an_iterator_sees_its_moment(const lsm::Db &db) {
    auto iterator = MUST(db.iterator());
    MUST(iterator.seek("bb"));
    MUST(db.put("bc", "new"));
    CHECK(key_of(iterator.next()) == "c");
    CHECK(key_of(iterator.prev()) == "c");
    MUST(iterator.refresh());
    CHECK(key_of(iterator.prev()) == "bc");
    MUST(db.erase("bc"));
}

void ranges_have_bounds(const lsm::Db &db) {
    CHECK(check::all_of(db.all()) == "a=a! ab=ab! b=b! c=c!");
    CHECK(check::all_of(db.range("ab", "c")) == "ab=ab! b=b!");
    CHECK(check::all_of(db.range("ab", std::nullopt)) == "ab=ab! b=b! c=c!");
    CHECK(check::all_of(db.range(std::nullopt, "ab")) == "a=a!");
    CHECK(check::all_of(db.range(std::string("b"), std::string_view("b"))) == "");
    CHECK(check::all_of(db.range("c", "a")) == "");
    CHECK(check::all_of(db.prefix("a")) == "a=a! ab=ab!");
    CHECK(check::all_of(db.all().reversed()) == "c=c! b=b! ab=ab! a=a!");
    CHECK(check::all_of(db.prefix("a").reversed().reversed()) == "a=a! ab=ab!");
    lsm::ReadOptions keys;
    keys.keys_only = true;
    CHECK(check::all_of(db.range("ab", "c", keys)) == "ab= b=");
}

void a_range_can_be_looped_over_again(const lsm::Db &db) {
    auto range = db.prefix("a");
    CHECK(std::distance(range.begin(), range.end()) == 2);
    CHECK(std::distance(range.begin(), range.end()) == 2);
    for (auto [key, value] : range) {
        CHECK(key == "a" && MUST(range.pin())->view() == value);
        break;
    }
    const auto found = std::find_if(range.begin(), range.end(),
                                    [](const lsm::Entry &entry) { return entry.key == "ab"; });
    CHECK(found != range.end() && found->value == "ab!");
    CHECK(range.ok());
}

void a_range_outlives_its_handle(const std::string &path) {
    auto db = filled(path + "/short");
    auto range = db.all();
    auto iterator = MUST(db.iterator());
    auto keyspace = MUST(db.keyspace("other"));
    db = lsm::Db();
    CHECK(range.begin() == range.end());
    CHECK(range.status() == lsm::Status::Closed);
    FAILS(iterator.next(), Closed);
    FAILS(iterator.seek("a"), Closed);
    FAILS(keyspace.get("a"), Closed);
}

/* A loop that ends early says why. */
void errors_in_loops_are_told(const std::string &path) {
    auto db = filled(path + "/loop");
    auto range = db.all();
    int passed = 0;
    for (auto [key, value] : range) {
        CHECK(!key.empty() && !value.empty());
        passed++;
        MUST(db.close());
        break;
    }
    auto rest = db.all();
    CHECK(rest.begin() == rest.end() && rest.status() == lsm::Status::Closed);
    CHECK(passed == 1 && range.begin() == range.end());
    CHECK(range.status() == lsm::Status::Closed);
    /* What could not be made keeps saying why. */
    CHECK(rest.begin() == rest.end() && rest.status() == lsm::Status::Closed);
    CHECK(std::string(rest.error().message()).find("closed") != std::string::npos);
}

void what_was_moved_from_is_empty(const lsm::Db &db) {
    auto range = db.all();
    auto moved = std::move(range);
    CHECK(range.begin() == range.end());
    CHECK(range.status() == lsm::Status::InvalidArgument);
    CHECK(check::all_of(std::move(moved)) == "a=a! ab=ab! b=b! c=c!");

    auto iterator = MUST(db.iterator());
    lsm::Iterator other = std::move(iterator);
    FAILS(iterator.next(), InvalidArgument);
    FAILS(iterator.prev(), InvalidArgument);
    FAILS(iterator.pin(), InvalidArgument);
    FAILS(iterator.refresh(), InvalidArgument);
    FAILS(iterator.seek_first(), InvalidArgument);
    CHECK(key_of(other.next()) == "a");
    CHECK(lsm::Range().begin() == lsm::Range().end());
}

#if LSM_HPP_EXCEPTIONS
void loops_can_throw(const std::string &path) {
    auto db = filled(path + "/throwing");
    std::string keys;
    for (auto [key, value] : db.range("a", "c").or_throw()) {
        keys += std::string(key) + " ";
    }
    CHECK(keys == "a ab b ");
    lsm::Status thrown = lsm::Status::Ok;
    int passed = 0;
    try {
        for (const auto &entry : db.all().or_throw()) {
            passed += entry.key.empty() ? 0 : 1;
            db.close().or_throw();
        }
    } catch (const lsm::Exception &exception) {
        thrown = exception.status();
    }
    CHECK(passed == 1 && thrown == lsm::Status::Closed);
    thrown = lsm::Status::Ok;
    try {
        auto never = db.all().or_throw();
        CHECK(false && "it is closed");
    } catch (const lsm::Exception &exception) {
        thrown = exception.status();
    }
    CHECK(thrown == lsm::Status::Closed);
}
#endif

}  // namespace

int main(int, char **argv) {
    const std::string path = argv[1];
    auto db = filled(path + "/db");
    an_iterator_walks_both_ways(db);
    an_iterator_sees_its_moment(db);
    ranges_have_bounds(db);
    a_range_can_be_looped_over_again(db);
    a_range_outlives_its_handle(path);
    errors_in_loops_are_told(path);
    what_was_moved_from_is_empty(db);
#if LSM_HPP_EXCEPTIONS
    loops_can_throw(path);
#endif
    return 0;
}
