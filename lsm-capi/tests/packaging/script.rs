//! The script itself: where it puts things, what it refuses, what it takes away.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::sources::Sources;
use crate::tree::{command, complaint, contents, has, mode, parts, repository, run, scratch};

#[test]
fn everything_is_where_it_belongs_whatever_the_umask() {
    let folder = scratch("script places");
    let sources = Sources::of(&folder, "0.1.0");
    let root = folder.join("a root");
    for umask in ["077", "000", "022"] {
        let script = sources.0.join("tools/install");
        run(command("sh")
            .args(["-c", "umask $0 && exec \"$1\"", umask])
            .arg(script)
            .env("CARGO", "/there/is/no/cargo")
            .env("DESTDIR", &root)
            .env("PREFIX", "/opt/the prefix/"));
        let prefix = root.join("opt/the prefix");
        assert_eq!(contents(&root).len(), contents(&prefix).len());
        assert_eq!(contents(&prefix), parts("0.1.0", "liblsm.so.0.1"));
        assert_eq!(mode(&prefix.join("lib/cmake/lsm")), 0o755);
    }
}

#[test]
fn the_soname_follows_the_version() {
    for (version, soname) in [
        ("0.10.3", "liblsm.so.0.10"),
        ("0.2.0-rc.1", "liblsm.so.0.2"),
        ("1.2.3", "liblsm.so.1"),
        ("12.0.1", "liblsm.so.12"),
    ] {
        let folder = scratch(&format!("script version {version}"));
        run(Sources::of(&folder, version).script().env("PREFIX", folder.join("prefix")));
        assert_eq!(contents(&folder.join("prefix")), parts(version, soname));
    }
}

#[test]
fn build_rs_follows_the_same_rule() {
    let program = scratch("script build.rs").join("build script");
    run(command("rustc")
        .args(["--edition", "2024", "-o"])
        .arg(&program)
        .arg(repository().join("lsm-capi/build.rs")));
    let told = |major: &str, minor: &str, cargo_c: bool| {
        let mut script = command(&program);
        script.env("CARGO_CFG_TARGET_OS", "linux").env("PROFILE", "release");
        script.env("CARGO_PKG_VERSION_MAJOR", major).env("CARGO_PKG_VERSION_MINOR", minor);
        if cargo_c {
            script.env("CARGO_CFG_CARGO_C", "");
        }
        let printed = run(&mut script);
        let soname = printed.lines().find_map(|line| line.split_once("-soname,"));
        soname.map(|(_, soname)| soname.to_owned())
    };
    assert_eq!(told("0", "10", false).as_deref(), Some("liblsm.so.0.10"));
    assert_eq!(told("1", "2", false).as_deref(), Some("liblsm.so.1"));
    assert_eq!(told("0", "10", true), None, "cargo-c sets it");
}

#[test]
fn folders_can_be_chosen() {
    let folder = scratch("script folders");
    let sources = Sources::of(&folder, "0.1.0");
    let prefix = folder.join("prefix");
    let elsewhere = folder.join("else & where");
    let mut script = sources.script();
    script
        .env("PREFIX", &prefix)
        .env("LIBDIR", prefix.join("lib/of this machine"))
        .env("INCLUDEDIR", &elsewhere)
        .env("MANDIR", prefix.join("man"));
    run(&mut script);
    assert!(prefix.join("lib/of this machine/liblsm.so.0.1.0").is_file());
    assert!(prefix.join("man/man3/lsm.3").is_file());
    let told = fs::read_to_string(prefix.join("lib/of this machine/pkgconfig/lsm.pc")).expect("it");
    assert!(told.contains("\nprefix=${libdir}/../..\n"), "{told}");
    // What is not below the prefix does not move with it.
    assert!(told.contains(&format!("\nincludedir={}\n", elsewhere.display())), "{told}");

    run(script.arg("--undo"));
    assert!(!prefix.exists() && !elsewhere.exists());
}

