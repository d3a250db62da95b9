//! Keys and time: who owns a key, when it was written, and how entries are ordered.

pub mod keyspace;
pub mod kind;
pub mod seqno;

pub mod full;
pub mod order;
pub mod trailer;
