//! Compression for each keyspace, and builds that lack the one that was chosen.

use lsm_core::base::compress::Codec;
use lsm_core::env::sim::world::SimWorld;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::JournalOptions;
use lsm_core::{Compression, Db, ErrorKind, KeyspaceOptions, Options};

use crate::harness::disk::{PATH, new_disk};
use crate::harness::engine::stage::{Stage, quiet};

const ZSTD: Compression = Compression::Zstd { level: 9 };

fn value(at: u32) -> String {
    format!("the value of {at} and of {} and of {}", at % 100, at % 7).repeat(4)
}

#[test]
fn each_keyspace_is_packed_as_it_chose() {
    let stage = Stage::new(quiet());
    let mut sizes = Vec::new();
    for compression in [Compression::None, Compression::Lz4, ZSTD] {
        let options = KeyspaceOptions::new().compression(compression).block_bytes(16 << 10);
        let name = format!("{compression:?}");
        let made = stage.db().keyspace_with(&name, options);
        if !compression.is_built() {
            assert_eq!(made.unwrap_err().kind(), ErrorKind::Unsupported);
            assert!(!stage.db().keyspace_names().contains(&name), "nothing was made");
            continue;
        }
        let keyspace = made.unwrap();
        (0..3000).for_each(|at| drop(keyspace.put(format!("{at:05}"), value(at)).unwrap()));
        keyspace.compact(..).unwrap();
        sizes.push(keyspace.approximate_bytes(..).unwrap());
    }
    assert!(sizes.windows(2).all(|pair| pair[1] < pair[0]), "{sizes:?}");
    stage.db().verify().unwrap();
    stage.db().clone().close().unwrap();

    let again = Stage::on(stage.disk.clone(), quiet());
    for name in again.db().keyspace_names() {
        let keyspace = again.db().keyspace(&name).unwrap();
        for at in 0..3000 {
            let found = keyspace.get(format!("{at:05}")).unwrap().unwrap();
            assert_eq!(&found[..], value(at).as_bytes(), "{name}");
        }
    }
}

#[test]
fn a_keyspace_that_this_build_cannot_pack_is_named() {
    let disk = new_disk();
    let world = SimWorld::from_disk(disk, 3);
    let env = world.env();
    let mut nothing = |_: &_, _: lsm_core::wal::chain::Replayed<'_>| Ok(());
    let (journal, _) =
        Journal::open(&env, PATH.as_ref(), JournalOptions::default(), &mut nothing).unwrap();
    let chosen = KeyspaceOptions::new().compression(ZSTD).to_string();
    journal.create_keyspace("small", &chosen).unwrap();
    journal.close().unwrap();
    let open = |options: Options| Db::builder(PATH).options(options).env(env.clone()).open();
    let reader = open(Options::new().read_only(true)).unwrap();
    assert_eq!(reader.keyspace("small").unwrap().options().get_compression(), ZSTD);
    reader.close().unwrap();
    match open(Options::new()) {
        Ok(_) => assert!(Codec::Zstd.is_built()),
        Err(error) => {
            assert!(!Codec::Zstd.is_built());
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let text = error.to_string();
            assert!(text.contains("`small`") && text.contains("`zstd`"), "{text}");
        }
    }
}
