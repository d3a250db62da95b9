//! The built library: its name, its size, what it asks for, what it offers.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::tree::{
    VERSION, built, command, contents, has, installer, moved_prefix, parts, repository, run,
    scratch,
};

const LARGEST: u64 = 3 << 20;

/// The words of `readelf -d` in brackets, of the lines with this tag.
fn dynamic(library: &std::path::Path, tag: &str) -> Vec<String> {
    let told = run(command("readelf").args(["-dW"]).arg(library));
    let lines = told.lines().filter(|line| line.contains(tag));
    lines
        .filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned()))
        .collect()
}

#[test]
fn the_library_is_where_the_loader_looks_for_its_soname() {
    if !has("readelf") {
        return;
    }
    let prefix = moved_prefix("library soname");
    let library = prefix.join("lib").join(format!("liblsm.so.{VERSION}"));
    let soname = dynamic(&library, "(SONAME)");
    assert_eq!(soname.len(), 1, "{soname:?}");
    assert_eq!(contents(&prefix), parts(VERSION, &soname[0]));
    assert_eq!(fs::read(prefix.join("lib/liblsm.so")).ok(), fs::read(&library).ok());

    let needed = dynamic(&library, "(NEEDED)");
    let is_of_the_system = |name: &String| {
        ["libc.so.", "libgcc_s.so.", "libm.so.", "libpthread.so.", "libdl.so.", "ld-linux"]
            .iter()
            .any(|known| name.starts_with(known))
    };
    assert!(needed.iter().all(is_of_the_system), "{needed:?}");
    assert_eq!(dynamic(&library, "PATH)"), [""; 0], "it says nothing of folders here");
}

#[test]
fn the_library_is_small() {
    let prefix = moved_prefix("library size");
    let size = fs::metadata(prefix.join("lib/liblsm.so")).expect("the library").len();
    assert!(size < LARGEST, "liblsm.so has {size} bytes of {LARGEST}");
}

/// The bugs that the test-only build can be told to commit, as the source names them.
fn planted_bugs() -> Vec<String> {
    let source = fs::read_to_string(repository().join("lsm-core/src/base/planted.rs"));
    let source = source.expect("the source");
    let (_, list) = source.split_once("\nbugs! {\n").expect("the list");
    let (list, _) = list.split_once("\n}").expect("its end");
    list.lines().map(|line| line.trim().trim_end_matches(',').to_owned()).collect()
}

/// That the test-only build has these names is a test of its own, in `it/museum`.
#[test]
fn no_planted_bug_is_in_the_library() {
    let prefix = moved_prefix("library planted");
    let bugs = planted_bugs();
    assert!(bugs.len() >= 60 && bugs[0] == "FlushBeforeLog", "{bugs:?}");
    for file in ["lib/liblsm.so", "lib/liblsm.a"] {
        let library = fs::read(prefix.join(file)).expect("a library");
        let library = String::from_utf8_lossy(&library);
        assert!(library.contains("the database takes no writes"), "{file}: words are found in it");
        let is_there = |name: &&str| library.contains(*name);
        let words = bugs.iter().map(String::as_str).chain(["planted"]);
        assert_eq!(words.filter(is_there).collect::<Vec<_>>(), [""; 0], "{file}");
    }
}

/// The functions that a header offers: the word before the first parenthesis after `LSM_API`.
fn offered(header: &str) -> BTreeSet<String> {
    let asides = ["#", "//", "/*", "*"];
    let is_code = |line: &&str| !asides.iter().any(|aside| line.trim_start().starts_with(aside));
    let code: Vec<&str> = header.lines().filter(is_code).collect();
    let code = code.join("\n");
    let names = code.split("LSM_API").skip(1).filter_map(|rest| {
        let before = rest.split_once('(')?.0;
        Some(before.rsplit([' ', '*', '\n']).next()?.to_owned())
    });
    names.collect()
}

