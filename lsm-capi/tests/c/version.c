/* Section "version": what was compiled is what is loaded. */
#include "check.h"

int main(void) {
    char wanted[64];
    CHECK(lsm_version_number() == LSM_VERSION_NUMBER);
    snprintf(wanted, sizeof wanted, "%d.%d.%d", LSM_VERSION_MAJOR, LSM_VERSION_MINOR,
             LSM_VERSION_PATCH);
    CHECK(strcmp(lsm_version(), wanted) == 0);
    CHECK(strstr(lsm_build_info(), wanted) != NULL && strstr(lsm_build_info(), "lz4") != NULL);
    return puts(lsm_version()) < 0;
}
