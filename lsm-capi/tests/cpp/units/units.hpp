/* What the units tell each other. */
#ifndef UNITS_HPP
#define UNITS_HPP

#include <lsm.hpp>

bool put_in_second(const lsm::Db &db);
bool put_in_third(lsm_db *db);

#endif  // UNITS_HPP
