//! Nothing is larger than a reader can hold in mind.

use crate::source::{Finding, Source, is_word};

const COLUMNS: usize = 100;
const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;
const PARAMETERS: usize = 5;

/// Everything in a file that is too large, and bodies in `mod.rs`, which is a table of contents.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in source.lines.iter().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS {
            let advice = format!("{columns} of at most {COLUMNS}: break the line");
            found.push(source.finding(index + 1, "columns", advice));
        }
    }
    let lines = source.lines.len();
    if lines > FILE_LINES && !source.is_test() {
        let advice =
            format!("{lines} lines of at most {FILE_LINES}: split the file by what it does");
        found.push(source.finding(FILE_LINES + 1, "file", advice));
    }
    for function in functions(source) {
        found.extend(judge(source, &function));
    }
    found
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    parameters: usize,
    /// Its shape is that of a function in C, or of one in Python, which has keywords.
    is_foreign: bool,
    /// Lines from the `fn` to its last brace; none without a body.
    lines: Option<usize>,
}

fn judge(source: &Source, function: &Function) -> Vec<Finding> {
    let mut found = Vec::new();
    let Function { name, line, parameters, lines, is_foreign } = *function;
    if parameters > PARAMETERS && !is_foreign {
        let advice =
            format!("`{name}` takes {parameters} of at most {PARAMETERS}: give them a struct");
        found.push(source.finding(line, "parameters", advice));
    }
    if let Some(lines) = lines.filter(|lines| *lines > FUNCTION_LINES) {
        let advice =
            format!("`{name}` has {lines} lines of at most {FUNCTION_LINES}: name its parts");
        found.push(source.finding(line, "function", advice));
    }
    if lines.is_some() && source.path.contains("/src/") && source.path.ends_with("/mod.rs") {
        let advice = format!("`{name}` has a body: mod.rs lists, another file of the folder does");
        found.push(source.finding(line, "contents", advice));
    }
    found
}

fn functions(source: &Source) -> Vec<Function<'_>> {
    let starts = (0..source.tokens.len())
        .filter(|index| source.text(*index) == "fn" && is_word(source.text(index + 1)));
    starts.filter_map(|index| function(source, index)).collect()
}

fn function(source: &Source, start: usize) -> Option<Function<'_>> {
    let line = source.tokens.get(start)?.line;
    let mut angles = 0i32;
    let mut index = start + 2;
    while angles > 0 || source.text(index) != "(" {
        match source.text(index) {
            "<" => angles += 1,
            ">" => angles -= 1,
            "" => return None,
            _ => {}
        }
        index += 1;
    }
    let (parameters, mut index) = parameters(source, index);
    let is_for_c = source.text(start.wrapping_sub(2)) == "extern";
    let is_foreign = is_for_c || has_keywords(source, start);
    let mut depth = 0i32;
    loop {
        match source.text(index) {
            "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "{" if depth == 0 => break,
            ";" if depth == 0 => {
                return Some(Function {
                    name: source.text(start + 1),
                    line,
                    parameters,
                    is_foreign,
                    lines: None,
                });
            }
            "" => return None,
            _ => {}
        }
        index += 1;
    }
    let end = closing(source, index)?;
    let lines = Some(end - line + 1);
    Some(Function { name: source.text(start + 1), line, parameters, lines, is_foreign })
}

/// True if an attribute of the function at `start` gives it a signature in Python.
fn has_keywords(source: &Source, start: usize) -> bool {
    let before = (0..start).rev().map(|index| source.text(index));
    before.take_while(|text| !matches!(*text, "{" | "}" | ";")).any(|text| text == "signature")
}

/// How many parameters stand behind the parenthesis at `index`, without `self`, and the index
/// behind the list.
fn parameters(source: &Source, mut index: usize) -> (usize, usize) {
    let mut depth = 0i32;
    let mut count = 0;
    let mut is_empty = true;
    let mut is_self = false;
    loop {
        let text = source.text(index);
        let is_end = text == ")" && depth == 1;
        if (text == "," && depth == 1) || is_end || text.is_empty() {
            count += usize::from(!is_empty && !is_self);
            (is_empty, is_self) = (true, false);
        } else if depth > 0 {
            is_empty = false;
            is_self |= text == "self" && depth == 1;
        }
        match text {
            "(" | "[" | "{" | "<" => depth += 1,
            ")" | "]" | "}" | ">" => depth -= 1,
            _ => {}
        }
        index += 1;
        if is_end || text.is_empty() {
            return (count, index);
        }
    }
}

/// The line of the brace that closes the one at `index`.
fn closing(source: &Source, index: usize) -> Option<usize> {
    let mut depth = 0i32;
    for token in source.tokens.get(index..)? {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(token.line);
        }
    }
    None
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
    fn long_lines_are_found() {
        let long = |columns: usize| format!("//! x\n//{}\n", "y".repeat(columns - 2));
        assert_eq!(found("a.rs", &long(101)), [(2, "columns")]);
        assert_eq!(found("a.rs", &long(100)), []);
    }

    #[test]
    fn long_files_are_found() {
        let long = |lines: usize| "//! x\n".repeat(lines);
        assert_eq!(found("lsm-core/src/a.rs", &long(501)), [(501, "file")]);
        assert_eq!(found("lsm-core/src/a.rs", &long(500)), []);
        assert_eq!(found("lsm-core/src/a_test.rs", &long(501)), []);
    }

    #[test]
    fn long_functions_are_found() {
        let long = |lines: usize| {
            format!(
                "//! x\nimpl A {{\n fn f(&self) -> [u8; 2]\n{}}} }}\nfn g() {{ }}\n",
                "{ }\n".repeat(lines - 2)
            )
        };
        // The first pair of braces would be the body: hold them in one.
        let wrap = |text: String| text.replacen("{ }\n", "{\n", 1);
        assert_eq!(found("a.rs", &wrap(long(71))), [(3, "function")]);
        assert_eq!(found("a.rs", &wrap(long(70))), []);
    }

    #[test]
    fn long_parameter_lists_are_found() {
        let bad = "//! x\ntrait T {\n \
        fn f<F: Fn(u8, u8) -> u8>(&mut self, a: u8, b: A<B, C>, c: (u8, u8), d: u8,\n \
                   e: u8, f: F);\n}\n";
        assert_eq!(found("a.rs", bad), [(3, "parameters")]);
        let for_c = "//! x\npub extern \"C\" fn f(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}\n";
        assert_eq!(found("a.rs", for_c), []);
        let good = "//! x\nfn f(self: Arc<Self>, a: u8, b: A<B, C>, c: fn(u8, u8) -> u8, d: [u8; \
        N], e: &[u8],) {}\n\
                    type F = fn(u8, u8, u8, u8, u8, u8);\n";
        assert_eq!(found("a.rs", good), []);
    }

    #[test]
    fn bodies_in_mod_rs_are_found() {
        let bad = "//! x\npub mod a;\n\npub fn f() {}\n";
        assert_eq!(found("lsm-core/src/wal/mod.rs", bad), [(4, "contents")]);
        assert_eq!(found("lsm-core/tests/it/mod.rs", bad), []);
        let good = "//! x\npub mod a;\npub trait T { fn f(&self); }\n";
        assert_eq!(found("lsm-core/src/wal/mod.rs", good), []);
    }
}
