//! Keys and time: who owns a key, when it was written, and how internal keys are ordered.

pub mod keyspace;
pub mod kind;
pub mod seqno;

pub mod internal;
