//! Several keys looked up together. Each step is taken for all of them before the next one is: so
//! the processor waits for the memory of many at once, where one key after the other would wait for
//! each line alone.
//!
//! A key needs in turn a line of a filter, some of an index, a place, and four or so of a block.
//! Each step asks memory for those of all keys before any of them is waited for. Where something
//! has to be loaded, the key goes the usual way, and a block that several keys need is loaded once.

use std::hint::black_box;

use crate::base::error::Result;
use crate::cache::frame::Glimpse;
use crate::cache::pool::Cache;
use crate::cache::purpose::Use;
use crate::cache::slots::Turn;
use crate::key::full::keyspace_of;
use crate::key::seqno::SeqNo;
use crate::key::trailer::ceiling;
use crate::memtable::handle::Memtable;
use crate::read::access::Usual;
use crate::read::get::{Answer, Found, Question, cover_in, in_memtable, judge};
use crate::read::merge::resolve;
use crate::read::view::View;
use crate::stats::looked::Looked;
use crate::table::page::{self, Page, Peek};
use crate::table::reader::Table;
use crate::version::tree::Run;

/// So many keys are looked up together, at most: about as many lines as a core waits for at once.
pub const GROUP: usize = 16;

/// Looks up groups of keys of one keyspace in one view.
#[derive(Debug)]
pub struct Many<'v> {
    view: &'v View,
    cache: &'v Cache,
    asks: Vec<Ask<'v>>,
    loaded: Vec<Loaded<'v>>,
}

/// A group of questions, and what is known of the answers.
#[derive(Debug)]
struct Group<'g, T> {
    questions: &'g [Question<'g>],
    values: &'g mut [Option<T>],
    /// Those that nothing has answered yet, a bit each.
    open: u32,
    /// Those that are answered by merge operands.
    merged: u32,
}

/// A key on its way through a table.
#[derive(Debug)]
struct Ask<'v> {
    /// Its number in the group.
    of: usize,
    table: &'v Table,
    /// The newest range tombstone over it there.
    cover: SeqNo,
    /// The partition, and the block in it once that is known.
    at: (usize, usize),
    state: State,
}

/// How far an ask has come.
#[derive(Debug)]
enum State {
    Going,
    /// Something that it needs is not resident.
    Stuck,
    Done(Option<page::Found>),
}

/// A block that was loaded for a key, and that others of its group may need.
#[derive(Debug)]
struct Loaded<'v> {
    table: &'v Table,
    at: (usize, usize),
    page: Page,
}

impl<'v> Many<'v> {
    /// Looks at this view, whose tables use this cache.
    #[must_use]
    pub fn new(view: &'v View, cache: &'v Cache) -> Self {
        Self { view, cache, asks: Vec::with_capacity(GROUP), loaded: Vec::new() }
    }

