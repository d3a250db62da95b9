//! `json_merge_patch`: JSON documents and patches of them, as RFC 7396 has it.

use serde_json::{Map, Value};

use crate::base::error::Result;
use crate::merge::builtin::refuse;
use crate::merge::operator::MergeOperator;

/// Applies patches to a document: what is `null` in a patch is taken away, objects are patched
/// member by member, and everything else is replaced.
pub(super) struct JsonMergePatch;

fn parse(text: &[u8]) -> Result<Value> {
    serde_json::from_slice(text)
        .map_err(|error| refuse(format!("`json_merge_patch` takes a JSON text: {error}")))
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, value).map_err(|error| refuse(format!("no JSON text: {error}")))
}

fn apply(document: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut members = match document {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for (name, change) in patch {
        let old = members.remove(&name).unwrap_or(Value::Null);
        if !change.is_null() {
            members.insert(name, apply(old, change));
        }
    }
    Value::Object(members)
}

/// One patch that does what both do; `None` where what `newer` changes depends on what `older` has
/// put in place of something else.
fn join(older: Value, newer: Value) -> Option<Value> {
    let Value::Object(newer) = newer else { return Some(newer) };
    let Value::Object(mut members) = older else { return None };
    for (name, change) in newer {
        let joined = match members.remove(&name) {
            Some(first) => join(first, change)?,
            None => change,
        };
        members.insert(name, joined);
    }
    Some(Value::Object(members))
}

impl MergeOperator for JsonMergePatch {
    fn name(&self) -> &str {
        "json_merge_patch"
    }

    fn merge(
        &self,
        _key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut document = base.map_or(Ok(Value::Null), parse)?;
        for patch in operands {
            document = apply(document, parse(patch)?);
        }
        write(&document, out)
    }

    fn partial(&self, _key: &[u8], older: &[u8], newer: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        match join(parse(older)?, parse(newer)?) {
            Some(patch) => write(&patch, out).map(|()| true),
            None => Ok(false),
        }
    }

    fn check(&self, operand: &[u8]) -> Result<()> {
        parse(operand).map(drop)
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        parse(value).map(drop)
    }
}
