//! When a write is durable, and what an opening may create.

/// When a write is durable. The words are the same for every face of the library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Survives power loss once it is acknowledged.
    Durable,
    /// Survives the death of the process at once, power loss after the next background sync.
    #[default]
    Buffered,
    /// Survives nothing until it is flushed.
    Volatile,
}

/// What to do when there is no database, or when there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfMissing {
    /// Make one.
    #[default]
    Create,
    /// Fail.
    Fail,
    /// Fail if there is one.
    MustBeMissing,
}
