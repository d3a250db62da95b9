/* The header in several units of one program: after lsm.h, before it, and without exceptions. */
#include <lsm.h>

#include <lsm.hpp>

#include "units.hpp"

int main(int, char **argv) {
    auto db = lsm::Db::open(argv[1]).or_throw();
    if (!put_in_second(db) || !put_in_third(db.handle())) {
        return 1;
    }
    return db.count().or_throw() == 2 ? 0 : 2;
}
