//! Fidelity: the simulated disk is asked for exactly what the real file system is asked for. The
//! same script runs in both worlds; what `strace` saw is held against what the simulation recorded:
//! the same operations on the same names at the same places, in the same order.
//!
//! Besides the letters of `script`, a script is cut by `X`: there the process dies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use lsm_core::env::fs::FileSystem;
use lsm_core::env::sim::disk::SimDisk;
use lsm_core::env::sim::op::{Op, OpKind};
use lsm_core::env::sim::world::SimWorld;
use lsm_core::env::world::Env;
use lsm_core::journal::handle::Journal;
use lsm_core::journal::options::JournalOptions;
use lsm_core::options::durability::Durability;
use lsm_core::options::log_mode::LogMode;

use crate::machine::kit::{MODES, TempDir, again, mode_name, mode_of, role};

const SCRIPTS: [&str; 4] = ["", "BDBSRBKC", "BLSRBDCBC", "BDRBXKBXCX"];
const SIM_PATH: &str = "/data/db";
const CALLS: &str = "openat,mkdir,mkdirat,pwrite64,fdatasync,fsync,fallocate,rename,renameat,\
                     renameat2,unlink,unlinkat,ftruncate,msync,mmap,madvise";

fn open(env: &Env, path: &Path, mode: LogMode) -> Journal {
    let options = JournalOptions {
        log_mode: mode,
        segment_bytes_min: 16 << 10,
        segment_bytes_max: 16 << 10,
        sync_interval: None,
        ..JournalOptions::default()
    };
    Journal::open(env, path, options, &mut |_, _| Ok(())).unwrap().0
}

/// Runs a script without `X`. After each letter `rest` lets the background work end.
fn run(env: &Env, path: &Path, mode: LogMode, script: &str, rest: impl Fn()) -> Journal {
    let mut journal = open(env, path, mode);
    rest();
    for (number, letter) in (0..).zip(script.chars()) {
        match letter {
            'B' => drop(journal.append(&[1; 60], 1, Durability::Buffered).unwrap()),
            'D' => drop(journal.append(&[2; 60], 1, Durability::Durable).unwrap()),
            'L' => drop(journal.append(&[3; 9000], 1, Durability::Buffered).unwrap()),
            'S' => journal.sync().unwrap(),
            'R' => drop(journal.rotate().unwrap()),
            'K' => drop(journal.create_keyspace(&format!("k{number}"), "").unwrap()),
            'C' => {
                journal.close().unwrap();
                journal = open(env, path, mode);
            }
            other => panic!("no letter {other:?}"),
        }
        rest();
    }
    journal
}

#[test]
#[ignore = "the other process of this story, which starts it"]
fn child() {
    let Some(role) = role() else { return };
    let pause = Duration::from_millis(role[3].parse().unwrap());
    let env = lsm_core::env::os::world::real();
    let rest = || std::thread::sleep(pause);
    let journal = run(&env, Path::new(&role[0]), mode_of(&role[1]), &role[2], rest);
    // The process ends here, as if it were killed.
    std::mem::forget(journal);
    std::process::exit(0);
}

/// What the simulated disk was asked for.
fn simulated(mode: LogMode, script: &str) -> Vec<String> {
    let disk = SimDisk::new();
    let parent = Path::new(SIM_PATH).parent().unwrap();
    disk.create_dir(parent).unwrap();
    disk.record_trace(true);
    for (seed, part) in (0..).zip(script.split('X')) {
        let world = SimWorld::from_disk(disk.clone(), seed);
        let rest = || world.scheduler.run_until_idle();
        let journal = run(&world.env(), Path::new(SIM_PATH), mode, part, rest);
        journal.abandon();
        world.scheduler.kill();
    }
    disk.trace().iter().filter_map(told_by_sim).collect()
}

fn told_by_sim(op: &Op) -> Option<String> {
    let name = name_in(Path::new(SIM_PATH), &op.path)?;
    let kind = op.kind;
    Some(match kind {
        OpKind::CreateDir | OpKind::Create | OpKind::Unlink | OpKind::SyncDir => {
            format!("{kind} {name}")
        }
        OpKind::SyncData | OpKind::SyncAll => format!("{kind} {name}"),
        OpKind::Rename => {
            format!("{kind} {name} {}", name_in(Path::new(SIM_PATH), op.target.as_ref()?)?)
        }
        OpKind::Allocate | OpKind::SetLen => format!("{kind} {name} {}", op.offset),
        OpKind::Write | OpKind::Map => format!("{kind} {name} {}+{}", op.offset, op.len),
        OpKind::Populate | OpKind::SyncWindow => {
            format!("{kind} {name} {}+{}", op.offset, op.len.next_multiple_of(4096))
        }
        _ => return None,
    })
}

/// The name of a path inside the database; `.` for the directory itself.
fn name_in(db: &Path, path: &Path) -> Option<String> {
    let name = path.strip_prefix(db).ok()?.to_str()?;
    Some(if name.is_empty() { String::from(".") } else { name.to_owned() })
}

