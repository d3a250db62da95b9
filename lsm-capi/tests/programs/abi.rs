//! What programs were compiled with must stay: sizes and offsets of every struct of the header, and
//! the numbers of every constant, as `tests/abi.txt` has them.
//!
//! `REWRITE=1 cargo test -p lsm-capi abi` writes the table anew.

use std::env;
use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::tools::{STRICT, empty, has, include, root, run};

/// A struct of the header with its fields.
struct Struct {
    name: String,
    fields: Vec<String>,
}

fn header() -> String {
    fs::read_to_string(include().join("lsm.h")).expect("the header")
}

fn structs(header: &str) -> Vec<Struct> {
    let parts = header.split("\ntypedef struct ").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once(" {")?;
        let (body, _) = rest.split_once("\n}")?;
        let code = body.lines().filter(|line| !line.trim_start().starts_with("//"));
        let fields = code.filter_map(|line| {
            let field = line.trim().strip_suffix(';')?;
            Some(field.rsplit([' ', '*']).next()?.to_owned())
        });
        Some(Struct { name: name.to_owned(), fields: fields.collect() })
    });
    parts.filter(|it| !it.name.contains(';')).collect()
}

fn constants(header: &str) -> Vec<String> {
    let defined = header.lines().filter_map(|line| line.strip_prefix("#define "));
    let names = defined.filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let is_number = !value.starts_with(['{', '_']);
        (name.starts_with("LSM_") && is_number).then(|| name.to_owned())
    });
    names.filter(|name| name != "LSM_API" && name != "LSM_CHECK").collect()
}

/// A program that prints the table.
fn printer(header: &str) -> String {
    let mut lines = String::new();
    for Struct { name, fields } in structs(header) {
        writeln!(lines, "    printf(\"{name} %zu\\n\", sizeof({name}));").expect("text");
        for field in fields {
            writeln!(
                lines,
                "    printf(\"{name}.{field} %zu %zu\\n\", offsetof({name}, {field}), \
                 sizeof((({name} *)0)->{field}));"
            )
            .expect("text");
        }
    }
    for name in constants(header) {
        writeln!(lines, "    printf(\"{name} %lld\\n\", (long long){name});").expect("text");
    }
    format!("#include <lsm.h>\n#include <stdio.h>\nint main(void) {{\n{lines}    return 0;\n}}\n")
}

#[test]
fn structs_and_constants_stay_as_they_are() {
    if !cfg!(target_pointer_width = "64") || !has("cc", "--version") {
        return;
    }
    let header = header();
    assert!(structs(&header).len() > 8 && constants(&header).len() > 60, "the header was not read");
    let folder = empty("abi");
    let (source, program) = (folder.join("abi.c"), folder.join("abi"));
    fs::write(&source, printer(&header)).expect("a program");
    let mut compile = Command::new("cc");
    compile.arg("-std=c99").args(STRICT).arg("-I").arg(include());
    run(compile.arg(&source).arg("-o").arg(&program));
    let found = run(&mut Command::new(&program));
    let path = root().join("lsm-capi/tests/abi.txt");
    if env::var_os("REWRITE").is_some() {
        fs::write(&path, &found).expect("the table is written");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    let differs = wanted.lines().zip(found.lines()).find(|(wanted, found)| wanted != found);
    assert!(
        wanted == found,
        "the header is not what programs were compiled with: {differs:?}\n\
         before a release of the same minor version: only add. REWRITE=1 cargo test -p lsm-capi abi"
    );
}
