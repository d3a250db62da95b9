//! What a program plugs into a database when it opens it.

use crate::base::error::Result;
use crate::compaction::choose::strategist_of;
use crate::compaction::filters::Filters;
use crate::compaction::registry::Strategies;
use crate::compaction::strategist::Strategist;
use crate::extend::listener::Listeners;
use crate::key::order::{Order, Orders};
use crate::merge::registry::Operators;
use crate::options::comparator::Comparator;
use crate::options::keyspace::KeyspaceOptions;

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
    /// What compactions may be filtered by.
    pub filters: Filters,
}

impl Plugins {
    /// Refuses options for a keyspace that is about to be made, if they ask for what this build
    /// cannot do or for what was not plugged in. Answers who decides for it.
    pub fn admit(&self, options: &KeyspaceOptions) -> Result<Strategist> {
        options.check()?;
        options.check_built()?;
        let strategist = strategist_of(options.get_strategy(), &self.strategies)?;
        let order = self.order_of(options);
        self.orders.admit(&order)?;
        if let Some(merger) = self.operators.merger(options.get_merge_operator(), &order) {
            merger.check_there()?;
        }
        self.filters.check_there(options.get_compaction_filter())?;
        Ok(strategist)
    }

    /// The order that options choose, which may be missing.
    #[must_use]
    pub fn order_of(&self, options: &KeyspaceOptions) -> Order {
        match options.get_comparator() {
            Comparator::Bytewise => Order::Bytewise,
            Comparator::Reverse => Order::Reverse,
            Comparator::User { name } => self.orders.get(name),
        }
    }
}