/// What the real file system was asked for.
fn real(mode: LogMode, script: &str, pause: u64) -> Vec<String> {
    let dir = TempDir::new();
    let mut told = Vec::new();
    for part in script.split('X') {
        let log = dir.path().join("strace.log");
        let pause = pause.to_string();
        let role = [dir.db().to_str().unwrap().to_owned(), mode_name(mode).into(), part.into()];
        let role: Vec<&str> = role.iter().map(String::as_str).chain([pause.as_str()]).collect();
        let child = again(module_path!(), &role);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-s", "0", "-e", &format!("trace={CALLS}"), "-o"]).arg(&log);
        strace.arg(child.get_program()).args(child.get_args());
        for (key, value) in child.get_envs() {
            strace.env(key, value.unwrap());
        }
        let output = strace.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut maps = BTreeMap::new();
        let text = fs::read_to_string(&log).unwrap();
        told.extend(text.lines().filter_map(|line| told_by_strace(&dir.db(), line, &mut maps)));
    }
    told
}

/// Where a mapping lies: its length, and the name and offset that are mapped there.
type Maps = BTreeMap<u64, (u64, String, u64)>;

/// A line like `4711 fsync(3</tmp/x/db>) = 0` in the words of the simulation.
fn told_by_strace(db: &Path, line: &str, maps: &mut Maps) -> Option<String> {
    let (_, call) = line.split_once(' ')?;
    let (call, rest) = call.trim_start().split_once('(')?;
    let rest = rest.split_once(" <unfinished").map_or(rest, |(arguments, _)| arguments);
    let (arguments, answer) = rest.rsplit_once(" = ").unwrap_or((rest, "0"));
    let arguments = arguments.trim_end().trim_end_matches(')');
    let arguments: Vec<&str> = arguments.split(", ").collect();
    let number = |at: usize| -> Option<u64> { arguments.get(at)?.parse().ok() };
    let of = |at: usize| name_in(db, Path::new(path_of(arguments.get(at)?)?));
    let at = |dir: usize, name: usize| {
        let name = arguments.get(name)?.trim_matches('"');
        name_in(db, &Path::new(path_of(arguments.get(dir)?)?).join(name))
    };
    Some(match call {
        "mkdir" => {
            format!("create_dir {}", name_in(db, Path::new(arguments[0].trim_matches('"')))?)
        }
        "openat" if line.contains("O_CREAT") => format!("create {}", at(0, 1)?),
        "renameat" | "renameat2" => format!("rename {} {}", at(0, 1)?, at(2, 3)?),
        "unlinkat" => format!("unlink {}", at(0, 1)?),
        "fsync" if of(0)? == "." => String::from("sync_dir ."),
        "fsync" => format!("sync_all {}", of(0)?),
        "fdatasync" => format!("sync_data {}", of(0)?),
        "ftruncate" => format!("set_len {} {}", of(0)?, number(1)?),
        "fallocate" => format!("allocate {} {}", of(0)?, number(2)? + number(3)?),
        "pwrite64" => format!("write {} {}+{}", of(0)?, number(3)?, number(2)?),
        "mmap" => {
            let (name, offset) = (of(4)?, hex(arguments.get(5)?)?);
            let len = number(1)?;
            maps.insert(hex(answer)?, (len, name.clone(), offset));
            format!("map {name} {offset}+{len}")
        }
        "msync" | "madvise" => {
            let (address, len) = (hex(arguments[0])?, number(1)?);
            let (start, (map_len, name, offset)) = maps.range(..=address).next_back()?;
            let place = address - start;
            let is_ours = place < *map_len;
            let is_populate = matches!(arguments[2], "MADV_POPULATE_WRITE" | "0x17");
            let kind = if call == "msync" { "sync_window" } else { "populate" };
            if !is_ours || call == "madvise" && !is_populate {
                return None;
            }
            format!("{kind} {name} {}+{len}", offset + place)
        }
        _ => return None,
    })
}

/// The path in `3</tmp/x>`.
fn path_of(argument: &str) -> Option<&str> {
    argument.split_once('<')?.1.strip_suffix('>')
}

fn hex(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn first_difference(real: &[String], simulated: &[String]) -> String {
    let same = real.iter().zip(simulated).take_while(|(real, simulated)| real == simulated).count();
    let part = |ops: &[String]| ops[same.saturating_sub(3)..(same + 4).min(ops.len())].join("\n  ");
    format!("operation {same}:\nreal:\n  {}\nsimulated:\n  {}", part(real), part(simulated))
}

#[test]
fn the_real_disk_is_asked_for_what_the_simulated_one_records() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("System calls were not compared with the simulation: there is no strace here.");
        assert!(std::env::var_os("CI").is_none(), "where tests are run for all, strace is needed");
        return;
    }
    for mode in MODES {
        for script in SCRIPTS {
            let simulated = simulated(mode, script);
            assert!(simulated.len() > 10, "the simulation records what it is asked for");
            // On a busy machine the background may need longer than the pause after a letter.
            let mut seen = Vec::new();
            for pause in [15, 100, 500] {
                seen = real(mode, script, pause);
                if seen == simulated {
                    break;
                }
            }
            let name = mode_name(mode);
            assert!(seen == simulated, "{name} {script:?} {}", first_difference(&seen, &simulated));
            println!("{name:6} {script:10} {} operations, the same in both", seen.len());
        }
    }
}
