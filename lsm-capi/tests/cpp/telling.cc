/* Functions of the program: log, events, progress, metrics, and what they throw. */
#include "check.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace {

struct Told {
    std::mutex mutex;
    std::string log;
    std::vector<lsm_event_kind> events;
    std::atomic<int> alive{0};

    bool has(lsm_event_kind kind) {
        const std::lock_guard<std::mutex> guard(mutex);
        for (const lsm_event_kind told : events) {
            if (told == kind) {
                return true;
            }
        }
        return false;
    }

    /* An event may be told a moment after what it tells of. */
    bool gets(lsm_event_kind kind) {
        for (int tries = 0; tries < 10000 && !has(kind); tries++) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return has(kind);
    }
};

/* Is copied along with the function that holds it, and counts how often it is there. */
struct Guest {
    explicit Guest(Told &told) : told_(&told) { told_->alive++; }
    Guest(const Guest &other) : told_(other.told_) { told_->alive++; }
    Guest &operator=(const Guest &) = delete;
    ~Guest() { told_->alive--; }
    Told *told_;
};

lsm::Options listening(Told &told) {
    lsm::Options options;
    options.log_level = lsm::LogLevel::Debug;
    options.log = [guest = Guest(told)](lsm::LogLevel level, std::string_view message) {
        CHECK(level >= lsm::LogLevel::Error && level <= lsm::LogLevel::Debug);
        const std::lock_guard<std::mutex> guard(guest.told_->mutex);
        guest.told_->log += std::string(message) + "\n";
    };
    options.event = [guest = Guest(told)](const lsm::Event &event) {
        CHECK(event.struct_size == sizeof(lsm::Event));
        const std::lock_guard<std::mutex> guard(guest.told_->mutex);
        guest.told_->events.push_back(event.kind);
    };
    return options;
}

constexpr int keys = 400;

void fill(const lsm::Db &db, const char *value) {
    for (int i = 0; i < keys; i++) {
        MUST(db.put("key" + std::to_string(i), value));
    }
}

void log_and_events_are_told(const std::string &path) {
    Told told;
    {
        auto db = MUST(lsm::Db::open(path, listening(told)));
        CHECK(told.alive == 2);
        fill(db, "1");
        MUST(db.flush());
        CHECK(told.has(LSM_EVENT_RECOVERED));
        CHECK(told.gets(LSM_EVENT_FLUSHED));
        MUST(db.keyspace("users"));
        CHECK(told.has(LSM_EVENT_KEYSPACE_CREATED));
        MUST(db.close());
        /* They live until the destructor, whoever is still calling. */
        CHECK(told.alive == 2);
    }
    CHECK(told.alive == 0 && told.log.find("\n") != std::string::npos);
}

/* Each may still be called while the database is closed, so it must be there until then. */
void moving_keeps_what_is_called(const std::string &path) {
    Told first;
    Told second;
    auto db = MUST(lsm::Db::open(path + "-1", listening(first)));
    fill(db, "1");
    lsm::Db moved = std::move(db);
    CHECK(first.alive == 2);
    fill(moved, "2");
    moved = MUST(lsm::Db::open(path + "-2", listening(second)));
    CHECK(first.alive == 0 && second.alive == 2);
    fill(moved, "3");
    MUST(moved.flush());
    CHECK(second.gets(LSM_EVENT_FLUSHED));
    moved = lsm::Db();
    CHECK(second.alive == 0);
    /* What fails to open gives them back too. */
    FAILS(lsm::Db::open("", listening(first)), InvalidArgument);
    CHECK(first.alive == 0);
}

/* Tables that an iterator alone still needs are deleted after the database was closed. */
void what_outlives_the_database_calls_nobody(const std::string &path) {
    lsm::Iterator iterator;
    lsm::Snapshot snapshot;
    lsm::Value value;
    Told told;
    {
        auto db = MUST(lsm::Db::open(path, listening(told)));
        fill(db, "1");
        MUST(db.flush());
        iterator = MUST(db.iterator());
        snapshot = MUST(db.snapshot());
        CHECK(MUST(iterator.next()).has_value());
        value = std::move(*MUST(db.get("key1")));
        fill(db, "2");
        MUST(db.flush());
        MUST(db.compact());
    }
    CHECK(told.alive == 0 && value.view() == "1");
}

