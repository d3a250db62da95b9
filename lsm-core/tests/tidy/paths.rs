//! Every path that a file names, with nested `use` lists taken apart.

use crate::source::{Source, is_word};

/// One path: `std::{fs, io::Read}` makes two of them.
pub(crate) struct Path {
    /// Its parts; the last is `*` for everything.
    pub(crate) parts: Vec<String>,
    pub(crate) line: usize,
    /// It stands in a `use`.
    pub(crate) is_use: bool,
    /// It is the name of a macro that is called.
    pub(crate) is_macro: bool,
    /// The modules opened by `mod name {` around it.
    pub(crate) inside: Vec<String>,
}

/// All paths of a file, single words among them.
pub(crate) fn paths(source: &Source) -> Vec<Path> {
    let mut out = Vec::new();
    let mut scopes: Vec<(i32, String)> = Vec::new();
    let mut depth = 0i32;
    let mut is_use = false;
    let mut index = 0;
    while index < source.tokens.len() {
        match source.text(index) {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                scopes.retain(|(opened, _)| *opened <= depth);
            }
            ";" => is_use = false,
            "use" => is_use = true,
            "mod" if source.text(index + 2) == "{" => {
                scopes.push((depth + 1, source.text(index + 1).to_owned()));
            }
            word if is_word(word) && !is_continued(source, index) => {
                let from = out.len();
                index = tree(source, index, &[], &mut out);
                for path in out.iter_mut().skip(from) {
                    path.is_use = is_use;
                    path.inside = scopes.iter().map(|(_, name)| name.clone()).collect();
                }
                continue;
            }
            _ => {}
        }
        index += 1;
    }
    out
}

/// True if no path begins here: it began earlier, or it is that of `pub(in crate::a)`, which says
/// who may see a thing and imports nothing.
fn is_continued(source: &Source, index: usize) -> bool {
    let before = |by: usize| index.checked_sub(by).map_or("", |index| source.text(index));
    let is_absolute = !(is_word(before(2)) || before(2) == ">")
        || matches!(before(2), "use" | "return" | "in" | "match" | "if" | "while" | "else" | "mut");
    (before(1) == "::" && !is_absolute) || (before(1) == "in" && before(3) == "pub")
}

/// Reads one path or `use` tree at `index` and answers the index behind it.
fn tree(source: &Source, mut index: usize, above: &[String], out: &mut Vec<Path>) -> usize {
    let mut parts = above.to_vec();
    let line = source.tokens.get(index).map_or(0, |token| token.line);
    loop {
        let text = source.text(index);
        if text == "{" {
            index += 1;
            while index < source.tokens.len() && source.text(index) != "}" {
                let is_part =
                    is_word(source.text(index)) || matches!(source.text(index), "{" | "*");
                index = if is_part { tree(source, index, &parts, out) } else { index + 1 };
            }
            return index + 1;
        }
        if text != "self" || parts.is_empty() {
            parts.push(text.to_owned());
        }
        let is_more = source.text(index + 1) == "::"
            && (is_word(source.text(index + 2)) || matches!(source.text(index + 2), "{" | "*"));
        if !is_more {
            break;
        }
        index += 2;
    }
    index += 1;
    let is_macro = source.text(index) == "!";
    out.push(Path { parts, line, is_use: false, is_macro, inside: Vec::new() });
    if source.text(index) == "as" { index + 2 } else { index }
}

#[test]
fn nested_uses_are_taken_apart() {
    let text = "use std::{\n    fs,\n    io::{self, Read as _},\n    os::*,\n};\nmod a {\n \
                fn f() {\n super::super::b::<T>::c(); vec![]; }\n}\npub(in crate::x) struct D;\n \
                use ::std::env;\n";
    let source = Source::new("x.rs", text);
    let found: Vec<_> = paths(&source)
        .iter()
        .filter(|path| path.parts.len() > 1 || path.is_macro)
        .map(|path| (path.line, path.parts.join("::"), path.inside.join("::"), path.is_use))
        .collect();
    let wanted = [
        (2, "std::fs", "", true),
        (3, "std::io", "", true),
        (3, "std::io::Read", "", true),
        (4, "std::os::*", "", true),
        (8, "super::super::b", "a", false),
        (8, "vec", "a", false),
        (11, "std::env", "", true),
    ]
    .map(|(line, path, inside, is_use)| (line, path.to_owned(), inside.to_owned(), is_use));
    assert_eq!(found, wanted);
}
