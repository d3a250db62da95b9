//! What a program plugs into a database when it opens it.

use crate::compaction::registry::Strategies;
use crate::extend::listener::Listeners;
use crate::key::order::Orders;
use crate::merge::registry::Operators;

/// All of it. None of it is stored: it is given anew with each opening.
#[derive(Clone, Debug, Default)]
pub struct Plugins {
    /// Who is told what happens.
    pub listeners: Listeners,
    /// Who may be chosen to decide what is merged.
    pub strategies: Strategies,
    /// What keys may be ordered by.
    pub orders: Orders,
    /// What `merge` may do.
    pub operators: Operators,
}
