//! How the log is written.

/// How records reach a segment of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogMode {
    /// Mapped where the medium is known to behave, else written.
    #[default]
    Auto,
    /// One `pwrite` for each append.
    Write,
    /// A copy into a mapping of the file.
    Mapped,
}
