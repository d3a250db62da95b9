"""Every block of Python on the pages that users read runs as it is printed."""

from pathlib import Path

import examples
import pytest

ROOT = Path(__file__).resolve().parents[2]
# A source archive has no pages but the crate's own.
PAGES = [
    page
    for name in ("README.md", "docs/python.md", "lsm-python/README.md")
    if (page := ROOT / name).exists()
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_run_as_printed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert examples.run_page(page) > 0, f"{page} shows no Python"


def written(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


def test_blocks_of_a_page_are_one_program(tmp_path: Path) -> None:
    text = "a\n```python\nx = 1\n```\n```sh\nfalse\n```\n```python\n>>> x + 1\n2\n>>> y = 3\n```\n"
    text += "```python\nassert (x, y) == (1, 3)\n```\n"
    assert examples.run_page(written(tmp_path, text)) == 3


def test_a_wrong_block_names_its_line(tmp_path: Path) -> None:
    wrong = written(tmp_path, "one\n\n```python\nx = 1\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        examples.run_page(wrong)
    assert caught.traceback[-1].lineno == 4  # counted from 0
    with pytest.raises(AssertionError, match="Expected"):
        examples.run_page(written(tmp_path, "```python\n>>> 1\n2\n```\n"))
