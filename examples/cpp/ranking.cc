// The best first: a keyspace whose keys are in reverse order: ranking DIRECTORY
#include <iostream>
#include <lsm.hpp>

void print_all(lsm::Range range) {
    for (auto [key, value] : std::move(range).or_throw()) {
        std::cout << "  " << key << " " << value << "\n";
    }
}

void run(const lsm::Db &scores) {
    scores.put("0310", "bob").or_throw();
    scores.put("0920", "eve").or_throw();
    scores.put("0740", "ada").or_throw();
    std::cout << "the best first:\n";
    print_all(scores.range(std::nullopt, std::nullopt));
    // Bounds are in the keyspace's order: what is best stands before what is good.
    std::cout << "from 800 down:\n";
    print_all(scores.range("0800", std::nullopt));
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    auto db = lsm::Db::open(argv[1]).or_throw();
    lsm::KeyspaceOptions options;
    options.comparator = "reverse";
    run(db.keyspace("scores", options).or_throw());
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
