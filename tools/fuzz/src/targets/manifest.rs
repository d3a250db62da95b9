//! The manifest: its edits, what they add up to, and the heads that name it.

use std::collections::BTreeSet;
use std::sync::Arc;

use lsm_core::base::codec::Decoder;
use lsm_core::base::codec::HeaderWriter;
use lsm_core::env::schedule::Signal;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::key::seqno::SeqNo;
use lsm_core::record::header::{FileHeader, FileKind, HEADER_LEN};
use lsm_core::version::catalog::Catalog;
use lsm_core::version::current::Version;
use lsm_core::version::edit::Edit;
use lsm_core::version::garbage::Garbage;
use lsm_core::version::head::{Head, read_heads};
use lsm_core::version::manifest::Manifest;

use crate::forge::{self, FILE_ID, Records, Spoken};
use crate::input::{Input, in_pieces};
use crate::place;
use crate::specimen::Specimen;
use crate::target::{DECODER, READER, Target};

/// Edits, one behind the other.
pub const EDIT: Target = Target {
    name: "edit",
    about: "the changes that a manifest is a list of",
    run: |bytes| {
        let mut payload = Decoder::new(bytes);
        loop {
            let before = payload.rest();
            let Ok(Some(edit)) = Edit::decode(&mut payload) else { return };
            let mut again = Vec::new();
            edit.encode(&mut again);
            let read = before.len() - payload.rest().len();
            assert!(again == before[..read], "an edit is not written as it was read: {edit:?}");
        }
    },
    seeds: |specimen| payloads(specimen).into_iter().flatten().take(24).collect(),
    memory: DECODER,
};

/// The payload of every edit record of each manifest.
fn payloads(specimen: &Specimen) -> Vec<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for bytes in specimen.ending(".manifest") {
        let path = std::path::Path::new("f");
        let header = FileHeader::decode(bytes, FileKind::Manifest, path).unwrap();
        let file = place::file("000001.manifest", bytes);
        let place = lsm_core::record::frame::Place::of(&header);
        let start = HEADER_LEN as u64;
        let reader =
            lsm_core::record::reader::RecordReader::new(&*file, place, start, header.check());
        let (mut reader, mut payloads) = (reader.unwrap(), Vec::new());
        while let Ok(Some(record)) = reader.next_record() {
            payloads.push(record.payload.to_vec());
        }
        payloads.retain(|payload| !payload.is_empty());
        all.push(payloads);
    }
    all.sort_by_key(|payloads| payloads.iter().map(Vec::len).sum::<usize>());
    all
}

/// What edits add up to.
pub const CATALOG: Target = Target {
    name: "catalog",
    about: "what edits add up to, and the edits that make the same of nothing",
    run: |bytes| {
        let mut catalog = Catalog::default();
        let mut payload = Decoder::new(bytes);
        while !payload.is_empty() {
            match Edit::decode(&mut payload) {
                Ok(Some(edit)) if catalog.apply(&edit).is_ok() => {}
                Ok(None) => {}
                // What was refused leaves nothing that anybody reads on with.
                _ => return,
            }
        }
        judge_catalog(&catalog);
    },
    seeds: |specimen| {
        let manifests = payloads(specimen).into_iter();
        let mut seeds: Vec<Vec<u8>> = manifests.map(|payloads| payloads.concat()).collect();
        seeds.truncate(6);
        seeds.extend(twice());
        seeds
    },
    memory: DECODER,
};

/// Manifests that list two files under one number.
fn twice() -> Vec<Vec<u8>> {
    let added = |number| Edit::BlobAdded { number, file_id: 1 };
    let moved = |number, place| {
        Edit::BlobSealed(lsm_core::blob::file::BlobEnd { number, place, bytes: 200 })
    };
    let log = |number| Edit::LogAdded { number, file_id: 2 };
    let lists = [
        vec![added(5), moved(5, 6), added(7), moved(7, 6)],
        vec![added(5), log(5)],
        vec![log(5), added(4), moved(4, 5)],
        vec![added(4), moved(4, 6), log(6)],
    ];
    let encoded = |edits: Vec<Edit>| {
        let mut bytes = Vec::new();
        edits.iter().for_each(|edit| edit.encode(&mut bytes));
        bytes
    };
    lists.into_iter().map(encoded).collect()
}

