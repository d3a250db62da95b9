//! A chunk of pairs as two columns: the bytes of all rows behind each other, and where each begins.

use lsm_core::{Error, ErrorKind};

/// How wide offsets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Of 32 bits: a column holds less than 2 GiB.
    Small,
    /// Of 64 bits.
    Large,
}

/// Where each row of a column begins, and behind them where the last one ends.
#[derive(Debug)]
pub(crate) enum Offsets {
    Small(Vec<i32>),
    Large(Vec<i64>),
}

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) data: Vec<u8>,
    pub(crate) offsets: Offsets,
}

/// A chunk of pairs.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) keys: Column,
    pub(crate) values: Column,
    rows: usize,
}

impl Offsets {
    fn new(size: Size) -> Self {
        match size {
            Size::Small => Self::Small(vec![0]),
            Size::Large => Self::Large(vec![0]),
        }
    }

    pub(crate) fn size(&self) -> Size {
        match self {
            Self::Small(_) => Size::Small,
            Self::Large(_) => Size::Large,
        }
    }

    fn push(&mut self, end: usize) -> Result<(), Error> {
        match self {
            Self::Small(ends) => append(ends, end),
            Self::Large(ends) => append(ends, end),
        }
    }

    fn get(&self, index: usize) -> Option<usize> {
        match self {
            Self::Small(ends) => usize::try_from(*ends.get(index)?).ok(),
            Self::Large(ends) => usize::try_from(*ends.get(index)?).ok(),
        }
    }
}

fn append<T: TryFrom<usize>>(ends: &mut Vec<T>, end: usize) -> Result<(), Error> {
    let too_large = |_| Error::new(ErrorKind::TooLarge, "a column is too large for its offsets");
    ends.try_reserve(1).map_err(|_| no_memory())?;
    ends.push(T::try_from(end).map_err(too_large)?);
    Ok(())
}

fn other_width<T: Copy>(ends: &[T], width: usize) -> Option<(usize, usize)>
where
    usize: TryFrom<T>,
{
    let widths = ends.windows(2).map(|pair| match pair {
        &[start, end] => Some(usize::try_from(end).ok()? - usize::try_from(start).ok()?),
        _ => None,
    });
    widths.flatten().enumerate().find(|&(_, found)| found != width)
}

impl Column {
    fn new(size: Size) -> Self {
        Self { data: Vec::new(), offsets: Offsets::new(size) }
    }

    /// Makes room. What is not to be had now is asked for again by each row.
    fn reserve(&mut self, rows: usize, bytes: usize) {
        let _ = self.data.try_reserve(bytes + bytes / 16);
        let _ = match &mut self.offsets {
            Offsets::Small(ends) => ends.try_reserve(rows),
            Offsets::Large(ends) => ends.try_reserve(rows),
        };
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.offsets.push(self.data.len() + bytes.len())?;
        self.data.try_reserve(bytes.len()).map_err(|_| no_memory())?;
        self.data.extend_from_slice(bytes);
        Ok(())
    }

    /// The first row that has not `width` bytes, and how many it has.
    pub(crate) fn other_width(&self, width: usize) -> Option<(usize, usize)> {
        match &self.offsets {
            Offsets::Small(ends) => other_width(ends, width),
            Offsets::Large(ends) => other_width(ends, width),
        }
    }

    /// The bytes of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        self.data.get(self.offsets.get(row)?..self.offsets.get(row + 1)?)
    }
}

/// How much a chunk holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    rows: usize,
    keys: usize,
    values: usize,
}

impl Chunk {
    pub(crate) fn new(size: Size) -> Self {
        Self { keys: Column::new(size), values: Column::new(size), rows: 0 }
    }

    /// With room for about as much as another one held: memory that grows is copied.
    pub(crate) fn with_room(size: Size, room: Room) -> Self {
        let mut chunk = Self::new(size);
        chunk.keys.reserve(room.rows, room.keys);
        chunk.values.reserve(room.rows, room.values);
        chunk
    }

    pub(crate) fn room(&self) -> Room {
        Room { rows: self.rows, keys: self.keys.data.len(), values: self.values.data.len() }
    }

    /// Adds a row. After an error the chunk is of no use.
    #[inline]
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.keys.push(key)?;
        self.values.push(value)?;
        self.rows += 1;
        Ok(())
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes its keys and values have.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.keys.data.len() + self.values.data.len()
    }

    pub(crate) fn size(&self) -> Size {
        self.keys.offsets.size()
    }
}

#[cold]
fn no_memory() -> Error {
    Error::new(ErrorKind::OutOfMemory, "there is no memory for so large a column")
}
