//! The Python face of the engine: `lsmdb._native`, which the package `lsmdb` is built on.
//!
//! The modules below stand bottom to top. Everything that may wait does so without the
//! interpreter, and nothing else does: `border` says how. What is made here belongs to one process
//! (`border/fork`), and objects keep the database's object alive, so that it is closed when nobody
//! has any part of it. The documentation of a class or method is what Python's `help()` shows.

mod border;

mod life;

mod seen;

mod value;

mod walk;

mod pinned;

mod column;

mod arrow;

mod numpy;

mod columns;
mod comparator;

mod load;

mod cursor;

mod account;
mod explain;
mod readers;

mod range;

mod roamer;

mod readable;

mod snapshot;

mod view;

mod pairs;
mod swap;

mod writable;

mod keyspace;

mod batch;

mod event;

mod filter;
mod operator;

mod database;

mod salvage;

use pyo3::prelude::*;

/// The native part of lsmdb. Import lsmdb instead.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    border::errors::prepare(module.py())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<readable::Readable>()?;
    module.add_class::<writable::Writable>()?;
    module.add_class::<database::Database>()?;
    module.add_class::<database::Closer>()?;
    module.add_class::<keyspace::Keyspace>()?;
    module.add_class::<view::KeyspaceView>()?;
    module.add_class::<snapshot::Snapshot>()?;
    module.add_class::<batch::Batch>()?;
    module.add_class::<range::Range>()?;
    module.add_class::<cursor::Cursor>()?;
    module.add_class::<walk::Walk>()?;
    module.add_class::<roamer::Roamer>()?;
    module.add_class::<pinned::PinnedWalk>()?;
    module.add_class::<columns::Columns>()?;
    module.add_class::<columns::Reader>()?;
    module.add_class::<value::Value>()?;
    module.add_class::<event::Event>()?;
    module.add_function(wrap_pyfunction!(database::destroy, module)?)?;
    module.add_function(wrap_pyfunction!(salvage::salvage, module)?)?;
    module.add_function(wrap_pyfunction!(database::_options_text, module)?)?;
    module.add_function(wrap_pyfunction!(database::_keyspace_options_text, module)?)?;
    Ok(())
}
