//! The strategist of a keyspace: who is asked what is to be merged, and how far he is trusted.
//!
//! A strategy of the program's own may do anything: panic, plan what cannot be done, never come to
//! rest. Its plans are adopted (see `adopt`) and checked; the first time that it fails it is
//! dismissed, and until the next opening the keyspace is merged as if it were `leveled:10`.

use std::fmt;
use std::sync::Arc;

use crate::base::contain::contained;
use crate::base::sync::{AtomicBool, Mutex, Ordering};
use crate::compaction::adopt::adopt;
use crate::compaction::busy::Busy;
use crate::compaction::context::Context;
use crate::compaction::leveled::Leveled;
use crate::compaction::manual::{Answer, Request};
use crate::compaction::plan::Plan;
use crate::compaction::rest::Rest;
use crate::compaction::strategy::{Debt, Strategy};
use crate::version::tree::Tree;

/// How a keyspace is merged whose strategy was dismissed.
const FALLBACK_RATIO: u32 = 10;

/// Who decides for one keyspace.
pub struct Strategist {
    /// Asked as long as it is trusted.
    strategy: Arc<dyn Strategy>,
    /// What is known of one of the program's own.
    own: Option<Own>,
}

struct Own {
    name: String,
    is_dismissed: AtomicBool,
    rest: Mutex<Rest>,
    /// Why it was dismissed, until somebody has been told.
    untold: Mutex<Option<String>>,
}

/// Why a strategy is dismissed.
type Fault = String;

impl Strategist {
    /// One of the engine's strategies.
    #[must_use]
    pub fn trusted(strategy: Arc<dyn Strategy>) -> Self {
        Self { strategy, own: None }
    }

    /// The one of a keyspace whose own strategy was dismissed, or in which nothing is merged.
    #[must_use]
    pub fn fallback() -> Self {
        Self::trusted(Arc::new(Leveled::new(FALLBACK_RATIO)))
    }

    /// A strategy of the program's own.
    #[must_use]
    pub fn own(name: &str, strategy: Arc<dyn Strategy>) -> Self {
        let own = Own {
            name: name.to_owned(),
            is_dismissed: AtomicBool::new(false),
            rest: Mutex::new(Rest::default()),
            untold: Mutex::new(None),
        };
        Self { strategy, own: Some(own) }
    }

    /// The most urgent plan that can be done now: it has passed the checks. The caller holds no
    /// lock.
    #[must_use]
    pub fn pick(&self, tree: &Tree, busy: &Busy, context: &Context) -> Option<Plan> {
        self.ask(|strategy| {
            let plan = strategy.pick(tree, busy, context);
            let plan = plan.map(|plan| self.checked(plan, tree, context)).transpose()?;
            Ok(plan.filter(|plan| busy.allows(plan)))
        })
        .flatten()
    }

    /// The next step of what somebody asked for; a plan has passed the checks. The caller holds no
    /// lock.
    #[must_use]
    pub fn compact(
        &self,
        tree: &Tree,
        busy: &Busy,
        context: &Context,
        request: &Request,
    ) -> Answer {
        let answer = self.ask(|strategy| match strategy.compact(tree, busy, context, request) {
            Answer::Work(plan) => {
                let plan = self.checked(plan, tree, context)?;
                Ok(if busy.allows(&plan) { Answer::Work(plan) } else { Answer::Wait })
            }
            Answer::Wait if busy.is_idle() => Err("it waits, and nothing runs".to_owned()),
            answer => Ok(answer),
        });
        // A plan of the engine's own that breaks the tree is none.
        answer.unwrap_or(Answer::Done)
    }

    /// How far the tree is from being in order.
    #[must_use]
    pub fn debt(&self, tree: &Tree, context: &Context) -> Debt {
        self.ask(|strategy| Ok(strategy.debt(tree, context))).unwrap_or_default()
    }

    /// Takes in what a plan has left behind.
    pub fn note_done(&self, tree: &Tree) {
        if let Some(own) = &self.own {
            if own.rest.lock().note(tree) {
                own.dismiss("it plans the same again and again".to_owned());
            }
        }
    }

    /// Takes in that there may be something new to work on.
    pub fn note_news(&self) {
        if let Some(own) = &self.own {
            own.rest.lock().begin_again();
        }
    }

    /// The name of a strategy that was dismissed, and why; once.
    #[must_use]
    pub fn take_fault(&self) -> Option<(&str, String)> {
        let own = self.own.as_ref().filter(|own| own.is_dismissed.load(Ordering::Acquire))?;
        own.untold.lock().take().map(|why| (own.name.as_str(), why))
    }

    /// The answer of whoever is trusted: if a strategy of the program's own fails, that of the
    /// default one. `None` if that is refused too.
    fn ask<T>(&self, question: impl Fn(&dyn Strategy) -> Result<T, Fault>) -> Option<T> {
        let Some(own) = &self.own else { return question(self.strategy.as_ref()).ok() };
        if !own.is_dismissed.load(Ordering::Acquire) {
            match contained(|| question(self.strategy.as_ref())) {
                Some(Ok(answer)) => return Some(answer),
                Some(Err(fault)) => own.dismiss(fault),
                None => own.dismiss("it panicked".to_owned()),
            }
        }
        question(&Leveled::new(FALLBACK_RATIO)).ok()
    }

    fn checked(&self, plan: Plan, tree: &Tree, context: &Context) -> Result<Plan, Fault> {
        let plan = match &self.own {
            Some(_) => adopt(&plan, tree, context).ok_or("a plan takes what is not there")?,
            None => plan,
        };
        plan.breaks_nothing(tree, context)?;
        Ok(plan)
    }
}

impl Own {
    fn dismiss(&self, fault: Fault) {
        // The first one counts: what it had begun meanwhile may fail after it.
        if !self.is_dismissed.swap(true, Ordering::AcqRel) {
            *self.untold.lock() = Some(fault);
        }
    }
}

impl fmt::Debug for Strategist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.own {
            Some(own) => f.debug_tuple("Own").field(&own.name).finish(),
            None => f.debug_tuple("Trusted").field(&self.strategy).finish(),
        }
    }
}
