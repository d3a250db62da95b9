//! What a report says of itself.

use crate::salvage::report::{
    Damage, LostLog, LostRange, SalvageReport, SalvagedFile, SalvagedKeyspace,
};

fn report() -> SalvageReport {
    let damage = vec![Damage { offset: Some(128), why: "it is \"bad\"".to_owned() }];
    SalvageReport {
        is_complete: false,
        is_manifest_whole: true,
        files: vec![SalvagedFile {
            name: "000007.sst".to_owned(),
            bytes: 4096,
            is_lost: false,
            damage,
            damaged_places: 1,
        }],
        ignored: vec!["letter.txt".to_owned()],
        keyspaces: vec![SalvagedKeyspace { name: "default".to_owned(), pairs: 3, ..default() }],
        lost: vec![LostRange {
            keyspace: "default".to_owned(),
            from: b"a\xff".to_vec(),
            file: "000007.sst".to_owned(),
            entries: Some(2),
            older_may_show: true,
            ..default()
        }],
        lost_log: vec![LostLog {
            file: "000001.wal".to_owned(),
            from: 5,
            to: Some(9),
            ..default()
        }],
        notes: vec!["a note".to_owned()],
    }
}

fn default<T: Default>() -> T {
    T::default()
}

#[test]
fn for_programs_it_is_json() {
    let json = report().to_json();
    let parts = [
        "{\"is_complete\":false,\"is_manifest_whole\":true,\"files\":[{\"name\":\"000007.sst\",",
        "\"damage\":[{\"offset\":128,\"why\":\"it is \\\"bad\\\"\"}],\"damaged_places\":1}]",
        "\"ignored\":[\"letter.txt\"],\"keyspaces\":[{\"name\":\"default\",\"is_name_lost\":false,",
        "\"from\":\"61ff\",\"to\":null,\"file\":\"000007.sst\",\"entries\":2,\"bytes\":null,",
        "\"lost_log\":[{\"file\":\"000001.wal\",\"offset\":0,\"bytes\":0,\"from\":5,\"to\":9}]",
        "\"notes\":[\"a note\"]}",
    ];
    for part in parts {
        assert!(json.contains(part), "{part}: {json}");
    }
}

#[test]
fn for_people_it_is_a_text() {
    let text = report().to_string();
    let wanted = "the salvage is not complete\n\
                  keyspace default: 3 pairs\n\
                  000007.sst (4096 bytes): damaged\n  at 128: it is \"bad\"\n\
                  lost from 000007.sst in keyspace default: a\\xff to the end, about 2 entries\n\
                  lost from the log 000001.wal at 0: sequence numbers 5 to 9\n\
                  not read: letter.txt\n\
                  a note\n";
    assert_eq!(text, wanted);
}

#[test]
fn a_range_knows_its_keys() {
    let open = LostRange { from: b"b".to_vec(), ..default() };
    assert!(!open.holds("a") && open.holds("b") && open.holds([0xff]));
    let closed = LostRange { to: Some(b"c".to_vec()), ..open };
    assert!(closed.holds("b") && closed.holds("bz") && !closed.holds("c"));
}
