# Everything a person or a machine runs here. `make` alone lists it.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# The test-only build: the simulated world is open to tests, and the planted bugs are compiled in,
# all off until a test turns one on. It has a target directory of its own, so that the two builds do
# not evict each other.
CFGS := --cfg lsm_sim --cfg lsm_planted
LAB := RUSTFLAGS="$(CFGS)" RUSTDOCFLAGS="$(CFGS)" CARGO_TARGET_DIR=target/lab
HOST = $(shell rustc -vV | sed -n 's/^host: //p')

.PHONY: help demo check test prove bench bench-compare bench-guard wheel sdist install uninstall clean
.PHONY: docs-python examples python-stage lives readers costs loom tsan miri mutants coverage golden
.PHONY: crashes crashlab fuzz fuzz-build fuzz-replay fuzz-seeds fuzz-keep sim sims simulation report report-test
.PHONY: format lint deny tidy unit engine features capi leveldb benches python images asan boundary wheels-test python-asan fuzz-c

help:
	@echo 'make demo    the daily verbs, then a crash and its recovery, on this machine'
	@echo 'make check   format, lints, layers and unit tests, in under two minutes'
	@echo 'make test    all tests, planted bugs among them, in about fifteen minutes from a clean clone'
	@echo 'make prove   the evidence: crash images, damage, AddressSanitizer, models'
	@echo 'make bench-compare BENCH="--engines=.. --benchmarks=.." this engine beside its peers'
	@echo 'make bench   the benchmarks; make bench-guard counts instructions, and fails where more are needed'
	@echo 'make wheel   the Python package for pip, in target/wheels; make sdist its source archive'
	@echo 'make install the C library to PREFIX=/usr/local, packed below DESTDIR= (tools/install has more)'
	@echo 'make uninstall takes it away again'
	@echo 'make images  crashes, faults and damage at full size; WHOLE=1 leaves no point out'
	@echo 'make crashes images of power cuts, rebuilt from what strace saw of the shipped library'
	@echo 'Lanes of their own, each for at most SECONDS=$(SECONDS):'
	@echo 'make lives   databases through crash after crash, for the whole time'
	@echo 'make readers processes that read beside one that writes, all of them killed, for the whole time'
	@echo 'make sim     whole lives of databases, made of seeds; SEED=, BUG=, REPLAY= (tools/sim/README.md)'
	@echo 'make costs   what each strategy of compaction costs in a simulated tree, large ones too'
	@echo 'make fuzz    hostile bytes for every decoder, a hostile directory, any API calls: TARGET= for one'
	@echo 'make fuzz-replay  the inputs that are kept, and others made of them; TARGET= FILE= for one'
	@echo 'make fuzz-c  random calls of the C library, by threads, under AddressSanitizer'
	@echo 'make crashlab the same on LevelDB, RocksDB, LMDB and SQLite beside this engine: docs/crashlab.md'
	@echo 'make loom    every order of threads, up to a bound, in models of what they share'
	@echo 'make tsan    unit tests and threads under ThreadSanitizer (needs rust-src)'
	@echo 'make miri    unit tests of base/, key/, record/ and cache/ under Miri (needs a nightly toolchain)'
	@echo 'make mutants changes to the code that no test notices (needs cargo-mutants)'
	@echo 'make coverage what the tests run through (needs cargo-llvm-cov)'
	@echo 'make docs-python writes the stub and the page of the Python API anew, after a change of either'
	@echo 'make golden  writes the golden directories anew, after a change of format'
	@echo 'make report  docs/reliability-report.md, from what the lanes have left in target/lanes'
	@echo 'make clean   remove everything that was built'

demo:
	@tools/need $@ cargo cc
	cargo run --locked --release -p lsm-core --example basic_usage
	cargo run --locked --release -p lsm-core --example ground

# Two lists side by side: what is built with the test-only switches, and what is built as it ships.
check:
	+@tools/lanes 'format deny lint' 'tidy unit'

test:
	+@tools/lanes 'format deny tidy unit engine features sims leveldb benches' 'lint report-test capi python examples'

prove:
	+@tools/lanes 'images simulation asan loom fuzz-replay crashes' 'bench-guard boundary python-asan wheels-test'

bench:
	@tools/need $@ cargo cc
	cargo bench --locked -p lsm-core

# The peers that Cargo can build are, but for RocksDB, which is loaded (tools/bench-compare/README.md).
BENCH ?= --benchmarks=fillseq,fillrandom,overwrite,readrandom,readmissing,readseq,readreverse,seekrandom
bench-compare:
	@tools/need $@ cargo cc
	cargo build --locked --release -p lsm-bench-compare --features fjall,redb
	target/release/lsm-bench-compare $(BENCH)