#[test]
fn the_names_of_a_header_are_found() {
    let header = "/*\n * LSM_API no(x);\n */\n#define LSM_API x(y)\n// LSM_API int no(void);\n\
                  LSM_API LSM_CHECK\nint lsm_a(int);\nstatic inline int c(void);\n\
                  LSM_API const char *lsm_b(void (*call)(int), int);\n";
    assert_eq!(offered(header).into_iter().collect::<Vec<_>>(), ["lsm_a", "lsm_b"]);
}

#[test]
fn the_library_exports_what_the_header_offers_and_nothing_else() {
    if !has("nm") {
        return;
    }
    let prefix = moved_prefix("library exports");
    let header = fs::read_to_string(prefix.join("include/lsm.h")).expect("the header");
    let offered = offered(&header);
    assert!(offered.contains("lsm_version_number"), "{offered:?}");
    assert!(offered.iter().all(|name| name.starts_with("lsm_")), "{offered:?}");

    let told = run(command("nm").args(["-D", "--defined-only"]).arg(prefix.join("lib/liblsm.so")));
    let exported = told.lines().filter_map(|line| Some(line.split_whitespace().nth(2)?.to_owned()));
    assert_eq!(exported.collect::<BTreeSet<_>>(), offered);
}

/// What rustc says that programs need beside a static library of Rust is what lsm.pc says, but for
/// what every C compiler adds by itself.
#[test]
fn lsm_pc_knows_what_a_static_library_needs() {
    let prefix = moved_prefix("library static");
    let folder = scratch("library rustc");
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "native-static-libs", "--crate-type", "staticlib", "-"]);
    let output = rustc.current_dir(&folder).stdin(std::process::Stdio::null()).output();
    let told = String::from_utf8(output.expect("rustc").stderr).expect("UTF-8");
    let (_, libraries) = told.split_once("native-static-libs: ").expect("its answer");
    let is_added = |library: &&str| ["-lc", "-lgcc_s"].contains(library);
    let wanted: Vec<&str> =
        libraries.split_whitespace().filter(|library| !is_added(library)).collect();
    let wanted = wanted.join(" ");

    for (file, line) in [
        ("lib/pkgconfig/lsm.pc", format!("\nLibs.private: {wanted}\n")),
        ("lib/pkgconfig/lsm-static.pc", format!("\nLibs: ${{libdir}}/liblsm.a {wanted}\n")),
        ("lib/cmake/lsm/lsmConfig.cmake", format!("\"{}\"", wanted.replace(' ', ";"))),
    ] {
        let found = fs::read_to_string(prefix.join(file)).expect("a text");
        assert!(found.contains(&line), "{file}: {line}\n{found}");
    }
}

/// What is installed is what was built from these sources, and a second time changes nothing.
#[test]
fn installing_twice_is_installing_once() {
    let prefix = scratch("library twice").join("the prefix");
    let look = || {
        run(installer().env("PREFIX", &prefix));
        let texts = parts(VERSION, "").into_keys().filter_map(|name| {
            let text = fs::read(prefix.join(&name)).ok()?;
            Some((name, text))
        });
        (contents(&prefix), texts.collect::<Vec<_>>())
    };
    let first = look();
    assert_eq!(first, look());
    let library = fs::read(built().join("release/liblsm.so")).expect("a library");
    assert_eq!(fs::read(prefix.join("lib/liblsm.so")).ok(), Some(library));
    let header = fs::read(repository().join("include/lsm.h")).expect("a header");
    assert_eq!(fs::read(prefix.join("include/lsm.h")).ok(), Some(header));
}

/// Nothing that is installed names the place: packages are put together in one and used in another.
#[test]
fn no_text_names_the_place_where_it_was_packed() {
    let folder = scratch("library places");
    run(installer().env("DESTDIR", &folder).env("PREFIX", "/opt/lsm prefix"));
    for name in contents(&folder).into_keys() {
        let bytes = fs::read(folder.join(&name)).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        for place in [folder.to_str().expect("UTF-8"), "/opt/lsm prefix"] {
            assert!(!text.contains(place), "{name} names {place}");
        }
        assert!(!name.ends_with(".new"), "{name}");
        let is_text = text.len() == bytes.len() && !name.contains("liblsm");
        assert!(!is_text || !text.contains('@') || name.ends_with(".3"), "{name}:\n{text}");
    }
}
