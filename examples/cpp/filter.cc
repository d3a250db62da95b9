// Garbage that is taken away when tables are merged: filter DIRECTORY
#include <iostream>
#include <lsm.hpp>

// What is done with goes, and what is of the first form becomes one of the second.
lsm::FilterDecision sweep(std::string_view, std::string_view value, const lsm::FilterContext &) {
    if (value.substr(0, 4) == "done") {
        return lsm::FilterDecision::remove();
    }
    if (value.substr(0, 3) == "v1 ") {
        return lsm::FilterDecision::replace("v2 " + std::string(value.substr(3)));
    }
    return lsm::FilterDecision::keep();
}

void print_all(lsm::Range range) {
    for (auto [key, value] : std::move(range).or_throw()) {
        std::cout << key << ": " << value << "\n";
    }
}

void run(const std::string &path) {
    lsm::Options options;
    options.compaction_filters.push_back({"sweeper", sweep});
    auto db = lsm::Db::open(path, options).or_throw();
    lsm::KeyspaceOptions choice;
    choice.compaction_filter = "sweeper";
    auto jobs = db.keyspace("jobs", choice).or_throw();
    jobs.put("1", "done").or_throw();
    jobs.put("2", "v1 wash").or_throw();
    jobs.put("3", "v2 cook").or_throw();
    jobs.put("4", "done too").or_throw();
    jobs.compact().or_throw();
    print_all(jobs.prefix(""));
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
