/* Compiled without exceptions: its lsm::Db is another class, so it gets a handle. */
#include <lsm.hpp>

#include "units.hpp"

bool put_in_third(lsm_db *db) {
    lsm::Db none;
    if (none.put("third", "3").status() != lsm::Status::InvalidArgument) {
        return false;
    }
    return lsm_put(db, nullptr, lsm_str("third"), lsm_str("3"), nullptr) == LSM_OK;
}
