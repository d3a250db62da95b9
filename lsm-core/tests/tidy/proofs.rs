//! Unsafe code stands in few named files, with its proof before it.

use crate::source::{Finding, Source};

const RULE: &str = "unsafe";

/// The shipped files that may hold unsafe code; tests may too, with a proof. In the faces it is the
/// attribute that exports a name.
const FILES: &[&str] = &[
    "lsm-core/src/base/slice.rs",
    "lsm-core/src/cache/draft.rs",
    "lsm-core/src/cache/frame.rs",
    "lsm-core/src/cache/memory.rs",
    "lsm-core/src/cache/slots.rs",
    "lsm-core/src/env/os/fork.rs",
    "lsm-core/src/env/os/guard.rs",
    "lsm-core/src/env/os/memory.rs",
    "lsm-core/src/env/os/process.rs",
    "lsm-core/src/env/os/sys.rs",
    "lsm-core/src/env/os/window.rs",
    "lsm-core/src/memtable/arena.rs",
    "lsm-core/src/memtable/skiplist.rs",
    "lsm-core/src/memtable/tree.rs",
    "lsm-core/src/memtable/tree/cursor.rs",
    "lsm-capi/src/border/call.rs",
    "lsm-capi/src/border/fork.rs",
    "lsm-capi/src/border/pointers.rs",
    "lsm-capi/src/border/shared.rs",
    "lsm-capi/src/border/table.rs",
    "lsm-capi/src/border/thread.rs",
    "lsm-capi/src/callbacks.rs",
    "lsm-capi/src/lib.rs",
    "lsm-capi/src/comparator.rs",
    "lsm-capi/src/filter.rs",
    "lsm-capi/src/operator.rs",
    "lsm-python/src/arrow/abi.rs",
    "lsm-python/src/arrow/capsule.rs",
    "lsm-python/src/arrow/export.rs",
    "lsm-python/src/arrow/import.rs",
    "lsm-python/src/arrow/interpreter.rs",
    "lsm-python/src/arrow/lane.rs",
    "lsm-python/src/border/calling.rs",
    "lsm-python/src/border/input.rs",
    "lsm-python/src/border/target.rs",
    "lsm-python/src/column/matrix.rs",
    "lsm-python/src/column/memory.rs",
    "lsm-python/src/value.rs",
    "tools/bench/src/interrupt.rs",
    "tools/bench/src/kernel.rs",
    "tools/bench-compare/src/level.rs",
    "tools/bench-compare/src/leveldb.rs",
    "tools/bench-compare/src/library.rs",
    "tools/bench-compare/src/lmdb.rs",
    "tools/bench-compare/src/rocksdb.rs",
    "tools/bench-compare/src/sqlite.rs",
    "tools/fuzz/src/account.rs",
    "tools/leveldb/src/batch.rs",
    "tools/leveldb/src/boundary.rs",
    "tools/leveldb/src/choices.rs",
    "tools/leveldb/src/comparator.rs",
    "tools/leveldb/src/database.rs",
    "tools/leveldb/src/environment.rs",
    "tools/leveldb/src/filter.rs",
    "tools/leveldb/src/iterator.rs",
    "tools/leveldb/src/library.rs",
    "tools/leveldb/src/options.rs",
];

/// So many lines of comment or of the same statement may stand between a proof and its `unsafe`.
const REACH: usize = 12;

/// Every unsafe place without its proof, or in a file that should have none.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut is_listed = source.is_test() || FILES.contains(&source.path.as_str());
    for (index, token) in source.tokens.iter().enumerate() {
        let is_attribute = source.before(index) == "[" || source.text(index + 1) == "(";
        let is_unsafe = token.text == "unsafe" && !is_attribute;
        if !is_listed && (is_unsafe || is_permission(source, index)) {
            let advice = "do it safely, or add the file to the list in tests/tidy/proofs.rs";
            found.push(source.finding(token.line, RULE, advice.to_owned()));
            // Once for the file is enough.
            is_listed = true;
        }
        let advice = if is_unsafe { unproved(source, index) } else { None };
        found.extend(advice.map(|advice| source.finding(token.line, RULE, advice.to_owned())));
    }
    found
}

