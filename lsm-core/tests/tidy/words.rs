//! Words and macros that do not ship, plain ASCII, and where tests stand.

use crate::source::{Finding, Source};

const MACROS: [(&str, &str); 3] = [
    ("todo", "write it, or leave the function out"),
    ("unimplemented", "write it, or answer Unsupported"),
    ("dbg", "take it out"),
];

/// Notes to oneself, put together here so that this file passes.
fn notes() -> [String; 3] {
    [["FIX", "ME"], ["TO", "DO"], ["XX", "X"]].map(|halves| halves.concat())
}

/// Every such word of a file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut found = macros(source);
    found.extend(notes_left(source));
    found.extend(ascii(source));
    found.extend(opening(source));
    found.extend(inline_tests(source));
    found
}

fn macros(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, token) in source.tokens.iter().enumerate() {
        for (name, instead) in MACROS {
            if token.text == name && source.text(index + 1) == "!" {
                let advice = format!("`{name}!` does not ship: {instead}");
                found.push(source.finding(token.line, "macros", advice));
            }
        }
    }
    found
}

fn notes_left(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for token in source.comments.iter().chain(&source.tokens) {
        for (below, line) in token.text.lines().enumerate() {
            let is_note = |word: &str| notes().iter().any(|note| note == word);
            if line.split(|letter: char| !letter.is_alphanumeric()).any(is_note) {
                let advice = "do it now, or write an issue".to_owned();
                found.push(source.finding(token.line + below, "notes", advice));
            }
        }
    }
    found
}

fn ascii(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in source.lines.iter().enumerate() {
        if let Some(letter) = line.chars().find(|letter| !letter.is_ascii()) {
            let advice = format!("{letter:?} is not ASCII: spell it, or escape it in a string");
            found.push(source.finding(index + 1, "ascii", advice));
        }
    }
    found
}

fn opening(source: &Source) -> Vec<Finding> {
    if source.line(1).starts_with("//! ") {
        return Vec::new();
    }
    let advice = "open the file with `//!` and one sentence that says what it is".to_owned();
    vec![source.finding(1, "opening", advice)]
}

/// Tests of shipped code stand in a file beside it.
fn inline_tests(source: &Source) -> Vec<Finding> {
    if source.is_test() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut is_for_tests = false;
    let mut index = 0;
    while index < source.tokens.len() {
        let line = source.tokens.get(index).map_or(0, |token| token.line);
        match source.text(index) {
            "#" => {
                let (end, words) = attribute(source, index);
                is_for_tests |= words.starts_with(&["cfg"]) && words.contains(&"test");
                if words == ["test"] {
                    let advice =
                        "a test stands in tests.rs or *_test.rs beside this file".to_owned();
                    found.push(source.finding(line, "tests", advice));
                }
                index = end;
                continue;
            }
            "mod" if is_for_tests && source.text(index + 2) == "{" => {
                let advice = "write `#[cfg(test)] mod tests;` and a file of its own".to_owned();
                found.push(source.finding(line, "tests", advice));
            }
            "pub" | "(" | ")" | "crate" | "super" => {
                index += 1;
                continue;
            }
            _ => {}
        }
        is_for_tests = false;
        index += 1;
    }
    found
}

/// The words of the attribute at `index`, and the index behind it.
fn attribute(source: &Source, index: usize) -> (usize, Vec<&str>) {
    let mut depth = 0;
    let mut words = Vec::new();
    for at in index + 1..source.tokens.len() {
        match source.text(at) {
            "[" => depth += 1,
            "]" => depth -= 1,
            "!" if depth == 0 => {}
            _ if depth == 0 => return (at, words),
            "(" | ")" | "," => {}
            word => words.push(word),
        }
        if depth == 0 && source.text(at) == "]" {
            return (at + 1, words);
        }
    }
    (source.tokens.len(), words)
}

#[cfg(test)]
mod planted {
    use super::check;
    use crate::source::Source;

    fn found(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let source = Source::new(path, text);
        check(&source).iter().map(|finding| (finding.line, finding.rule)).collect()
    }

    #[test]
    fn unfinished_macros_are_found() {
        let bad = "//! x\nfn f() {\n todo!();\n unimplemented!(\"x\");\n dbg!(1);\n}\n";
        assert_eq!(found("a.rs", bad), [(3, "macros"), (4, "macros"), (5, "macros")]);
        let good = "//! x\nfn todo() { todo(); let dbg = 1; f(\"todo!()\") } // dbg!\n";
        assert_eq!(found("a.rs", good), []);
    }

    #[test]
    fn notes_to_oneself_are_found() {
        let notes = super::notes();
        let bad = format!(
            "//! x\n// {}: later\n/* a\n {} */ fn f() {{}} // {}\n",
            notes[0], notes[1], notes[2]
        );
        assert_eq!(found("a.rs", &bad), [(2, "notes"), (4, "notes"), (4, "notes")]);
        assert_eq!(found("a.rs", "//! x\n// The fixme of TODOS is \"XXXL\".\n"), []);
    }

    #[test]
    fn other_letters_are_found() {
        assert_eq!(found("a.rs", "//! x\n// caf\u{e9}\n"), [(2, "ascii")]);
        assert_eq!(found("a.rs", "//! x\nconst C: char = '\\u{e9}';\n"), []);
    }

    #[test]
    fn a_file_says_what_it_is() {
        assert_eq!(found("a.rs", "use x;\n//! late\n"), [(1, "opening")]);
        assert_eq!(found("a.rs", ""), [(1, "opening")]);
        assert_eq!(found("a.rs", "//!\n"), [(1, "opening")]);
        assert_eq!(found("a.rs", "//! Says it.\n"), []);
    }

    #[test]
    fn inline_tests_are_found() {
        let bad = "//! x\nfn f() {}\n\n#[cfg(test)]\n#[allow(x)]\npub(crate) mod tests {\n \
        #[test]\n fn t() {}\n}\n";
        assert_eq!(found("lsm-core/src/a.rs", bad), [(6, "tests"), (7, "tests")]);
        assert_eq!(found("lsm-core/src/a_test.rs", bad), []);
        assert_eq!(found("lsm-core/tests/it/a.rs", bad), []);
        let any = "//! x\n#[cfg(all(test, unix))]\nmod planted { }\n";
        assert_eq!(found("lsm-core/src/a.rs", any), [(3, "tests")]);
        let good = "//! x\n#![allow(y)]\n#[cfg(test)]\nmod tests;\n#[cfg(unix)]\nmod imp { }\n\
                    #[cfg(test)]\nuse a::b;\nmod other { }\n";
        assert_eq!(found("lsm-core/src/a.rs", good), []);
    }
}
