//! `Columns`, and the iterator that answers them.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList, PyMemoryView};

use crate::arrow::abi::Schema;
use crate::arrow::capsule::{pack, unpack};
use crate::arrow::interpreter::Owner;
use crate::arrow::{export, import};
use crate::border::errors::{Failure, Outcome, no_pickle};
use crate::border::fork::Kept;
use crate::border::lock::Lock;
use crate::column::chunk::{Chunk, Size};
use crate::column::memory::{Lane, Which};
use crate::column::scan::{Limits, Scan};
use crate::numpy::{self, Side};

/// So many bytes are read between two looks at signals.
const UNHEARD_BYTES: usize = 8 << 20;

type Capsule<'py> = Bound<'py, PyCapsule>;
pub(crate) type Arrays<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);
type View<'py> = Bound<'py, PyMemoryView>;

/// A chunk of pairs as two columns. The bytes of all keys lie behind each other in `key_data`, and
/// key `i` is what lies there from `key_offsets[i]` to `key_offsets[i + 1]`; values likewise.
///
/// >>> db.update({b"a": b"one", b"b": b"two"})
/// >>> columns = next(db.range().columns())
/// >>> len(columns), bytes(columns.value_data), columns.value_offsets.tolist()
/// (2, b'onetwo', [0, 3, 6])
///
/// The memoryviews copy nothing, and keep the chunk; so does what reads it through Arrow.
#[pyclass(module = "lsmdb", frozen, weakref)]
pub(crate) struct Columns {
    chunk: Arc<Chunk>,
}

impl Columns {
    /// The keys and the values as NumPy arrays.
    pub(crate) fn arrays<'py>(
        &self,
        py: Python<'py>,
        key: Option<&Bound<'py, PyAny>>,
        value: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Arrays<'py>> {
        let keys = numpy::array(py, &self.chunk, Side::Key, key)?;
        Ok((keys, numpy::array(py, &self.chunk, Side::Value, value)?))
    }
}

#[pymethods]
impl Columns {
    fn __len__(&self) -> usize {
        self.chunk.rows()
    }

    /// How many bytes its keys and values have.
    #[getter]
    fn nbytes(&self) -> usize {
        self.chunk.bytes()
    }

    /// The bytes of all keys.
    #[getter]
    fn key_data<'py>(&self, py: Python<'py>) -> PyResult<View<'py>> {
        Lane::view(py, &self.chunk, Which::KeyData)
    }

    /// Where each key begins in `key_data`, and where the last one ends.
    #[getter]
    fn key_offsets<'py>(&self, py: Python<'py>) -> PyResult<View<'py>> {
        Lane::view(py, &self.chunk, Which::KeyOffsets)
    }

    /// The bytes of all values.
    #[getter]
    fn value_data<'py>(&self, py: Python<'py>) -> PyResult<View<'py>> {
        Lane::view(py, &self.chunk, Which::ValueData)
    }

    /// Where each value begins in `value_data`, and where the last one ends.
    #[getter]
    fn value_offsets<'py>(&self, py: Python<'py>) -> PyResult<View<'py>> {
        Lane::view(py, &self.chunk, Which::ValueOffsets)
    }

    /// The keys as a list of bytes.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        numpy::list(py, &self.chunk, Side::Key)
    }

    /// The values as a list of bytes.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        numpy::list(py, &self.chunk, Side::Value)
    }

    /// The keys and the values as two NumPy arrays. Where a dtype is given, all of them must have
    /// its width; the array then lies where the chunk does, and is read-only. Without one it is an
    /// array of bytes objects.
    ///
    /// >>> db.update({b"a": b"\x00\x01", b"b": b"\x01\x00"})
    /// >>> keys, values = next(db.range().columns()).to_numpy(key="S1", value=">u2")
    /// >>> keys.tolist(), values.tolist()
    /// ([b'a', b'b'], [1, 256])
    #[pyo3(signature = (key = None, value = None))]
    fn to_numpy<'py>(
        &self,
        py: Python<'py>,
        key: Option<Bound<'py, PyAny>>,
        value: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Arrays<'py>> {
        self.arrays(py, key.as_ref(), value.as_ref())
    }

    /// The chunk as an Arrow array of structs of `key` and `value`, both binary. Nothing is copied;
    /// `requested_schema` changes nothing.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(Capsule<'py>, Capsule<'py>)> {
        drop(requested_schema);
        Ok((self.__arrow_c_schema__(py)?, pack(py, export::array(&self.chunk))?))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Capsule<'py>> {
        pack(py, export::schema(self.chunk.size()))
    }

    fn __repr__(&self) -> String {
        format!("<lsmdb.Columns: {} pairs, {} bytes>", self.chunk.rows(), self.chunk.bytes())
    }
}

