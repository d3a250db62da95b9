//! Lanes: small pieces of the suite, each with words that stand for it.
//!
//! Whatever a lane does, it does on the thread that asks for it, for only there is a bug planted.

use lsm_core::base::planted::Bug;
use lsm_core::options::log_mode::LogMode;

use crate::engine::{blobs_followed, conditions, expiry, merge, model, readers, single_delete};
use crate::ground::{bad_input, damage};
use crate::harness::crash::{Depth, SHALLOW, enumerate};
use crate::harness::engine::acts::{Act, write_play, write_play_among_deletes};
use crate::harness::engine::subject::Setup;
use crate::harness::faults::{Trial, fill};
use crate::harness::ground::subject::Ground;
use crate::harness::images::caught;
use crate::harness::planted::Planted;
use crate::harness::scripted::Scripted;
use crate::life::{read_only, salvage};

/// Acts of a play.
const ACTS: usize = 400;
/// Acts of a history of readers.
const EVENTS: u64 = 250;
/// One of so many bytes is damaged.
const STEP: usize = 23;

const ONCE: Depth = Depth { stops_early: true, ..SHALLOW };
const TWICE: Depth = Depth { seeds: 2, nested_seeds: 1, ..ONCE };

macro_rules! stories {
    ($($room:ident::$story:ident,)*) => {
        /// Stories that are lanes by themselves, with their names.
        pub const STORIES: &[(&str, fn())] =
            &[$((concat!(stringify!($room), "::", stringify!($story)), $room::$story),)*];
    };
}

stories! {
    bad_input::a_database_is_opened_once_at_a_time,
    read_only::a_database_is_read_where_it_lies,
    single_delete::a_job_that_was_done_later_goes_where_the_two_meet,
    conditions::unchanged_means_no_write_since_the_snapshot_wherever_it_stands,
    merge::operands_are_folded_wherever_they_stand,
    merge::an_operator_that_fails_loses_nothing,
    expiry::snapshots_and_iterators_keep_to_their_time,
    expiry::time_does_not_go_back,
    expiry::tables_in_which_all_has_expired_go_without_being_read,
    expiry::a_snapshot_keeps_what_it_sees_and_gives_it_back_when_it_goes,
    salvage::an_undamaged_database_is_salvaged_as_it_is,
    blobs_followed::readers_see_large_values_while_the_writer_gives_files_up,
}

/// Runs a lane with this bug; answers what it finds wrong.
pub fn run(lane: &str, bug: Option<Bug>) -> Option<String> {
    let _planted = Planted::new(bug);
    caught(|| told(lane)).unwrap_or_else(Some)
}

fn told(lane: &str) -> Option<String> {
    let words: Vec<&str> = lane.split(' ').collect();
    match words[..] {
        ["ground", mode, script, way] => scripted(Ground::named(mode), script, way),
        ["engine", mode, script, way] => scripted(Setup::named(mode), script, way),
        ["damage", mode, what] => damaged(Ground::named(mode).mode, what),
        ["plays", count] => played(write_play, number(count)),
        ["plays-among-deletes", count] => played(write_play_among_deletes, number(count)),
        ["readers", mode, "interrupted"] => {
            readers::all_interruptions(Ground::named(mode).mode).err()
        }
        ["readers", mode, seed] => {
            readers::history(number(seed), Ground::named(mode).mode, EVENTS).err()
        }
        ["story", name] => {
            let story = STORIES.iter().find(|(known, _)| *known == name);
            story.unwrap_or_else(|| panic!("no story is called {name}")).1();
            None
        }
        _ => panic!("{lane:?} is no lane"),
    }
}

fn number(word: &str) -> u64 {
    word.parse().unwrap()
}

/// What is done with a script, up to the first thing that is wrong.
fn scripted<S: Scripted>(subject: S, script: &str, way: &str) -> Option<String> {
    let crash =
        |depth| enumerate(subject, &[script.to_owned()], depth).violations.into_iter().next();
    match way {
        "crashes" => crash(ONCE),
        "crashes-twice" => crash(TWICE),
        "faults" => Trial::new(subject).first_broken(script),
        "full-disk" => {
            fill(subject, &[script]);
            None
        }
        _ => panic!("{way:?} is nothing that can be done with a script"),
    }
}

/// The first of so many plays that fails.
fn played(author: fn(u64, usize) -> Vec<Act>, count: u64) -> Option<String> {
    (0..count).find_map(|seed| {
        let failed = model::simulated(seed, &author(seed, ACTS)).err();
        failed.map(|why| format!("seed {seed}: {why}"))
    })
}

fn damaged(mode: LogMode, what: &str) -> Option<String> {
    let damages = match what {
        "closed" => damage::damage_closed(mode, STEP),
        "killed" => damage::damage_unclean(mode, false, STEP),
        "power-cut" => damage::damage_unclean(mode, true, STEP),
        _ => panic!("{what:?} is nothing that can be damaged"),
    };
    damages.violations.into_iter().next()
}
