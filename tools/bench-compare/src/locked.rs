//! The versions of the crates that this program was built from.

/// The workspace's lock file.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// The version of a crate.
pub(crate) fn locked_version(name: &str) -> String {
    let own = format!("name = \"{name}\"");
    let mut lines = LOCK.lines().skip_while(|line| *line != own).skip(1);
    let version = lines.next().and_then(|line| line.strip_prefix("version = \""));
    version.and_then(|version| version.strip_suffix('"')).unwrap_or("unknown").to_owned()
}
