// Pictures apart from their names, in files that are written once: album DIRECTORY
#include <iostream>
#include <lsm.hpp>

void print_files(const lsm::Db &pictures, const std::string &when) {
    std::cout << "files " << when << ": " << pictures.stats().or_throw().blob_files << "\n";
}

void run(const lsm::Db &pictures) {
    pictures.put("sea", std::string(60000, '#')).or_throw();
    pictures.put("icon", std::string(200, '#')).or_throw();
    pictures.put("hills", std::string(90000, '#')).or_throw();
    // No picture is read for that.
    lsm::ReadOptions names;
    names.keys_only = true;
    for (auto [name, nothing] : pictures.all(names).or_throw()) {
        std::cout << name << "\n";
    }
    const auto sea = pictures.get("sea").or_throw();
    std::cout << "sea: " << sea->size() << " bytes\n";
    print_files(pictures, "of large values");
    pictures.erase_range({}, {}).or_throw();
    pictures.compact().or_throw();
    pictures.wait_idle().or_throw();
    print_files(pictures, "when all are deleted");
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    auto db = lsm::Db::open(argv[1]).or_throw();
    lsm::KeyspaceOptions options;
    options.blob_threshold = 1024; // From 4096 bytes on if nothing is chosen.
    run(db.keyspace("pictures", options).or_throw());
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << exception.what() << "\n";
    return 1;
}
