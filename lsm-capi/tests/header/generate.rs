//! Makes the header: what opens it, and the modules of `lib.rs` as its sections, in its order.
//!
//! cbindgen turns each item of a module into C. Here items are put into the order of the source, so
//! that constants stand behind their type and functions behind both, and structs that begin with
//! their size get the macro that initialises them.

use std::fs;
use std::path::{Path, PathBuf};

const GUARD: &str = "\
#ifndef LSM_H
#define LSM_H

/* Generated from lsm-capi/src: change it there, then REWRITE=1 cargo test -p lsm-capi. */

";

const END: &str = "
#ifdef __cplusplus
}
#endif

#endif /* LSM_H */
";

/// The whole header.
pub(crate) fn header(package: &Path) -> String {
    let lib = fs::read_to_string(package.join("src/lib.rs")).expect("lib.rs");
    let sections = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut header = part(package, "opening") + GUARD + &part(package, "macros");
    for name in sections {
        header += &Section::read(package, name).to_text();
    }
    header + END
}

/// A part of the header that is written by hand.
fn part(package: &Path, name: &str) -> String {
    fs::read_to_string(package.join(format!("header/{name}.h"))).unwrap_or_default()
}

/// One module, and what it becomes.
struct Section {
    source: String,
    /// Each with its comment.
    items: Vec<String>,
    by_hand: String,
}

impl Section {
    fn read(package: &Path, name: &str) -> Self {
        let path = package.join(format!("src/{name}.rs"));
        let source = fs::read_to_string(&path).expect("a section");
        let items = items(&translate(package, path, &source));
        Self { source, items, by_hand: part(package, name) }
    }

    fn to_text(&self) -> String {
        let mut items: Vec<(usize, &String)> =
            self.items.iter().map(|item| (self.place(item), item)).collect();
        items.sort();
        let is_function = |item: &str| item.contains("LSM_API");
        let mut text = self.title();
        for (_, item) in items.iter().filter(|(_, item)| !is_function(item)) {
            text += &format!("\n{item}\n{}", initialiser(item));
        }
        if !self.by_hand.is_empty() {
            text += &format!("\n{}", self.by_hand);
        }
        for (_, item) in items.iter().filter(|(_, item)| is_function(item)) {
            text += &format!("\n{item}\n");
        }
        text
    }

    /// Where an item stands in the source.
    fn place(&self, item: &str) -> usize {
        let name = name_of(item);
        let at = ["const", "type", "struct", "fn"].iter().find_map(|kind| {
            let is_whole = |at: &usize| {
                let behind = self.source.get(at + kind.len() + 1 + name.len()..);
                behind.is_some_and(|text| text.starts_with([' ', '(', ':', '<', ';']))
            };
            self.source.match_indices(&format!("{kind} {name}")).map(|(at, _)| at).find(is_whole)
        });
        at.unwrap_or_else(|| panic!("`{name}` is not in its section"))
    }

    /// What the first line of the module says.
    fn title(&self) -> String {
        let first = self.source.lines().next().unwrap_or_default();
        let title = first.strip_prefix("//! Section \"").expect("the first line names a section");
        let title = title.replacen("\":", ":", 1);
        let title = title.trim_end_matches('.');
        let line = "-".repeat(88_usize.saturating_sub(title.len()));
        format!("\n/* ---- {title} {line} */\n")
    }
}

/// What cbindgen makes of a module.
fn translate(package: &Path, path: PathBuf, source: &str) -> String {
    let mut config =
        cbindgen::Config::from_file(package.join("cbindgen.toml")).expect("the config");
    // Types that no function of the same section uses would be left out.
    config.export.include = source.lines().filter_map(type_name).map(str::to_owned).collect();
    let builder = cbindgen::Builder::new().with_config(config).with_src(path);
    let mut made = Vec::new();
    builder.generate().expect("a module becomes C").write(&mut made);
    String::from_utf8(made).expect("a header in UTF-8")
}

/// The name of a type that begins on this line.
fn type_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub type "))?;
    rest.split([' ', '<', '(', ';']).next()
}

/// The items of a header: no item has an empty line inside.
fn items(header: &str) -> Vec<String> {
    let items = header.split("\n\n").map(str::trim).filter(|item| !item.is_empty());
    items.map(tagged).collect()
}

/// A struct with a tag, so that other headers can declare it.
fn tagged(item: &str) -> String {
    let name = name_of(item);
    item.replacen("typedef struct {", &format!("typedef struct {name} {{"), 1)
}

/// The name that an item declares.
fn name_of(item: &str) -> String {
    let lines: Vec<&str> = item.lines().filter(|line| !line.starts_with("//")).collect();
    let code = lines.join("\n");
    let from = if code.starts_with("#define ") {
        Some("#define ".len())
    } else if let Some(at) = code.find("(*lsm_") {
        Some(at + 2)
    } else if code.starts_with("typedef") {
        code.rfind(' ').map(|at| at + 1)
    } else {
        code.find('(').and_then(|at| code.get(..at)?.rfind([' ', '*'])).map(|at| at + 1)
    };
    let rest = from.and_then(|from| code.get(from..)).unwrap_or_default();
    rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The macro for a struct that says to begin with it: every other field is 0, "as usual".
fn initialiser(item: &str) -> String {
    let code: Vec<&str> =
        item.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
    let [first, size, fields @ .., last] = code.as_slice() else { return String::new() };
    if !first.starts_with("typedef struct ") || *size != "uint32_t struct_size;" {
        return String::new();
    }
    let name = last.trim_start_matches("} ").trim_end_matches(';');
    if !item.contains(&format!("{}_INIT", name.to_uppercase())) {
        return String::new();
    }
    let zeros: String = fields.iter().map(|field| format!(", {}", zero(field))).collect();
    format!("#define {}_INIT {{sizeof({name}){zeros}}}\n", name.to_uppercase())
}

fn zero(field: &str) -> &str {
    if field.starts_with("lsm_slice ") {
        "{NULL, 0}"
    } else if field.contains('*') || field.contains("_fn ") {
        "NULL"
    } else {
        "0"
    }
}
