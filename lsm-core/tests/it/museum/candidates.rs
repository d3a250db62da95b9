//! Where a lane for a new bug is looked for: a few of every kind, then more of them, and of each
//! those first that cost least.

use crate::engine::{crash, faults};
use crate::ground;
use crate::harness::crash::scripts;
use crate::harness::engine::subject::Setup;
use crate::harness::ground::subject::Ground;
use crate::harness::scripted::Scripted;
use crate::museum::lanes::STORIES;

const MODES: [&str; 2] = ["write", "mapped"];

/// What is done with each of these scripts, in either mode of the log.
fn of_scripts<'a>(
    subject: &'a str,
    scripts: impl IntoIterator<Item = impl AsRef<str>> + 'a,
    way: &'a str,
) -> impl Iterator<Item = String> + 'a {
    let in_modes = move |script: String| {
        MODES.into_iter().map(move |mode| format!("{subject} {mode} {script} {way}"))
    };
    let scripts = scripts.into_iter().map(|script| script.as_ref().to_owned());
    scripts.filter(|script| !script.is_empty()).flat_map(in_modes)
}

fn plays(count: u64) -> [String; 2] {
    [format!("plays {count}"), format!("plays-among-deletes {count}")]
}

/// All of them, in the order in which they are tried.
pub fn all() -> impl Iterator<Item = String> {
    let stories = STORIES.iter().map(|(name, _)| format!("story {name}"));
    let few = of_scripts("ground", scripts(Ground::VERBS, 1), "crashes")
        .chain(plays(10))
        .chain(of_scripts("engine", scripts(Setup::VERBS, 1), "crashes"))
        .chain(stories)
        .chain(of_scripts("engine", ["PF", "FP", "MF", "MMI"], "full-disk"));
    let more = of_scripts("ground", scripts(Ground::VERBS, 2), "crashes")
        .chain(of_scripts("ground", ground::crash::LONGER, "crashes-twice"))
        .chain(of_scripts("ground", ["B", "D", "R", "S", "BR", "K"], "faults"))
        .chain(damages())
        .chain(of_scripts("engine", crash::LARGE, "crashes"))
        .chain(of_scripts("engine", &crash::CURATED[..40], "crashes"))
        .chain(MODES.map(|mode| format!("readers {mode} interrupted")))
        .chain(plays(40));
    let all = of_scripts("engine", &crash::CURATED[40..], "crashes")
        .chain(of_scripts("ground", scripts(Ground::VERBS, 2), "crashes-twice"))
        .chain(of_scripts("ground", ground::faults::CURATED, "crashes-twice"))
        .chain(of_scripts("ground", ground::faults::letters(2), "faults"))
        .chain(of_scripts("engine", faults::CHOSEN, "faults"))
        .chain((0..12).flat_map(|seed| MODES.map(|mode| format!("readers {mode} {seed}"))))
        .chain(plays(200));
    few.chain(more).chain(all)
}

fn damages() -> impl Iterator<Item = String> {
    let what = ["killed", "power-cut", "closed"];
    what.into_iter().flat_map(|what| MODES.map(|mode| format!("damage {mode} {what}")))
}
