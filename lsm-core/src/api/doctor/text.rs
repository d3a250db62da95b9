//! A diagnosis as text, for people and for programs.

use std::fmt;

use super::{Diagnosis, Finding, Severity};
use crate::base::json::Json;

impl Diagnosis {
    /// All of it as one JSON object, on one line. What there is none of is `null`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = Json::default();
        json.object(None, |json| {
            json.plain("is_healthy", self.is_healthy());
            json.list("findings", |json| {
                self.findings.iter().for_each(|finding| finding_json(json, finding));
            });
        });
        json.finish()
    }
}

fn finding_json(json: &mut Json, finding: &Finding) {
    json.object(None, |json| {
        json.string("name", Some(finding.name));
        json.string("severity", Some(finding.severity.name()));
        json.string("keyspace", finding.keyspace.as_deref());
        json.string("option", finding.option);
        json.string("seen", Some(&finding.seen));
        json.string("advice", Some(&finding.advice));
    });
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_healthy() {
            return writeln!(f, "healthy: nothing was found that is wrong or slow");
        }
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, name, seen, advice, .. } = self;
        write!(f, "{severity}: {name}\n  {seen}\n  {advice}")
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
