//! Faults on demand: which operation, on which files, from which time on, and what happens.
//!
//! A fault prints as one word and is read back from it:
//!
//! ```text
//! sync_data(.log$)#3:eio-drop      the third sync of a file whose name ends so
//! write|store(log)#2+:enospc       every write from the second on, until healed
//! *()#7:latency-5000us             the seventh operation of all
//! ```

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use super::op::{Op, OpKind};

/// The error numbers that have a name in a printed fault; others stand as `errno-5`.
const ERRORS: &[(&str, i32)] = &[
    ("eio", libc::EIO),
    ("enospc", libc::ENOSPC),
    ("edquot", libc::EDQUOT),
    ("emfile", libc::EMFILE),
    ("enfile", libc::ENFILE),
    ("erofs", libc::EROFS),
    ("eacces", libc::EACCES),
    ("eintr", libc::EINTR),
    ("eagain", libc::EAGAIN),
    ("enomem", libc::ENOMEM),
    ("enoent", libc::ENOENT),
    ("eopnotsupp", libc::EOPNOTSUPP),
];

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The call answers this error number and does nothing.
    Error(i32),
    /// Half of the bytes are written.
    ShortWrite,
    /// Half of the bytes are read.
    ShortRead,
    /// The sync answers EIO; what it covered never becomes durable. Readers go on seeing it, or see
    /// what is durable if the cache is dropped.
    SyncFails {
        /// Readers see what is durable.
        drops_cache: bool,
    },
    /// The call takes this long, and then works.
    Latency(Duration),
    /// Before the call, a byte of its file changes for ever.
    BitRot {
        /// Which byte.
        offset: u64,
        /// Which of its bits.
        mask: u8,
    },
    /// The bytes that are read are wrong this once.
    ReadFlip {
        /// Which byte of the answer, counted round.
        offset: u64,
        /// Which of its bits.
        mask: u8,
    },
    /// The write goes elsewhere and answers that it worked.
    Misdirected {
        /// What the name of another file contains; empty for the same file.
        file: String,
        /// How far behind its place.
        shift: u64,
    },
    /// The write does nothing and answers that it worked.
    LostWrite,
    /// The window loses its file.
    WindowLost,
    /// From now on nothing can be written, and the disk says so.
    ReadOnly,
    /// From now on no byte is free.
    Full,
}

/// One fault: when and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The operations it looks at; all if there are none.
    pub kinds: Vec<OpKind>,
    /// What the file's name contains; what it ends with, if the last character is `$`.
    pub pattern: String,
    /// The first match at which it happens, counted from one.
    pub nth: u64,
    /// It happens at every later match too.
    pub is_sticky: bool,
    /// What happens.
    pub effect: Effect,
}

impl Fault {
    /// A fault at the first match.
    #[must_use]
    pub fn new(kinds: &[OpKind], pattern: &str, effect: Effect) -> Self {
        let (kinds, pattern) = (kinds.to_vec(), pattern.to_owned());
        Self { kinds, pattern, nth: 1, is_sticky: false, effect }
    }

    /// The same at a later match, counted from one.
    #[must_use]
    pub fn at(mut self, nth: u64) -> Self {
        self.nth = nth;
        self
    }

    /// The same at every later match too, until the disk is healed.
    #[must_use]
    pub fn sticky(mut self) -> Self {
        self.is_sticky = true;
        self
    }

    fn matches(&self, op: &Op) -> bool {
        let is_kind = self.kinds.is_empty() || self.kinds.contains(&op.kind);
        is_kind
            && (is_named(&op.path, &self.pattern)
                || op.target.as_ref().is_some_and(|target| is_named(target, &self.pattern)))
    }
}

/// True if the last part of the path fits the pattern.
pub(super) fn is_named(path: &Path, pattern: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match pattern.strip_suffix('$') {
        Some(end) => name.ends_with(end),
        None => name.contains(pattern),
    }
}

/// All faults of a disk, each with how often it was passed and how often it struck.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Armed>);

