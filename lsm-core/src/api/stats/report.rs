//! What an opening found, as text for programs.

use crate::base::json::Json;
use crate::extend::event::OpenReport;

impl OpenReport {
    /// Everything as JSON. Names that are not UTF-8 are shown as far as they are.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(None, |json| {
            json.plain("is_new", self.is_new);
            json.plain("was_clean", self.was_clean);
            json.plain("batches", self.batches);
            json.plain("dropped_bytes", self.dropped_bytes);
            json.list("unknown", |json| {
                self.unknown.iter().for_each(|name| json.item(&name.to_string_lossy()));
            });
            json.list("notes", |json| self.notes.iter().for_each(|note| json.item(note)));
        });
        json.finish()
    }
}

#[cfg(test)]
mod tests;
