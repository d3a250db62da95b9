// Writes that happen together, and reading as it was before: batch_snapshot DIRECTORY
#include <iostream>
#include <lsm.hpp>

// Prints one value, as the options say: now, or as a snapshot sees it.
void print(const lsm::Db &db, std::string_view key, const lsm::ReadOptions &options = {}) {
    const auto value = db.get(key, options).or_throw();
    std::cout << " " << key << " has " << (value ? value->view() : "nothing");
}

void transfer(const lsm::Db &db) {
    // A keyspace is a tree of its own; a batch may write to several of one database.
    auto journal = db.keyspace("journal").or_throw();
    auto snapshot = db.snapshot().or_throw();

    auto batch = db.batch().or_throw();
    batch.put(db, "ada", "60").or_throw();
    batch.put(db, "bob", "40").or_throw();
    batch.put(journal, "1", "ada to bob: 40").or_throw();

    // All three or none, for every reader and after every crash; and this one write is to survive
    // a power cut as soon as it returns.
    lsm::WriteOptions durable;
    durable.durability = lsm::Durability::Durable;
    db.write(batch, durable).or_throw();

    const auto then = lsm::ReadOptions::at(snapshot);
    std::cout << "before:";
    print(db, "ada", then);
    print(db, "bob", then);
    std::cout << "\nafter: ";
    print(db, "ada");
    print(db, "bob");
    std::cout << "\njournal:";
    print(journal, "1");
    std::cout << "\n";
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    auto db = lsm::Db::open(argv[1]).or_throw();
    db.put("ada", "100").or_throw();
    db.put("bob", "0").or_throw();
    transfer(db);
    db.close().or_throw();
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
