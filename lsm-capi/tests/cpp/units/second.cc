/* After units.hpp, which includes the header too. */
#include "units.hpp"

#include <lsm.hpp>

#include <lsm.h>

bool put_in_second(const lsm::Db &db) { return db.put("second", "2").ok(); }