# Instructions of the hot operations against the committed figures. REWRITE=1 writes those anew.
bench-guard:
	@tools/need $@ cargo cc valgrind
	cargo bench --locked -p lsm-core --bench guard

# What stands before or after `make install`, such as PREFIX=/usr, reaches the script by itself.
install:
	@tools/install

uninstall:
	@tools/install --undo

WHEEL_ENV := target/wheel-venv
# The Python package, as wheels and as a source archive that builds without a network.
wheel: $(WHEEL_ENV)/ready
	@tools/need $@ cargo cc python3
	$(WHEEL_ENV)/bin/python lsm-python/tools/wheel.py target/wheels

sdist: $(WHEEL_ENV)/ready
	@tools/need $@ cargo python3
	$(WHEEL_ENV)/bin/python lsm-python/tools/sdist.py target/wheels

$(WHEEL_ENV)/ready: lsm-python/tools/requirements.txt
	@tools/need wheel python3 python3-venv
	rm -rf $(WHEEL_ENV)
	python3 -m venv $(WHEEL_ENV)
	@tools/packages $(WHEEL_ENV) $<
	touch $@

clean:
	@tools/need $@ cargo
	cargo clean

# -- the parts of check

format:
	@tools/need check cargo rustfmt
	cargo fmt --all --check

lint:
	@tools/need check cargo clippy cc python3
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(LAB) cargo clippy --locked -p lsm-core -p lsm-fuzz -p lsm-sim --all-targets \
		--features lsm-core/zstd,lsm-core/json -- -D warnings

deny:
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; else \
		echo 'Licences and sources of dependencies were not checked: there is no cargo-deny here.'; fi

tidy:
	@tools/need check cargo cc
	$(LAB) cargo test --locked -p lsm-core --test tidy

unit:
	@tools/need check cargo cc
	$(LAB) cargo test --locked -p lsm-core --lib

# -- the parts of test

# All of the engine's tests but those that check has run: stories, examples, documentation. What
# stories say is in the log: figures for the report, and what this machine did not allow.
engine:
	@tools/need test cargo cc
	$(LAB) cargo test --locked -p lsm-core --test it --test allocs --examples -- --show-output
	$(LAB) cargo test --locked -p lsm-core --doc

# What the features add. Not optimised: what takes long here is the build.
features:
	@tools/need test cargo cc
	$(LAB) CARGO_PROFILE_TEST_OPT_LEVEL=0 CARGO_PROFILE_TEST_DEBUG=0 tools/ran \
		cargo test --locked -p lsm-core --features zstd,json --lib --test it -- compress merge::builtin
	cargo check --locked -p lsm-capi --features zstd,json

# Some hundred seeds of the simulation, and every script that has failed once.
sims:
	@tools/need test cargo cc
	$(LAB) tools/ran cargo test --locked -p lsm-sim

# The faces are tested as they ship, without the test-only build's switches.
capi:
	@tools/need test cargo cc c++
	cargo test --locked -p lsm-capi

# LevelDB's interface, beside LevelDB itself where that is installed.
leveldb:
	@tools/need test cargo cc
	cargo test --locked -p lsm-leveldb

# What measures is tested too, with the peers that need no building. Not optimised: it is quick enough.
benches:
	@tools/need test cargo cc
	CARGO_PROFILE_TEST_OPT_LEVEL=0 cargo test --locked -p lsm-bench -p lsm-bench-compare

# Rust's examples print what those in other languages do.
examples:
	@tools/need test cargo cc
	tools/examples

# The Python package beside its native part, not optimised, with every assertion; memory is checked as
# it is freed, and what is left open is a failure. PYTEST= takes more for pytest, such as -k NAME.
STAGE := target/python
PYTHON_ENV := target/python-venv
PYTEST ?= -q
python: python-stage $(PYTHON_ENV)/ready
	PYTHONPATH=$(CURDIR)/$(STAGE) PYTHONMALLOC=debug PYTHONDONTWRITEBYTECODE=1 \
		$(PYTHON_ENV)/bin/python -X dev -m pytest $(PYTEST) lsm-python/tests

python-stage:
	@tools/need test cargo cc python3
	cargo build --locked -p lsm-python
	rm -rf $(STAGE)
	mkdir -p $(STAGE)
	cp -R lsm-python/python/lsmdb $(STAGE)/
	cp "$${CARGO_TARGET_DIR:-target}/debug/lib_native.so" $(STAGE)/lsmdb/_native.abi3.so

# The stub's docstrings from the native module, and the page of the API from both.
docs-python: python-stage
	PYTHONPATH=$(CURDIR)/$(STAGE) python3 lsm-python/tools/stubs.py --write
	python3 lsm-python/tools/api_page.py --write

