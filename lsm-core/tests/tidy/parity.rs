//! What Rust can do, the other languages can do, or it is said why not: docs/parity.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::source::Source;

/// What the crate exports from which of its folders.
fn exports(lib: &Source) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lib.tokens.len() {
        if (lib.text(at), lib.text(at + 1), lib.text(at + 2)) == ("pub", "use", "crate") {
            let folder = lib.text(at + 4).to_owned();
            while !matches!(lib.text(at), ";" | "") {
                let is_type = lib.text(at).starts_with(char::is_uppercase);
                if is_type {
                    found.push((folder.clone(), lib.text(at).to_owned()));
                }
                at += 1;
            }
        }
        at += 1;
    }
    found
}

/// The public methods of a type that stand in this file, as `Type::method`.
fn methods(source: &Source, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for at in 0..source.tokens.len() {
        let is_trait = source.text(at) == "trait" && source.before(at) == "pub";
        let is_impl = source.text(at) == "impl";
        let at = if is_impl { behind_generics(source, at + 1) } else { at + 1 };
        let is_inherent = is_impl && matches!(source.text(at + 1), "{" | "<");
        if source.text(at) == name && (is_trait || is_inherent) {
            let inside = in_body(source, at, is_trait).into_iter();
            found.extend(inside.map(|method| format!("{name}::{method}")));
        }
    }
    found
}

/// The index behind what stands in angle brackets at `at`, if anything does.
fn behind_generics(source: &Source, at: usize) -> usize {
    if source.text(at) != "<" {
        return at;
    }
    let end = (at..source.tokens.len()).find(|at| source.text(*at) == ">");
    end.map_or(at, |end| end + 1)
}

fn opens(source: &Source, at: usize) -> bool {
    source.text(at) == "{"
}

/// The methods between the braces that open behind `at`.
fn in_body(source: &Source, at: usize, is_trait: bool) -> Vec<String> {
    let mut depth = 0;
    let mut found = Vec::new();
    let start = (at..source.tokens.len()).find(|at| opens(source, *at)).unwrap_or(at);
    for at in start..source.tokens.len() {
        match source.text(at) {
            "{" => depth += 1,
            "}" => depth -= 1,
            "fn" if depth == 1 => {
                let before = [source.before(at), source.before(at.saturating_sub(1))];
                let is_public = before[0] == "pub" || before == ["const", "pub"];
                if is_trait || is_public {
                    found.push(source.text(at + 1).to_owned());
                }
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// One line of the table.
struct Row {
    line: usize,
    rust: Vec<String>,
    c: Vec<String>,
    /// Whether there is anything for Python, and the names of it.
    is_in_python: bool,
    python: Vec<String>,
    why_not: String,
}

/// The names between backquotes.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows(page: &str) -> Vec<Row> {
    let lines = page.lines().enumerate().filter_map(|(index, line)| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
        let [_, c, python, why_not] = cells.as_slice() else { return None };
        Some(Row {
            line: index + 1,
            rust: names(line.split(" | ").next().unwrap_or_default()),
            c: names(c),
            is_in_python: !matches!(python.trim(), "" | "-"),
            python: names(python),
            why_not: why_not.trim_end_matches('|').trim().to_owned(),
        })
    });
    lines.collect()
}

fn is_named(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    }
}

/// The functions of the header, those that are written out in it too.
fn functions(header: &str) -> BTreeSet<String> {
    let declared = header.split("LSM_API").skip(1).filter_map(|part| part.split_once('('));
    let inline = header.split("static inline").skip(1).filter_map(|part| part.split_once('('));
    let last = |(before, _): (&str, &str)| {
        before.rsplit([' ', '*', '\n']).next().unwrap_or_default().to_owned()
    };
    declared.chain(inline).map(last).filter(|name| name.starts_with("lsm_")).collect()
}

/// Everything that is not as the page says, or not said by it.
fn findings(page: &str, rust: &BTreeSet<String>, header: &str, api: &str) -> Vec<String> {
    let (rows, functions) = (rows(page), functions(header));
    let mut found = Vec::new();
    for name in rust {
        if !rows.iter().any(|row| row.rust.iter().any(|pattern| is_named(pattern, name))) {
            found.push(format!("`{name}` has no line: say what it is in C and Python, or why not"));
        }
    }
    for row in &rows {
        let line = row.line;
        for pattern in &row.rust {
            if !rust.iter().any(|name| is_named(pattern, name)) {
                found.push(format!("{line}: `{pattern}` is no public method"));
            }
        }
        for name in &row.c {
            if !is_in_header(header, &functions, name) {
                found.push(format!("{line}: `{name}` is not in lsm.h"));
            }
        }
        let missing = row.python.iter().filter(|name| !is_in_api(api, name));
        found.extend(missing.map(|name| format!("{line}: `{name}` is not in python-api.md")));
        if (row.c.is_empty() || !row.is_in_python) && row.why_not.is_empty() {
            found.push(format!("{line}: say why there is nothing"));
        }
    }
    for name in functions.iter().filter(|name| !page.contains(&format!("`{name}`"))) {
        found.push(format!("`{name}` of lsm.h stands in no line"));
    }
    for name in members(api).filter(|name| !page.contains(&format!("`{name}`"))) {
        found.push(format!("`{name}` of Python stands in no line"));
    }
    found
}

/// What the page of Python's API says of a class.
fn class<'a>(api: &'a str, name: &str) -> Option<&'a str> {
    let section = api.split(&format!("\n### lsmdb.{name}\n")).nth(1)?;
    section.split("\n### ").next()
}

