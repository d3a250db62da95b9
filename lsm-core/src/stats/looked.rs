//! What a lookup looks at, told on the way: usual ones count a little, explained ones note all.

/// How much of the trees a lookup met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Tables whose span held the key.
    pub tables: u32,
    /// Tables among them whose filter said no.
    pub filtered: u32,
    /// Blocks of entries, whether or not they were resident. Filters and indexes are not counted.
    pub blocks: u32,
}

/// What of a table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What opening it reads: header, footer, properties and top index.
    Opening,
    /// Its range tombstones.
    Tombstones,
    /// The filter of this partition.
    Filter(usize),
    /// The index of this partition.
    Index(usize),
    /// A block of entries, by its partition and its number there.
    Entries(usize, usize),
    /// The value, which stands in the file of large values with this number.
    Value(u64),
}

/// Where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was in memory.
    Memory,
    /// The file was asked for so many bytes; for none if they were read along with others before.
    Disk(u64),
}

/// Is told what a lookup does. What is not counted for every lookup does nothing unless somebody
/// wants it: the usual way has nothing of it.
pub trait Probe {
    /// A table whose span holds the key is asked.
    fn table(&mut self);

    /// Its filter said no.
    fn filtered(&mut self);

    /// A block of entries is asked.
    fn entries(&mut self);

    /// What was counted so far.
    fn looked(&self) -> Looked;

    /// A part of a table was had from there.
    #[inline]
    fn part(&mut self, _part: Part, _from: Origin) {}

    /// The filter of a memtable was asked.
    #[inline]
    fn memtable_filter(&mut self, _may_contain: bool) {}
}

impl Probe for Looked {
    #[inline]
    fn table(&mut self) {
        self.tables = self.tables.wrapping_add(1);
    }

    #[inline]
    fn filtered(&mut self) {
        self.filtered = self.filtered.wrapping_add(1);
    }

    #[inline]
    fn entries(&mut self) {
        self.blocks = self.blocks.wrapping_add(1);
    }

    #[inline]
    fn looked(&self) -> Looked {
        *self
    }
}