# What the tests and the tools of Python need, made once and again when the list changes.
$(PYTHON_ENV)/ready: lsm-python/tests/requirements.txt
	@tools/need test python3 python3-venv
	rm -rf $(PYTHON_ENV)
	python3 -m venv $(PYTHON_ENV)
	@tools/packages $(PYTHON_ENV) $<
	touch $@

# The tables of the report name what is there, and its patterns are what lanes print.
report-test:
	@tools/need test python3
	python3 tools/report/test_report.py

# -- the parts of prove

# With WHOLE=1 no point of any script is left out, which takes several times as long.
images:
	@tools/need prove cargo cc
	$(LAB) LSM_WHOLE=$(WHOLE) tools/keep $@ tools/ran \
		cargo test --locked -p lsm-core --test it -- --ignored --show-output prove_

# Two thousand seeds of the simulation.
simulation:
	@tools/need prove cargo cc
	$(LAB) tools/ran cargo test --locked -p lsm-sim -- --ignored --show-output prove_

# Sanitizers need a compiler switch that stable hides, and a build of their own.
asan:
	@tools/need prove cargo cc
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address $(CFGS)" CARGO_TARGET_DIR=target/asan \
		tools/ran cargo test --locked -p lsm-core --lib --target $(HOST) \
		-- env::os cache:: memtable:: base::slice base::epoch

# The model checker stands in for atomics and locks, in a build of its own that runs nothing else.
loom:
	@tools/need $@ cargo cc
	RUSTFLAGS="--cfg lsm_loom" CARGO_TARGET_DIR=target/loom CARGO_PROFILE_TEST_DEBUG=0 \
		CARGO_PROFILE_TEST_OPT_LEVEL=1 tools/keep $@ tools/ran cargo test --locked -p lsm-core --lib \
		loom_test -- --show-output

# The C library: valgrind over each section of the header, random calls under AddressSanitizer.
boundary:
	@tools/need prove cargo cc c++ valgrind
	tools/ran cargo test --locked -p lsm-capi --test programs -- --ignored --show-output prove_

# The images that a power cut could leave of the shipped library, rebuilt from a trace of it, and
# whether syncs that do nothing would be found. The first line tests crashlab itself.
crashes:
	@tools/need prove cargo cc python3 strace
	cargo build --locked --release -p lsm-capi
	python3 tools/crashlab/tests.py
	python3 tools/crashlab/crashlab.py quick --seconds=30

# The wheels and the source archive, on every CPython of this machine.
wheels-test: $(WHEEL_ENV)/ready
	@tools/need prove cargo cc python3
	$(WHEEL_ENV)/bin/python lsm-python/tools/prove.py target/wheels-test

# The tests of the native part under AddressSanitizer, whose runtime must be there before the
# interpreter is. Python hands memory out by malloc then, so that its objects are watched, too.
ASAN_STAGE := target/python-asan/stage
PURE := aio api_page codecs dbm examples package plyvel plyvel_beside progress stubs typed types
python-asan: $(PYTHON_ENV)/ready
	@tools/need prove cargo cc python3
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=target/python-asan \
		cargo build --locked -p lsm-python --target $(HOST)
	rm -rf $(ASAN_STAGE)
	mkdir -p $(ASAN_STAGE)
	cp -R lsm-python/python/lsmdb $(ASAN_STAGE)/
	cp target/python-asan/$(HOST)/debug/lib_native.so $(ASAN_STAGE)/lsmdb/_native.abi3.so
	grep -q __asan_report_load $(ASAN_STAGE)/lsmdb/_native.abi3.so
	PYTHONPATH=$(CURDIR)/$(ASAN_STAGE) PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1 \
		ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="$$(cc -print-file-name=libasan.so)" \
		$(PYTHON_ENV)/bin/python -m pytest $(PYTEST) \
		$(PURE:%=--ignore=lsm-python/tests/test_%.py) lsm-python/tests

# The committed directories change: look at the difference before it is committed.
golden:
	@tools/need $@ cargo cc
	$(LAB) tools/ran cargo test --locked -p lsm-core --test it -- --ignored golden_rewrite

# It fails where a lane that was green does not print a figure any more.
report:
	@tools/need $@ python3
	tools/report/report.py

# -- lanes of their own, with a budget of time; what they print stays in target/lanes

SECONDS ?= 600
BUDGET = timeout --foreground $(SECONDS)

lives:
	@tools/need $@ cargo cc
	$(LAB) LSM_SECONDS=$(SECONDS) tools/keep $@ tools/ran \
		cargo test --locked -p lsm-core --test it -- --ignored --nocapture prove_long_lives

