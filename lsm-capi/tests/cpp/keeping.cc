/* Databases and keyspaces: opening, tuning, looking inside, closing. */
#include "check.hpp"

#include <thread>
#include <type_traits>

namespace {

static_assert(!std::is_copy_constructible_v<lsm::Db> && !std::is_copy_assignable_v<lsm::Db>);
static_assert(std::is_nothrow_move_constructible_v<lsm::Db>);
static_assert(std::is_nothrow_move_assignable_v<lsm::Db>);

void options_decide_how_it_is_opened(const std::string &path) {
    lsm::Options existing;
    existing.must_exist = true;
    FAILS(lsm::Db::open(path, existing), InvalidArgument);
    lsm::Options fresh;
    fresh.must_be_new = true;
    fresh.memory_limit = 32 << 20;
    fresh.sync_interval = lsm::never;
    {
        auto db = MUST(lsm::Db::open(path, fresh));
        CHECK(db.path() == path);
        CHECK(MUST(db.open_report()).str().find("{") == 0);
        MUST(db.put("a", "1"));
        MUST(db.close());
    }
    FAILS(lsm::Db::open(path, fresh), Exists);
    lsm::Options reader;
    reader.read_only = true;
    auto db = MUST(lsm::Db::open(path, reader));
    CHECK(check::value_of(db, "a") == "1");
    FAILS(db.put("a", "2"), ReadOnly);
    FAILS(lsm::Db::open(std::string("with\0nul", 8)), InvalidArgument);
    FAILS(lsm::Db::open(""), InvalidArgument);
    lsm::Options unknown;
    unknown.memtable = static_cast<lsm::Memtable>(9);
    FAILS(lsm::Db::open(path + "-unknown", unknown), InvalidArgument);
}

/* A reader beside a writer. */
void readers_follow(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    MUST(db.put("a", "1"));
    lsm::Options options;
    options.read_only = true;
    auto reader = MUST(lsm::Db::open(path, options));
    auto snapshot = MUST(reader.snapshot());
    MUST(db.put("a", "2"));
    CHECK(check::value_of(reader, "a") == "1");
    MUST(reader.refresh());
    CHECK(check::value_of(reader, "a") == "2");
    CHECK(MUST(db.readers()).str().find("\"lease_left_ms\":") != std::string::npos);
    MUST(reader.close());
    CHECK(MUST(db.readers()).str() == "[]");
    options.refresh_every = std::chrono::milliseconds(20);
    options.reader_lease = std::chrono::milliseconds(5000);
    lsm::Options again;
    MUST(again.parse(MUST(options.format()).str()));
    CHECK(again.refresh_every == options.refresh_every);
    CHECK(again.reader_lease == options.reader_lease);
}

/* Every field that has a text, there and back. */
void options_are_text_too() {
    lsm::Options options;
    options.must_exist = true;
    options.memory_limit = 64 << 20;
    options.memtable_bytes = 1 << 20;
    options.background_threads = 3;
    options.durability = lsm::Durability::Durable;
    options.sync_interval = std::chrono::milliseconds(250);
    options.wal_mode = lsm::WalMode::Write;
    options.wal_segment_bytes_max = 8 << 20;
    options.memtable = lsm::Memtable::SkipList;
    lsm::Options again;
    MUST(again.parse(MUST(options.format()).str()));
    CHECK(again.must_exist && !again.must_be_new && !again.read_only);
    CHECK(again.memory_limit == 64 << 20 && again.memtable_bytes == 1 << 20);
    CHECK(again.background_threads == 3);
    CHECK(again.durability == lsm::Durability::Durable);
    CHECK(again.sync_interval == std::chrono::milliseconds(250));
    CHECK(again.wal_mode == lsm::WalMode::Write);
    CHECK(again.wal_segment_bytes_max == 8 << 20);
    CHECK(again.memtable == lsm::Memtable::SkipList);

    /* What the text does not name stays; one that fails changes nothing. */
    MUST(again.parse("durability=volatile; if_missing=must_be_missing"));
    CHECK(again.must_be_new && !again.must_exist);
    CHECK(again.durability == lsm::Durability::Volatile);
    CHECK(again.sync_interval == std::chrono::milliseconds(250));
    options.sync_interval = lsm::never;
    MUST(again.parse(MUST(options.format()).str()));
    CHECK(again.sync_interval == lsm::never);
    FAILS(again.parse("memory_limit=1GiB; no_such_thing=1"), InvalidArgument);
    FAILS(again.parse(std::string("memory_limit=1GiB\0", 18)), InvalidArgument);
    CHECK(again.memory_limit == 64 << 20);
    lsm::Options reader;
    MUST(reader.parse("read_only=true"));
    CHECK(reader.read_only && reader.to_c().flags == LSM_OPEN_READONLY);
}

void times_and_flags_fit_into_c() {
    lsm::Options options;
    options.sync_interval = lsm::never;
    CHECK(options.to_c().sync_interval_ms == LSM_SYNC_NEVER);
    options.sync_interval = std::chrono::hours(24 * 365);
    CHECK(options.to_c().sync_interval_ms == UINT32_MAX);
    options.sync_interval = std::chrono::milliseconds(-1);
    CHECK(options.to_c().sync_interval_ms == 1);
    lsm::WriteOptions write;
    write.timeout = lsm::never;
    CHECK(write.to_c(nullptr).timeout_ms == 0 && write.to_c(nullptr).flags == 0);
    write.no_wait = true;
    CHECK(write.to_c(nullptr).flags == LSM_WRITE_NO_WAIT);
    write.low_priority = true;
    CHECK(write.to_c(nullptr).flags == (LSM_WRITE_NO_WAIT | LSM_WRITE_LOW_PRIORITY));
    lsm::ReadOptions read;
    CHECK(read.is_usual());
    for (bool *flag : {&read.keys_only, &read.no_fill_cache, &read.verify, &read.memory_only}) {
        *flag = true;
        CHECK(!read.is_usual());
        *flag = false;
    }
    const lsm::Snapshot none;
    CHECK(!lsm::ReadOptions::at(none).is_usual() && read.is_usual());
    read.no_fill_cache = true;
    read.keys_only = true;
    CHECK(read.to_c().flags == (LSM_READ_NO_FILL_CACHE | LSM_READ_KEYS_ONLY));
    read.verify = true;
    read.memory_only = true;
    read.keys_only = false;
    read.no_fill_cache = false;
    CHECK(read.to_c().flags == (LSM_READ_VERIFY | LSM_READ_MEMORY_ONLY));
    CHECK(read.to_c().snapshot == nullptr && read.to_c().upper.data == nullptr);
}

void options_of_keyspaces_are_text_too() {
    lsm::KeyspaceOptions keyspace;
    MUST(keyspace.parse("strategy=tiered:6; compression=none; block_bytes=8192"));
    CHECK(keyspace.strategy == lsm::Strategy::Tiered && keyspace.level_ratio == 6);
    CHECK(keyspace.compression == lsm::Compression::None && keyspace.block_bytes == 8192);
    FAILS(keyspace.parse("strategy=none"), InvalidArgument);
}

void large_values_stand_apart(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    lsm::KeyspaceOptions chosen;
    MUST(chosen.parse("blob_threshold=0"));
    CHECK(chosen.blob_threshold == LSM_BLOB_NEVER);
    chosen.blob_threshold = 100;
    auto files = MUST(db.keyspace("files", chosen));
    CHECK(MUST(files.keyspace_options()).blob_threshold == 100);
    const std::string large(100, 'v');
    MUST(files.put("k", large));
    CHECK(MUST(files.get("k"))->str() == large);
    MUST(db.flush());
    CHECK(MUST(files.get("k"))->str() == large);
    const auto stats = MUST(db.stats());
    CHECK(stats.blob_files > 0 && stats.blob_bytes > 100 && stats.disk_bytes > stats.blob_bytes);
    chosen.blob_threshold = 63;
    FAILS(db.keyspace("tiny", chosen), InvalidArgument);
}

void keyspaces_are_apart(const lsm::Db &db) {
    CHECK(MUST(db.keyspaces()).empty());
    lsm::KeyspaceOptions tuned;
    tuned.block_bytes = 1024;
    tuned.filter_bits_per_key = LSM_NO_FILTER;
    auto users = MUST(db.keyspace("users", tuned));
    auto notes = MUST(users.keyspace("notes"));
    MUST(users.put("1", "of users"));
    MUST(notes.put("1", "of notes"));
    CHECK(check::value_of(users, "1") == "of users" && check::value_of(db, "1") == "none");
    CHECK(users.keyspace_name() == "users" && users.path() == db.path());
    CHECK(MUST(users.keyspace_options()).block_bytes == 1024);
    CHECK(MUST(users.keyspace_options()).filter_bits_per_key == LSM_NO_FILTER);
    CHECK((MUST(db.keyspaces()) == std::vector<std::string>{"notes", "users"}));
    tuned.block_bytes = 2048;
    FAILS(db.keyspace("users", tuned), InvalidArgument);
    FAILS(db.keyspace(""), InvalidArgument);
    FAILS(db.keyspace(std::string("a\0b", 3)), InvalidArgument);
    FAILS(db.keyspace("\xff"), InvalidArgument);

    CHECK(MUST(db.drop_keyspace("users")));
    CHECK(!MUST(db.drop_keyspace("users")));
    FAILS(users.get("1"), Closed);
    /* Closing one of keyspace() closes that handle alone. */
    MUST(notes.close());
    FAILS(notes.get("1"), Closed);
    FAILS(notes.close(), Closed);
    CHECK(check::value_of(MUST(db.keyspace("notes")), "1") == "of notes");
}

void numbers_can_be_seen(const lsm::Db &db) {
    for (int i = 0; i < 100; i++) {
        MUST(db.put("key" + std::to_string(i), "value"));
    }
    CHECK(MUST(db.count()) == 100);
    CHECK(MUST(db.count("key1", "key2")) == 11);
    CHECK(MUST(db.approximate_count()) >= 100);
    MUST(db.flush());
    MUST(db.compact("key1", "key2"));
    MUST(db.compact());
    MUST(db.pause_background());
    MUST(db.wait_idle());
    MUST(db.resume_background());
    MUST(db.resume_background());
    MUST(db.wait_idle());
    MUST(db.verify());
    MUST(db.sync());
    MUST(db.health());
    MUST(db.resume());
    CHECK(MUST(db.stats()).disk_bytes > 0 && MUST(db.stats()).struct_size == sizeof(lsm::Stats));
    CHECK(MUST(db.approximate_bytes()) > 0);
    CHECK(MUST(db.approximate_size()).at_most > 0);
    const lsm_estimate held = MUST(db.approximate_count(lsm::Bound(), lsm::Bound()));
    CHECK(held.at_least <= held.estimate && held.estimate <= held.at_most && held.at_most >= 100);
    CHECK(MUST(db.usage()).live_bytes > 0);
    std::vector<lsm::Value> points = MUST(db.split_points({}, {}, 4));
    CHECK(points.size() == 3);
    CHECK(MUST(db.describe()).str().find("{") == 0);
    CHECK(MUST(db.describe_text()).size() > 0);
}

template <class Check> void each_call(const lsm::Db &db, Check failed) {
    failed(db.get("a").status());
    failed(db.exists("a").status());
    failed(db.get_into("a", nullptr, 0).status());
    failed(db.multi_get({"a"}).status());
    failed(db.put("a", "1").status());
    failed(db.erase("a").status());
    failed(db.erase_range("a", "b").status());
    failed(db.write(MUST(db.batch())).status());
    failed(db.iterator().status());
    failed(db.all().status());
    failed(db.snapshot().status());
    failed(db.keyspace("a").status());
    failed(db.drop_keyspace("a").status());
    failed(db.keyspaces().status());
    failed(db.keyspace_options().status());
    failed(db.sync().status());
    failed(db.flush().status());
    failed(db.compact().status());
    failed(db.wait_idle().status());
    failed(db.pause_background().status());
    failed(db.resume_background().status());
    failed(db.verify().status());
    failed(db.count().status());
    failed(db.health().status());
    failed(db.resume().status());
    failed(db.wait_durable(1).status());
    failed(db.stats().status());
    failed(db.describe().status());
    failed(db.describe_text().status());
    failed(db.open_report().status());
    failed(db.approximate_bytes().status());
    failed(db.approximate_count().status());
    failed(db.usage().status());
    failed(db.split_points({}, {}, 4).status());
    failed(db.metrics([](std::string_view, std::string_view, double) {}).status());
    CHECK(db.path().empty() && db.keyspace_name().empty());
    CHECK(db.latest_seqno() == 0 && db.durable_seqno() == 0);
}

void closed_and_empty_handles_say_so(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    MUST(db.close());
    each_call(db, [](lsm::Status status) { CHECK(status == lsm::Status::Closed); });
    FAILS(db.close(), Closed);
    lsm::Db moved = std::move(db);
    each_call(moved, [](lsm::Status status) { CHECK(status == lsm::Status::Closed); });
    each_call(db, [](lsm::Status status) { CHECK(status == lsm::Status::InvalidArgument); });
    FAILS(db.close(), InvalidArgument);
    each_call(lsm::Db(), [](lsm::Status status) { CHECK(status == lsm::Status::InvalidArgument); });
}

void destructors_close(const std::string &path) {
    for (int i = 0; i < 2; i++) {
        auto db = MUST(lsm::Db::open(path));
        MUST(db.put("a", std::to_string(i)));
        /* The one that is assigned over is closed. */
        db = MUST(lsm::Db::open(path + "-other"));
        MUST(MUST(lsm::Db::open(path)).close());
        lsm::Db &same = db;
        db = std::move(same);
        MUST(db.sync());
    }
    CHECK(check::value_of(MUST(lsm::Db::open(path)), "a") == "1");
    MUST(lsm::Db::destroy(path));
    FAILS(lsm::Db::destroy(path), InvalidArgument);
}

void what_can_be_read_is_salvaged(const std::string &path) {
    {
        auto db = MUST(lsm::Db::open(path));
        MUST(db.put("a", "1"));
        MUST(db.flush());
        FAILS(lsm::Db::salvage(path, path + "-new"), Locked);
    }
    int calls = 0;
    lsm::CallOptions call;
    call.progress = [&calls](std::uint64_t done, std::uint64_t total) {
        CHECK(done <= total);
        calls++;
        return true;
    };
    lsm::Options options;
    options.scrub_bytes_per_second = 1 << 20;
    auto report = MUST(lsm::Db::salvage(path, path + "-new", options, call));
    CHECK(calls > 0);
    CHECK(report.view().find("{\"is_complete\":true") == 0);
    FAILS(lsm::Db::salvage(path, path + "-new"), Exists);
    CHECK(check::value_of(MUST(lsm::Db::open(path + "-new", options)), "a") == "1");
}

/* Each reads until it is told that the database is closed. */
void other_threads_may_be_reading(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    MUST(db.put("a", "1"));
    std::vector<std::thread> readers;
    for (int i = 0; i < 4; i++) {
        readers.emplace_back([&db] {
            auto found = db.get("a");
            while (found.ok()) {
                CHECK((*found)->view() == "1");
                found = db.get("a");
            }
            CHECK(found.status() == lsm::Status::Closed);
        });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    MUST(db.close());
    for (auto &reader : readers) {
        reader.join();
    }
}

}  // namespace

int main(int, char **argv) {
    const std::string path = argv[1];
    options_decide_how_it_is_opened(path + "/options");
    readers_follow(path + "/readers");
    options_are_text_too();
    times_and_flags_fit_into_c();
    options_of_keyspaces_are_text_too();
    large_values_stand_apart(path + "/large");
    {
        auto db = MUST(lsm::Db::open(path + "/db"));
        keyspaces_are_apart(db);
        numbers_can_be_seen(db);
    }
    closed_and_empty_handles_say_so(path + "/closed");
    destructors_close(path + "/destroyed");
    what_can_be_read_is_salvaged(path + "/salvaged");
    other_threads_may_be_reading(path + "/threads");
    return 0;
}
