// What goes wrong, how a program is told, and what it may do about it, all without exceptions:
// errors DIRECTORY
#include <iostream>
#include <lsm.hpp>

// The status says what to do. The message is for people, and may change.
template <class T> void report(std::string_view what, const lsm::Result<T> &result) {
    std::cout << what << ": " << lsm::name(result.status())
              << (result.error().is_retryable() ? ", and may be tried again\n" : "\n");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    const std::string path = argv[1];

    lsm::Options existing;
    existing.must_exist = true;
    report("opening what is not there", lsm::Db::open(path, existing));

    auto opened = lsm::Db::open(path);
    if (!opened.ok()) {
        std::cerr << opened.error().message() << "\n";
        return 1;
    }
    lsm::Db db = *std::move(opened);

    report("opening it twice", lsm::Db::open(path));
    report("a key of 64 KiB", db.put(std::string(65536, 'k'), ""));

    // What is not there is no error, but an empty std::optional.
    const auto missing = db.get("missing");
    if (missing.ok() && !missing->has_value()) {
        std::cout << "a key that is not there: " << lsm::name(lsm::Status::NotFound) << "\n";
    }

    // A Db without a database is safe to use: one that was moved from, or never opened.
    report("no database", lsm::Db().get("key"));

    report("closing", db.close());
    report("writing after that", db.put("key", "value"));
    report("closing twice", db.close());
    return 0;
}
