//! The reference: what was asked, what was answered, and what may be found after a crash.
//!
//! It shares no code with the engine. Times are numbers of disk operations, so that a promise can
//! be held against a crash right after any of them.

use lsm_core::base::error::Error;

/// What a database holds after an opening.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recovered {
    /// First sequence number, entries, payload.
    pub batches: Vec<(u64, u32, Vec<u8>)>,
    pub keyspaces: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct History {
    batches: Vec<BatchEvent>,
    keyspaces: Vec<KeyspaceEvent>,
    retirements: Vec<Retirement>,
    /// At this time, that many batches were durable.
    durable: Vec<(u64, usize)>,
    failures: Vec<String>,
}

#[derive(Clone, Debug)]
struct BatchEvent {
    issued: u64,
    count: u32,
    payload: Vec<u8>,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// No answer yet.
    Open,
    /// Acknowledged at this time, under this sequence number.
    Acknowledged { at: u64, first: u64 },
    /// Failed, and may be there all the same.
    Doubtful,
    /// Failed, and must not be there.
    Refused,
}

#[derive(Clone, Debug)]
struct KeyspaceEvent {
    name: String,
    issued: u64,
    acknowledged: Option<u64>,
    /// Batches that were appended before it: none of them may be missing where it is there.
    behind: usize,
}

#[derive(Clone, Debug)]
struct Retirement {
    issued: u64,
    acknowledged: Option<u64>,
    start: usize,
}

impl History {
    pub fn batch_count(&self) -> usize {
        self.batches.len()
    }

    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    pub fn issue_batch(&mut self, issued: u64, count: u32, payload: Vec<u8>) -> usize {
        self.batches.push(BatchEvent { issued, count, payload, fate: Fate::Open });
        self.batches.len() - 1
    }

    pub fn acknowledge_batch(&mut self, index: usize, at: u64, first: u64) {
        self.batches[index].fate = Fate::Acknowledged { at, first };
    }

    pub fn refuse_batch(&mut self, index: usize, error: &Error) {
        self.batches[index].fate =
            if error.maybe_committed() { Fate::Doubtful } else { Fate::Refused };
    }

    pub fn issue_keyspace(&mut self, issued: u64, name: &str) -> usize {
        let behind = self.batches.len();
        let name = name.to_owned();
        self.keyspaces.push(KeyspaceEvent { name, issued, acknowledged: None, behind });
        self.keyspaces.len() - 1
    }

    pub fn acknowledge_keyspace(&mut self, index: usize, at: u64) {
        self.keyspaces[index].acknowledged = Some(at);
    }

    pub fn issue_retirement(&mut self, issued: u64, start: usize) -> usize {
        self.retirements.push(Retirement { issued, acknowledged: None, start });
        self.retirements.len() - 1
    }

    pub fn acknowledge_retirement(&mut self, index: usize, at: u64) {
        self.retirements[index].acknowledged = Some(at);
    }

    /// Everything appended so far is durable by now.
    pub fn note_durable(&mut self, at: u64) {
        self.durable.push((at, self.batches.len()));
    }

    pub fn note_failure(&mut self, error: &Error) {
        self.failures.push(format!("{error:?}"));
    }

    /// A later process has seen this: from now on it is the truth.
    pub fn note_recovered(&mut self, at: u64, recovered: &Recovered) {
        let starts = self.starts(at);
        let found = starts.iter().find_map(|&start| self.matched(start, recovered).ok());
        let Some((start, fates)) = found else { return };
        // What is not there now is lost for good: the check has said whether it might be.
        let end = start + fates.len();
        self.batches.iter_mut().skip(end).for_each(|event| event.fate = Fate::Refused);
        for (offset, first) in fates.into_iter().enumerate() {
            let event = &mut self.batches[start + offset];
            match (first, event.fate) {
                (Some(first), Fate::Open | Fate::Doubtful) => {
                    event.fate = Fate::Acknowledged { at, first };
                }
                (None, Fate::Open | Fate::Doubtful) => event.fate = Fate::Refused,
                _ => {}
            }
        }
        for event in &mut self.keyspaces {
            if recovered.keyspaces.contains(&event.name) {
                event.acknowledged.get_or_insert(at);
            }
        }
        self.keyspaces.retain(|event| event.acknowledged.is_some());
        for retirement in &mut self.retirements {
            if retirement.start <= start {
                retirement.acknowledged.get_or_insert(at);
            }
        }
        self.retirements.retain(|retirement| retirement.acknowledged.is_some());
        self.note_durable(at);
    }

    /// Forgets what happened after this time: the world ended there.
    pub fn rewind(&mut self, at: u64) {
        self.batches.retain(|event| event.issued < at);
        for event in &mut self.batches {
            if matches!(event.fate, Fate::Acknowledged { at: answered, .. } if answered > at) {
                event.fate = Fate::Open;
            }
        }
        self.keyspaces.retain(|event| event.issued < at);
        for event in &mut self.keyspaces {
            event.acknowledged = event.acknowledged.filter(|answered| *answered <= at);
        }
        self.retirements.retain(|event| event.issued < at);
        for event in &mut self.retirements {
            event.acknowledged = event.acknowledged.filter(|answered| *answered <= at);
        }
        self.durable.retain(|(when, _)| *when <= at);
    }

