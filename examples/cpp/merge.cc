// Counters and logs that are written without being read: merge DIRECTORY
#include <iostream>
#include <lsm.hpp>

// A keyspace in which operands do what the operator of this name does.
lsm::Db merging(const lsm::Db &db, const std::string &name, const char *operator_name) {
    lsm::KeyspaceOptions options;
    options.merge_operator = operator_name;
    return db.keyspace(name, options).or_throw();
}

// Eight bytes, the lowest first.
std::string number(char lowest) {
    std::string bytes(8, '\0');
    bytes[0] = lowest;
    return bytes;
}

void run(const std::string &path) {
    auto db = lsm::Db::open(path).or_throw();
    auto visits = merging(db, "visits", "add_i64");
    auto log = merging(db, "log", "append");
    for (const char visit : {40, 1, 1}) {
        visits.merge("home", number(visit)).or_throw();
    }
    for (const char *weather : {"rain", ", sun", ", snow"}) {
        log.merge("monday", weather).or_throw();
    }
    const auto sum = visits.get("home").or_throw();
    const auto monday = log.get("monday").or_throw();
    std::cout << "visits: " << static_cast<int>(std::string_view(*sum)[0]) << "\n"
              << "monday: " << std::string_view(*monday) << "\n";
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    run(argv[1]);
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