    /// Looks up to `GROUP` keys up, and puts what `take` makes of each value into the place of the
    /// same number. What is looked at is added to `looked`.
    pub fn get<T>(
        &mut self,
        questions: &[Question<'_>],
        values: &mut [Option<T>],
        looked: &mut Looked,
        mut take: impl FnMut(Found<'_>) -> T,
    ) -> Result<()> {
        let questions = questions.get(..GROUP).unwrap_or(questions);
        let Some(first) = questions.first() else { return Ok(()) };
        let open = u32::MAX >> (u32::BITS as usize - questions.len());
        let mut group = Group { questions, values, open, merged: 0 };
        for memtable in self.view.memtables() {
            group.look_in(memtable, looked, &mut take)?;
        }
        let tree = self.view.version.tree(keyspace_of(first.key));
        for run in tree.iter().flat_map(|tree| &tree.runs) {
            if group.open != 0 {
                self.look_in(run, &mut group, looked, &mut take)?;
            }
        }
        if group.merged != 0 { self.merge(&mut group, looked, &mut take) } else { Ok(()) }
    }

    /// Looks up, one by one, the keys whose newest entry is a merge operand.
    #[cold]
    fn merge<T>(
        &self,
        group: &mut Group<'_, T>,
        looked: &mut Looked,
        take: &mut impl FnMut(Found<'_>) -> T,
    ) -> Result<()> {
        let merged = group.merged;
        let keys = group.questions.iter().zip(group.values.iter_mut()).enumerate();
        for (_, (question, value)) in keys.filter(|(of, _)| merged >> of & 1 == 1) {
            *value = resolve((Usual, self.view), question, looked, take)?;
        }
        Ok(())
    }

    fn look_in<T>(
        &mut self,
        run: &'v Run,
        group: &mut Group<'_, T>,
        looked: &mut Looked,
        take: &mut impl FnMut(Found<'_>) -> T,
    ) -> Result<()> {
        self.loaded.clear();
        let mut asks = std::mem::take(&mut self.asks);
        asks.clear();
        for (of, question) in group.open() {
            let Some(slice) = run.slice_for(question.key) else { continue };
            looked.tables = looked.tables.wrapping_add(1);
            let table = slice.file.table()?;
            let cover = cover_in(table, question, Use::Point, looked)?;
            let partition = table.partition_of(question.key, ceiling(question.seqno));
            let (at, state) = match partition {
                Some(partition) => ((partition, 0), State::Going),
                None => ((0, 0), State::Done(None)),
            };
            asks.push(Ask { of, table, cover, at, state });
        }
        // Without a turn all of them go the usual way.
        let _is_without = self.cache.turn(|turn| pass(turn, &mut asks, group.questions, looked));
        for ask in asks.drain(..) {
            let Some(question) = group.questions.get(ask.of) else { continue };
            let found = match ask.state {
                State::Done(found) => found,
                State::Going | State::Stuck => {
                    self.load((ask.table, ask.at.0), question, looked)?
                }
            };
            group.settle(ask.of, judge(found, ask.cover, question, looked, take)?);
        }
        self.asks = asks;
        Ok(())
    }

    /// The way of a key that needs what is not resident.
    #[cold]
    fn load(
        &mut self,
        (table, partition): (&'v Table, usize),
        question: &Question<'_>,
        looked: &mut Looked,
    ) -> Result<Option<page::Found>> {
        let (key, hash, ceiling) = (question.key, question.hash, ceiling(question.seqno));
        let Some(place) = table.locate(partition, (key, hash, ceiling), Use::Point, looked)? else {
            return Ok(None);
        };
        let at = place.at();
        let is_it = |it: &&Loaded<'_>| std::ptr::eq(it.table, table) && it.at == at;
        if let Some(loaded) = self.loaded.iter().find(is_it) {
            return Ok(loaded.page.find(key, hash, ceiling));
        }
        let page = table.fetch(&place, Use::Point)?;
        let found = page.find(key, hash, ceiling);
        self.loaded.push(Loaded { table, at, page });
        Ok(found)
    }
}

impl<'g, T> Group<'g, T> {
    /// The questions that are open, with their numbers.
    fn open(&self) -> impl Iterator<Item = (usize, &'g Question<'g>)> + use<'g, T> {
        let open = self.open;
        self.questions.iter().enumerate().filter(move |(of, _)| open >> of & 1 == 1)
    }

    fn look_in(
        &mut self,
        memtable: &Memtable,
        looked: &mut Looked,
        take: &mut impl FnMut(Found<'_>) -> T,
    ) -> Result<()> {
        // All filters first: no branch depends on what one of them says.
        let hashes = self.questions.iter().map(|question| question.hash).enumerate();
        let maybe =
            hashes.fold(0, |maybe, (of, hash)| maybe | u32::from(memtable.may_contain(hash)) << of);
        let maybe = if memtable.has_tombstones() { u32::MAX } else { maybe };
        for (of, question) in self.open().filter(|(of, _)| maybe >> of & 1 == 1) {
            self.settle(of, in_memtable(memtable, question, looked, take)?);
        }
        Ok(())
    }

    fn settle(&mut self, of: usize, answer: Answer<T>) {
        if let Answer::Unknown = answer {
            return;
        }
        self.open &= !(1 << of);
        if let Answer::Operands = answer {
            self.merged |= 1 << of;
        }
        if let (Answer::Value(value), Some(place)) = (answer, self.values.get_mut(of)) {
            *place = Some(value);
        }
    }
}

/// Brings asks as far as they come with what is resident.
fn pass(turn: &Turn<'_>, asks: &mut [Ask<'_>], questions: &[Question<'_>], looked: &mut Looked) {
    ask_filters(turn, asks, questions, looked);
    for (ask, question) in going(asks, questions) {
        let ceiling = ceiling(question.seqno);
        match ask.table.block_of(turn, ask.at.0, question.key, ceiling) {
            Some(block) => ask.at.1 = block,
            None => ask.state = State::Stuck,
        }
    }
    let mut peeks = [const { None }; GROUP];
    peek(turn, asks, &mut peeks);
    foresee(asks, questions, &peeks);
    for (ask, question) in going(asks, questions) {
        let Some(peek) = peeks.get(ask.of).and_then(Option::as_ref) else {
            ask.state = State::Stuck;
            continue;
        };
        turn.count(ask.table.hits(ask.at.0));
        looked.blocks = looked.blocks.wrapping_add(1);
        let found = peek.find(question.key, question.hash, ceiling(question.seqno));
        ask.state = State::Done(found);
    }
}

/// The asks that are still on their way, with their questions.
fn going<'a, 'v, 'q>(
    asks: &'a mut [Ask<'v>],
    questions: &'a [Question<'q>],
) -> impl Iterator<Item = (&'a mut Ask<'v>, &'a Question<'q>)> {
    let asks = asks.iter_mut().filter(|ask| matches!(ask.state, State::Going));
    asks.filter_map(|ask| questions.get(ask.of).map(|question| (ask, question)))
}

fn ask_filters(
    turn: &Turn<'_>,
    asks: &mut [Ask<'_>],
    questions: &[Question<'_>],
    looked: &mut Looked,
) {
    let [mut no, mut stuck] = [0u32; 2];
    for (ask, question) in going(asks, questions) {
        let answer = ask.table.may_contain(turn, ask.at.0, question.hash);
        no |= u32::from(answer == Some(false)) << ask.of;
        stuck |= u32::from(answer.is_none()) << ask.of;
    }
    turn.count(u64::from(no.count_ones()));
    looked.filtered = looked.filtered.wrapping_add(no.count_ones());
    for (ask, _) in going(asks, questions).filter(|(ask, _)| (no | stuck) >> ask.of & 1 == 1) {
        let is_no = no >> ask.of & 1 == 1;
        ask.state = if is_no { State::Done(None) } else { State::Stuck };
    }
}

/// Looks at the heads of all blocks, by the numbers of the keys that need them.
fn peek<'t>(turn: &'t Turn<'_>, asks: &[Ask<'t>], peeks: &mut [Option<Peek<'t>>; GROUP]) {
    let mut glimpses: [Option<Glimpse<'t>>; GROUP] = [None; GROUP];
    let asks = asks.iter().filter(|ask| matches!(ask.state, State::Going));
    for ask in asks {
        if let Some(place) = glimpses.get_mut(ask.of) {
            *place = ask.table.glimpse(turn, ask.at);
        }
    }
    // Their places before their heads, and all heads before any is read.
    let heads = glimpses.iter().flatten().map(|glimpse| first_lines(glimpse.bytes()));
    black_box(heads.fold(0, |sum, line| sum ^ line));
    for (peek, glimpse) in peeks.iter_mut().zip(glimpses) {
        *peek = glimpse.and_then(Peek::new);
    }
}

/// Something of the first two lines of a block: its header and its tags.
fn first_lines(block: &[u8]) -> u8 {
    let byte = |at: usize| block.get(at).copied().unwrap_or(0);
    byte(0) ^ byte(64)
}

/// Has the lines come in which the answers most likely lie.
fn foresee(asks: &mut [Ask<'_>], questions: &[Question<'_>], peeks: &[Option<Peek<'_>>; GROUP]) {
    let lines = going(asks, questions).filter_map(|(ask, question)| {
        let peek = peeks.get(ask.of)?.as_ref()?;
        Some(peek.view().foresee((question.hash >> 56) as u8))
    });
    black_box(lines.fold(0, |sum, line| sum ^ line));
}

#[cfg(test)]
mod tests;