#[test]
fn make_hands_the_variables_on() {
    if !has("make") {
        return;
    }
    let folder = scratch("script make");
    let sources = Sources::of(&folder, "0.1.0");
    fs::copy(repository().join("Makefile"), sources.0.join("Makefile")).expect("a copy");
    let make = |goal: &str| {
        let mut make = command("make");
        make.current_dir(&sources.0).arg(goal).args(["PREFIX=/a prefix", "DESTDIR=a root"]);
        run(make.env("CARGO", "/there/is/no/cargo"));
    };
    let root = sources.0.join("a root");
    make("install");
    assert_eq!(contents(&root.join("a prefix")), parts("0.1.0", "liblsm.so.0.1"));
    make("uninstall");
    assert_eq!(fs::read_dir(&root).expect("a folder").count(), 0);
}

#[test]
fn what_is_missing_is_said_before_anything_is_written() {
    let folder = scratch("script missing");
    let sources = Sources::of(&folder, "0.1.0");
    let prefix = folder.join("prefix");
    for missing in
        ["target/release/liblsm.so", "include/lsm.hpp", "lsm-capi/packaging/lsmConfig.cmake.in"]
    {
        let kept = fs::read(sources.0.join(missing)).expect("a file");
        fs::remove_file(sources.0.join(missing)).expect("it goes");
        let told = complaint(sources.script().env("PREFIX", &prefix));
        assert!(told.contains(missing), "{told}");
        assert!(!prefix.exists());
        fs::write(sources.0.join(missing), kept).expect("it comes back");
    }
}

#[test]
fn what_cannot_be_built_is_not_installed() {
    let folder = scratch("script building");
    let sources = Sources::of(&folder, "0.1.0");
    let cargo = folder.join("a cargo");
    fs::write(&cargo, "#!/bin/sh\n[ $1 = --version ] || exit 101\n").expect("a file");
    fs::set_permissions(&cargo, Permissions::from_mode(0o755)).expect("a program");
    let prefix = folder.join("prefix");
    complaint(sources.script().env("CARGO", &cargo).env("PREFIX", &prefix));
    assert!(!prefix.exists());
}

#[test]
fn odd_places_and_words_are_refused() {
    let folder = scratch("script refused");
    let sources = Sources::of(&folder, "0.1.0");
    let root = folder.join("root");
    for (name, path) in [
        ("PREFIX", "usr"),
        ("PREFIX", "/opt/../usr"),
        ("LIBDIR", "lib"),
        ("LIBDIR", "/usr//lib"),
        ("MANDIR", "/usr/./man"),
        ("INCLUDEDIR", ".."),
    ] {
        let told = complaint(sources.script().env("DESTDIR", &root).env(name, path));
        assert!(told.contains(path), "{told}");
    }
    let told = complaint(sources.script().env("DESTDIR", &root).arg("--redo"));
    assert!(told.contains("--redo"), "{told}");
    assert!(!root.exists());
}

#[test]
fn taking_away_leaves_what_is_not_ours() {
    let folder = scratch("script taking away");
    let sources = Sources::of(&folder, "0.1.0");
    let prefix = folder.join("prefix");
    let mut script = sources.script();
    script.env("PREFIX", &prefix);
    run(&mut script);
    let theirs = ["lib/cmake/other.cmake", "share/doc/theirs", "lib/liblsm.so.0.1.7"];
    for file in theirs {
        let path = prefix.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "").expect("a file");
    }
    fs::remove_file(prefix.join("lib/liblsm.so.0.1")).expect("it goes");
    symlink("liblsm.so.0.1.7", prefix.join("lib/liblsm.so.0.1")).expect("a link");

    for _ in 0..2 {
        run(sources.script().env("PREFIX", &prefix).arg("--undo"));
        let left: Vec<_> = contents(&prefix).into_keys().collect();
        assert_eq!(left, [theirs[0], "lib/liblsm.so.0.1", theirs[2], theirs[1]]);
        assert!(!prefix.join("lib/cmake/lsm").exists());
        assert!(!prefix.join("lib/pkgconfig").exists() && !prefix.join("include").exists());
    }
}

#[test]
fn taking_away_what_stands_alone_leaves_nothing() {
    let folder = scratch("script alone");
    let sources = Sources::of(&folder, "0.1.0");
    let prefix = folder.join("of mine/the prefix");
    run(sources.script().env("PREFIX", &prefix));
    run(sources.script().env("PREFIX", &prefix).arg("--undo"));
    assert!(!prefix.exists(), "{:?}", contents(&prefix));
    assert!(folder.join("of mine").exists(), "what holds the prefix is somebody else's");
}
