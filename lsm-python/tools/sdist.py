"""sdist.py FOLDER: a source archive of lsmdb that builds without a network.

maturin packs the crates lsm-python and lsm-core with a workspace around them. To that this adds the
sources of all they depend on, and the configuration that makes cargo look there alone. The same
sources give the same bytes.
"""

import gzip
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

CRATE = Path(__file__).resolve().parents[1]
# The model checker serves tests of the engine alone, and brings forty crates.
LOOM = re.compile(r"\[target\.'cfg\(lsm_loom\)'\.dependencies\]\n(?:[^\[\n].*\n|\n)*")
# Says to cargo, for a build anywhere below the archive's folder, where crates come from.
CONFIG = """\
[source.crates-io]
replace-with = "vendor"

[source.vendor]
directory = "vendor"
"""


def pack(folder: Path) -> Path:
    """Lets maturin pack what it packs, and answers the archive."""
    place = ["--manifest-path", str(CRATE / "Cargo.toml"), "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "maturin", "sdist", *place], check=True)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def unpack(archive: Path, folder: Path) -> Path:
    """Answers the one folder in an archive."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


def vendor(root: Path) -> None:
    """Puts beside the sources what they depend on, as the lock file names it."""
    engine = root / "lsm-core" / "Cargo.toml"
    text, found = LOOM.subn("", engine.read_text())
    if found != 1:
        raise SystemExit(f"{engine}: its table for the model checker is not where it was")
    engine.write_text(text)
    command = ["cargo", "vendor", "--quiet", "--versioned-dirs"]
    subprocess.run(command, cwd=root, check=True)
    (root / ".cargo").mkdir()
    (root / ".cargo" / "config.toml").write_text(CONFIG)


def write(root: Path, archive: Path) -> None:
    """Writes an archive with sorted names, and one time and owner for all of them."""
    when = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = when
        member.mode = 0o755 if member.mode & 0o100 else 0o644
        return member

    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=when) as out:
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(root.rglob("*")):
                tar.add(path, str(path.relative_to(root.parent)), recursive=False, filter=plain)
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(packed.getvalue())


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        packed = pack(Path(scratch, "packed"))
        root = unpack(packed, Path(scratch, "sources"))
        vendor(root)
        write(root, folder / packed.name)
    print(f"{folder / packed.name}: {(folder / packed.name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
