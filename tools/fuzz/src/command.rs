//! The commands of the program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use lsm_fuzz::target::Target;
use lsm_fuzz::targets::list::{all, named};
use lsm_fuzz::{corpus, replay};

const USAGE: &str = "lsm-fuzz list | seeds [TARGET] | replay TARGET FILE.. \
                     | chance SEED COUNT [TARGET] \
                     | drive FUZZER WORK SECONDS [TARGET] | keep FUZZER WORK [TARGET]";
/// Of one target no more bytes are kept.
const KEPT_MAX: u64 = 12 << 10;

type Done = Result<(), String>;

/// Does what the words of the command line say.
pub(crate) fn run(words: &[&str]) -> Done {
    match words {
        ["list"] => {
            all().for_each(|target| println!("{:18} {}", target.name, target.about));
            Ok(())
        }
        ["seeds", names @ ..] => chosen(names)?.iter().try_for_each(|target| {
            let new = corpus::seed(target).map_err(told)?;
            println!("{}: {new} new", target.name);
            Ok(())
        }),
        ["replay", name, files @ ..] => {
            let [target] = chosen(&[name])?[..] else { return Err(USAGE.to_owned()) };
            files.iter().map(Path::new).try_for_each(|file| {
                replay::run(&target, &fs::read(file).map_err(told)?, Some(file))?;
                println!("{} bears {}", target.name, file.display());
                Ok(())
            })
        }
        ["chance", seed, count, names @ ..] => {
            let number = |text: &str| text.parse().map_err(|_| USAGE.to_owned());
            let (seed, count) = (number(seed)?, number(count)?);
            chosen(names)?.iter().try_for_each(|target| {
                println!("{}: {} inputs", target.name, replay::whole(target, seed, count)?);
                Ok(())
            })
        }
        ["drive", fuzzer, work, seconds, names @ ..] => {
            let targets = chosen(names)?;
            let seconds: u64 = seconds.parse().map_err(|_| USAGE.to_owned())?;
            // Whole databases have much more to find than a decoder.
            let share = |target: &Target| if is_whole(target) { 6 } else { 1 };
            let shares: u64 = targets.iter().map(share).sum();
            targets.iter().try_for_each(|target| {
                let seconds = (seconds * share(target) / shares).max(1);
                drive(target, Path::new(fuzzer), &Path::new(work).join(target.name), seconds)
            })
        }
        ["keep", fuzzer, work, names @ ..] => chosen(names)?.iter().try_for_each(|target| {
            keep(target, Path::new(fuzzer), &Path::new(work).join(target.name))
        }),
        _ => Err(USAGE.to_owned()),
    }
}

fn is_whole(target: &Target) -> bool {
    lsm_fuzz::targets::list::DATABASES.iter().any(|whole| whole.name == target.name)
}

fn told(error: io::Error) -> String {
    error.to_string()
}

/// The targets of these names, all without any.
fn chosen(names: &[&str]) -> Result<Vec<Target>, String> {
    if names.is_empty() {
        return Ok(all().collect());
    }
    let found = names.iter().map(|name| named(name).ok_or(format!("there is no target {name}")));
    found.collect()
}

fn fuzzer_of(target: &Target, fuzzer: &Path) -> Command {
    let mut command = Command::new(fuzzer);
    command.env("LSM_FUZZ_TARGET", target.name);
    command.args(["-max_len=16384", "-timeout=30", "-rss_limit_mb=3072"]);
    command
}

/// Runs the fuzzer for so long. What it learns stays in `work`; what fails goes to the corpus.
fn drive(target: &Target, fuzzer: &Path, work: &Path, seconds: u64) -> Done {
    fs::create_dir_all(work).map_err(told)?;
    let folder = corpus::folder(target);
    fs::create_dir_all(&folder).map_err(told)?;
    let before = names_in(&folder)?;
    let mut command = fuzzer_of(target, fuzzer);
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", folder.display()));
    command.args(["-use_value_profile=1", "-print_final_stats=1"]).arg(work).arg(&folder);
    let output = command.output().map_err(told)?;
    let text = String::from_utf8_lossy(&output.stderr);
    let number = |name: &str| {
        let line = text.lines().rev().find(|line| line.contains(name));
        line.and_then(|line| line.split_whitespace().last()).unwrap_or("?").to_owned()
    };
    let covered = text.lines().rev().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "cov:")?;
        words.get(at + 1).map(|word| (*word).to_owned())
    });
    println!(
        "{:18} {seconds:4} s {:>10} inputs, {:>6} places reached, {} MiB",
        target.name,
        number("number_of_executed_units"),
        covered.unwrap_or_default(),
        number("peak_rss_mb"),
    );
    if output.status.success() {
        return Ok(());
    }
    let tail: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    eprintln!("{}", tail.get(tail.len().saturating_sub(30)..).unwrap_or_default().join("\n"));
    let new = names_in(&folder)?.into_iter().filter(|name| !before.contains(name));
    let lines: Vec<String> = new.map(|path| replay::line(target, &path)).collect();
    Err(format!("{} fails. Run it again:\n    {}", target.name, lines.join("\n    ")))
}

fn names_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(told)?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}

/// Keeps the smallest inputs in `work` that reach what is not reached without them, as far as there
/// is room.
fn keep(target: &Target, fuzzer: &Path, work: &Path) -> Done {
    let merged = work.with_extension("merged");
    let _none_yet = fs::remove_dir_all(&merged);
    fs::create_dir_all(&merged).map_err(told)?;
    let folder = corpus::folder(target);
    let mut command = fuzzer_of(target, fuzzer);
    command.arg("-merge=1").arg(&merged).arg(&folder).arg(work);
    let output = command.output().map_err(told)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let mut inputs: Vec<Vec<u8>> =
        names_in(&merged)?.iter().map(fs::read).collect::<io::Result<_>>().map_err(told)?;
    inputs.sort_by_key(Vec::len);
    let mut room = KEPT_MAX;
    for (path, bytes) in corpus::read(target) {
        let is_failure = path.file_name().is_some_and(|name| name.to_string_lossy().contains('-'));
        if is_failure {
            room = room.saturating_sub(bytes.len() as u64);
        } else {
            fs::remove_file(path).map_err(told)?;
        }
    }
    let mut kept = 0;
    for input in inputs {
        let Some(rest) = room.checked_sub(input.len() as u64) else { break };
        room = rest;
        kept += usize::from(corpus::keep(target, &input).map_err(told)?);
    }
    println!("{}: {kept} kept, {} bytes", target.name, KEPT_MAX - room);
    Ok(())
}