/// True for a class or function of the package, a member of a class, and a keyword or an operator.
fn is_in_api(api: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match name.split_once('.') {
        None if name.ends_with('=') => api.contains(&format!("{}: ", name.trim_end_matches('='))),
        None => matches!(name, "in" | "len") || class(api, name).is_some(),
        Some((of, member)) => class(api, of)
            .is_some_and(|section| section.split(|c| !is_word(c)).any(|word| word == member)),
    }
}

/// The classes that the engine's methods have become.
const CLASSES: [&str; 9] =
    ["DB", "Writable", "Readable", "Range", "Cursor", "Batch", "Snapshot", "Value", "Event"];

/// The members of those classes that are Python's own, as `Class.member`.
fn members(api: &str) -> impl Iterator<Item = String> {
    CLASSES.iter().flat_map(move |name| {
        let section = class(api, name).unwrap_or_default();
        let titles = section.lines().filter_map(|line| line.strip_prefix("#### "));
        titles.map(move |member| format!("{name}.{member}"))
    })
}

fn is_in_header(header: &str, functions: &BTreeSet<String>, name: &str) -> bool {
    match name.split_once('.') {
        None if name.starts_with("lsm_") => {
            functions.contains(name) || header.contains(&format!(" {name};"))
        }
        None => header.contains(&format!("#define {name} ")),
        Some((of, field)) => {
            let part = header.split(&format!("typedef struct {of} {{")).nth(1);
            let body = part.and_then(|part| part.split_once(&format!("}} {of};")));
            body.is_some_and(|(body, _)| {
                body.lines().any(|line| {
                    line.trim_end_matches(';').ends_with(&format!(" {field}"))
                        || line.trim_end_matches(';').ends_with(&format!("*{field}"))
                })
            })
        }
    }
}

/// Holds the page against the sources.
pub(crate) fn check(root: &Path, sources: &[Source]) -> Vec<String> {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let lib = sources.iter().find(|source| source.path == "lsm-core/src/lib.rs");
    let mut rust = BTreeSet::new();
    for (folder, name) in lib.map(exports).unwrap_or_default() {
        let is_here = |source: &&Source| {
            // The face may add methods to what lies beneath it, and what stands on top to the face.
            let place = source.in_engine().unwrap_or_default();
            place.starts_with("api/")
                || place.starts_with("salvage/")
                || place.starts_with(&format!("{folder}/"))
        };
        sources.iter().filter(is_here).for_each(|source| rust.extend(methods(source, &name)));
    }
    let api = read("docs/python-api.md");
    findings(&read("docs/parity.md"), &rust, &read("include/lsm.h"), &api)
        .into_iter()
        .map(|finding| format!("docs/parity.md: {finding}"))
        .collect()
}

#[cfg(test)]
mod planted {
    use std::collections::BTreeSet;

    use super::{exports, findings, methods};
    use crate::source::Source;

    const HEADER: &str = "LSM_API lsm_status lsm_put(lsm_db *db);\nstatic inline int lsm_str(int \
                          a) {}\n#define LSM_FLAG 1\ntypedef struct lsm_o {\n  int a;\n  \
                          void *b;\n} lsm_o;\n";

    const API: &str = "\n### lsmdb.DB\n\nDB(path, *, mode: str)\n\n#### put\n\n#### far\n\n### \
                       lsmdb.Error\n\npath: what\n";

    fn told(table: &str) -> Vec<String> {
        let rust = ["Db::put", "Db::get_a"].map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
        let page = format!("{table}\n`lsm_str`\n");
        findings(&page, &rust, HEADER, API)
    }

    #[test]
    fn what_is_missing_or_stale_is_found() {
        let good = "| `Db::put` | `lsm_put`, `LSM_FLAG`, `lsm_o.b` | `DB.put`, `DB.far` | |\n\
                    | `Db::get_*` | - | - | nobody asks |\n";
        assert_eq!(told(good), Vec::<String>::new());
        assert_eq!(told(&good.replace("DB.put", "DB.puts")).len(), 2);
        assert_eq!(told(&good.replace("`DB.far`", "`DB` with `mode=`, `in`")).len(), 1);
        assert_eq!(told(&good.replace("`DB.put`", "`DB.put`, `Error.path`")).len(), 0);
        assert_eq!(told(&good.replace("`DB.put`, `DB.far`", "next")).len(), 2);
        assert_eq!(told(&good.replace("lsm_o.b", "lsm_o.c")).len(), 1);
        assert_eq!(told(&good.replace("LSM_FLAG", "LSM_FLAGS")).len(), 1);
        assert_eq!(told(&good.replace("nobody asks", "")).len(), 1);
        // The line has no method, and the method no line.
        assert_eq!(told(&good.replace("Db::put", "Db::puts")).len(), 2);
        // Neither is the function in a line then.
        assert_eq!(told(&good.replace("`lsm_put`, ", "")).len(), 1);
    }

    #[test]
    fn exports_and_methods_are_read() {
        let lib = "//! x\npub mod a;\npub use crate::api::db::{Builder, Db};\npub use \
                   crate::base::error::Error;\n";
        let lib = Source::new("lsm-core/src/lib.rs", lib);
        let wanted = [("api", "Builder"), ("api", "Db"), ("base", "Error")];
        assert_eq!(exports(&lib), wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
        let code = "//! x\nimpl Db {\n pub fn a() { fn no() {} }\n fn no(&self) {}\n pub const fn \
                    b() {}\n pub(crate) fn no2() {}\n}\nimpl Clone for Db { fn clone() {} }\n\
                    pub trait Db { fn c(&self); }\nimpl Other { pub fn no3() {} }\n\
                    impl Db<'_> { pub fn d() {} }\nimpl<'a> Db<'a> { pub fn e() {} }\n";
        let source = Source::new("lsm-core/src/api/db.rs", code);
        assert_eq!(methods(&source, "Db"), ["Db::a", "Db::b", "Db::c", "Db::d", "Db::e"]);
    }
}
