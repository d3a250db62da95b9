//! An embeddable, ordered, durable key-value engine on a log-structured merge tree.
//!
//! The modules below are the architecture, bottom to top: a line, or a group between blank lines,
//! is a layer, and a module imports only from the layers above it in this list. `tests/tidy.rs`
//! reads the list and fails on anything else.

pub mod base;

pub mod env;

pub mod key;

pub mod extend;
pub mod merge;

pub mod options;
pub mod stats;

pub mod cursor;

pub mod filter;

pub mod cache;
pub mod record;

pub mod memtable;

pub mod blob;

pub mod table;

pub mod batch;

pub mod condition;

pub mod version;
pub mod wal;

pub mod journal;

pub mod survive;

pub mod fold;

pub mod read;

pub mod output;

pub mod compaction;
pub mod flush;

pub mod health;
pub mod pace;

pub mod engine;

pub mod api;

pub mod salvage;

pub use crate::api::batch::Batch;
pub use crate::api::bounds::KeyRange;
pub use crate::api::cursor::Cursor;
pub use crate::api::db::{Builder, Db};
pub use crate::api::doctor::{Diagnosis, Finding, Severity};
pub use crate::api::explain::ExplainOptions;
pub use crate::api::keyspace::Keyspace;
pub use crate::api::range::{Keys, Range};
pub use crate::api::read::{KeyspaceAt, KeyspaceWith, Lent, Read};
pub use crate::api::snapshot::Snapshot;
pub use crate::api::stats::Stats;
pub use crate::api::strategy;
pub use crate::base::error::{Error, ErrorKind, Result};
pub use crate::base::slice::Slice;
pub use crate::compaction::filter::{CompactionFilter, FilterContext, FilterDecision};
pub use crate::engine::reader::ReaderInfo;
pub use crate::extend::event::{Event, OpenReport, PaceCause, Reason};
pub use crate::extend::listener::Listener;
pub use crate::extend::words::Level;
pub use crate::journal::destroy::Destroyed;
pub use crate::key::seqno::SeqNo;
pub use crate::merge::operator::MergeOperator;
pub use crate::options::comparator::Comparator;
pub use crate::options::database::Options;
pub use crate::options::durability::{Durability, IfMissing};
pub use crate::options::expiry::Expiry;
pub use crate::options::keyspace::{Compression, KeyspaceOptions, Strategy};
pub use crate::options::log_mode::LogMode;
pub use crate::options::memory::MemtableKind;
pub use crate::options::progress::{CallOptions, Progress};
pub use crate::options::read::ReadOptions;
pub use crate::options::write::WriteOptions;
pub use crate::read::explain::{Explanation, RangeExplanation};
pub use crate::salvage::report::{
    Damage, LostLog, LostRange, SalvageReport, SalvagedFile, SalvagedKeyspace,
};
pub use crate::stats::usage::{Estimate, Usage};
