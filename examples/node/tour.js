// The library from Node, by koffi: LSM_LIBRARY=/path/to/liblsm.so node tour.js DIRECTORY
'use strict';

const koffi = require('koffi');

const library = koffi.load(process.env.LSM_LIBRARY || 'liblsm.so.0.1');

// The types that this program needs of lsm.h. Handles are numbers in the shape of pointers.
koffi.alias('lsm_status', 'int32_t');
for (const handle of ['lsm_db', 'lsm_error', 'lsm_batch', 'lsm_iter']) {
    koffi.opaque(handle);
}
koffi.struct('lsm_slice', { data: 'void *', size: 'size_t' });
koffi.struct('lsm_value', { data: 'void *', size: 'size_t', pin: 'void *' });

const lsm = {};
for (const [result, name, parameters] of [
    ['const char *', 'lsm_status_name', 'lsm_status status'],
    ['const char *', 'lsm_error_message', 'const lsm_error *error'],
    ['void', 'lsm_error_free', 'lsm_error *error'],
    ['void', 'lsm_value_free', '_Inout_ lsm_value *value'],
    ['void', 'lsm_batch_free', 'lsm_batch *batch'],
    ['void', 'lsm_iter_free', 'lsm_iter *iter'],
]) {
    lsm[name] = library.func(`${result} ${name}(${parameters})`);
}

// What can fail answers a status, and its last argument is the error.
const db = 'const lsm_db *db';
const options = 'void *options';
for (const [name, ...parameters] of [
    ['lsm_open', 'const char *path', options, '_Out_ lsm_db **db'],
    ['lsm_close', 'lsm_db *db'],
    ['lsm_put', db, options, 'lsm_slice key', 'lsm_slice value'],
    ['lsm_get', db, options, 'lsm_slice key', '_Out_ lsm_value *value'],
    ['lsm_batch_new', '_Out_ lsm_batch **batch'],
    ['lsm_batch_put', 'lsm_batch *batch', db, 'lsm_slice key', 'lsm_slice value'],
    ['lsm_batch_delete', 'lsm_batch *batch', db, 'lsm_slice key'],
    ['lsm_write', db, options, 'const lsm_batch *batch', 'void *seqno'],
    ['lsm_iter_new', db, options, '_Out_ lsm_iter **iter'],
    ['lsm_iter_next', 'lsm_iter *iter', '_Out_ lsm_slice *key', '_Out_ lsm_slice *value'],
]) {
    parameters.push('_Out_ lsm_error **error');
    lsm[name] = library.func(`lsm_status ${name}(${parameters.join(', ')})`);
}

// Calls one of those, and throws what the error says.
function call(name, ...args) {
    const error = [null];
    const status = lsm[name](...args, error);
    if (status < 0) {
        const thrown = new Error(lsm.lsm_error_message(error[0]));
        thrown.code = lsm.lsm_status_name(status);
        lsm.lsm_error_free(error[0]);
        throw thrown;
    }
    return status;
}

// Bytes for one call, which copies what it keeps.
function slice(text) {
    const bytes = Buffer.from(text);
    return { data: bytes, size: bytes.length };
}

// Bytes that the library keeps, as a string.
function text({ data, size }) {
    const count = Number(size);
    return count === 0 ? '' : Buffer.from(koffi.decode(data, 'uint8_t', count)).toString();
}

function make(name, ...args) {
    const made = [null];
    call(name, ...args, made);
    return made[0];
}

function get(db, key) {
    const value = {};
    if (call('lsm_get', db, null, slice(key), value) !== 0) {
        return undefined;
    }
    const found = text(value);
    lsm.lsm_value_free(value);
    return found;
}

// Writes and deletes: all of it or nothing.
function write(db, pairs, gone) {
    const batch = make('lsm_batch_new');
    try {
        for (const [key, value] of Object.entries(pairs)) {
            call('lsm_batch_put', batch, db, slice(key), slice(value));
        }
        call('lsm_batch_delete', batch, db, slice(gone));
        call('lsm_write', db, null, batch, null);
    } finally {
        lsm.lsm_batch_free(batch);
    }
}

// Every key and value, in order.
function* scan(db) {
    const iter = make('lsm_iter_new', db, null);
    try {
        const [key, value] = [{}, {}];
        while (call('lsm_iter_next', iter, key, value) === 0) {
            yield [text(key), text(value)];
        }
    } finally {
        lsm.lsm_iter_free(iter);
    }
}

function codeOf(failing) {
    try {
        failing();
        return 'LSM_OK';
    } catch (error) {
        return error.code;
    }
}

function tour(path) {
    const db = make('lsm_open', path, null);
    call('lsm_put', db, null, slice('pear'), slice('green'));
    write(db, { apple: 'red', plum: 'blue' }, 'pear');
    for (const key of ['apple', 'pear']) {
        const value = get(db, key);
        console.log(value === undefined ? `${key}: not found` : `${key} = ${value}`);
    }
    console.log('all:');
    for (const [key, value] of scan(db)) {
        console.log(`  ${key} = ${value}`);
    }
    console.log(`opening it twice: ${codeOf(() => make('lsm_open', path, null))}`);
    call('lsm_close', db);
    const late = codeOf(() => call('lsm_put', db, null, slice('apple'), slice('green')));
    console.log(`writing after closing: ${late}`);
}

if (process.argv.length !== 3) {
    console.error('usage: node tour.js DIRECTORY');
    process.exit(2);
}
tour(process.argv[2]);