void a_callback_may_read_but_not_write(const std::string &path) {
    std::atomic<int> reads{0};
    lsm::Db db;
    lsm::Options options;
    options.event = [&](const lsm::Event &event) {
        if (event.kind == LSM_EVENT_FLUSHED) {
            CHECK(check::value_of(db, "key1") == "1");
            FAILS(db.put("key1", "2"), InvalidArgument);
            FAILS(db.flush(), InvalidArgument);
            FAILS(db.close(), InvalidArgument);
            reads++;
        }
    };
    db = MUST(lsm::Db::open(path, std::move(options)));
    fill(db, "1");
    MUST(db.flush());
    for (int tries = 0; tries < 10000 && reads == 0; tries++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(reads > 0);
    MUST(db.close());
}

/* A callback cannot close a database: destroyed there, it stays open, and so does what it calls. */
void a_database_outlives_its_end_in_a_callback(const std::string &path) {
    static std::atomic<int> calls{0};
    static lsm::Db db;
    lsm::Options options;
    options.event = [](const lsm::Event &event) {
        if (event.kind == LSM_EVENT_KEYSPACE_CREATED) {
            db = lsm::Db();
        }
        calls++;
    };
    db = MUST(lsm::Db::open(path, std::move(options)));
    lsm::Db users = MUST(db.keyspace("users"));
    FAILS(db.get("key"), InvalidArgument);
    const int before = calls;
    MUST(users.put("key", "value"));
    MUST(users.drop_keyspace("users"));
    CHECK(calls > before);
}

void progress_is_told_and_stops(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    fill(db, "1");
    std::uint64_t last = 0;
    lsm::CallOptions call;
    call.progress = [&](std::uint64_t done, std::uint64_t) {
        CHECK(done >= last);
        last = done;
        return true;
    };
    CHECK(MUST(db.count({}, {}, {}, call)) == keys);
    CHECK(last > 0);
    last = 0;
    MUST(db.flush(call));
    last = 0;
    MUST(db.compact({}, {}, call));
    last = 0;
    MUST(db.verify(call));
    CHECK(last > 0);
    call.progress = [](std::uint64_t, std::uint64_t) { return false; };
    FAILS(db.verify(call), Aborted);
    FAILS(db.count({}, {}, {}, call), Aborted);
    call.progress = [](std::uint64_t, std::uint64_t) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return true;
    };
    call.timeout = std::chrono::milliseconds(1);
    FAILS(db.verify(call), TimedOut);
    call.timeout = lsm::never;
    MUST(db.verify(call));
    call.progress = [](std::uint64_t, std::uint64_t) { return false; };
    fill(db, "2");
    FAILS(db.flush(call), Aborted);
    /* The database is none the worse for it. */
    MUST(db.flush());
    CHECK(check::value_of(db, "key1") == "2");
}

void metrics_are_told(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    MUST(db.put("a", "1"));
    bool has_writes = false;
    MUST(db.metrics([&](std::string_view name, std::string_view, double value) {
        CHECK(name.substr(0, 4) == "lsm_");
        has_writes |= value > 0;
    }));
    CHECK(has_writes);
    FAILS(db.metrics(lsm::MetricFunction()), InvalidArgument);
}

#if LSM_HPP_EXCEPTIONS
struct Thrown {
    int number;
};

template <class Call> bool throws(Call call) {
    try {
        call();
    } catch (const Thrown &thrown) {
        return thrown.number == 42;
    }
    return false;
}

void what_functions_throw_comes_out(const std::string &path) {
    auto db = MUST(lsm::Db::open(path));
    fill(db, "1");
    lsm::CallOptions call;
    int calls = 0;
    call.progress = [&](std::uint64_t, std::uint64_t) -> bool {
        calls++;
        throw Thrown{42};
    };
    CHECK(throws([&] { MUST(db.count({}, {}, {}, call)); }) && calls == 1);
    CHECK(throws([&] { MUST(db.flush(call)); }));
    MUST(db.flush());
    CHECK(throws([&] { MUST(db.verify(call)); }));
    calls = 0;
    CHECK(throws([&] {
        MUST(db.metrics([&](std::string_view, std::string_view, double) {
            calls++;
            throw Thrown{42};
        }));
    }));
    CHECK(calls == 1);
    CHECK(MUST(db.count()) == keys);
}

void what_listeners_throw_is_dropped(const std::string &path) {
    std::atomic<int> calls{0};
    lsm::Options options;
    options.log = [&](lsm::LogLevel, std::string_view) {
        calls++;
        throw Thrown{1};
    };
    options.event = [&](const lsm::Event &) {
        calls++;
        throw Thrown{2};
    };
    auto db = MUST(lsm::Db::open(path, std::move(options)));
    fill(db, "1");
    MUST(db.flush());
    MUST(db.close());
    CHECK(calls > 2);
}
#endif

}  // namespace

int main(int, char **argv) {
    const std::string path = argv[1];
    log_and_events_are_told(path + "/told");
    moving_keeps_what_is_called(path + "/moved");
    what_outlives_the_database_calls_nobody(path + "/outlived");
    a_callback_may_read_but_not_write(path + "/inside");
    a_database_outlives_its_end_in_a_callback(path + "/left");
    progress_is_told_and_stops(path + "/progress");
    metrics_are_told(path + "/metrics");
#if LSM_HPP_EXCEPTIONS
    what_functions_throw_comes_out(path + "/thrown");
    what_listeners_throw_is_dropped(path + "/dropped");
#endif
    return 0;
}
