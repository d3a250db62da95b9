// A program of somebody's in C++ that uses the installed library.
#include <lsm.hpp>
#include <iostream>
#include <string_view>

int main()
{
    lsm_db *db;
    lsm_value value = LSM_VALUE_INIT;
    lsm_status status = lsm_open("data", nullptr, &db, nullptr);

    if (status == LSM_OK) {
        status = lsm_put(db, nullptr, lsm_str("apple"), lsm_str("red"), nullptr);
    }
    if (status == LSM_OK) {
        status = lsm_get(db, nullptr, lsm_str("apple"), &value, nullptr);
    }
    if (status == LSM_OK && std::string_view(value.data, value.size) != "red") {
        status = LSM_CORRUPTION;
    }
    lsm_value_free(&value);
    if (status == LSM_OK) {
        status = lsm_close(db, nullptr);
    }
    std::cout << lsm_version() << ' ' << lsm_status_name(status) << '\n';
    return lsm_version_number() != LSM_VERSION_NUMBER;
}