#[derive(Debug)]
struct Armed {
    fault: Fault,
    matches: u64,
    strikes: u64,
    is_healed: bool,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(Armed { fault, matches: 0, strikes: 0, is_healed: false });
    }

    /// What happens to this operation, in the order in which the faults were added.
    pub(super) fn strike(&mut self, op: &Op) -> Vec<Effect> {
        let mut effects = Vec::new();
        for armed in self.0.iter_mut().filter(|armed| !armed.is_healed) {
            if armed.fault.matches(op) {
                armed.matches += 1;
                let nth = armed.fault.nth;
                if armed.matches == nth || armed.fault.is_sticky && armed.matches > nth {
                    armed.strikes += 1;
                    effects.push(armed.fault.effect.clone());
                }
            }
        }
        effects
    }

    pub(super) fn heal(&mut self) {
        self.0.iter_mut().for_each(|armed| armed.is_healed = true);
    }

    pub(super) fn strikes(&self) -> Vec<(Fault, u64)> {
        self.0.iter().map(|armed| (armed.fault.clone(), armed.strikes)).collect()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name()).collect();
        let kinds = if kinds.is_empty() { "*".to_owned() } else { kinds.join("|") };
        let plus = if self.is_sticky { "+" } else { "" };
        write!(f, "{kinds}({})#{}{plus}:{}", self.pattern, self.nth, self.effect)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("not a fault: {text:?}");
        let text = text.strip_prefix("fault=").unwrap_or(text);
        let (kinds, rest) = text.split_once('(').ok_or_else(wrong)?;
        let (pattern, rest) = rest.split_once(")#").ok_or_else(wrong)?;
        let (nth, effect) = rest.split_once(':').ok_or_else(wrong)?;
        let kinds = match kinds {
            "*" => Vec::new(),
            some => some.split('|').map(str::parse).collect::<Result<_, _>>()?,
        };
        let fault = Fault::new(&kinds, pattern, effect.parse()?);
        let is_sticky = nth.ends_with('+');
        let nth = nth.trim_end_matches('+').parse().map_err(|_| wrong())?;
        Ok(Self { nth, is_sticky, ..fault })
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(code) => match ERRORS.iter().find(|(_, known)| known == code) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "errno-{code}"),
            },
            Self::ShortWrite => f.write_str("short-write"),
            Self::ShortRead => f.write_str("short-read"),
            Self::SyncFails { drops_cache: true } => f.write_str("eio-drop"),
            Self::SyncFails { drops_cache: false } => f.write_str("eio-keep"),
            Self::Latency(time) => write!(f, "latency-{}us", time.as_micros()),
            Self::BitRot { offset, mask } => write!(f, "rot@{offset}^{mask}"),
            Self::ReadFlip { offset, mask } => write!(f, "flip@{offset}^{mask}"),
            Self::Misdirected { file, shift } => write!(f, "misdirect({file})+{shift}"),
            Self::LostWrite => f.write_str("lost-write"),
            Self::WindowLost => f.write_str("window-lost"),
            Self::ReadOnly => f.write_str("read-only"),
            Self::Full => f.write_str("full"),
        }
    }
}

impl FromStr for Effect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, code)) = ERRORS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Error(*code));
        }
        let plain = match text {
            "short-write" => Some(Self::ShortWrite),
            "short-read" => Some(Self::ShortRead),
            "eio-drop" => Some(Self::SyncFails { drops_cache: true }),
            "eio-keep" => Some(Self::SyncFails { drops_cache: false }),
            "lost-write" => Some(Self::LostWrite),
            "window-lost" => Some(Self::WindowLost),
            "read-only" => Some(Self::ReadOnly),
            "full" => Some(Self::Full),
            _ => effect_with_numbers(text),
        };
        plain.ok_or_else(|| format!("no effect is called {text:?}"))
    }
}

fn effect_with_numbers(text: &str) -> Option<Effect> {
    if let Some(code) = text.strip_prefix("errno-") {
        return Some(Effect::Error(code.parse().ok()?));
    }
    if let Some(micros) = text.strip_prefix("latency-") {
        let micros = micros.strip_suffix("us")?.parse().ok()?;
        return Some(Effect::Latency(Duration::from_micros(micros)));
    }
    if let Some(rest) = text.strip_prefix("misdirect(") {
        let (file, shift) = rest.split_once(")+")?;
        return Some(Effect::Misdirected { file: file.to_owned(), shift: shift.parse().ok()? });
    }
    let (name, byte) = text.split_once('@')?;
    let (offset, mask) = byte.split_once('^')?;
    let (offset, mask) = (offset.parse().ok()?, mask.parse().ok()?);
    match name {
        "rot" => Some(Effect::BitRot { offset, mask }),
        "flip" => Some(Effect::ReadFlip { offset, mask }),
        _ => None,
    }
}
