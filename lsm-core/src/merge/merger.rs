//! The merge operator of one keyspace: asked with care, or known to be missing.

use std::fmt;
use std::sync::Arc;

use crate::base::contain::contained;
use crate::base::error::{Error, ErrorKind, Result};
use crate::key::order::Order;
use crate::merge::operator::MergeOperator;

/// The longest value.
const VALUE_BYTES_MAX: usize = 1 << 30;

/// The operator that a keyspace has by its options.
pub struct Merger {
    name: String,
    /// None if nobody has registered it.
    operator: Option<Arc<dyn MergeOperator>>,
    /// How the keys are stored that it is asked about.
    order: Order,
    /// It need not be there to have its keyspace opened.
    is_excused: bool,
}

impl Merger {
    /// The operator of this name.
    #[must_use]
    pub fn new(name: &str, operator: Option<Arc<dyn MergeOperator>>) -> Self {
        Self { name: name.to_owned(), operator, order: Order::Bytewise, is_excused: false }
    }

    /// The same in a keyspace whose keys are stored in another form.
    #[must_use]
    pub fn ordered(self, order: &Order) -> Self {
        Self { order: order.clone(), ..self }
    }

    /// The same, which may be missing as long as nobody asks it.
    #[must_use]
    pub fn excused(self) -> Self {
        Self { is_excused: true, ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Refuses an operator that is not there.
    pub fn check_there(&self) -> Result<()> {
        if self.is_excused { Ok(()) } else { self.operator().map(drop) }
    }

    fn operator(&self) -> Result<&dyn MergeOperator> {
        self.operator.as_deref().ok_or_else(|| missing(&self.name))
    }

    /// Refuses an operand that makes no sense.
    pub fn check(&self, operand: &[u8]) -> Result<()> {
        let operator = self.operator()?;
        self.ask("an operand", || operator.check(operand))
    }

    /// Refuses a value that no operand can be applied to.
    pub fn check_value(&self, value: &[u8]) -> Result<()> {
        let operator = self.operator()?;
        self.ask("a value", || operator.check_value(value))
    }

    /// The value that becomes of `base` with operands applied to it, the oldest first.
    pub fn merge(
        &self,
        key: &[u8],
        base: Option<&[u8]>,
        operands: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        out.clear();
        let operator = self.operator()?;
        let key = &self.order.shown(key);
        self.ask("the operands of a key", || operator.merge(key, base, operands, out))?;
        if out.len() > VALUE_BYTES_MAX {
            let message = format!(
                "what `{}` makes of the operands of a key has more than 1 GiB: they are kept, and \
                 can be read once the key is put anew",
                self.name
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        Ok(())
    }

    /// One operand in place of two; false if there is none, or if the operator fails.
    #[must_use]
    pub fn partial(&self, key: &[u8], older: &[u8], newer: &[u8], out: &mut Vec<u8>) -> bool {
        out.clear();
        let Some(operator) = &self.operator else { return false };
        let key = &self.order.shown(key);
        let answer = contained(|| operator.partial(key, older, newer, out));
        matches!(answer, Some(Ok(true))) && out.len() <= VALUE_BYTES_MAX
    }

    /// What the operator answers about something. Its errors keep their kind.
    fn ask(&self, what: &str, question: impl FnOnce() -> Result<()>) -> Result<()> {
        match contained(question) {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                let message = format!("the merge operator `{}` refuses {what}", self.name);
                Err(error.as_cause_of(error.kind(), &message))
            }
            None => {
                let message = format!("the merge operator `{}` panicked at {what}", self.name);
                Err(Error::new(ErrorKind::Aborted, message))
            }
        }
    }
}

/// The error of a keyspace whose operator nobody has registered.
#[must_use]
pub fn missing(name: &str) -> Error {
    let message = match name {
        "json_merge_patch" => {
            "the merge operator `json_merge_patch` needs a build with the feature `json`".to_owned()
        }
        _ => format!(
            "the merge operator `{name}` is not registered: it is given to the builder at each \
             opening"
        ),
    };
    let is_ours = name == "json_merge_patch";
    let kind = if is_ours { ErrorKind::Unsupported } else { ErrorKind::InvalidArgument };
    Error::new(kind, message)
}

impl fmt::Debug for Merger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merger")
            .field("name", &self.name)
            .field("is_there", &self.operator.is_some())
            .finish()
    }
}