/// What must hold of every catalog.
fn judge_catalog(catalog: &Catalog) {
    let mut again = Catalog::default();
    again.edit = catalog.edit;
    for edit in catalog.snapshot() {
        let mut bytes = Vec::new();
        edit.encode(&mut bytes);
        let mut payload = Decoder::new(&bytes);
        while !payload.is_empty() {
            let edit = Edit::decode(&mut payload).expect("a snapshot's edit is refused").unwrap();
            again.apply(&edit).expect("a snapshot contradicts itself");
        }
    }
    assert_eq!(&again, catalog, "a snapshot makes another catalog");
    let mut taken = BTreeSet::new();
    let logs = catalog.logs.keys().chain(catalog.tables.keys()).map(|number| (*number, *number));
    let blobs = catalog.blobs.iter().map(|(number, entry)| (*number, entry.place));
    for (number, place) in logs.chain(blobs) {
        assert!(taken.insert(number), "two files have the number {number}");
        assert!(number == place || taken.insert(place), "two files have the number {place}");
        assert!(number.max(place) < catalog.next_number || number == u64::MAX || place == u64::MAX);
    }
    let garbage = Garbage::new(Arc::new(Signal::default()));
    let version = Version::from_catalog(catalog, garbage, None).expect("a catalog has no trees");
    version.check().expect("the trees of a catalog are wrong");
}

/// One head.
fn head_file(bytes: &[u8]) -> Vec<u8> {
    let mut head = bytes.to_vec();
    forge::seal_header(&mut head);
    if let Some(head) = head.get_mut(..HEADER_LEN + 56) {
        forge::seal(head);
    }
    head
}

/// The heads.
pub const HEAD: Target = Target {
    name: "head",
    about: "the heads, as they are and with their checks made good",
    run: |bytes| {
        let mut input = Input::new(bytes);
        let (a, b) = (input.piece(), input.piece());
        for (a, b) in [(a.to_vec(), b.to_vec()), (head_file(a), head_file(b))] {
            let dir = place::directory(&[("a.head", &a), ("b.head", &b)]);
            let found = read_heads(&*dir);
            let heads = [Head::read(&*dir, "a.head"), Head::read(&*dir, "b.head")];
            let newest = heads.iter().flatten().map(|head| head.generation).max();
            if let Ok(found) = found {
                assert_eq!(found.current.map(|head| head.generation), newest);
                assert_eq!(found.damage.is_some(), heads.iter().any(Result::is_err));
            }
        }
    },
    seeds: |specimen| {
        let files = [&specimen.closed, &specimen.killed];
        let heads = files.map(|it| in_pieces([&it["a.head"][..], &it["b.head"]]));
        heads.to_vec()
    },
    memory: READER,
};

/// A manifest and the heads that name it.
pub const MANIFEST: Target = Target {
    name: "manifest",
    about: "a manifest of any edits, recovered and written anew",
    run: manifest,
    seeds: |specimen| {
        let manifests = payloads(specimen).into_iter();
        let seed = |payloads: Vec<Vec<u8>>| in_pieces(payloads.iter().map(Vec::as_slice));
        manifests.map(seed).take(4).collect()
    },
    memory: READER,
};

/// A head that names the manifest 3, of which so much is durable.
fn head_of(manifest: &Records, edit: u64) -> Vec<u8> {
    let mut head =
        FileHeader { kind: FileKind::Head, ..forge::header(FileKind::Head, 3) }.encode().to_vec();
    let words = [1, FILE_ID, manifest.bytes.len() as u64, edit, manifest.check, 0];
    let rest = words.into_iter().fold(HeaderWriter::<56>::new(), HeaderWriter::u64).finish();
    head.extend_from_slice(&rest);
    head_file(&head)
}

fn manifest(bytes: &[u8]) {
    let mut file = Records::new(&forge::header(FileKind::Manifest, 3));
    let mut edit = 0;
    for payload in Input::new(bytes).pieces().take(32) {
        edit += 1;
        let durable = if edit > 1 { file.bytes.len() as u64 } else { 0 };
        file.push(&Spoken { type_byte: 5, seqno: edit, durable, payload, ..Spoken::default() });
    }
    let head = head_of(&file, edit);
    let files = [("a.head", &head[..]), ("b.head", &head), ("000003.manifest", &file.bytes)];
    let dir = place::directory(&files);
    let heads = read_heads(&*dir).unwrap();
    assert!(heads.agree && heads.damage.is_none());
    let host = SimWorld::new(5).host;
    let Ok(recovered) = Manifest::recover(dir.clone(), host.clone(), &heads, 4) else { return };
    let mut manifest = recovered.manifest;
    assert_eq!(manifest.catalog().edit, edit);
    judge_catalog(manifest.catalog());
    let before = manifest.catalog().clone();
    if manifest.commit(&[Edit::Clock(9)]).is_err() {
        // Only where there is no number left for its file, or none for an edit.
        assert!(before.next_number > 1 << 47 || SeqNo::new(before.edit + 1).is_none());
        return;
    }
    let written = manifest.catalog().clone();
    let heads = read_heads(&*dir).unwrap();
    let again = Manifest::recover(dir, host, &heads, 0).expect("what was written is refused");
    assert_eq!(again.manifest.catalog(), &written);
}
