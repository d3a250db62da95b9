// Opens a database, writes, reads, deletes, closes: quickstart DIRECTORY
#include <iostream>
#include <lsm.hpp>

// Every call answers a Result. or_throw() turns a failed one into an exception: see errors.cc for
// programs that have none.
void print(const lsm::Db &db, std::string_view key) {
    // The value lies where the library has it: nothing was copied. It goes with `value`.
    if (auto value = db.get(key).or_throw()) {
        std::cout << key << " = " << value->view() << "\n";
    } else {
        std::cout << key << ": not found\n";
    }
}

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }

    // Makes the database if there is none.
    auto db = lsm::Db::open(argv[1]).or_throw();

    // Keys and values are any bytes; all that makes a std::string_view will do.
    db.put("apple", "red").or_throw();
    db.put("pear", "green").or_throw();
    db.put("apple", "yellow").or_throw();
    db.erase("pear").or_throw();

    print(db, "apple");
    print(db, "pear");

    // The destructor closes too, but tells nobody if something could not be made durable.
    db.close().or_throw();
    return 0;
} catch (const lsm::Exception &exception) {
    std::cerr << lsm::name(exception.status()) << ": " << exception.what() << "\n";
    return 1;
}
