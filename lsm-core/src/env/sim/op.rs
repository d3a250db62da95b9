//! Every operation that the disk is asked for, as a record: what, where, how much.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use crate::base::checksum::hash64;
use crate::env::fs::Access;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What is asked of the disk.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum OpKind { $($(#[$doc])* $kind,)* }

        impl OpKind {
            /// Every kind.
            pub const ALL: &[OpKind] = &[$(OpKind::$kind,)*];

            /// The kind as it stands in a printed fault.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(OpKind::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// A directory is made.
    CreateDir = "create_dir",
    /// A directory is opened.
    OpenDir = "open_dir",
    /// A file is made.
    Create = "create",
    /// A file is opened.
    Open = "open",
    /// A file gets another name.
    Rename = "rename",
    /// A name is taken away.
    Unlink = "unlink",
    /// A directory is listed.
    List = "list",
    /// A directory is synced.
    SyncDir = "sync_dir",
    /// A file is locked.
    Lock = "lock",
    /// A file is read.
    Read = "read",
    /// A file is written.
    Write = "write",
    /// Space is reserved.
    Allocate = "allocate",
    /// A length is set.
    SetLen = "set_len",
    /// A file is synced.
    SyncData = "sync_data",
    /// A file is synced with all that is known of it.
    SyncAll = "sync_all",
    /// A part of a file is mapped.
    Map = "map",
    /// Bytes are stored through a window.
    Store = "store",
    /// Pages of a window are made present.
    Populate = "populate",
    /// A part of a window is synced.
    SyncWindow = "sync_window",
}

impl OpKind {
    /// True if the disk is another one afterwards: only after these is a crash worth a look.
    #[must_use]
    pub fn is_crash_point(self) -> bool {
        self.is_change() || self.is_sync()
    }

    /// True if bytes or names change.
    #[must_use]
    pub fn is_change(self) -> bool {
        use OpKind::{Allocate, Create, CreateDir, Rename, SetLen, Store, Unlink, Write};
        matches!(self, CreateDir | Create | Rename | Unlink | Write | Allocate | SetLen | Store)
    }

    /// True if something is made durable.
    #[must_use]
    pub fn is_sync(self) -> bool {
        matches!(self, Self::SyncDir | Self::SyncData | Self::SyncAll | Self::SyncWindow)
    }
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OpKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = OpKind::ALL.iter().find(|kind| kind.name() == text);
        found.copied().ok_or_else(|| format!("no operation is called {text:?}"))
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Its place in the life of the disk, counted from one.
    pub number: u64,
    /// What it does.
    pub kind: OpKind,
    /// On what.
    pub path: Arc<Path>,
    /// The new name of a rename.
    pub target: Option<Arc<Path>>,
    /// The first byte concerned; the new length for `SetLen` and `Allocate`.
    pub offset: u64,
    /// How many bytes are concerned.
    pub len: u64,
    /// The file behind the descriptor, the same under every name.
    pub file: Option<u64>,
    /// What the descriptor allows, or is asked to allow.
    pub access: Option<Access>,
    /// The hash of the bytes that are written.
    pub digest: u64,
}

impl Op {
    pub(super) fn new(kind: OpKind, path: &Arc<Path>) -> Self {
        Self {
            number: 0,
            kind,
            path: Arc::clone(path),
            target: None,
            offset: 0,
            len: 0,
            file: None,
            access: None,
            digest: 0,
        }
    }

    pub(super) fn at(mut self, offset: u64, len: u64) -> Self {
        self.offset = offset;
        self.len = len;
        self
    }

    pub(super) fn with_bytes(mut self, offset: u64, bytes: &[u8]) -> Self {
        self.digest = hash64(bytes);
        self.at(offset, bytes.len() as u64)
    }

    pub(super) fn on(mut self, file: u64, access: Access) -> Self {
        self.file = Some(file);
        self.access = Some(access);
        self
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {}", self.number, self.kind, self.path.display())?;
        if let Some(target) = &self.target {
            write!(f, " -> {}", target.display())?;
        }
        if self.offset != 0 || self.len != 0 {
            write!(f, " @{}+{}", self.offset, self.len)?;
        }
        Ok(())
    }
}
