"""The package imports, and says which version it is."""

import tomllib
import unittest
from pathlib import Path

import lsmdb

ROOT = Path(__file__).resolve().parents[2]


class Import(unittest.TestCase):
    def test_version_is_the_workspace_version(self):
        manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
        self.assertEqual(lsmdb.__version__, manifest["workspace"]["package"]["version"])

    def test_all_names_exist(self):
        for name in lsmdb.__all__:
            self.assertTrue(hasattr(lsmdb, name), name)


if __name__ == "__main__":
    unittest.main()