    /// Holds what was recovered after a crash right behind operation `at` against the promises.
    /// With `is_process_crash` only the process died, and every acknowledged batch must be there.
    pub fn check(
        &self,
        at: u64,
        is_process_crash: bool,
        recovered: &Recovered,
    ) -> Result<(), String> {
        let mut why = String::new();
        for start in self.starts(at) {
            let checked = self.matched(start, recovered).and_then(|(start, fates)| {
                self.check_prefix(at, is_process_crash, start, &fates)?;
                self.check_keyspaces(at, recovered, start + fates.len())
            });
            match checked {
                Ok(()) => return Ok(()),
                Err(reason) => why = reason,
            }
        }
        Err(why)
    }

    /// Holds what was recovered from a disk that lied about its syncs against what is left of the
    /// promises: batches without a hole, none that nobody wrote, and keyspaces in their order.
    pub fn check_unsynced(&self, recovered: &Recovered) -> Result<(), String> {
        let retired = self.retirements.iter().map(|retirement| retirement.start);
        let mut starts = retired.chain([0]);
        let mut why = "no place in the history fits".to_owned();
        let fits = starts.any(|start| match self.matched(start, recovered) {
            Ok(_) => true,
            Err(reason) => {
                why = reason;
                false
            }
        });
        let names = self.keyspaces.iter().map(|event| &event.name);
        let is_prefix = recovered.keyspaces.iter().eq(names.take(recovered.keyspaces.len()));
        match fits {
            true if is_prefix => Ok(()),
            true => Err(format!("keyspaces {:?} have a hole", recovered.keyspaces)),
            false => Err(why),
        }
    }

    /// Where a replay may begin: behind the last retirement that was acknowledged, or behind any
    /// that was issued since.
    fn starts(&self, at: u64) -> Vec<usize> {
        let mut starts = vec![0];
        for retirement in self.retirements.iter().filter(|retirement| retirement.issued < at) {
            match retirement.acknowledged {
                Some(acknowledged) if acknowledged <= at => starts = vec![retirement.start],
                _ => starts.push(retirement.start),
            }
        }
        starts
    }

    /// Matches the recovered batches, in order, with those that were issued from `start` on; only
    /// failed ones may be passed over. Answers the sequence number found for each.
    fn matched(
        &self,
        start: usize,
        recovered: &Recovered,
    ) -> Result<(usize, Vec<Option<u64>>), String> {
        let mut fates = Vec::new();
        let mut found = recovered.batches.iter().peekable();
        for event in &self.batches[start.min(self.batches.len())..] {
            let Some(&&(first, count, ref payload)) = found.peek() else { break };
            let is_same = count == event.count && *payload == event.payload;
            let is_number = match event.fate {
                Fate::Acknowledged { first: expected, .. } => first == expected,
                _ => true,
            };
            if is_same && is_number && event.fate != Fate::Refused {
                found.next();
                fates.push(Some(first));
            } else if matches!(event.fate, Fate::Doubtful | Fate::Refused) {
                fates.push(None);
            } else {
                return Err(format!("batch {} is not what was written", start + fates.len()));
            }
        }
        match found.next() {
            Some(_) => Err("a batch was recovered that nobody wrote".to_owned()),
            None => Ok((start, fates)),
        }
    }

    fn check_prefix(
        &self,
        at: u64,
        is_process_crash: bool,
        start: usize,
        fates: &[Option<u64>],
    ) -> Result<(), String> {
        let end = start + fates.len();
        let past = self.durable.iter().filter(|(when, _)| *when <= at);
        let durable = past.map(|(_, count)| *count).max().unwrap_or(0);
        for (index, event) in self.batches.iter().enumerate().skip(end) {
            let is_due = match event.fate {
                Fate::Acknowledged { at: answered, .. } => {
                    index < durable || (is_process_crash && answered <= at)
                }
                _ => false,
            };
            if is_due {
                return Err(format!("batch {index} was promised and is lost"));
            }
        }
        let late = self.batches[start..end].iter().find(|event| event.issued >= at.max(1));
        match late {
            Some(event) => Err(format!("a batch of {} is there too early", event.issued)),
            None => Ok(()),
        }
    }

    fn check_keyspaces(&self, at: u64, recovered: &Recovered, end: usize) -> Result<(), String> {
        let mut found = recovered.keyspaces.iter().peekable();
        for event in &self.keyspaces {
            let is_there = found.peek() == Some(&&event.name);
            if is_there {
                found.next();
                let missing = self
                    .batches
                    .get(end..event.behind)
                    .unwrap_or_default()
                    .iter()
                    .any(|batch| matches!(batch.fate, Fate::Acknowledged { .. } | Fate::Open));
                if missing {
                    return Err(format!("keyspace {} is there before its log", event.name));
                }
            } else if event.acknowledged.is_some_and(|acknowledged| acknowledged <= at) {
                return Err(format!("keyspace {} was promised and is lost", event.name));
            }
            if is_there && event.issued >= at {
                return Err(format!("keyspace {} is there too early", event.name));
            }
        }
        match found.next() {
            Some(name) => Err(format!("keyspace {name} was recovered that nobody made")),
            None => Ok(()),
        }
    }
}
