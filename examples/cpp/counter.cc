// A number that outlives the program, made one larger by each run of it: counter DIRECTORY
#include <array>
#include <iostream>
#include <lsm.hpp>

// Numbers are stored as eight bytes, the lowest first, so that every machine reads them alike.
std::uint64_t decode(std::string_view bytes) {
    std::uint64_t number = 0;
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
        number = number << 8 | static_cast<unsigned char>(*byte);
    }
    return number;
}

std::array<char, 8> encode(std::uint64_t number) {
    std::array<char, 8> bytes{};
    for (char &byte : bytes) {
        byte = static_cast<char>(number & 0xff);
        number >>= 8;
    }
    return bytes;
}

// Reads, adds, writes. One thread at a time may do so: see threads.cc for many.
std::uint64_t add_one(const lsm::Db &db) {
    const auto before = db.get("runs").or_throw();
    const std::uint64_t number = (before ? decode(*before) : 0) + 1;
    const auto bytes = encode(number);
    lsm::WriteOptions durable;
    durable.durability = lsm::Durability::Durable;
    db.put("runs", std::string_view(bytes.data(), bytes.size()), durable).or_throw();
    return number;
}

void run(const std::string &path) {
    // Say what is not to be as usual. In C++20: lsm::Db::open(path, {.memory_limit = 32 << 20})
    lsm::Options options;
    options.memory_limit = 32 << 20;
    auto db = lsm::Db::open(path, options).or_throw();
    std::cout << "run " << add_one(db) << "\n";
    db.close().or_throw();
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    // Three times, as if the program were started so often.
    for (int i = 0; i < 3; i++) {
        run(argv[1]);
    }
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