/// An iterator over a range in chunks of columns. It sees the moment at which it was made. What is
/// left of it can be taken as an Arrow stream, too.
#[pyclass(module = "lsmdb", name = "ColumnsIterator", frozen)]
pub(crate) struct Reader {
    scan: Kept<Lock<Option<Scan>>>,
    limits: Limits,
    owner: Py<PyAny>,
}

impl Reader {
    pub(crate) fn new(scan: Scan, limits: Limits, owner: Py<PyAny>) -> PyResult<Self> {
        if limits.rows == 0 || limits.bytes == 0 {
            return Err(PyValueError::new_err("a chunk has one pair at least"));
        }
        Ok(Self { scan: Kept::new(Lock::new(Some(scan))), limits, owner })
    }
}

#[pymethods]
impl Reader {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> Outcome<Option<Columns>> {
        py.check_signals()?;
        let mut scan = self.scan.get()?.lock(py);
        let Some(open) = scan.as_mut() else { return Ok(None) };
        let chunk = py.detach(|| open.chunk(Size::Small, self.limits))?;
        if chunk.is_none() {
            *scan = None;
        }
        Ok(chunk.map(|chunk| Columns { chunk: Arc::new(chunk) }))
    }

    /// What is left, as a stream of Arrow arrays; the iterator is at its end then.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> Outcome<Capsule<'py>> {
        let size = requested(requested_schema.as_ref())?;
        let scan = self.scan.get()?.lock(py).take();
        let gone = || Failure::closed("iterator");
        stream(py, scan.ok_or_else(gone)?, size, self.limits, self.owner.clone_ref(py))
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Capsule<'py>> {
        pack(py, export::schema(Size::Small))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(no_pickle("an iterator"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.owner)
    }
}

/// A stream of all chunks of a scan, as somebody has asked for it.
pub(crate) fn arrow_stream<'py>(
    py: Python<'py>,
    scan: Scan,
    requested_schema: Option<&Bound<'py, PyAny>>,
    owner: Py<PyAny>,
) -> Outcome<Capsule<'py>> {
    stream(py, scan, requested(requested_schema)?, Limits::USUAL, owner)
}

/// The schema of such a stream, unless another is asked for.
pub(crate) fn arrow_schema(py: Python<'_>) -> PyResult<Capsule<'_>> {
    pack(py, export::schema(Size::Small))
}

/// All of a scan in one chunk.
pub(crate) fn whole(py: Python<'_>, mut scan: Scan) -> Outcome<Columns> {
    let mut chunk = Chunk::new(Size::Large);
    loop {
        py.check_signals()?;
        let limits = Limits { rows: usize::MAX, bytes: chunk.bytes() + UNHEARD_BYTES };
        if !py.detach(|| scan.fill(&mut chunk, limits))? {
            return Ok(Columns { chunk: Arc::new(chunk) });
        }
    }
}

fn stream<'py>(
    py: Python<'py>,
    scan: Scan,
    size: Size,
    limits: Limits,
    owner: Py<PyAny>,
) -> Outcome<Capsule<'py>> {
    Ok(pack(py, export::stream(scan, size, limits, Owner::new(owner)))?)
}

/// The offsets that somebody asks for. A wish for anything else is not heard: Arrow asks for no
/// more than an attempt.
fn requested(schema: Option<&Bound<'_, PyAny>>) -> PyResult<Size> {
    let Some(schema) = schema else { return Ok(Size::Small) };
    let schema: Schema = unpack(schema)?;
    Ok(import::wished(&schema))
}