# SEED= begins there, BUG= plants one (or all, one after another), REPLAY= takes what a failure printed.
sim:
	@tools/need $@ cargo cc
	$(LAB) cargo build --locked --profile test -p lsm-sim
	@mkdir -p target/sim
	$(if $(BUG)$(REPLAY),,tools/keep $@) target/lab/debug/lsm-sim --seconds "$(SECONDS)" --seed "$(SEED)" --bug "$(BUG)" \
		--replay "$(REPLAY)" --report target/sim/report.md

readers:
	@tools/need $@ cargo cc
	$(LAB) LSM_SECONDS=$(SECONDS) tools/keep $@ tools/ran cargo test --locked -p lsm-core --test it -- \
		--ignored --nocapture prove_readers_and_writers

# The table of docs/compaction.md; the large trees are in no other target.
costs:
	@tools/need $@ cargo cc
	$(LAB) tools/keep $@ $(BUDGET) tools/ran \
		cargo test --locked -p lsm-core --lib compaction::tests::costs -- --include-ignored --nocapture

# libFuzzer on the usual compiler: what instruments the code is in it. TARGET= takes one target for
# all of the time; FUZZ_TIMES= multiplies what a replay makes of the inputs that are kept.
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1
FUZZ_DIR := target/fuzz
FUZZER = $(FUZZ_DIR)/$(HOST)/fuzz/lsm-fuzzer
FUZZ = $(LAB) cargo run --quiet --locked -p lsm-fuzz --bin lsm-fuzz --
TARGET ?=
FUZZ_TIMES ?= 1
fuzz: fuzz-build
	tools/keep $@ env $(FUZZ) drive $(FUZZER) $(FUZZ_DIR)/corpus $(SECONDS) $(TARGET)

fuzz-build:
	@tools/need fuzz cargo cc c++
	RUSTFLAGS="$(CFGS) $(FUZZ_FLAGS)" CARGO_TARGET_DIR=$(FUZZ_DIR) cargo build --locked --profile fuzz \
		-p lsm-fuzz --features libfuzzer --bin lsm-fuzzer --target $(HOST)

# The inputs that are kept, and others made of them by chance; with FILE= only that one.
fuzz-replay:
	@tools/need $@ cargo cc
ifdef FILE
	$(FUZZ) replay $(TARGET) $(FILE)
else
	$(LAB) LSM_FUZZ_TIMES=$(FUZZ_TIMES) tools/ran \
		cargo test --locked -p lsm-fuzz --lib --test replay -- --show-output
endif

# Writes the inputs that each target begins with, or keeps the best of what the fuzzer has found.
fuzz-seeds:
	@tools/need $@ cargo cc
	$(FUZZ) seeds $(TARGET)

fuzz-keep: fuzz-build
	$(FUZZ) keep $(FUZZER) $(FUZZ_DIR)/corpus $(TARGET)

fuzz-c:
	@tools/need $@ cargo cc
	LSM_SECONDS=$(SECONDS) tools/keep $@ tools/ran cargo test --locked -p lsm-capi --test programs -- \
		--ignored --nocapture prove_that_random_calls

# The table of docs/crashlab.md, which is written anew unless ENGINE= names some engines only.
crashlab:
	@tools/need $@ cargo cc python3 strace
	cargo build --locked --release -p lsm-capi
	tools/keep $@ python3 tools/crashlab/crashlab.py run --seconds=$(SECONDS) --engines=$(ENGINE) \
		$(if $(ENGINE),,--write=docs/crashlab.md)

tsan:
	@tools/need $@ cargo cc rust-src
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=thread $(CFGS)" CARGO_TARGET_DIR=target/tsan \
		tools/keep $@ $(BUDGET) tools/ran cargo test --locked -p lsm-core --lib --test it \
		-Zbuild-std --target $(HOST) \
		-- --skip fork --skip child --skip kill:: --skip os_input:: --skip fidelity:: \
		--skip guard:: --skip window:: --skip cut:: --skip museum:: --skip faults:: --skip damage::

miri:
	@tools/need $@ cargo miri
	RUSTFLAGS="$(CFGS)" CARGO_TARGET_DIR=target/miri \
		tools/keep $@ $(BUDGET) tools/ran cargo +nightly miri test --locked -p lsm-core --lib -- base:: key:: record::frame \
		cache::frame cache::slots cache::ring --skip threads --skip compress

mutants:
	@tools/need $@ cargo cargo-mutants
	RUSTFLAGS="$(CFGS)" tools/keep $@ $(BUDGET) cargo mutants -p lsm-core -f 'lsm-core/src/wal/**' \
		-f 'lsm-core/src/version/**' -f 'lsm-core/src/journal/**' -o target -- --lib --test it

coverage:
	@tools/need $@ cargo cargo-llvm-cov
	RUSTFLAGS="$(CFGS)" CARGO_TARGET_DIR=target/coverage \
		tools/keep $@ $(BUDGET) cargo llvm-cov -p lsm-core --lib --test it --summary-only
