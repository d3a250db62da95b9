/* Writes of one key, of a range, and of many together. */
#include "check.hpp"

namespace {

void writes_answer_their_number(const lsm::Db &db) {
    const auto first = MUST(db.put("a", "1"));
    const auto second = MUST(db.erase("a"));
    CHECK(second > first && db.latest_seqno() == second);
    MUST(db.wait_durable(second));
    CHECK(db.durable_seqno() >= second);
    MUST(db.wait_durable(second, std::chrono::seconds(5)));
    MUST(db.wait_durable(second, lsm::never));
    FAILS(db.wait_durable(UINT64_MAX), InvalidArgument);

    lsm::WriteOptions durable;
    durable.durability = lsm::Durability::Durable;
    durable.timeout = std::chrono::seconds(60);
    durable.low_priority = true;
    durable.no_wait = true;
    const auto third = MUST(db.put("b", "2", durable));
    CHECK(third > second && db.durable_seqno() >= third);
    durable.durability = static_cast<lsm::Durability>(77);
    FAILS(db.put("b", "2", durable), InvalidArgument);
    FAILS(db.erase("b", durable), InvalidArgument);
}

void fill(const lsm::Db &db) {
    for (const char *key : {"a", "b", "c", "d"}) {
        MUST(db.put(key, key));
    }
}

void ranges_go_at_once(const lsm::Db &db) {
    fill(db);
    MUST(db.erase_range("b", "d"));
    CHECK(check::all_of(db.all()) == "a=a d=d");
    fill(db);
    MUST(db.erase_range("c", std::nullopt));
    CHECK(check::all_of(db.all()) == "a=a b=b");
    MUST(db.erase_range(std::nullopt, std::nullopt));
    CHECK(check::all_of(db.all()) == "");
}

/* An empty end is an end, even where its bytes lie nowhere: it must not erase everything. */
void an_empty_bound_is_a_bound(const lsm::Db &db) {
    fill(db);
    MUST(db.erase_range("a", std::string_view()));
    MUST(db.erase_range("a", ""));
    MUST(db.erase_range("", std::string()));
    CHECK(check::all_of(db.all()) == "a=a b=b c=c d=d");
    CHECK(check::all_of(db.range("", std::string_view())) == "");
    CHECK(MUST(db.count("a", std::string_view())) == 0);
    MUST(db.erase_range({}, {}));
}

void a_batch_is_all_or_nothing(const lsm::Db &db) {
    auto users = MUST(db.keyspace("users"));
    MUST(db.put("old", "1"));
    auto batch = MUST(db.batch());
    CHECK(batch.count() == 0);
    MUST(batch.put(users, "7", "Ada"));
    MUST(batch.erase(db, "old"));
    MUST(batch.put(users, "8", "Bob"));
    MUST(batch.erase_range(users, "8", std::nullopt));
    CHECK(batch.count() == 4 && batch.bytes() > 0);
    CHECK(!MUST(users.exists("7")));

    const auto seqno = MUST(db.write(batch));
    CHECK(db.latest_seqno() == seqno);
    CHECK(check::all_of(users.all()) == "7=Ada");
    CHECK(!MUST(db.exists("old")));

    /* It stays as it is, until it is emptied. */
    MUST(users.erase("7"));
    MUST(users.write(batch));
    CHECK(check::all_of(users.all()) == "7=Ada");
    batch.clear();
    CHECK(batch.count() == 0);
    MUST(db.write(batch));
    CHECK(MUST(db.drop_keyspace("users")));
}

void a_failed_call_leaves_a_batch_as_it_was(const lsm::Db &db, const std::string &path) {
    auto batch = MUST(db.batch());
    MUST(batch.put(db, "a", "1"));
    FAILS(batch.put(db, std::string(65536, 'k'), ""), TooLarge);
    auto other = MUST(lsm::Db::open(path + "/other"));
    FAILS(batch.put(other, "b", "2"), InvalidArgument);
    CHECK(batch.count() == 1);
    FAILS(other.write(batch), InvalidArgument);
    MUST(db.write(batch));
    CHECK(check::all_of(db.all()) == "a=1");
}

void a_batch_is_written_if_its_conditions_hold(const lsm::Db &db) {
    auto batch = MUST(db.batch());
    MUST(batch.require_absent(db, "new"));
    MUST(batch.put(db, "new", "1"));
    CHECK(batch.conditions() == 1 && batch.count() == 1);
    MUST(db.write(batch));
    FAILS(db.write(batch), Conflict);
    batch.clear();
    {
        auto snapshot = MUST(db.snapshot());
        MUST(batch.require_unchanged(db, "new", snapshot));
        FAILS(batch.require_unchanged(db, "new", lsm::Snapshot()), InvalidArgument);
    }
    MUST(batch.require_value(db, "new", "1"));
    MUST(db.write(batch));
    MUST(db.put("new", "1"));
    FAILS(db.write(batch), Conflict);

    CHECK(!MUST(db.insert_if_absent("new", "2")));
    CHECK(!MUST(db.compare_and_set("new", "2", "3")));
    const auto swapped = MUST(db.compare_and_set("new", "1", ""));
    CHECK(swapped == db.latest_seqno());
    CHECK(MUST(db.compare_and_set("new", "", std::nullopt)));
    const auto inserted = MUST(db.insert_if_absent("new", "4"));
    CHECK(inserted == db.latest_seqno());
    FAILS(db.insert_if_absent(std::string(65536, 'k'), ""), TooLarge);
    MUST(db.erase("new"));
}

void values_expire(const lsm::Db &db) {
    lsm::KeyspaceOptions chosen;
    MUST(chosen.parse("ttl_ms=60000"));
    CHECK(chosen.ttl_ms == 60000);
    auto sessions = MUST(db.keyspace("sessions", chosen));
    CHECK(MUST(sessions.keyspace_options()).ttl_ms == 60000);
    MUST(sessions.put("usual", "1"));
    CHECK(MUST(sessions.expiry("usual")).value() > 60000);
    lsm::WriteOptions how;
    how.ttl = lsm::never;
    const auto touched = MUST(sessions.touch("usual", how));
    CHECK(touched == db.latest_seqno());
    CHECK(MUST(sessions.expiry("usual")) == std::uint64_t(0));
    how.ttl = std::chrono::milliseconds(-1);
    MUST(sessions.touch("usual", how));
    CHECK(!MUST(sessions.touch("usual", how)) && !MUST(sessions.expiry("usual")));
    FAILS(db.erase("a", how), InvalidArgument);

    const std::uint64_t later = UINT64_C(4000000000000);
    auto batch = MUST(db.batch());
    MUST(batch.put(db, "ttl", "1", std::chrono::hours(1)));
    MUST(batch.put(db, "over", "1", std::chrono::milliseconds(-1)));
    MUST(batch.put(sessions, "never", "1", lsm::never));
    MUST(batch.put_until(db, "until", "1", later));
    MUST(db.write(batch));
    CHECK(MUST(db.expiry("ttl")).value() > 0 && MUST(db.expiry("until")) == later);
    CHECK(MUST(sessions.expiry("never")) == std::uint64_t(0) && !MUST(db.exists("over")));
    auto walk = MUST(db.iterator());
    MUST(walk.seek("until"));
    CHECK(!MUST(walk.expiry()));
    MUST(walk.next());
    CHECK(MUST(walk.expiry()) == later);
    MUST(db.erase_range(std::nullopt, std::nullopt));
}

std::string number(std::int64_t number) {
    return std::string(reinterpret_cast<const char *>(&number), sizeof number);
}

void operands_become_one_value(const lsm::Db &db) {
    lsm::KeyspaceOptions options;
    options.merge_operator = "add_i64";
    auto counts = MUST(db.keyspace("counts", options));
    const auto first = MUST(counts.merge("k", number(40)));
    CHECK(MUST(counts.merge("k", number(3))) > first);
    auto batch = MUST(db.batch());
    MUST(batch.merge(counts, "k", number(-1)));
    MUST(batch.merge(counts, "brief", number(1), std::chrono::hours(1)));
    MUST(batch.merge(counts, "past", number(1), std::chrono::milliseconds(-1)));
    MUST(batch.merge_until(counts, "gone", number(1), 1));
    FAILS(batch.merge(counts, "k", "four"), InvalidArgument);
    MUST(db.write(batch));
    CHECK(MUST(counts.get("k"))->str() == number(42));
    CHECK(MUST(counts.expiry("brief")).value() > 0 && !MUST(counts.get("gone")));
    FAILS(counts.put("k", "four"), InvalidArgument);
    FAILS(db.merge("k", number(1)), InvalidArgument);
    CHECK(MUST(counts.keyspace_options()).merge_operator == "add_i64");
    MUST(options.parse("merge_operator=max"));
    CHECK(options.merge_operator == "max");
    FAILS(db.keyspace("counts", options), InvalidArgument);
}

void operators_of_the_programs_own_are_asked(const std::string &path) {
    lsm::Options options;
    lsm::MergeOperator longest;
    longest.name = "longest";
    longest.merge = [](std::string_view, std::optional<std::string_view> base,
                       const std::vector<std::string_view> &operands) {
        std::string found(base.value_or(""));
        for (const auto operand : operands) {
            if (operand == "nothing") {
                return std::optional<std::string>();
            }
            found = operand.size() > found.size() ? std::string(operand) : found;
        }
        return std::optional(found);
    };
    longest.check = [](std::string_view operand) { return !operand.empty(); };
    options.merge_operators.push_back(longest);
    auto db = MUST(lsm::Db::open(path, options));
    lsm::KeyspaceOptions choice;
    choice.merge_operator = "longest";
    auto words = MUST(db.keyspace("words", choice));
    MUST(words.merge("w", "whale"));
    MUST(words.merge("w", "wombat"));
    MUST(words.merge("bad", "nothing"));
    CHECK(MUST(words.get("w"))->str() == "wombat");
    FAILS(words.get("bad"), Aborted);
    FAILS(words.merge("w", ""), InvalidArgument);
    MUST(db.compact());
    CHECK(MUST(words.get("w"))->str() == "wombat");
}

void filters_of_the_programs_own_are_asked(const std::string &path) {
    lsm::Options options;
    lsm::CompactionFilter sweeper;
    sweeper.name = "sweeper";
    sweeper.filter = [](std::string_view key, std::string_view value,
                        const lsm::FilterContext &context) {
        CHECK(context.keyspace == "default" && context.level > 0 && context.is_last_level);
        CHECK((context.expires_at_ms != 0) == (key == "brief"));
        if (value == "nonsense") {
            lsm::FilterDecision none;
            none.what = 7;
            return none;
        }
        if (value == "old") {
            return lsm::FilterDecision::replace("new");
        }
        return value == "x" ? lsm::FilterDecision::remove() : lsm::FilterDecision::keep();
    };
    options.compaction_filters.push_back(sweeper);
    options.default_keyspace = lsm::KeyspaceOptions();
    options.default_keyspace->compaction_filter = "sweeper";
    options.default_keyspace->merge_operator = "append";
    auto db = MUST(lsm::Db::open(path, options));
    for (const char *value : {"x", "old", "nonsense", "stays"}) {
        MUST(db.put(value, value));
    }
    lsm::WriteOptions brief;
    brief.ttl = std::chrono::hours(1);
    MUST(db.put("brief", "old", brief));
    MUST(db.merge("merged", "o"));
    MUST(db.merge("merged", "ld"));
    MUST(db.compact());
    CHECK(!MUST(db.get("x")) && MUST(db.get("old"))->str() == "new");
    CHECK(MUST(db.get("nonsense"))->str() == "nonsense");
    CHECK(MUST(db.get("stays"))->str() == "stays");
    CHECK(MUST(db.get("brief"))->str() == "new" && MUST(db.get("merged"))->str() == "new");
    CHECK(MUST(db.keyspace_options()).compaction_filter == "sweeper");
    MUST(db.close());
    lsm::Options others;
    others.default_keyspace = lsm::KeyspaceOptions();
    FAILS(lsm::Db::open(path, others), InvalidArgument);
    MUST(lsm::Db::open(path));
}

void a_batch_that_was_moved_from_is_none(const lsm::Db &db) {
    auto batch = MUST(db.batch());
    MUST(batch.put(db, "z", "1"));
    lsm::Batch moved = std::move(batch);
    FAILS(batch.put(db, "z", "2"), InvalidArgument);
    FAILS(batch.erase(db, "z"), InvalidArgument);
    FAILS(batch.erase_range(db, {}, {}), InvalidArgument);
    FAILS(db.write(batch), InvalidArgument);
    batch.clear();
    CHECK(batch.count() == 0 && batch.bytes() == 0);
    CHECK(moved.count() == 1);
    FAILS(moved.put(lsm::Db(), "z", "2"), InvalidArgument);
}

}  // namespace

int main(int, char **argv) {
    const std::string path = argv[1];
    auto db = MUST(lsm::Db::open(path + "/db"));
    writes_answer_their_number(db);
    ranges_go_at_once(db);
    an_empty_bound_is_a_bound(db);
    a_batch_is_all_or_nothing(db);
    a_failed_call_leaves_a_batch_as_it_was(db, path);
    a_batch_is_written_if_its_conditions_hold(db);
    values_expire(db);
    operands_become_one_value(db);
    operators_of_the_programs_own_are_asked(path + "/own");
    filters_of_the_programs_own_are_asked(path + "/swept");
    a_batch_that_was_moved_from_is_none(db);
    return 0;
}
