//! The whole engine against the reference: random plays over everything that the API has, with
//! memtables so small that flushes and compactions happen all the time.
//!
//! A play that fails is shortened and printed as one line, which replays it:
//! `LSM_PLAY='seed=7 p1.2.3.4 f0.0.0.0' ... cargo test replay_one_play`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::harness::asked::number;
use crate::harness::disk::new_disk;
use crate::harness::engine::acts::{
    Act, parse_play, shorten, to_text, write_play, write_play_among_deletes,
};
use crate::harness::engine::player::{Place, Player};
use crate::harness::images::caught;
use crate::machine::kit::TempDir;

/// Plays on a simulated disk.
pub fn simulated(seed: u64, acts: &[Act]) -> Result<BTreeMap<char, u64>, String> {
    play(Place::Simulated { disk: new_disk(), seed }, seed, acts)
}

/// Plays on the machine's own file system.
fn real(seed: u64, acts: &[Act]) -> Result<BTreeMap<char, u64>, String> {
    let dir = TempDir::new();
    play(Place::Real(dir.db()), seed, acts)
}

fn play(place: Place, seed: u64, acts: &[Act]) -> Result<BTreeMap<char, u64>, String> {
    let played = caught(|| {
        let mut player = Player::new(place, seed)?;
        for (at, act) in acts.iter().enumerate() {
            player.act(act).map_err(|why| format!("act {at}, {act}: {why}"))?;
        }
        player.whole()?;
        Ok(player.report())
    });
    played.and_then(|played: Result<_, String>| played)
}

type Author = fn(u64, usize) -> Vec<Act>;

type Stage = fn(u64, &[Act]) -> Result<BTreeMap<char, u64>, String>;

/// Plays until the time is over; the first failure is shortened and printed.
fn play_all(
    name: &str,
    (author, stage): (Author, Stage),
    seeds: impl Iterator<Item = u64>,
    (budget, length): (Duration, usize),
) {
    let begun = Instant::now();
    let mut played = BTreeMap::new();
    let mut plays = 0;
    for seed in seeds.take_while(|_| begun.elapsed() < budget) {
        let acts = author(seed, length);
        match stage(seed, &acts) {
            Ok(done) => {
                done.into_iter().for_each(|(verb, n)| *played.entry(verb).or_insert(0) += n)
            }
            Err(why) => fail(name, stage, (seed, acts), why),
        }
        plays += 1;
    }
    let total: u64 = played.values().sum();
    let of = |letter| played.get(&letter).copied().unwrap_or(u64::MAX);
    // Otherwise the small memtables are not small enough, and little is proved.
    assert!(of('+') > 4 * plays && of('-') > 2 * plays, "{plays} plays: {played:?}");
    println!("{name}: {plays} plays, {total} acts, 0 differences: {played:?}");
}

fn fail(name: &str, stage: Stage, (seed, acts): (u64, Vec<Act>), why: String) -> ! {
    println!("{name}: seed {seed} fails: {why}; it is being shortened");
    let until = Instant::now() + Duration::from_secs(60);
    let (acts, why) = shorten(acts, why, &mut |acts| {
        (Instant::now() < until).then(|| stage(seed, acts).err()).flatten()
    });
    panic!("{name}: LSM_PLAY='seed={seed} {}': {why}", to_text(&acts));
}

#[test]
fn the_engine_does_what_the_reference_does() {
    let own = number("LSM_SEED");
    let budget = (Duration::from_secs(20), 400);
    match own {
        Some(seed) => play_all("model", (write_play, simulated), seed..seed + 1, budget),
        None => play_all("model", (write_play, simulated), 0.., budget),
    }
}

/// In this build scans remember, and leap over, runs of very few deletes.
#[test]
fn the_engine_does_what_the_reference_does_where_nearly_all_is_deleted() {
    let way = (write_play_among_deletes as Author, simulated as Stage);
    play_all("model, deletes", way, 0.., (Duration::from_secs(15), 400));
}

#[test]
fn the_engine_does_what_the_reference_does_on_this_machine() {
    play_all("model, real files", (write_play, real), 0.., (Duration::from_secs(8), 400));
}

#[test]
#[ignore = "minutes: make prove"]
fn prove_the_engine_does_what_the_reference_does() {
    let seconds = number("LSM_SECONDS");
    let budget = Duration::from_secs(seconds.unwrap_or(50));
    std::thread::scope(|scope| {
        scope.spawn(move || play_all("model", (write_play, simulated), 100_000.., (budget, 400)));
        let deletes = (write_play_among_deletes as Author, simulated as Stage);
        scope.spawn(move || play_all("model, deletes", deletes, 100_000.., (budget, 2000)));
        scope.spawn(move || {
            play_all("model, long", (write_play, simulated), 500_000.., (budget, 4000))
        });
    });
}

#[test]
#[ignore = "a minute: make prove"]
fn prove_the_engine_does_what_the_reference_does_on_this_machine() {
    play_all("model, real files", (write_play, real), 100_000.., (Duration::from_secs(30), 2000));
}

/// Tables that flushes share between keyspaces were moved into one run, and a scan that went from
/// one to the next met what another keyspace has there.
#[test]
fn a_run_of_shared_tables_keeps_to_its_keyspace() {
    let play = "k8191.46294.11756.39248 p35842.23031.18829.32770 p15528.63116.9735.35603 \
        f63870.53135.8820.48631 p60646.50531.6166.27985 o7620.62891.47727.40552 \
        p4050.20522.43793.63718 f31867.55427.10104.9638 d42326.36444.40190.9310 \
        f31668.40768.55178.29608 p58891.33644.64550.34001 p34362.56462.44009.22743 \
        o40412.56385.27296.15569 e27844.61022.10133.5881";
    simulated(457, &parse_play(play)).unwrap();
}

/// Runs the one play that a failure printed.
#[test]
fn replay_one_play() {
    let Ok(line) = std::env::var("LSM_PLAY") else { return };
    let (seed, acts) = line.split_once(' ').unwrap();
    let seed = seed.strip_prefix("seed=").unwrap().parse().unwrap();
    simulated(seed, &parse_play(acts)).unwrap();
}
