//! The outside world is reached through `env`, atomics and locks through `base/sync.rs`.

use crate::paths::{Path, paths};
use crate::source::{Finding, Source};

const RULE: &str = "outside";

/// A path that shipped code of the engine may not name, but in these places.
struct Ban {
    path: &'static [&'static str],
    places: &'static [&'static str],
    instead: &'static str,
}

const ENV: &[&str] = &["env/"];
const LOCKS: &[&str] = &["base/sync.rs", "base/sync/", "env/schedule.rs", "env/os/"];
const SYNC: &str = "use crate::base::sync";

const fn ban(
    path: &'static [&'static str],
    places: &'static [&'static str],
    instead: &'static str,
) -> Ban {
    Ban { path, places, instead }
}

/// The head of a path.
const HEADS: &[Ban] = &[
    ban(&["std", "fs"], ENV, "use env.fs"),
    ban(&["std", "net"], ENV, "the engine has no network: put it into tools/"),
    ban(
        &["std", "process"],
        ENV,
        "use env.host, and return an error instead of ending the process",
    ),
    ban(&["std", "thread"], ENV, "make it a Job for env.scheduler.spawn, or wait with its wait"),
    ban(&["std", "env"], ENV, "take an option: the engine reads no environment"),
    ban(&["std", "os"], ENV, "give env a method for it"),
    ban(&["std", "io", "stdin"], ENV, "the engine reads no terminal"),
    ban(&["std", "io", "stdout"], ENV, "return what is to be told, or hand it to a listener"),
    ban(&["std", "io", "stderr"], ENV, "return what is to be told, or hand it to a listener"),
    ban(&["std", "sync", "atomic"], LOCKS, SYNC),
    ban(&["core", "sync", "atomic"], LOCKS, SYNC),
    ban(&["std", "sync", "Mutex"], LOCKS, SYNC),
    ban(&["std", "sync", "RwLock"], LOCKS, SYNC),
    ban(&["std", "sync", "Barrier"], LOCKS, "wait with env.scheduler.wait"),
    ban(&["std", "sync", "mpsc"], LOCKS, "wait with env.scheduler.wait"),
    ban(&["parking_lot"], &[], "its table of who waits outlives a fork: use a lock of base::sync"),
];

/// Parts of a path that stand side by side anywhere in it.
const PARTS: &[Ban] = &[
    ban(&["Instant", "now"], ENV, "use env.clock.monotonic()"),
    ban(&["SystemTime", "now"], ENV, "use env.clock.wall_millis()"),
    ban(&["Condvar"], ENV, "wait with env.scheduler.wait on a Signal"),
    ban(&["HashMap"], &[], "use BTreeMap: its order is the same in every run"),
    ban(&["HashSet"], &[], "use BTreeSet: its order is the same in every run"),
    ban(&["RandomState"], &[], "use base::checksum::hash64"),
    ban(&["DefaultHasher"], &[], "use base::checksum::hash64"),
];

/// Every way past `env` in a file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let Some(place) = source.in_engine() else { return Vec::new() };
    let found = paths(source).into_iter().filter(|path| !path.is_macro).filter_map(|path| {
        let instead = banned(place, &path)?;
        let advice = format!("`{}` is not named here: {instead}", path.parts.join("::"));
        Some(source.finding(path.line, RULE, advice))
    });
    found.collect()
}

fn banned(place: &str, path: &Path) -> Option<&'static str> {
    let is_here = |ban: &Ban| !ban.places.iter().any(|allowed| place.starts_with(allowed));
    let equals = |parts: &[String], ban: &Ban| parts.iter().zip(ban.path).all(|(a, b)| a == b);
    let head = HEADS
        .iter()
        .find(|ban| path.parts.len() >= ban.path.len() && equals(&path.parts, ban) && is_here(ban));
    let part = PARTS.iter().find(|ban| {
        path.parts.windows(ban.path.len()).any(|window| equals(window, ban)) && is_here(ban)
    });
    head.or(part).map(|ban| ban.instead).or_else(|| banned_libc(place, path))
}

/// Error numbers are words; every other name of libc is a call into the system.
fn banned_libc(place: &str, path: &Path) -> Option<&'static str> {
    if path.parts.first()? != "libc"
        || path.parts.len() < 2 && !path.is_use
        || place.starts_with("env/")
    {
        return None;
    }
    let is_errno = path.parts.get(1).is_some_and(|name| {
        name.starts_with('E')
            && name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
    });
    let is_allowed = place == "base/error.rs" && is_errno;
    (!is_allowed).then_some("give env a method for it; base/error.rs alone may name error numbers")
}

#[cfg(test)]
mod planted {
    use super::check;
    use crate::source::Source;

    fn lines(place: &str, text: &str) -> Vec<usize> {
        let source = Source::new(&format!("lsm-core/src/{place}"), text);
        check(&source).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn ways_past_env_are_found() {
        let bad = "//! x\nuse std::{fmt, fs::File, net::TcpStream};\nfn f() {\n \
        std::process::exit(1);\n \
                   ::std::thread::sleep(d);\n let t = Instant::now();\n \
                    std::time::SystemTime::now();\n \
                   std::env::var(\"X\");\n libc::write(1);\n std::io::stdout();\n}\n\
                   use std::os::fd::AsFd;\n";
        assert_eq!(lines("wal/writer.rs", bad), [2, 2, 4, 5, 6, 7, 8, 9, 10, 12]);
        assert_eq!(lines("env/os/file.rs", bad), []);
        let source = Source::new("lsm-core/src/wal/tests.rs", bad);
        assert_eq!(check(&source), []);
    }

    #[test]
    fn locks_and_atomics_have_one_name() {
        let bad = "//! x\nuse std::sync::{Arc, atomic::AtomicU64, Mutex};\n\
        use parking_lot::RwLock;\n\
                   struct S { wake: Condvar }\n";
        assert_eq!(lines("wal/writer.rs", bad), [2, 2, 3, 4]);
        assert_eq!(lines("env/sim/disk.rs", bad), [2, 2, 3]);
        assert_eq!(lines("env/schedule.rs", bad), [3]);
        assert_eq!(lines("env/os/threads.rs", bad), [3]);
        assert_eq!(lines("base/sync.rs", bad), [3, 4]);
    }

    #[test]
    fn hash_maps_are_found_everywhere() {
        let bad =
            "//! x\nuse std::collections::{BTreeMap, HashMap};\nfn f() { HashSet::<u8>::new(); }\n";
        assert_eq!(lines("wal/writer.rs", bad), [2, 3]);
        assert_eq!(lines("env/os/file.rs", bad), [2, 3]);
    }

    #[test]
    fn error_numbers_are_words() {
        let text = "//! x\nfn f() { libc::ENOSPC; libc::E2BIG }\n";
        assert_eq!(lines("base/error.rs", text), []);
        assert_eq!(lines("wal/writer.rs", text), [2, 2]);
        assert_eq!(lines("base/error.rs", "//! x\nuse libc::{ENOSPC, open};\n"), [2]);
        assert_eq!(lines("wal/writer.rs", "//! x\nuse libc;\n"), [2]);
    }

    #[test]
    fn words_that_only_look_like_it_pass() {
        let good = "//! std::fs\nuse std::time::{Duration, Instant};\nuse crate::env::fs::File;\n\
                    use crate::base::sync::{AtomicU64, Mutex};\n\
                    fn f() { env!(\"X\"); std::thread_local!(); \
                    std::sync::Arc::new(\"std::fs\"); now(); std::io::Error::last_os_error(); }\n";
        assert_eq!(lines("wal/writer.rs", good), []);
    }
}
