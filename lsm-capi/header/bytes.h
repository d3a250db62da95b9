#define LSM_VALUE_INIT {NULL, 0, NULL}

// Any bytes as a slice.
static inline lsm_slice lsm_bytes(const void *data, size_t size) {
    lsm_slice slice;
    slice.data = (const char *)data;
    slice.size = size;
    return slice;
}

// A string that ends with a NUL as a slice, without the NUL; a NULL as an absent one.
static inline lsm_slice lsm_str(const char *string) {
    size_t size = 0;
    while (string != NULL && string[size] != '\0') {
        size++;
    }
    return lsm_bytes(string, size);
}
