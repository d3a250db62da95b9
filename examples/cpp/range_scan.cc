// Keys in order: by prefix, between two keys, and backwards: range_scan DIRECTORY
#include <iostream>
#include <lsm.hpp>

// Behind or_throw() a loop throws if it cannot go on. Key and value are lent until it does.
void print_all(lsm::Range range) {
    for (auto [key, value] : std::move(range).or_throw()) {
        std::cout << "  " << key << " " << value << "\n";
    }
}

void scan(const lsm::Db &db) {
    std::cout << "in March:\n";
    print_all(db.prefix("2026-03-"));

    // The end itself is not in the range.
    std::cout << "from the 2nd of March, before April, the last one first:\n";
    print_all(db.range("2026-03-02", "2026-04-01").reversed());
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    auto db = lsm::Db::open(argv[1]).or_throw();
    db.put("2026-03-01", "rain").or_throw();
    db.put("2026-02-28", "snow").or_throw();
    db.put("2026-03-03", "sun").or_throw();
    db.put("2026-04-01", "hail").or_throw();
    db.put("2026-03-02", "fog").or_throw();
    scan(db);

    // A range goes at the cost of one write, however many keys are in it. std::nullopt for one of
    // the two would be no bound.
    db.erase_range("2026-03-", "2026-04-").or_throw();
    std::cout << "without March: " << db.count().or_throw() << " days\n";
    db.close().or_throw();
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