/// True at the word in `allow(unsafe_code)` or `expect(unsafe_code)`.
fn is_permission(source: &Source, index: usize) -> bool {
    let mut words = (0..index).rev().map(|index| source.text(index)).take(8);
    source.text(index) == "unsafe_code"
        && words
            .find(|word| matches!(*word, "[" | "allow" | "expect"))
            .is_some_and(|word| word != "[")
}

/// What the `unsafe` at `index` lacks.
fn unproved(source: &Source, index: usize) -> Option<&'static str> {
    let line = source.tokens.get(index)?.line;
    let words = [1, 2, 3].map(|ahead| source.text(index + ahead));
    let proof = "write `// SAFETY:` above it: why what it relies on holds here";
    let contract = "give it a `# Safety` paragraph: what its caller must see to";
    match words {
        ["fn", "(", _] | ["extern", "\"\"", "fn"] if is_pointer(source, index) => None,
        ["fn" | "trait", ..] | ["extern", "\"\"", "fn"] | ["extern", "fn", _] => {
            (!has_above(source, line, "# Safety")).then_some(contract)
        }
        _ => (!has_above(source, line, "// SAFETY:")).then_some(proof),
    }
}

/// True for a type such as `unsafe extern "C" fn(u8)`.
fn is_pointer(source: &Source, index: usize) -> bool {
    (index..index + 5).any(|index| source.text(index) == "fn" && source.text(index + 1) == "(")
}

/// True if the comment above `line`, or above the statement that `line` belongs to, holds `words`.
fn has_above(source: &Source, line: usize, words: &str) -> bool {
    for above in (1..line).rev().take(REACH) {
        let text = source.line(above).trim();
        if text.starts_with("//") {
            if text.contains(words) {
                return true;
            }
        } else if text.is_empty() || (text.ends_with([';', '{', '}']) && !text.starts_with('#')) {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod planted {
    use super::check;
    use crate::source::Source;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::new(path, text)).iter().map(|finding| finding.line).collect()
    }

    const LISTED: &str = "lsm-core/src/env/os/sys.rs";

    #[test]
    fn unproved_places_are_found() {
        let bad = "//! x\nfn f() {\n let a = unsafe { g() };\n // Fine.\n let b =\n \
        unsafe { g() };\n}\n\
                   unsafe impl Send for A {}\n/// Does.\npub unsafe fn h() {}\n\
                   unsafe extern \"C\" { fn i(); }\n\
                   // SAFETY: of the next only.\nlet c = 1;\nlet d = unsafe { g() };\n";
        assert_eq!(lines(LISTED, bad), [3, 6, 8, 10, 11, 14]);
    }

    #[test]
    fn proved_places_pass() {
        let good = "//! x\nfn f() {\n // SAFETY: the buffer lives\n // until the call returns.\n \
        let a = unsafe { g() };\n \
                    // SAFETY: as above.\n let b =\n other.\n call(unsafe { g() });\n}\n\
                    // SAFETY: no threads.\n\
                    #[allow(x)]\nunsafe impl Send for A {}\n/// Does.\n\
                    ///\n/// # Safety\n/// Call it once.\n\
                    #[inline]\npub unsafe fn h() {}\ntype F = unsafe extern \"C\" fn(u8);\n\
                    #[unsafe(no_mangle)]\nfn j() { \"unsafe\"; } // unsafe {\n";
        assert_eq!(lines(LISTED, good), []);
    }

    #[test]
    fn unlisted_files_are_found() {
        let text = "//! x\n#![allow(missing_docs, unsafe_code, reason = \"r\")]\nfn f() {\n \
        // SAFETY: none.\n \
                    unsafe { g() }\n}\n";
        assert_eq!(lines(LISTED, text), []);
        assert_eq!(lines("lsm-core/src/wal/writer.rs", text), [2]);
        assert_eq!(lines("lsm-core/src/wal/tests.rs", text), []);
        let bare = "//! x\nfn f() {\n // SAFETY: none.\n unsafe { g() }\n}\n";
        assert_eq!(lines("lsm-core/src/wal/writer.rs", bare), [4]);
        assert_eq!(lines("lsm-core/src/lib.rs", "//! x\n#![deny(unsafe_code)]\n"), []);
    }
}
