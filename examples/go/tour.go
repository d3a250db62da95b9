// The library from Go, by cgo: tour DIRECTORY
package main

/*
#cgo LDFLAGS: -llsm
#include <lsm.h>
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

// What a call answered that failed.
type failure struct {
	status  C.lsm_status
	message string
}

func (f *failure) Error() string { return f.message }

func (f *failure) name() string { return C.GoString(C.lsm_status_name(f.status)) }

// Makes a Go error of what a call answered, and frees the one of the library.
func check(status C.lsm_status, err *C.lsm_error) error {
	if status >= 0 {
		return nil
	}
	defer C.lsm_error_free(err)
	return &failure{status, C.GoString(C.lsm_error_message(err))}
}

// Lends a string's bytes to one call, which copies what it keeps.
func slice(text string) C.lsm_slice {
	bytes := append([]byte(text), 0)
	return C.lsm_bytes(unsafe.Pointer(&bytes[0]), C.size_t(len(text)))
}

func open(path string) (db *C.lsm_db, err error) {
	name := append([]byte(path), 0)
	var failed *C.lsm_error
	status := C.lsm_open((*C.char)(unsafe.Pointer(&name[0])), nil, &db, &failed)
	return db, check(status, failed)
}

func put(db *C.lsm_db, key, value string) error {
	var failed *C.lsm_error
	status := C.lsm_put(db, nil, slice(key), slice(value), &failed)
	return check(status, failed)
}

func get(db *C.lsm_db, key string) (string, bool, error) {
	var value C.lsm_value
	var failed *C.lsm_error
	status := C.lsm_get(db, nil, slice(key), &value, &failed)
	if status != C.LSM_OK {
		return "", false, check(status, failed)
	}
	defer C.lsm_value_free(&value)
	return C.GoStringN(value.data, C.int(value.size)), true, nil
}

// Gives each key its value, and takes `gone` away: all of it or nothing.
func write(db *C.lsm_db, pairs map[string]string, gone string) error {
	var batch *C.lsm_batch
	var failed *C.lsm_error
	if status := C.lsm_batch_new(&batch, &failed); status < 0 {
		return check(status, failed)
	}
	defer C.lsm_batch_free(batch)
	for key, value := range pairs {
		if status := C.lsm_batch_put(batch, db, slice(key), slice(value), &failed); status < 0 {
			return check(status, failed)
		}
	}
	if status := C.lsm_batch_delete(batch, db, slice(gone), &failed); status < 0 {
		return check(status, failed)
	}
	return check(C.lsm_write(db, nil, batch, nil, &failed), failed)
}

// Visits every key and value, in order.
func scan(db *C.lsm_db, visit func(key, value string)) error {
	var iter *C.lsm_iter
	var key, value C.lsm_slice
	var failed *C.lsm_error
	if status := C.lsm_iter_new(db, nil, &iter, &failed); status < 0 {
		return check(status, failed)
	}
	defer C.lsm_iter_free(iter)
	status := C.lsm_iter_next(iter, &key, &value, &failed)
	for status == C.LSM_OK {
		visit(C.GoStringN(key.data, C.int(key.size)), C.GoStringN(value.data, C.int(value.size)))
		status = C.lsm_iter_next(iter, &key, &value, &failed)
	}
	return check(status, failed)
}

func tour(path string) error {
	db, err := open(path)
	if err != nil {
		return err
	}
	if err = put(db, "pear", "green"); err != nil {
		return err
	}
	if err = write(db, map[string]string{"apple": "red", "plum": "blue"}, "pear"); err != nil {
		return err
	}
	for _, key := range []string{"apple", "pear"} {
		value, found, err := get(db, key)
		if err != nil {
			return err
		}
		if found {
			fmt.Printf("%s = %s\n", key, value)
		} else {
			fmt.Printf("%s: not found\n", key)
		}
	}
	fmt.Println("all:")
	if err = scan(db, func(key, value string) { fmt.Printf("  %s = %s\n", key, value) }); err != nil {
		return err
	}
	if _, err = open(path); err != nil {
		fmt.Printf("opening it twice: %s\n", err.(*failure).name())
	}
	var failed *C.lsm_error
	if err = check(C.lsm_close(db, &failed), failed); err != nil {
		return err
	}
	if err = put(db, "apple", "green"); err != nil {
		fmt.Printf("writing after closing: %s\n", err.(*failure).name())
	}
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: tour DIRECTORY")
		os.Exit(2)
	}
	if err := tour(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
