"""The package as it is handed out: its version, its names, its licences, its documentation."""

import tomllib
from importlib import metadata
from pathlib import Path

import lsmdb
import pytest

CRATE = Path(__file__).resolve().parents[1]
ROOT = CRATE.parent


def test_version_is_the_workspace_version() -> None:
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    assert lsmdb.__version__ == manifest["workspace"]["package"]["version"]


def test_an_installed_package_says_the_same_of_itself() -> None:
    try:
        about = metadata.metadata("lsmdb")
    except metadata.PackageNotFoundError:
        pytest.skip("lsmdb is not installed here, it is imported from a folder")
    assert about["Version"] == lsmdb.__version__
    assert about["License-Expression"] == "MIT OR Apache-2.0"
    assert about.get_all("License-File") == ["LICENSE-MIT", "LICENSE-APACHE"]
    assert not metadata.requires("lsmdb")


def test_all_names_exist_once() -> None:
    assert len(lsmdb.__all__) == len(set(lsmdb.__all__))
    for name in lsmdb.__all__:
        assert hasattr(lsmdb, name), name


def test_the_package_is_typed() -> None:
    package = Path(lsmdb.__file__).parent
    assert (package / "py.typed").exists()
    assert (package / "_native.pyi").exists()


@pytest.mark.parametrize("name", ["LICENSE-MIT", "LICENSE-APACHE"])
def test_licences_are_those_of_the_repository(name: str) -> None:
    assert (CRATE / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_oldest_python_is_named_alike_everywhere() -> None:
    manifest = tomllib.loads((CRATE / "Cargo.toml").read_text())
    project = tomllib.loads((CRATE / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert manifest["features"]["abi3"] == ["pyo3/abi3-py311"]
