// One database, many threads: some write, one reads meanwhile: threads DIRECTORY
#include <future>
#include <iostream>
#include <lsm.hpp>

constexpr int writers = 4;
constexpr int keys = 1000;

std::string key_of(int writer, int number) {
    const std::string digits = std::to_string(number);
    return std::to_string(writer) + "/" + std::string(4 - digits.size(), '0') + digits;
}

// A `const Db &` may be used by all threads at once: no lock is needed around it.
void write_keys(const lsm::Db &db, int writer) {
    for (int i = 0; i < keys; i++) {
        db.put(key_of(writer, i), "x").or_throw();
    }
}

// Each writer writes its keys in order, so what a range shows of them has no gap.
void look_for_gaps(const lsm::Db &db) {
    for (int round = 0; round < 20; round++) {
        int writer = -1;
        int next = 0;
        // A range is for one thread at a time: this one is ours.
        for (auto [key, value] : db.all().or_throw()) {
            next = key[0] - '0' == writer ? next + 1 : 0;
            writer = key[0] - '0';
            if (key != key_of(writer, next) || value != "x") {
                throw std::logic_error("there is a gap before " + std::string(key));
            }
        }
    }
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    auto db = lsm::Db::open(argv[1]).or_throw();
    std::vector<std::future<void>> threads;
    for (int writer = 0; writer < writers; writer++) {
        threads.push_back(std::async(std::launch::async, write_keys, std::cref(db), writer));
    }
    threads.push_back(std::async(std::launch::async, look_for_gaps, std::cref(db)));
    for (auto &thread : threads) {
        thread.get(); // What was thrown there comes out here.
    }
    std::cout << writers << " threads wrote " << db.count().or_throw() << " keys\n";
    db.close().or_throw();
    return 0;
} catch (const std::exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
