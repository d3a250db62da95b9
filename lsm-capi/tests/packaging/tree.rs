//! Installing into a folder of one's own, and looking at what is there.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the script and the programs it calls would listen to, if the caller's environment had it.
const HEARD: [&str; 14] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "DESTDIR",
    "INCLUDEDIR",
    "LD_LIBRARY_PATH",
    "LIBDIR",
    "MAKEFLAGS",
    "MANDIR",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_PATH",
    "PREFIX",
    "RUSTFLAGS",
    "SUDO_USER",
];

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// A folder of a test's own, empty.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prefixes").join(name);
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// True if `tool` runs here.
pub(crate) fn has(tool: &str) -> bool {
    let is_there = Command::new(tool).arg("--version").output().is_ok();
    assert!(is_there || env::var_os("CI").is_none(), "there is no {tool} here");
    if !is_there {
        eprintln!("not run: there is no {tool} here");
    }
    is_there
}

/// A command that the environment does not change.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    for name in HEARD {
        command.env_remove(name);
    }
    command
}

/// What it prints; it has to succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{told}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it complains about; it has to fail.
pub(crate) fn complaint(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(!output.status.success(), "{command:?} succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The script of these sources. All tests share one release build: whoever comes first makes it.
pub(crate) fn installer() -> Command {
    let mut script = command(repository().join("tools/install"));
    script.env("CARGO", env!("CARGO")).env("CARGO_TARGET_DIR", built());
    script
}

pub(crate) fn built() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaging")
}

/// The library in a prefix that is not where it was installed to: packed, then moved.
pub(crate) fn moved_prefix(name: &str) -> PathBuf {
    let folder = scratch(name);
    let (packed, moved) = (folder.join("the package"), folder.join("some where else"));
    run(installer().env("DESTDIR", &packed).env("PREFIX", "/usr/local"));
    fs::rename(packed.join("usr/local"), &moved).expect("a move");
    moved
}

/// Every file and link below a folder: its kind and mode, or where it leads.
pub(crate) fn contents(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let kind = fs::symlink_metadata(&path).expect("an entry").file_type();
            let name = path.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned();
            if kind.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                found.insert(name, format!("-> {}", target.display()));
            } else if kind.is_dir() {
                folders.push(path);
            } else {
                found.insert(name, format!("{:o}", mode(&path)));
            }
        }
    }
    found
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}

/// What an installation consists of, if `version` has `soname`.
pub(crate) fn parts(version: &str, soname: &str) -> BTreeMap<String, String> {
    let library = format!("liblsm.so.{version}");
    [
        ("include/lsm.h", "644"),
        ("include/lsm.hpp", "644"),
        ("lib/cmake/lsm/lsmConfig.cmake", "644"),
        ("lib/cmake/lsm/lsmConfigVersion.cmake", "644"),
        ("lib/liblsm.a", "644"),
        ("lib/liblsm.so", &format!("-> {soname}")),
        (&format!("lib/{soname}"), &format!("-> {library}")),
        (&format!("lib/{library}"), "755"),
        ("lib/pkgconfig/lsm-static.pc", "644"),
        ("lib/pkgconfig/lsm.pc", "644"),
        ("share/man/man3/lsm.3", "644"),
    ]
    .map(|(name, what)| (name.to_owned(), what.to_owned()))
    .into()
}
