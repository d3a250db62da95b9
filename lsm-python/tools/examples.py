"""Runs the examples of documentation: prompts in docstrings, blocks of Python in pages."""

import doctest
import inspect
import re
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OPTIONS = doctest.ELLIPSIS


def prompts(doc: str, names: dict[str, Any], where: str) -> int:
    """Runs the prompts in a text and answers how many there were.

    AssertionError tells what one printed that it should not have.
    """
    test = doctest.DocTestParser().get_doctest(inspect.cleandoc(doc), names, where, where, 0)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    outcome = runner.run(test, out=told.append, clear_globs=False)
    names.update(test.globs)
    test.globs.clear()
    assert outcome.failed == 0, "".join(told)
    return outcome.attempted


def blocks(page: Path) -> list[tuple[int, str]]:
    """The blocks of Python of a page in Markdown, each with the line it begins on."""
    text = page.read_text()
    return [(text.count("\n", 0, one.start(1)) + 1, one[1]) for one in BLOCK.finditer(text)]


def run_page(page: Path) -> int:
    """Runs the blocks of a page as one program, in the working folder; answers how many ran."""
    names: dict[str, Any] = {"__name__": "__main__"}
    found = blocks(page)
    for line, text in found:
        if text.lstrip().startswith(">>> "):
            prompts(text, names, f"{page.name}:{line}")
        else:
            # Lines before the block, so that a traceback names the line of the page.
            exec(compile("\n" * (line - 1) + text, str(page), "exec"), names)
    return len(found)
