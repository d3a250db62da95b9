"""api_page.py --write | --check: docs/python-api.md, from signatures and docstrings."""

import ast
import builtins
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import sources

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python-api.md"
COLUMNS = 88
OPENING = """\
# The Python API

Every public name of `lsmdb`, made from its signatures and docstrings by `make docs-python`: change
those, not this page. [python.md](python.md) is the guide. In signatures, `Buffer` is anything with
the buffer protocol (`bytes`, `bytearray`, `memoryview`, arrays), `Bound` is that or `None`, `Pair`
a tuple of two `bytes`, `Pairs` a mapping or pairs in any iterable, `Path` and `StrPath` a path as the
built-in `open` takes it, `Durability` one of "durable", "buffered" and "volatile", and `Progress` a
function that is told `(done, total)` or a bar such as tqdm's.
"""
# A prompt, and all lines up to the next empty one.
PROMPTS = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


def page() -> str:
    """The whole page."""
    modules = list(sources.public_modules())
    defined = [module.definition(name) for module in modules for name in module.public]
    named = frozenset(id(one[1]) for one in defined if one)
    shown: set[int] = set()
    parts = [OPENING]
    for module in modules:
        parts += [f"## {module.name}\n", prose(ast.get_docstring(module.tree) or "")]
        for name in module.public:
            found = module.definition(name)
            if not found:
                continue
            if id(found[1]) in shown:
                parts += [f"### {module.name}.{name}\n", f"The same as `{found[1].name}`.\n"]
                continue
            shown.add(id(found[1]))
            parts += described(f"{module.name}.{name}", *found, named)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def described(
    name: str, owner: sources.Module, node: sources.Definition, named: frozenset[int]
) -> Iterator[str]:
    """The section of one public name."""
    yield f"### {name}\n"
    if not isinstance(node, ast.ClassDef):
        yield code([signature(node.name, node)])
        yield prose(ast.get_docstring(node) or "")
        return
    ours = {base.name for _, base in sources.bases(owner, node) if id(base) in named}
    known = ours.union(dir(builtins))
    above = [f"`{base}`" for base in map(ast.unparse, node.bases) if base in known]
    maker = sources.made_by(owner, node)
    yield code([signature(node.name, maker, is_method=True)] if maker else [])
    yield prose(ast.get_docstring(node) or "")
    yield f"Bases: {', '.join(above)}.\n" if above else ""
    for field, doc in sources.fields(node):
        yield f"* `{plain(ast.unparse(field))}`: {' '.join(doc.split())}"
    yield ""
    for member in sources.members(owner, node, named):
        yield from detailed(member)


def detailed(member: sources.Member) -> Iterator[str]:
    """One method or property of a class."""
    yield f"#### {member.name}\n"
    if member.is_property:
        answer = member.nodes[0].returns
        yield code([f"{member.name}: {plain(ast.unparse(answer)) if answer else 'object'}"])
    else:
        yield code([signature(member.name, one, is_method=True) for one in member.nodes])
    yield prose(member.doc)


def signature(name: str, node: sources.Function, *, is_method: bool = False) -> str:
    """What a caller writes, and what comes back."""
    given = parameters(node)
    is_static = any(ast.unparse(one) == "staticmethod" for one in node.decorator_list)
    given = given[1:] if is_method and not is_static else given
    if given[:1] == ["/"]:  # it stood behind self alone
        given = given[1:]
    is_maker = node.name in ("__new__", "__init__")
    answer = f" -> {plain(ast.unparse(node.returns))}" if node.returns and not is_maker else ""
    word = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    line = f"{word}{name}({', '.join(given)}){answer}"
    if len(line) <= COLUMNS:
        return line
    return "\n    ".join([f"{word}{name}(", *(f"{one}," for one in given)]) + f"\n){answer}"


def parameters(node: sources.Function) -> list[str]:
    """The parameters of a function in their order, with the marks that stand between them."""
    given = node.args
    plain_ones = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain_ones) - len(given.defaults)) + list(given.defaults)
    found = [parameter(*pair) for pair in zip(plain_ones, defaults, strict=True)]
    if given.posonlyargs:
        found.insert(len(given.posonlyargs), "/")
    if given.vararg:
        found.append("*" + parameter(given.vararg, None))
    elif given.kwonlyargs:
        found.append("*")
    found += map(parameter, given.kwonlyargs, given.kw_defaults)
    return found + ["**" + parameter(given.kwarg, None)] * bool(given.kwarg)


def parameter(node: ast.arg | None, default: ast.expr | None) -> str:
    """One parameter with its type and what it is when it is not given."""
    if node is None:
        return ""
    kind = f": {plain(ast.unparse(node.annotation))}" if node.annotation else ""
    mark = " = " if kind else "="
    return node.arg + kind + (mark + ast.unparse(default) if default else "")


def plain(text: str) -> str:
    """Annotations without the underscores of names that are private to the stub."""
    return re.sub(r"\b_(Arrow\w+|Bound|Iterator|Pairs?|Path|Progress|Mode|T)\b", r"\1", text)


def code(lines: list[str]) -> str:
    """Lines in a fence."""
    return "\n".join(["```py", *lines, "```\n"]) if lines else ""


def prose(doc: str) -> str:
    """A docstring, with its examples in fences."""
    return PROMPTS.sub(lambda found: f"```pycon\n{found[0]}\n```", doc) + "\n"


def main(verb: str) -> int:
    made = page()
    if verb == "--write":
        PAGE.write_text(made)
    elif not PAGE.exists() or PAGE.read_text() != made:
        print(f"{PAGE.name} is stale: make docs-python", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
