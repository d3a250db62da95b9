/* What a C program sees of the library it was linked with: prints the version. */
#include <lsm.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    lsm_status status = LSM_NO_SPACE;

    if (lsm_version_number() != LSM_VERSION_NUMBER) {
        return 1;
    }
    if (strcmp(lsm_status_name(status), "LSM_NO_SPACE") != 0) {
        return 2;
    }
    return puts(lsm_version()) < 0;
}
