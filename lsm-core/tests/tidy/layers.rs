//! Modules import downwards only.
//!
//! `lib.rs`, the stories' `main.rs` and every `mod.rs` list their modules bottom to top; a blank
//! line ends a layer. Seen from the folder where two modules part ways, the one that is imported
//! must stand in an earlier group than the one that imports.

use std::collections::BTreeMap;

use crate::paths::{Path, paths};
use crate::source::{Finding, Source};

const RULE: &str = "layers";

/// What has layers: where its sources lie, and the file that lists its modules.
const CRATES: [(&str, &str); 2] = [("lsm-core/src/", "lib.rs"), ("lsm-core/tests/it/", "main.rs")];

/// The folders of each crate, by its top file: what each lists, and what it passes on.
#[derive(Default)]
pub(crate) struct Map {
    folders: BTreeMap<(&'static str, Vec<String>), Folder>,
}

#[derive(Default)]
struct Folder {
    layers: BTreeMap<String, usize>,
    passed_on: BTreeMap<String, String>,
}

impl Map {
    /// Reads the lists of every file that has one.
    pub(crate) fn read<'a>(sources: impl Iterator<Item = &'a Source>) -> Self {
        let mut map = Self::default();
        for source in sources {
            let Some(module) = module_of(source) else { continue };
            let folder = Folder { layers: layers(source), passed_on: passed_on(source) };
            map.folders.insert(module, folder);
        }
        map
    }
}

/// The modules that a file declares, with the number of the group that each stands in.
fn layers(source: &Source) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut layer = 0;
    let mut is_parted = false;
    for line in &source.lines {
        is_parted |= line.trim().is_empty();
        if let Some(name) = declared(line) {
            layer += usize::from(is_parted);
            is_parted = false;
            found.insert(name.to_owned(), layer);
        }
    }
    found
}

fn declared(line: &str) -> Option<&str> {
    let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
    line.trim_start_matches("pub ").strip_prefix("mod ")?.trim_end().strip_suffix(';')
}

/// The names that a file imports for others to import from it, and where they come from.
fn passed_on(source: &Source) -> BTreeMap<String, String> {
    let is_public =
        |line: usize| (1..=line).rev().map(|line| source.line(line)).find(|line| is_use(line));
    let mut found = BTreeMap::new();
    for path in paths(source).into_iter().filter(|path| path.is_use) {
        if is_public(path.line).is_some_and(|line| line.trim_start().starts_with("pub")) {
            found.insert(path.parts.last().cloned().unwrap_or_default(), path.parts.join("::"));
        }
    }
    found
}

fn is_use(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("use ") || (line.starts_with("pub") && line.contains(" use "))
}

/// `lsm-core/src/wal/writer.rs` is the module `wal::writer` below `lib.rs`. The tests that stand
/// beside shipped code are none.
fn module_of(source: &Source) -> Option<(&'static str, Vec<String>)> {
    let (folder, top) = CRATES.into_iter().find(|(folder, _)| source.path.starts_with(folder))?;
    if source.is_test() && top == "lib.rs" {
        return None;
    }
    let inside = source.path.strip_prefix(folder)?.strip_suffix(".rs")?;
    let mut parts: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || top == format!("{last}.rs")) {
        parts.pop();
    }
    Some((top, parts))
}

/// Every import of a file that does not go down.
pub(crate) fn check(map: &Map, source: &Source) -> Vec<Finding> {
    let Some((top, home)) = module_of(source) else { return Vec::new() };
    let found = paths(source).into_iter().filter_map(|path| {
        let home: Vec<String> = home.iter().chain(&path.inside).cloned().collect();
        let wanted = absolute(&home, &path)?;
        let advice = judge(map, (top, &home), &wanted, &path)?;
        Some(source.finding(path.line, RULE, advice))
    });
    found.collect()
}

/// The path from the crate's root, if it leads into this crate.
fn absolute(home: &[String], path: &Path) -> Option<Vec<String>> {
    let supers = path.parts.iter().take_while(|part| *part == "super").count();
    let (kept, skipped) = match path.parts.first().map(String::as_str)? {
        "crate" => (0, 1),
        "self" => {
            let supers = path.parts.iter().skip(1).take_while(|part| *part == "super").count();
            (home.len().checked_sub(supers)?, 1 + supers)
        }
        "super" => (home.len().checked_sub(supers)?, supers),
        _ => return None,
    };
    // `self` and `crate` alone are a receiver and a visibility.
    let is_alone = path.parts.len() == 1;
    (!is_alone)
        .then(|| home.iter().take(kept).chain(path.parts.iter().skip(skipped)).cloned().collect())
}

