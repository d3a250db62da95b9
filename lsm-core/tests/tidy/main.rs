//! The habits of this repository as a test: `path:line: rule: what to do instead`.
//!
//! Every rule stands in a file of its own, with sources planted below it that it must find and
//! sources that it must let pass.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    reason = "it reads the repository's own files"
)]

mod paths;
mod source;

mod layers;
mod outside;
mod parity;
mod proofs;
mod sizes;
mod words;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use source::{Finding, Source};

/// What is looked at; folders that do not exist yet are skipped.
const FOLDERS: [&str; 5] = ["lsm-core", "lsm-capi", "lsm-python", "tools", "examples"];

/// All findings in a set of files, in order.
fn findings(sources: &[Source]) -> Vec<Finding> {
    let map = layers::Map::read(sources.iter());
    let mut found = Vec::new();
    for source in sources {
        found.extend(layers::check(&map, source));
        found.extend(outside::check(source));
        found.extend(proofs::check(source));
        found.extend(sizes::check(source));
        found.extend(words::check(source));
    }
    found.sort();
    found
}

/// Reads every `.rs` file below a folder.
fn read(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            read(root, &path, sources)?;
        } else if name.ends_with(".rs") && path.is_file() {
            let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            sources.push(Source::new(&inside, &fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

#[test]
fn the_repository_is_tidy() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut sources = Vec::new();
    for folder in FOLDERS.map(|folder| root.join(folder)).iter().filter(|folder| folder.is_dir()) {
        read(&root, folder, &mut sources)?;
    }
    assert!(sources.iter().any(|source| source.path == "lsm-core/src/lib.rs"), "nothing was read");
    let mut found: Vec<String> = findings(&sources).iter().map(ToString::to_string).collect();
    found.extend(parity::check(&root, &sources));
    assert!(found.is_empty(), "{} findings:\n{}\n", found.len(), found.join("\n"));
    Ok(())
}

#[test]
fn a_finding_names_path_line_rule_and_remedy() {
    let lib = Source::new("lsm-core/src/lib.rs", "//! x\nmod a;\n\nmod b;\n");
    let bad = Source::new("lsm-core/src/a.rs", "//! x\nuse crate::b::f;\n");
    let report: Vec<String> = findings(&[lib, bad]).iter().map(ToString::to_string).collect();
    let wanted = "lsm-core/src/a.rs:2: layers: `b` stands above `a` in lib.rs: import only from \
                  groups before it, or move what both need into one of them";
    assert_eq!(report, [wanted]);
}
