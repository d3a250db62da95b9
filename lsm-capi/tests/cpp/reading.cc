/* Values and the ways to one key or several. */
#include "check.hpp"

#include <type_traits>

namespace {

static_assert(!std::is_copy_constructible_v<lsm::Value>);
static_assert(std::is_nothrow_move_constructible_v<lsm::Value>);
/* What lends from a temporary would dangle. */
static_assert(std::is_convertible_v<lsm::Value &, std::string_view>);
static_assert(std::is_convertible_v<const lsm::Value &, std::string_view>);
static_assert(!std::is_convertible_v<lsm::Value, std::string_view>);
template <class T, class = void> struct lends_view : std::false_type {};
template <class T>
struct lends_view<T, std::void_t<decltype(std::declval<T>().view())>> : std::true_type {};
static_assert(lends_view<lsm::Value &>::value && !lends_view<lsm::Value>::value);

void values_are_any_bytes(const lsm::Db &db) {
    const std::string bytes("\0\xff\0", 3);
    MUST(db.put(bytes, bytes));
    CHECK(check::value_of(db, bytes) == bytes);
    MUST(db.put("", "of the empty key"));
    CHECK(check::value_of(db, "") == "of the empty key");
    CHECK(check::value_of(db, std::string_view()) == "of the empty key");
    /* A value that is empty is there. */
    MUST(db.put("empty", std::string_view()));
    CHECK(MUST(db.get("empty")).has_value());
    CHECK(MUST(db.get("empty"))->size() == 0);
    CHECK(!MUST(db.get("missing")).has_value());
    FAILS(db.put(std::string(65536, 'k'), ""), TooLarge);
    FAILS(db.get(std::string(65536, 'k')), TooLarge);
}

void values_outlive_what_they_came_from(const std::string &path) {
    lsm::Value kept;
    {
        auto db = MUST(lsm::Db::open(path + "/short"));
        MUST(db.put("key", std::string(100000, 'v')));
        MUST(db.flush());
        kept = std::move(*MUST(db.get("key")));
        MUST(db.put("key", "other"));
        MUST(db.compact());
        MUST(db.close());
    }
    CHECK(kept.view() == std::string(100000, 'v'));
}

void values_move(const lsm::Db &db) {
    MUST(db.put("one", "1"));
    MUST(db.put("two", "2"));
    auto one = std::move(*MUST(db.get("one")));
    auto two = std::move(*MUST(db.get("two")));
    one = std::move(two);
    CHECK(one.view() == "2" && two.view().empty() && two.data() == nullptr);
    lsm::Value &same = one;
    one = std::move(same);
    CHECK(one.view() == "2");
    lsm_value raw = one.release();
    CHECK(raw.size == 1 && one.size() == 0);
    lsm::Value again(raw);
    std::string_view view = again;
    CHECK(view == "2");
}

/* A value that is assigned over lets go of its bytes: else they would fill the memory. */
void values_let_go(const std::string &path) {
    lsm::Options small;
    small.memory_limit = 16 << 20;
    auto db = MUST(lsm::Db::open(path + "/small", small));
    for (int key = 0; key < 64; key++) {
        MUST(db.put(std::to_string(key), std::string(256 << 10, 'v')));
    }
    MUST(db.flush());
    lsm::Value value;
    for (int key = 0; key < 64; key++) {
        value = std::move(*MUST(db.get(std::to_string(key))));
        CHECK(value.size() == 256 << 10);
    }
    CHECK(MUST(db.stats()).pinned_bytes < 1 << 20);
}

void get_into_tells_the_whole_length(const lsm::Db &db) {
    MUST(db.put("long", "0123456789"));
    char buffer[4] = "...";
    CHECK(MUST(db.get_into("long", buffer, 3)) == std::size_t(10));
    CHECK(std::string(buffer) == "012");
    CHECK(MUST(db.get_into("long", nullptr, 0)) == std::size_t(10));
    CHECK(!MUST(db.get_into("missing", buffer, 3)).has_value());
    FAILS(db.get_into("long", nullptr, 3), InvalidArgument);
}

void several_at_once(const lsm::Db &db) {
    MUST(db.put("a", "1"));
    MUST(db.put("c", ""));
    auto values = MUST(db.multi_get({"a", "b", "c"}));
    CHECK(values.size() == 3);
    CHECK(values[0] && values[0]->view() == "1");
    CHECK(!values[1]);
    CHECK(values[2] && values[2]->size() == 0);
    CHECK(MUST(db.multi_get({})).empty());
    auto failed = db.multi_get({"a", std::string(65536, 'k')});
    FAILS(failed, TooLarge);
    CHECK(failed->empty());
    CHECK(MUST(db.exists("a")) && !MUST(db.exists("b")));
}

void snapshots_keep_the_moment(const lsm::Db &db) {
    MUST(db.put("then", "before"));
    auto snapshot = MUST(db.snapshot());
    CHECK(snapshot.seqno() == db.latest_seqno());
    MUST(db.put("then", "after"));
    MUST(db.put("new", "1"));
    const auto at = lsm::ReadOptions::at(snapshot);
    CHECK(check::value_of(db, "then", at) == "before");
    CHECK(check::value_of(db, "then") == "after");
    CHECK(MUST(db.exists("new")) && !MUST(db.exists("new", at)));
    CHECK(MUST(db.multi_get({"then"}, at))[0]->view() == "before");
    CHECK(MUST(db.count({}, {}, at)) + 1 == MUST(db.count()));

    /* One that was moved from is no snapshot, and never "the newest". */
    lsm::Snapshot moved = std::move(snapshot);
    CHECK(snapshot.seqno() == 0);
    FAILS(db.get("then", at), InvalidArgument);
    FAILS(db.iterator(at), InvalidArgument);
    CHECK(check::value_of(db, "then", lsm::ReadOptions::at(moved)) == "before");
}

void a_snapshot_of_another_database_is_refused(const lsm::Db &db, const std::string &path) {
    auto other = MUST(lsm::Db::open(path + "/other"));
    auto snapshot = MUST(other.snapshot());
    FAILS(db.get("key", lsm::ReadOptions::at(snapshot)), InvalidArgument);
}

void flags_reach_the_engine(const lsm::Db &db) {
    MUST(db.put("cold", "1"));
    MUST(db.flush());
    lsm::ReadOptions options;
    options.verify = true;
    options.no_fill_cache = true;
    CHECK(check::value_of(db, "cold", options) == "1");
    options = {};
    options.memory_only = true;
    options.snapshot = nullptr;
    MUST(db.put("warm", "1"));
    CHECK(check::value_of(db, "warm", options) == "1");
}

void keys_can_come_alone(const lsm::Db &db) {
    MUST(db.put("cold", "1"));
    lsm::ReadOptions options;
    options.keys_only = true;
    options.lower = "cold";
    options.upper = "cole";
    CHECK(check::all_of(db.all(options)) == "cold=");
}

bool tells(const lsm::Value &told, std::string_view text) {
    return told.view().find(text) != std::string_view::npos;
}

void reads_are_explained(const lsm::Db &db) {
    MUST(db.put("cold", "1"));
    CHECK(tells(MUST(db.explain_get("cold")), "\"answer\":\"found\""));
    const auto snapshot = MUST(db.snapshot());
    MUST(db.erase("cold"));
    const auto then = lsm::ReadOptions::at(snapshot);
    CHECK(tells(MUST(db.explain_get_text("cold", then)), ": found, 1 bytes"));
    lsm::Explain how;
    how.limit = 1;
    how.reverse = true;
    const auto scanned = MUST(db.explain_range("a", std::nullopt, how));
    CHECK(tells(scanned, "\"is_reverse\":true,\"limit\":1"));
    CHECK(tells(MUST(db.explain_range_text()), "scan forward of default"));
    lsm::CallOptions stopped;
    stopped.timeout = std::chrono::milliseconds(60000);
    MUST(db.explain_range({}, {}, {}, {}, stopped));
    FAILS(db.explain_get(std::string(65536, 'k')), TooLarge);
    MUST(db.pause_background());
    CHECK(tells(MUST(db.doctor()), "background_paused"));
    MUST(db.resume_background());
    CHECK(tells(MUST(db.doctor_text()), "healthy"));
}

}  // namespace

int main(int, char **argv) {
    const std::string path = argv[1];
    auto db = MUST(lsm::Db::open(path + "/db"));
    values_are_any_bytes(db);
    values_outlive_what_they_came_from(path);
    values_move(db);
    values_let_go(path);
    get_into_tells_the_whole_length(db);
    several_at_once(db);
    snapshots_keep_the_moment(db);
    a_snapshot_of_another_database_is_refused(db, path);
    flags_reach_the_engine(db);
    keys_can_come_alone(db);
    reads_are_explained(db);
    return 0;
}
