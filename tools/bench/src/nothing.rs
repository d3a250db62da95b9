//! A store that stores nothing: what the harness itself costs.
//!
//! It answers from what the harness knows, so that its answers are right and are checked as those
//! of any store. What is measured with it stands in every other figure too, and a little less,
//! because it has to make the values that it answers.

use std::path::Path;
use std::sync::Arc;

use crate::generator::{Shape, number_of};
use crate::store::{Cursor, Each, Engine, Result, Session, Setup, Store, Walk};
use crate::truth::Truth;

/// What it is called.
pub const NAME: &str = "nothing";

/// The engine.
#[derive(Debug)]
pub struct Nothing(pub Arc<Truth>);

impl Engine for Nothing {
    fn name(&self) -> &str {
        NAME
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    fn configuration(&self, _: &Setup) -> Vec<(String, String)> {
        Vec::new()
    }

    fn open(&self, _: &Path, _: &Setup) -> Result<Box<dyn Store>> {
        Ok(Box::new(NoStore(self.0.clone())))
    }
}

struct NoStore(Arc<Truth>);

impl Store for NoStore {
    fn session(&self) -> Result<Box<dyn Session + '_>> {
        let (truth, shape) = (self.0.as_ref(), self.0.shape());
        Ok(Box::new(NoSession { truth, shape, key: Vec::new(), value: Vec::new() }))
    }

    fn settle(&self) -> Result<()> {
        Ok(())
    }

    fn compact(&self) -> Result<()> {
        Ok(())
    }
}

struct NoSession<'a> {
    truth: &'a Truth,
    shape: Shape,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl NoSession<'_> {
    fn number_there(&self, key: &[u8]) -> Option<u64> {
        number_of(key).filter(|number| self.truth.has(*number))
    }
}

impl Session for NoSession<'_> {
    fn put(&mut self, _: &[u8], _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn delete(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn put_all(&mut self, _: &[(&[u8], &[u8])]) -> Result<()> {
        Ok(())
    }

    fn get(&mut self, key: &[u8], value: &mut Vec<u8>) -> Result<bool> {
        let number = self.number_there(key);
        number.into_iter().for_each(|number| self.shape.value(number, value));
        Ok(number.is_some())
    }

    fn get_all(&mut self, keys: &[&[u8]], each: &mut dyn FnMut(usize, &[u8])) -> Result<()> {
        for (at, key) in keys.iter().enumerate() {
            let Some(number) = self.number_there(key) else { continue };
            self.shape.value(number, &mut self.value);
            each(at, &self.value);
        }
        Ok(())
    }

    fn cursor(&mut self) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(NoCursor(self)))
    }
}

struct NoCursor<'a, 'b>(&'a mut NoSession<'b>);

impl Cursor for NoCursor<'_, '_> {
    fn walk(&mut self, walk: Walk<'_>, each: Each<'_>) -> Result<()> {
        let NoSession { truth, shape, key, value } = &mut *self.0;
        let (mut next, is_forward) = match walk {
            Walk::FromFirst => (truth.at_or_after(0), true),
            Walk::FromLast => (truth.at_or_before(u64::MAX), false),
            Walk::From(key) => (number_of(key).and_then(|from| truth.at_or_after(from)), true),
            Walk::DownFrom(key) => {
                (number_of(key).and_then(|from| truth.at_or_before(from)), false)
            }
        };
        while let Some(number) = next {
            shape.key(number, key);
            shape.value(number, value);
            if !each(key, value) {
                return Ok(());
            }
            next = match is_forward {
                true => truth.at_or_after(number + 1),
                false => number.checked_sub(1).and_then(|below| truth.at_or_before(below)),
            };
        }
        Ok(())
    }
}
