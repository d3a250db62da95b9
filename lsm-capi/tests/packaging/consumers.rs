//! Programs built against an installation, each the way its users know, and run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tree::{
    VERSION, command, complaint, has, installer, moved_prefix, repository, run, scratch,
};

const STRICT: &str = "-Wall -Wextra -Wpedantic -Werror";

fn sources() -> PathBuf {
    repository().join("lsm-capi/tests/packaging/consumer")
}

/// The answer of pkg-config, quoted for a shell.
fn pkg_config(prefix: &Path, words: &str) -> String {
    let mut asked = command("pkg-config");
    asked.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    run(asked.args(words.split(' '))).trim_end().to_owned()
}

/// Compiles and links as a shell would do it, because pkg-config's answers are made for one.
fn build(compiler: &str, source: &str, options: &str, program: &Path) -> Command {
    let line = format!("exec {compiler} {STRICT} -o \"$1\" \"$2\" {options}");
    let mut shell = command("sh");
    shell.args(["-c", &line, "sh"]).arg(program).arg(sources().join(source));
    shell
}

/// Runs a program in an empty folder of its own.
fn says(program: &Path, libraries: Option<&Path>) {
    let name = program.file_name().expect("a name").to_string_lossy().into_owned();
    let mut started = command(program);
    started.current_dir(scratch(&format!("running {name}")));
    if let Some(folder) = libraries {
        started.env("LD_LIBRARY_PATH", folder);
    }
    assert_eq!(run(&mut started).trim_end(), format!("{VERSION} LSM_OK"), "{program:?}");
}

/// The shared objects that a program asks for by name.
fn asks_for_lsm(program: &Path) -> bool {
    run(command("readelf").arg("-dW").arg(program)).contains("liblsm.so")
}

#[test]
fn by_pkg_config() {
    if !(has("pkg-config") && has("cc") && has("c++") && has("readelf")) {
        return;
    }
    let prefix = moved_prefix("consumers pkg-config");
    let libraries = prefix.join("lib");
    assert_eq!(pkg_config(&prefix, "--modversion lsm"), VERSION);
    assert_eq!(pkg_config(&prefix, "--print-errors --validate lsm lsm-static"), "");

    for (name, compiler, source, asked, link) in [
        ("pc-c", "cc -std=c99", "program.c", "--cflags --libs lsm", ""),
        ("pc-cc", "c++ -std=c++17", "program.cc", "--cflags --libs lsm", ""),
        ("pc-c-private", "cc -std=c99", "program.c", "--static --cflags --libs lsm", ""),
    ] {
        let program = prefix.join(name);
        let options = pkg_config(&prefix, asked);
        run(&mut build(compiler, source, &format!("{link} {options}"), &program));
        assert!(asks_for_lsm(&program), "{name}");
        says(&program, Some(&libraries));
    }
    for (name, compiler, source, asked, link) in [
        ("pc-c-static", "cc -std=c99", "program.c", "--cflags --libs lsm-static", ""),
        ("pc-cc-static", "c++ -std=c++17", "program.cc", "--cflags --libs lsm-static", ""),
        ("pc-c-all", "cc -std=c99", "program.c", "--static --cflags --libs lsm", "-static"),
        ("pc-c-both", "cc -std=c99", "program.c", "--cflags --libs lsm-static", "-static"),
    ] {
        let program = prefix.join(name);
        let options = pkg_config(&prefix, asked);
        run(&mut build(compiler, source, &format!("{link} {options}"), &program));
        assert!(!asks_for_lsm(&program), "{name}");
        says(&program, None);
    }
}

/// A cross compiler's way: the tree stands below a root that only building knows. In a name without
/// spaces, for pkg-config does not know a root with spaces again.
#[test]
fn by_pkg_config_below_another_root() {
    if !(has("pkg-config") && has("cc")) {
        return;
    }
    let root = scratch("consumers-root");
    run(installer().env("DESTDIR", &root).env("PREFIX", "/usr"));
    let prefix = root.join("usr");
    assert_eq!(pkg_config(&prefix, "--cflags --libs lsm"), "-llsm", "/usr is known to all");
    let mut asked = command("pkg-config");
    asked
        .env("PKG_CONFIG_SYSROOT_DIR", &root)
        .env("PKG_CONFIG_LIBDIR", prefix.join("lib/pkgconfig"));
    let options = run(asked.args(["--cflags", "--libs", "lsm"]));
    let program = root.join("pc-root");
    run(&mut build("cc -std=c99", "program.c", options.trim_end(), &program));
    says(&program, Some(&prefix.join("lib")));
}

#[test]
fn by_hand() {
    if !(has("cc") && has("c++")) {
        return;
    }
    let prefix = moved_prefix("consumers by hand");
    let at = prefix.display();
    let soname = fs::read_link(prefix.join("lib/liblsm.so")).expect("a link").display().to_string();
    for (name, compiler, source) in
        [("hand-c", "cc -std=c11", "program.c"), ("hand-cc", "c++ -std=c++20", "program.cc")]
    {
        let program = prefix.join(name);
        let options = format!("-I'{at}/include' -L'{at}/lib' -llsm");
        run(&mut build(compiler, source, &options, &program));
        says(&program, Some(&prefix.join("lib")));
        let told = complaint(command(&program).current_dir(&prefix));
        assert!(told.contains(&soname), "{told}");
    }
}

/// Asks for this version, and for no prefix but this.
fn configure(build: &Path, prefix: &Path) {
    let minor = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
    let mut cmake = command("cmake");
    cmake.arg("-S").arg(sources()).arg("-B").arg(build).arg(format!("-DWANTED={minor}"));
    run(cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
}

#[test]
fn by_cmake() {
    if !(has("cmake") && has("make") && has("cc") && has("c++") && has("readelf")) {
        return;
    }
    let prefix = moved_prefix("consumers cmake");
    let build = prefix.join("a build");
    configure(&build, &prefix);
    run(command("cmake").arg("--build").arg(&build));
    for (name, is_shared) in
        [("c_shared", true), ("cc_shared", true), ("c_static", false), ("cc_static", false)]
    {
        let program = build.join(name);
        assert_eq!(asks_for_lsm(&program), is_shared, "{name}");
        says(&program, None);
    }
}

/// Where `/lib` is a link to `/usr/lib`, CMake may find one, and headers are below the other.
#[test]
fn cmake_comes_through_a_link() {
    if !(has("cmake") && has("make") && has("cc") && has("c++")) {
        return;
    }
    let prefix = moved_prefix("consumers link");
    let linked = scratch("consumers the link");
    symlink(prefix.join("lib"), linked.join("lib")).expect("a link");
    let build = linked.join("build");
    configure(&build, &linked);
    run(command("cmake").arg("--build").arg(&build).args(["--target", "c_shared"]));
    says(&build.join("c_shared"), None);
}