fn judge(
    map: &Map,
    (top, home): (&'static str, &[String]),
    wanted: &[String],
    path: &Path,
) -> Option<String> {
    let shared = home.iter().zip(wanted).take_while(|(home, wanted)| home == wanted).count();
    let mine = home.get(shared)?;
    let folder_path = home.get(..shared).unwrap_or_default();
    let folder = map.folders.get(&(top, folder_path.to_vec()))?;
    let listed = if shared == 0 { top.to_owned() } else { folder_path.join("/") + "/mod.rs" };
    let Some(theirs) = wanted.get(shared) else {
        let name = folder_path.join("::");
        return Some(format!(
            "`{name}` stands above this module: name the part of it that you need"
        ));
    };
    if let Some(their_layer) = folder.layers.get(theirs) {
        let my_layer = folder.layers.get(mine)?;
        return (their_layer >= my_layer).then(|| {
            let place = if their_layer == my_layer { "beside" } else { "above" };
            format!(
                "`{theirs}` stands {place} `{mine}` in {listed}: import only from groups before \
                it, \
                 or move what both need into one of them"
            )
        });
    }
    if let Some(from) = folder.passed_on.get(theirs) {
        return Some(format!("{listed} only passes `{theirs}` on: import it from `{from}`"));
    }
    if theirs == "*" {
        return Some(format!("everything of {listed} at once hides what is needed: name it"));
    }
    (shared == 0 && !path.is_macro)
        .then(|| format!("`{theirs}` belongs to {listed}, the top: move it into a module below"))
}

#[cfg(test)]
mod planted {
    use super::{Map, check};
    use crate::source::Source;

    const LIB: &str = "//! x\n\npub mod base;\n\npub mod env;\n\npub(crate) mod wal;\n\
    pub mod version;\n\n\
                       pub mod engine;\n\npub use base::error::{Error, Result};\npub struct Top;\n";
    const ENV: &str = "//! x\n\npub mod clock;\npub mod fs;\n\n/// Real.\npub mod os;\n\
    #[cfg(test)]\n\
                       pub mod sim;\n\n#[cfg(test)]\nmod tests;\npub use fs::{\n    File,\n};\n";

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let source = Source::new(path, text);
        let tree =
            [Source::new("lsm-core/src/lib.rs", LIB), Source::new("lsm-core/src/env/mod.rs", ENV)];
        check(&Map::read(tree.iter()), &source).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn upward_and_sideways_imports_are_found() {
        let bad = "//! x\nuse crate::{\n    base::error::Error,\n    engine::{open, close},\n};\n\
                   use crate::version::edit;\nfn f() { crate::engine::open::go() }\n\
                   use crate::env::fs;\n";
        assert_eq!(lines("lsm-core/src/wal/writer.rs", bad), [4, 4, 6, 7]);
        assert_eq!(lines("lsm-core/src/wal/mod.rs", "//! x\nuse super::engine::open;\n"), [2]);
        assert_eq!(lines("lsm-core/src/base/x.rs", "//! x\nuse super::super::wal::y;\n"), [2]);
        assert_eq!(
            lines("lsm-core/src/base/x.rs", "mod a {\nuse super::super::super::wal::y;\n}"),
            [2]
        );
    }

    #[test]
    fn folders_have_layers_too() {
        let bad =
            "//! x\nuse crate::env::os::sys;\nuse super::os;\nuse crate::env::clock::Clock;\n";
        assert_eq!(lines("lsm-core/src/env/sim/disk.rs", bad), [2]);
        assert_eq!(lines("lsm-core/src/env/sim/mod.rs", bad), [2, 3]);
        assert_eq!(lines("lsm-core/src/env/fs.rs", "//! x\nuse super::clock::Clock;\n"), [2]);
        assert_eq!(lines("lsm-core/src/env/os/file.rs", "//! x\nuse crate::env::fs::File;\n"), []);
    }

    #[test]
    fn names_are_imported_from_where_they_live() {
        let bad = "//! x\nuse crate::Error;\nuse crate::base::error::Error as E;\nuse crate::Top;\n\
                   use crate::*;\nuse super::super::Result;\n";
        assert_eq!(lines("lsm-core/src/wal/writer.rs", bad), [2, 4, 5, 6]);
        let bad = "//! x\nuse super::super::File;\nuse crate::env;\nuse crate::env::*;\n";
        assert_eq!(lines("lsm-core/src/env/os/file.rs", bad), [2, 3, 4]);
    }

    #[test]
    fn stories_have_layers_too() {
        let found = |path: &str, text: &str| -> Vec<usize> {
            let tree = [
                Source::new("lsm-core/tests/it/main.rs", "//! x\nmod harness;\n\nmod ground;\n"),
                Source::new("lsm-core/tests/it/ground/mod.rs", "//! x\nmod faults;\nmod crash;\n"),
                Source::new(path, text),
            ];
            check(&Map::read(tree.iter()), &tree[2]).iter().map(|finding| finding.line).collect()
        };
        let text = "//! x\nuse crate::harness::disk::D;\nuse crate::ground::faults::F;\n";
        let none: [usize; 0] = [];
        assert_eq!(found("lsm-core/tests/it/ground/crash.rs", text), [3]);
        assert_eq!(found("lsm-core/tests/it/harness/disk.rs", text), [3]);
        assert_eq!(found("lsm-core/tests/it/ground/faults.rs", text), none);
        assert_eq!(found("lsm-core/tests/other.rs", text), none);
    }

    #[test]
    fn downward_imports_own_parts_and_tests_pass() {
        let good = "//! x\nuse crate::base::error::Error;\nuse super::header::Header;\n\
        pub use self::reader::R;\n\
                    use crate::wal::header;\n\
                    pub(in crate::wal) struct A;\npub(crate) fn f(&self) {}\n\
                    // use crate::engine::open;\nconst S: &str = \"crate::engine\";\n\
                    crate::log!(1);\n";
        assert_eq!(
            lines(
                "lsm-core/src/wal/mod.rs",
                good.replace("super::header", "self::header").as_str()
            ),
            []
        );
        let upward = "//! x\nuse crate::engine::open;\n";
        assert_eq!(lines("lsm-core/src/wal/tests.rs", upward), []);
        assert_eq!(lines("lsm-core/src/wal/writer_test.rs", upward), []);
        assert_eq!(lines("lsm-core/src/lib.rs", "//! x\npub use crate::wal::writer::W;\n"), []);
        assert_eq!(lines("lsm-capi/src/db.rs", upward), []);
    }
}
