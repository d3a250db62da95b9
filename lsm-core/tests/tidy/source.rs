//! A source file as the rules see it: lines, and tokens without comments and strings.

use std::fmt;

/// One file of the repository.
pub(crate) struct Source {
    /// Its path from the repository's root.
    pub(crate) path: String,
    pub(crate) lines: Vec<String>,
    pub(crate) tokens: Vec<Token>,
    /// Every comment, with the line it begins on.
    pub(crate) comments: Vec<Token>,
}

/// A word, a number, `::`, `->`, a lifetime, one other character, or `""` for a literal string.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
}

/// What a rule has found.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    /// What is wrong, and what to do instead.
    pub(crate) advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.advice)
    }
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut lexer = Lexer { rest: text.chars().collect(), at: 0, line: 1, out: Vec::new() };
        let mut comments = Vec::new();
        while lexer.at < lexer.rest.len() {
            lexer.next(&mut comments);
        }
        Self {
            path: path.to_owned(),
            lines: text.lines().map(str::to_owned).collect(),
            tokens: lexer.out,
            comments,
        }
    }

    pub(crate) fn finding(&self, line: usize, rule: &'static str, advice: String) -> Finding {
        Finding { path: self.path.clone(), line, rule, advice }
    }

    /// The text of a token; empty past either end.
    pub(crate) fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &token.text)
    }

    /// The text of the token before this one.
    pub(crate) fn before(&self, index: usize) -> &str {
        index.checked_sub(1).map_or("", |index| self.text(index))
    }

    /// A line from 1; empty past either end.
    pub(crate) fn line(&self, line: usize) -> &str {
        line.checked_sub(1).and_then(|index| self.lines.get(index)).map_or("", String::as_str)
    }

    /// Tests, what they share, benchmarks and examples; everything else is shipped.
    pub(crate) fn is_test(&self) -> bool {
        let (folders, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        matches!(name, "tests.rs" | "testing.rs")
            || name.ends_with("_test.rs")
            || folders.split('/').any(|part| matches!(part, "tests" | "benches" | "examples"))
    }

    /// Its path inside the engine's sources, if it is shipped with the engine.
    pub(crate) fn in_engine(&self) -> Option<&str> {
        self.path.strip_prefix("lsm-core/src/").filter(|_| !self.is_test())
    }
}

/// True for what can be a name.
pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    line: usize,
    out: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.rest.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn bump(&mut self) -> char {
        let next = self.peek(0);
        self.at += 1;
        self.line += usize::from(next == '\n');
        next
    }

    fn next(&mut self, comments: &mut Vec<Token>) {
        let line = self.line;
        let text = match (self.peek(0), self.peek(1)) {
            ('/', '/') => {
                let text = self.take_while(|next| next != '\n');
                comments.push(Token { text, line });
                return;
            }
            ('/', '*') => {
                let text = self.block_comment();
                comments.push(Token { text, line });
                return;
            }
            (space, _) if space.is_whitespace() => {
                self.bump();
                return;
            }
            ('"', _) => self.string(0, true),
            ('\'', _) => self.quote(),
            (first, _) if first.is_alphanumeric() || first == '_' => self.word(),
            (':', ':') | ('-', '>') | ('=', '>') => {
                let pair = [self.bump(), self.bump()];
                pair.iter().collect()
            }
            _ => self.bump().to_string(),
        };
        self.out.push(Token { text, line });
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while self.at < self.rest.len() && keep(self.peek(0)) {
            text.push(self.bump());
        }
        text
    }

    fn block_comment(&mut self) -> String {
        let mut text = String::new();
        let mut depth = 0;
        while self.at < self.rest.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    text.push(self.bump());
                    continue;
                }
            }
            text.push(self.bump());
            text.push(self.bump());
            if depth == 0 {
                break;
            }
        }
        text
    }

    /// A string whose opening quote is next; `hashes` close a raw one.
    fn string(&mut self, hashes: usize, has_escapes: bool) -> String {
        self.bump();
        while self.at < self.rest.len() {
            match self.bump() {
                '\\' if has_escapes => {
                    self.bump();
                }
                '"' if (0..hashes).all(|ahead| self.peek(ahead) == '#') => {
                    self.at += hashes;
                    break;
                }
                _ => {}
            }
        }
        "\"\"".to_owned()
    }

    /// A lifetime or a character.
    fn quote(&mut self) -> String {
        self.bump();
        if self.peek(0) != '\\' && self.peek(1) != '\'' {
            return format!("'{}", self.take_while(|next| next.is_alphanumeric() || next == '_'));
        }
        if self.bump() == '\\' {
            self.bump();
        }
        self.take_while(|next| next != '\'');
        self.bump();
        "\"\"".to_owned()
    }

    /// A word or a number, or the string, character or raw name that it introduces.
    fn word(&mut self) -> String {
        let word = self.take_while(|next| next.is_alphanumeric() || next == '_');
        let hashes = (0..).take_while(|ahead| self.peek(*ahead) == '#').count();
        let is_raw = matches!(word.as_str(), "r" | "br" | "cr");
        match (word.as_str(), self.peek(hashes)) {
            ("r" | "br" | "cr", '"') => {
                self.at += hashes;
                self.string(hashes, false)
            }
            ("b" | "c", '"') if hashes == 0 => self.string(0, true),
            ("b", '\'') if hashes == 0 => self.quote(),
            _ if is_raw && hashes == 1 && (self.peek(1).is_alphabetic() || self.peek(1) == '_') => {
                self.bump();
                self.take_while(|next| next.is_alphanumeric() || next == '_')
            }
            _ => word,
        }
    }
}

#[test]
fn strings_comments_and_characters_are_no_tokens() {
    let text = r##"// dbg
let a: &'static str = "x\"fn"; /* a /* b */ c */ b'\'' 'y' r#"q"z"# r#type 'a
c::d->e"##;
    let source = Source::new("x.rs", text);
    let tokens: Vec<_> = source.tokens.iter().map(|token| token.text.as_str()).collect();
    let wanted = [
        "let", "a", ":", "&", "'static", "str", "=", "\"\"", ";", "\"\"", "\"\"", "\"\"", "type",
        "'a", "c", "::", "d", "->", "e",
    ];
    assert_eq!(tokens, wanted);
    let comments: Vec<_> = source.comments.iter().map(|comment| comment.text.as_str()).collect();
    assert_eq!(comments, ["// dbg", "/* a /* b */ c */"]);
    assert_eq!(source.tokens.last().map(|token| token.line), Some(3));
}

#[test]
fn tests_benches_and_examples_are_not_shipped() {
    let is_test = |path| Source::new(path, "").is_test();
    assert!(is_test("lsm-core/src/wal/tests.rs"));
    assert!(is_test("lsm-core/src/wal/testing.rs"));
    assert!(is_test("lsm-core/src/wal/writer_test.rs"));
    assert!(is_test("lsm-core/src/wal/tests/torn.rs"));
    assert!(is_test("lsm-core/benches/append.rs"));
    assert!(!is_test("lsm-core/src/wal/writer.rs"));
    assert!(!is_test("lsm-core/src/wal/latest.rs"));
}
