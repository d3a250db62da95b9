//! The workloads by their names.

use std::time::Duration;

use crate::flags::Flags;
use crate::meter::Goal;
use crate::store::Result;
use crate::workload::hand::Hand;
use crate::workload::{queue, reads, walks, writes, ycsb};

/// What one thread does.
pub type Work = fn(&mut Hand<'_>) -> Result<()>;

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What it needs.
    pub start: Start,
    /// What is done.
    pub job: Job,
}

/// What a workload begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A new store, with values of this length if it is not for the flags to say.
    Fresh(Option<usize>),
    /// A store with something in it.
    Filled,
    /// Whatever there is.
    Any,
}

/// What is done, and by whom.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    /// By threads.
    Crew(Crew),
    /// A full compaction.
    Compact,
    /// Waiting until the background has nothing left to do.
    Settle,
    /// Closing and opening.
    Open,
    /// Opening what a process left behind that was killed.
    OpenAfterKill,
    /// What the store tells about itself.
    Stats,
}

/// What threads do.
#[derive(Clone, Copy, Debug)]
pub struct Crew {
    /// Each of them.
    pub work: Work,
    /// How much.
    pub count: Count,
    /// It writes, too.
    pub is_writing: bool,
    /// Each write reaches the disk before the next one, whatever the flags say.
    pub is_synced: bool,
    /// Operations are so short that they are not timed one by one.
    pub is_untimed: bool,
    /// One more thread writes meanwhile.
    pub has_writer: bool,
}

/// How many operations a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// As many as there are keys to fill in, divided by this.
    Keys(u64),
    /// As many as writes are asked for.
    Writes,
    /// As many as reads are asked for.
    Reads,
}

impl Crew {
    /// How many operations a thread does if no time is set.
    #[must_use]
    pub fn operations(&self, flags: &Flags) -> u64 {
        match self.count {
            Count::Keys(divisor) => (flags.num / divisor).max(1),
            Count::Writes => flags.num,
            Count::Reads => flags.reads(),
        }
    }

    /// What each thread is to do.
    #[must_use]
    pub fn goal(&self, flags: &Flags) -> Goal {
        let duration = (flags.duration > 0.0).then(|| Duration::from_secs_f64(flags.duration));
        let is_endless = duration.is_some() && !matches!(self.count, Count::Keys(_));
        let interval = flags.threads as f64 / flags.rate;
        Goal {
            operations: if is_endless { u64::MAX } else { self.operations(flags) },
            duration,
            interval: (flags.rate > 0.0).then(|| Duration::from_secs_f64(interval)),
            has_latencies: flags.histogram && !self.is_untimed,
        }
    }
}

/// The workload of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

const fn crew(work: Work, count: Count) -> Crew {
    let is_writing = !matches!(count, Count::Reads);
    let (is_synced, is_untimed, has_writer) = (false, false, false);
    Crew { work, count, is_writing, is_synced, is_untimed, has_writer }
}

const fn fill(name: &'static str, about: &'static str, work: Work) -> Workload {
    let job = Job::Crew(crew(work, Count::Keys(1)));
    Workload { name, about, start: Start::Fresh(None), job }
}

const fn write(name: &'static str, about: &'static str, work: Work) -> Workload {
    let job = Job::Crew(crew(work, Count::Writes));
    Workload { name, about, start: Start::Filled, job }
}

const fn read(name: &'static str, about: &'static str, work: Work) -> Workload {
    let job = Job::Crew(crew(work, Count::Reads));
    Workload { name, about, start: Start::Filled, job }
}

const fn walk(name: &'static str, about: &'static str, work: Work) -> Workload {
    let job = Job::Crew(Crew { is_untimed: true, ..crew(work, Count::Reads) });
    Workload { name, about, start: Start::Filled, job }
}

const fn mixed(name: &'static str, about: &'static str, work: Work) -> Workload {
    let job = Job::Crew(Crew { is_writing: true, ..crew(work, Count::Reads) });
    Workload { name, about, start: Start::Filled, job }
}

const fn whole(name: &'static str, about: &'static str, start: Start, job: Job) -> Workload {
    Workload { name, about, start, job }
}

/// Every workload, in the order in which they are explained.
pub const ALL: &[Workload] = &[
    fill("fillseq", "writes --num keys in their order", writes::fill_in_order),
    fill("fillrandom", "writes --num keys, each once, in random order", writes::fill_at_random),
    fill("ycsbload", "the same, as the loading phase of YCSB", writes::fill_at_random),
    fill("fillbatch", "the same in batches of --batch_size", writes::fill_in_batches),
    Workload {
        name: "fillsync",
        about: "writes a thousandth of --num keys in random order, each write synced",
        start: Start::Fresh(None),
        job: Job::Crew(Crew { is_synced: true, ..crew(writes::fill_at_random, Count::Keys(1000)) }),
    },
    Workload {
        name: "fill100K",
        about: "writes a thousandth of --num values of 100,000 bytes in random order",
        start: Start::Fresh(Some(100_000)),
        job: Job::Crew(crew(writes::fill_at_random, Count::Keys(1000))),
    },
    write("overwrite", "writes --num times a random key that is there", writes::overwrite),
    write("deleteseq", "deletes --num keys in their order", writes::delete_in_order),
    write("deleterandom", "deletes --num times a random key", writes::delete_at_random),
    Workload {
        name: "queue",
        about: "--num times: puts at the tail, finds the first key and deletes it",
        start: Start::Fresh(None),
        job: Job::Crew(crew(queue::queue, Count::Writes)),
    },
    read("readrandom", "looks up --reads random keys", reads::read_at_random),
    read("readmissing", "looks up --reads keys that were never put", reads::read_missing),
    read("multireadrandom", "the same as readrandom, --batch_size at once", reads::read_batches),
    walk("readseq", "reads --reads pairs in their order", walks::read_in_order),
    walk("readreverse", "the same, backwards", walks::read_in_reverse),
    read("seekrandom", "seeks a random key, reads --seek_nexts pairs", walks::seek_at_random),
    read("seekrandomnew", "the same with a new cursor each time", walks::seek_anew),
    Workload {
        name: "readwhilewriting",
        about: "readrandom beside one writer, at --benchmark_write_rate_limit",
        start: Start::Filled,
        job: Job::Crew(Crew {
            is_writing: true,
            has_writer: true,
            ..crew(reads::read_at_random, Count::Reads)
        }),
    },
    mixed("ycsba", "half reads, half updates of popular keys", ycsb::a),
    mixed("ycsbb", "95 % reads, 5 % updates of popular keys", ycsb::b),
    read("ycsbc", "reads of popular keys", ycsb::c),
    mixed("ycsbd", "95 % reads of the latest keys, 5 % inserts", ycsb::d),
    mixed("ycsbe", "95 % scans of 1 to 100 pairs, 5 % inserts", ycsb::e),
    mixed("ycsbf", "half reads, half reads with a write of the same key", ycsb::f),
    whole("compact", "rewrites everything; an operation is a pair", Start::Filled, Job::Compact),
    whole(
        "waitforcompaction",
        "waits until the background has nothing left to do",
        Start::Any,
        Job::Settle,
    ),
    whole("open", "closes, opens, reads a key: five times", Start::Any, Job::Open),
    whole(
        "openafterkill",
        "opens what a process left that wrote --log_mb and was killed, reads a key",
        Start::Any,
        Job::OpenAfterKill,
    ),
    whole("stats", "prints what the store tells about itself", Start::Any, Job::Stats),
];
