//! What the programs are built and run with.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What every program here compiles with.
pub(crate) const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn include() -> PathBuf {
    root().join("include")
}

/// True if `tool` runs here. In CI it must: a test that passes there has run.
pub(crate) fn has(tool: &str, question: &str) -> bool {
    let is_there = Command::new(tool).arg(question).output().is_ok();
    assert!(is_there || env::var_os("CI").is_none(), "there is no {tool} here");
    if !is_there {
        eprintln!("not run: there is no {tool} here");
    }
    is_there
}

/// Runs a command that must succeed, and answers what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {}\n{printed}{told}", output.status);
    printed.into_owned()
}

/// The folder of the library as it is released, built once for all tests: the packaging's too.
pub(crate) fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaging");
        run(Command::new(env!("CARGO"))
            .args(["build", "--locked", "--release", "--package", "lsm-capi", "--manifest-path"])
            .arg(root().join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            .env_remove("RUSTFLAGS"));
        let folder = target.join("release");
        let version = (env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
        let soname = format!("liblsm.so.{}.{}", version.0, version.1);
        fs::copy(folder.join("liblsm.so"), folder.join(soname)).expect("a name for the loader");
        folder
    })
}

/// A folder of this name with nothing in it.
pub(crate) fn empty(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder of the last run goes");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// The files of a folder that end like this, in order.
pub(crate) fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == end))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "nothing in {} ends in {end}", folder.display());
    found
}

/// The name of a file, without its end.
pub(crate) fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).expect("a name")
}

/// A command that finds the library when it runs.
pub(crate) fn with_library(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", library());
    command
}

/// Runs a program under valgrind, which must find neither a leak nor a wrong access. Memory that is
/// only "possibly" lost is the stack of a thread which was still ending.
pub(crate) fn run_watched(program: &Path, argument: &Path) -> String {
    let kinds = "definite,indirect";
    run(with_library("valgrind")
        .args(["--quiet", "--error-exitcode=99", "--leak-check=full"])
        .arg(format!("--show-leak-kinds={kinds}"))
        .arg(format!("--errors-for-leak-kinds={kinds}"))
        .arg(program)
        .arg(argument))
}
