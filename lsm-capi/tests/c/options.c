/* Section "options": structs, their text form, and what cannot be meant. */
#include "check.h"

static int text_is(lsm_value *text, const char *part) {
    static char whole[4096];
    CHECK(text->size < sizeof whole);
    memcpy(whole, text->data, text->size);
    whole[text->size] = '\0';
    lsm_value_free(text);
    return strstr(whole, part) != NULL;
}

static void refused(const char *path, const lsm_options *options, lsm_status status) {
    lsm_db *db = (lsm_db *)1;
    IS(status, lsm_open(path, options, &db, &error));
    CHECK(db == NULL);
}

int main(int count, char **arguments) {
    (void)count;
    const char *path = check_beside(arguments[1], "options");
    lsm_options options = LSM_OPTIONS_INIT;
    lsm_value text;
    lsm_db *db, *users;

    /* Sizes of structs. */
    for (uint32_t size = 0; size < 4 * sizeof options; size++) {
        options.struct_size = size;
        if (size != sizeof options) {
            refused(path, &options, LSM_INVALID_ARGUMENT);
        }
    }
    options.struct_size = UINT32_MAX;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.struct_size = sizeof options;

    /* What nobody knows, what is out of range, what contradicts itself. */
    options.flags = 1u << 31;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.flags = LSM_OPEN_NEW | LSM_OPEN_EXISTING;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.flags = 0;
    options.durability = 4;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.durability = UINT32_MAX;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.durability = 0;
    options.log_level = 5;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.log_level = 0;
    options.memory_limit = 1;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.memory_limit = 0;
    options.background_threads = 65;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    options.background_threads = 0;
    refused(NULL, &options, LSM_INVALID_ARGUMENT);
    refused("", &options, LSM_INVALID_ARGUMENT);
    IS(LSM_INVALID_ARGUMENT, lsm_open(path, &options, NULL, &error));

    /* Text and struct. */
    OK(lsm_options_parse(&options, "memory_limit=64MiB; durability=durable; wal=write", &error));
    CHECK(options.memory_limit == 64u << 20 && options.durability == LSM_DURABLE);
    CHECK(options.wal_mode == LSM_WAL_WRITE && options.background_threads == 0);
    OK(lsm_options_parse(&options, "", &error));
    IS(LSM_INVALID_ARGUMENT, lsm_options_parse(&options, "memory_limit=1GiB; nonsense=1", &error));
    CHECK(options.memory_limit == 64u << 20);
    IS(LSM_INVALID_ARGUMENT, lsm_options_parse(&options, "\xff\xfe", &error));
    IS(LSM_INVALID_ARGUMENT, lsm_options_parse(&options, NULL, &error));
    IS(LSM_INVALID_ARGUMENT, lsm_options_parse(NULL, "", &error));
    OK(lsm_options_format(&options, &text, &error));
    CHECK(text_is(&text, "durability=durable"));
    OK(lsm_options_format(NULL, &text, &error));
    CHECK(text_is(&text, "durability=buffered"));

    lsm_keyspace_options keyspace = LSM_KEYSPACE_OPTIONS_INIT;
    OK(lsm_keyspace_options_parse(&keyspace, "strategy=tiered:6; compression=none", &error));
    CHECK(keyspace.strategy == LSM_TIERED && keyspace.level_ratio == 6);
    CHECK(keyspace.compression == LSM_COMPRESSION_NONE && keyspace.block_bytes == 0);
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_options_parse(&keyspace, "strategy=tiered:1", &error));
    IS(LSM_UNSUPPORTED, lsm_keyspace_options_parse(&keyspace, "strategy=user:mine", &error));
    OK(lsm_keyspace_options_format(&keyspace, &text, &error));
    CHECK(text_is(&text, "strategy=tiered:6; compression=none"));

    /* They are stored with the keyspace, and held against it. */
    OK(lsm_open(path, &options, &db, &error));
    keyspace.filter_bits_per_key = LSM_NO_FILTER;
    OK(lsm_keyspace_open(db, "users", &keyspace, &users, &error));
    lsm_keyspace_options read = LSM_KEYSPACE_OPTIONS_INIT;
    OK(lsm_keyspace_options_read(users, &read, &error));
    CHECK(read.strategy == LSM_TIERED && read.level_ratio == 6 && read.block_bytes == 4096);
    CHECK(read.filter_bits_per_key == LSM_NO_FILTER);
    read.struct_size = 3;
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_options_read(users, &read, &error));
    OK(lsm_close(users, &error));
    keyspace.level_ratio = 7;
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "users", &keyspace, &users, &error));
    CHECK(users == NULL);
    keyspace.compression = 9;
    IS(LSM_INVALID_ARGUMENT, lsm_keyspace_open(db, "new", &keyspace, &users, &error));

    /* Options of reads and writes. */
    lsm_write_options write = LSM_WRITE_OPTIONS_INIT;
    uint64_t seqno = 0;
    write.seqno = &seqno;
    write.durability = LSM_DURABLE;
    OK(lsm_put(db, &write, T("a"), T("1"), &error));
    CHECK(seqno > 0 && seqno == lsm_latest_seqno(db) && lsm_durable_seqno(db) >= seqno);
    write.durability = 99;
    IS(LSM_INVALID_ARGUMENT, lsm_put(db, &write, T("a"), T("2"), &error));
    write.durability = LSM_VOLATILE;
    write.flags = 1u << 20;
    IS(LSM_INVALID_ARGUMENT, lsm_put(db, &write, T("a"), T("2"), &error));
    write.flags = LSM_WRITE_NO_WAIT | LSM_WRITE_LOW_PRIORITY;
    OK(lsm_put(db, &write, T("a"), T("3"), &error));
    write.struct_size = 0;
    IS(LSM_INVALID_ARGUMENT, lsm_delete(db, &write, T("a"), &error));

    lsm_read_options get = LSM_READ_OPTIONS_INIT;
    lsm_value value;
    get.flags = 1u << 30;
    IS(LSM_INVALID_ARGUMENT, lsm_get(db, &get, T("a"), &value, &error));
    get.flags = LSM_READ_NO_FILL_CACHE;
    OK(lsm_get(db, &get, T("a"), &value, &error));
    lsm_value_free(&value);
    OK(lsm_flush(db, &error));
    get.flags = LSM_READ_VERIFY;
    OK(lsm_exists(db, &get, T("a"), &error));
    get.struct_size++;
    IS(LSM_INVALID_ARGUMENT, lsm_exists(db, &get, T("a"), &error));
    OK(lsm_close(db, &error));

    /* A new database that is there, one that is missing, and one that is only read. */
    options.flags = LSM_OPEN_NEW;
    refused(path, &options, LSM_EXISTS);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.flags = LSM_OPEN_READONLY;
    OK(lsm_open(path, &options, &db, &error));
    CHECK(check_has(db, "a", "3"));
    IS(LSM_READ_ONLY, lsm_put(db, NULL, T("a"), T("4"), &error));
    OK(lsm_close(db, &error));
    OK(lsm_destroy(path, &error));
    options.flags = LSM_OPEN_EXISTING;
    refused(path, &options, LSM_INVALID_ARGUMENT);
    return 0;
}
