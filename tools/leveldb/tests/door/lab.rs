//! What the tests share: programs, the two libraries, directories.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

const FLAGS: [&str; 6] = ["-std=gnu99", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"];

/// Which library a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Library {
    /// LevelDB's own, which the program was linked with.
    Theirs,
    /// This one, put before it by the loader.
    Ours,
}

/// True if LevelDB, a compiler and `tools` are here. Otherwise it says what is not run, and where
/// `CI` is set it fails.
pub(crate) fn can_run(tools: &[&str]) -> bool {
    static LEVELDB: OnceLock<bool> = OnceLock::new();
    let has = |tool: &&&str| Command::new(tool).arg("--version").output().is_err();
    let missing = match tools.iter().find(has) {
        Some(tool) => Some((*tool).to_owned()),
        None if *LEVELDB.get_or_init(has_leveldb) => None,
        None => Some("libleveldb-dev, or a C compiler".to_owned()),
    };
    let Some(missing) = missing else { return true };
    assert!(env::var_os("CI").is_none(), "{missing} is not installed, and CI is set");
    eprintln!("not run: {missing} is not installed here");
    false
}

fn has_leveldb() -> bool {
    let folder = scratch("probe");
    let source = folder.join("probe.c");
    let text = "#include <leveldb/c.h>\nint main(void) { return leveldb_major_version() != 1; }\n";
    fs::write(&source, text).expect("a file");
    let mut cc = Command::new("cc");
    cc.arg(&source).arg("-o").arg(folder.join("probe")).arg("-lleveldb");
    cc.output().is_ok_and(|output| output.status.success())
}

/// An empty directory of this name.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("door").join(name);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => panic!("{}: {error}", path.display()),
        _ => fs::create_dir_all(&path).expect("a directory"),
    }
    path
}

/// This library: cargo builds it beside the tests.
pub(crate) fn ours() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    let library = test.with_file_name("liblsm_leveldb.so");
    assert!(library.is_file(), "{} was not built", library.display());
    library
}

/// Compiles a program of `tests/c` with what is put behind it on the command line.
pub(crate) fn compile(name: &str, output: &Path, behind: &[&str]) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/c/{name}.c"));
    compile_file(&source, output, behind);
}

/// Compiles a program.
pub(crate) fn compile_file(source: &Path, output: &Path, behind: &[&str]) {
    let mut cc = Command::new("cc");
    run(cc.args(FLAGS).arg(source).arg("-o").arg(output).args(behind));
}

/// A program of `tests/c` that is linked with LevelDB's library, made once.
pub(crate) struct Program {
    path: PathBuf,
}

impl Program {
    /// Compiles it into `folder`.
    pub(crate) fn new(name: &str, folder: &Path) -> Self {
        let path = folder.join(name);
        compile(name, &path, &["-lleveldb"]);
        Self { path }
    }

    /// The program with its arguments, on one of the libraries.
    pub(crate) fn on(&self, library: Library, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        if library == Library::Ours {
            command.env("LD_PRELOAD", ours());
        }
        command.args(arguments);
        command
    }

    /// What it prints on both libraries, in the same empty directory one after the other.
    pub(crate) fn both(&self, directory: &Path, arguments: &[&str]) -> [String; 2] {
        [Library::Theirs, Library::Ours].map(|library| {
            empty(directory);
            let path = directory.to_str().expect("a path in UTF-8");
            let mut command = self.on(library, &[&[path], arguments].concat());
            let printed = run(command.env("TEST_TMPDIR", directory.join("env")));
            check_library(library, directory);
            printed
        })
    }
}

/// Makes a directory empty, or makes it.
pub(crate) fn empty(directory: &Path) {
    if directory.exists() {
        fs::remove_dir_all(directory).expect("the directory is removed");
    }
    fs::create_dir_all(directory).expect("a directory");
}

/// The files below a directory tell which library wrote them.
fn check_library(library: Library, directory: &Path) {
    let names = files(directory).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    let has = |name: &str| names.iter().any(|path| path.ends_with(name));
    let (theirs, ours) = (has("CURRENT"), has("db.lock"));
    assert_eq!((theirs, ours), (library == Library::Theirs, library == Library::Ours), "{names:?}");
}

/// Every file below a directory with its bytes, in order.
pub(crate) fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).expect("a file")));
        }
    }
    found.sort();
    found
}

/// Runs a command to its end and answers what it printed; it must succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8(stdout).expect("text");
    let told = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {status}\n{told}\n{printed}");
    printed
}

/// Fails at the first line in which two texts differ.
pub(crate) fn assert_same(what: &str, [theirs, ours]: &[String; 2]) {
    let different = theirs.lines().zip(ours.lines()).position(|(theirs, ours)| theirs != ours);
    let line = different.unwrap_or_else(|| theirs.lines().count().min(ours.lines().count()));
    let (was, is) = (theirs.lines().nth(line), ours.lines().nth(line));
    assert!(theirs == ours, "{what}: line {}:\ntheirs: {was:?}\nours:   {is:?}", line + 1);
}
