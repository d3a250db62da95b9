"""stubs.py --write | --check: the docstrings of _native.pyi are those of the native module.

Signatures are written in the stub, by hand. What a name means is written once, at the code in Rust;
this carries it over, so that editors and the page of the API show it.
"""

import ast
import difflib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

STUB = Path(__file__).resolve().parents[1] / "python" / "lsmdb" / "_native.pyi"
Definition = ast.ClassDef | ast.FunctionDef
COLUMNS = 100


def documented(text: str, module: object) -> str:
    """The text of a stub with the docstrings of a module, in the place of those it has."""
    lines = text.splitlines()
    # From the end, so that the lines before it keep their numbers.
    for node, value in reversed(list(definitions(ast.parse(text), module))):
        first, last, header = place(node, lines)
        lines[first:last] = header + docstring(node, value)
    return "\n".join(lines) + "\n"


def definitions(
    scope: ast.Module | ast.ClassDef, value: object
) -> Iterator[tuple[Definition, object]]:
    """Every public class and function of a stub beside what it describes, in the file's order.

    Of overloads the first is documented, for all.
    """
    seen = set()
    for node in scope.body:
        if not isinstance(node, Definition) or node.name.startswith("_") or node.name in seen:
            continue
        seen.add(node.name)
        described = inspect.getattr_static(value, node.name)
        yield node, described
        if isinstance(node, ast.ClassDef):
            yield from definitions(node, described)


def place(node: Definition, lines: list[str]) -> tuple[int, int, list[str]]:
    """Where the docstring goes: the lines it replaces, and what of them stays above it."""
    body = node.body[0]
    if not isinstance(body, ast.Expr):  # a class without a docstring
        first = start(body)
        return first, first, []
    first = body.lineno - 1
    kept = lines[first][: body.col_offset].rstrip()
    last = start(node.body[1]) if len(node.body) > 1 else body.end_lineno or body.lineno
    return first, last, [kept] if kept else []


def start(node: ast.stmt) -> int:
    """The first line of a statement, counted from 0, with what decorates it."""
    decorators = getattr(node, "decorator_list", [])
    first: int = min([node.lineno, *(one.lineno for one in decorators)])
    return first - 1


def docstring(node: Definition, value: object) -> list[str]:
    """The lines of a docstring, at the depth of the body of a definition."""
    doc = inspect.cleandoc(getattr(value, "__doc__", None) or "")
    more = [""] if len(node.body) > 1 or not isinstance(node.body[0], ast.Expr) else []
    if not doc:
        return [] if more else [" " * (node.col_offset + 4) + "..."]
    indent = " " * (node.col_offset + 4)
    mark = 'r"""' if "\\" in doc else '"""'
    if len(indent + mark + doc.partition("\n")[0]) > COLUMNS:
        mark += "\n"
    end = '\n"""' if "\n" in mark + doc else '"""'
    return textwrap.indent(mark + doc + end, indent).splitlines() + more


def main(verb: str) -> int:
    from lsmdb import _native

    is_now = STUB.read_text()
    should_be = documented(is_now, _native)
    if verb == "--write":
        STUB.write_text(should_be)
    elif is_now != should_be:
        sys.stderr.writelines(difference(is_now, should_be))
        return 1
    return 0


def difference(is_now: str, should_be: str) -> list[str]:
    """What has to change, as a patch."""
    texts = is_now.splitlines(keepends=True), should_be.splitlines(keepends=True)
    return list(difflib.unified_diff(*texts, "the stub is", "it should be"))


if __name__ == "__main__":
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
