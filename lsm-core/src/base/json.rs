//! A writer of JSON text, as much of it as statistics and reports need.

use std::fmt::{Display, Write};

/// JSON text on its way.
#[derive(Debug, Default)]
pub struct Json {
    text: String,
    needs_comma: bool,
}

impl Json {
    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// An object, or the value of `name` in the present one.
    pub fn object(&mut self, name: Option<&str>, fill: impl FnOnce(&mut Self)) {
        self.nest(name, ('{', '}'), fill);
    }

    /// A list under `name`.
    pub fn list(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.nest(Some(name), ('[', ']'), fill);
    }

    fn nest(&mut self, name: Option<&str>, ends: (char, char), fill: impl FnOnce(&mut Self)) {
        self.begin(name);
        self.text.push(ends.0);
        self.needs_comma = false;
        fill(self);
        self.text.push(ends.1);
        self.needs_comma = true;
    }

    /// A number, `true`, `false` or `null`.
    pub fn plain(&mut self, name: &str, value: impl Display) {
        self.begin(Some(name));
        // Writing to a string cannot fail.
        let _always_fits = write!(self.text, "{value}");
        self.needs_comma = true;
    }

    /// The same, `null` if there is none.
    pub fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(name, value),
            None => self.plain(name, "null"),
        }
    }

    /// A string, or `null`.
    pub fn string(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => {
                self.begin(Some(name));
                self.quote(value);
                self.needs_comma = true;
            }
            None => self.plain(name, "null"),
        }
    }

    /// A string in a list.
    pub fn item(&mut self, value: &str) {
        self.begin(None);
        self.quote(value);
        self.needs_comma = true;
    }

    fn begin(&mut self, name: Option<&str>) {
        if std::mem::take(&mut self.needs_comma) {
            self.text.push(',');
        }
        if let Some(name) = name {
            self.quote(name);
            self.text.push(':');
        }
    }

    fn quote(&mut self, value: &str) {
        self.text.push('"');
        for letter in value.chars() {
            match letter {
                '"' | '\\' => self.text.extend(['\\', letter]),
                letter if letter < ' ' => {
                    let _always_fits = write!(self.text, "\\u{:04x}", u32::from(letter));
                }
                letter => self.text.push(letter),
            }
        }
        self.text.push('"');
    }
}
