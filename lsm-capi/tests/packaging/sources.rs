//! Sources of any version, with this repository's script and templates, and words for a library.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tree::{command, repository};

/// Sources of some version, as far as the script looks at them; there is no cargo to build them.
pub(crate) struct Sources(pub(crate) PathBuf);

impl Sources {
    pub(crate) fn of(folder: &Path, version: &str) -> Self {
        let sources = folder.join("some sources");
        for inside in ["tools", "include", "lsm-capi/packaging", "target/release"] {
            fs::create_dir_all(sources.join(inside)).expect("a folder");
        }
        for inside in ["tools", "lsm-capi/packaging"] {
            for entry in fs::read_dir(repository().join(inside)).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name");
                if path.is_dir() {
                    continue;
                }
                fs::copy(&path, sources.join(inside).join(name)).expect("a copy");
            }
        }
        let manifest = format!(
            "[workspace]\nversion = \"9.9.9\"\n\n[workspace.package]\nedition = \"2024\"\n\
             version = \"{version}\"\n\n[profile.release]\nversion = \"8.8.8\"\n"
        );
        fs::write(sources.join("Cargo.toml"), manifest).expect("a file");
        let library = ["target/release/liblsm.so", "target/release/liblsm.a"];
        for file in library.iter().chain(&["include/lsm.h", "include/lsm.hpp"]) {
            fs::write(sources.join(file), file).expect("a file");
        }
        Self(sources)
    }

    pub(crate) fn script(&self) -> Command {
        let mut script = command(self.0.join("tools/install"));
        script.env("CARGO", "/there/is/no/cargo");
        script
    }
}
