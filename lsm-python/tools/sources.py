"""The package as its files say it: public names, where each is defined, signatures, docstrings."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "lsmdb"
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.ClassDef | Function


class Module(NamedTuple):
    """One file: a stub, if there is one, in the place of what it describes."""

    name: str
    tree: ast.Module
    is_package: bool

    @property
    def public(self) -> list[str]:
        """The names in `__all__`, as they stand there."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                return [str(name) for name in ast.literal_eval(node.value)]
        return []

    def definition(self, name: str) -> tuple["Module", Definition] | None:
        """Where a name of this module is defined, which may be another module of the package."""
        for node in self.tree.body:
            if isinstance(node, Definition) and node.name == name:
                return self, node
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
                return self.definition(ast.unparse(node.value))
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if name == (alias.asname or alias.name):
                        return self._imported(node, alias.name)
        return None

    def _imported(self, node: ast.ImportFrom, name: str) -> tuple["Module", Definition] | None:
        above = self.name.split(".")
        above = above[: len(above) + self.is_package - node.level] if node.level else []
        source = module(".".join([*above, *filter(None, [node.module])]))
        return source.definition(name) if source else None


@cache
def module(name: str) -> Module | None:
    """A module of the package by its full name; none of others."""
    base, *parts = name.split(".")
    place = PACKAGE.joinpath(*parts)
    stub, plain = place.with_suffix(".pyi"), place.with_suffix(".py")
    for path in (place / "__init__.py", stub, plain):
        if base == "lsmdb" and path.is_file():
            return Module(name, ast.parse(path.read_text()), path.name == "__init__.py")
    return None


def public_modules() -> Iterator[Module]:
    """The package and its modules without an underscore, in the order of their paths."""
    for path in sorted(PACKAGE.rglob("*.py")):
        *folders, last = path.relative_to(PACKAGE).with_suffix("").parts
        parts = folders if last == "__init__" else [*folders, last]
        found = module(".".join(["lsmdb", *parts]))
        if found and not any(part.startswith("_") for part in parts):
            yield found


class Member(NamedTuple):
    """A function, or a method: every signature it has, and its docstring."""

    name: str
    nodes: list[Function]

    @property
    def doc(self) -> str:
        """The docstring, which of overloads one has for all."""
        return next(filter(None, map(ast.get_docstring, self.nodes)), "")

    @property
    def is_property(self) -> bool:
        """True if it is read like a value."""
        return any("property" in ast.unparse(one) for one in self.nodes[0].decorator_list)


def members(owner: Module, node: ast.ClassDef, named: frozenset[int]) -> list[Member]:
    """The public members of a class, and of its bases that have no public name themselves."""
    found: dict[str, Member] = {}
    for source, base in bases(owner, node):
        if id(base) not in named:
            found |= {one.name: one for one in members(source, base, named)}
    for one in own(node):
        found[one.name] = one
    return sorted(found.values())


def bases(owner: Module, node: ast.ClassDef) -> list[tuple[Module, ast.ClassDef]]:
    """The bases of a class that are classes of the package, the farthest first."""
    names = [ast.unparse(base).split("[")[0] for base in node.bases]
    found = [owner.definition(name) for name in reversed(names)]
    return [(one[0], one[1]) for one in found if one and isinstance(one[1], ast.ClassDef)]


def own(node: ast.ClassDef) -> list[Member]:
    """The public methods and properties that stand in a class."""
    found: dict[str, Member] = {}
    for part in node.body:
        if isinstance(part, Function) and not part.name.startswith("_"):
            found.setdefault(part.name, Member(part.name, [])).nodes.append(part)
        if isinstance(part, ast.Assign) and ast.unparse(part.value) in found:
            name = ast.unparse(part.targets[0])
            found[name] = Member(name, found[ast.unparse(part.value)].nodes)
    return list(found.values())


def fields(node: ast.ClassDef) -> list[tuple[ast.AnnAssign, str]]:
    """The attributes of a class that are documented by a string behind them."""
    pairs = zip(node.body, node.body[1:], strict=False)
    return [
        (one, ast.get_docstring(ast.Module([after], [])) or "")
        for one, after in pairs
        if isinstance(one, ast.AnnAssign) and isinstance(after, ast.Expr)
    ]


def made_by(owner: Module, node: ast.ClassDef) -> Function | None:
    """What takes the arguments that make an object: of the class, or of the nearest base."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name in ("__new__", "__init__"):
            return part
    for source, base in reversed(bases(owner, node)):
        if maker := made_by(source, base):
            return maker
    return None
