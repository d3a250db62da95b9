"""What the package says of itself while it runs: its public modules, names, and their members."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cached_property
from types import GetSetDescriptorType, ModuleType
from typing import NamedTuple

import lsmdb


# Attributes that are worked out when they are asked for, and have documentation of their own.
COMPUTED = (property, cached_property, classmethod, staticmethod, GetSetDescriptorType)


class Member(NamedTuple):
    """A module, or something with a name in one."""

    name: str
    value: object
    module: ModuleType

    @property
    def doc(self) -> str:
        """Its documentation, without the indentation of its place."""
        return inspect.cleandoc(getattr(self.value, "__doc__", None) or "")


def modules() -> list[ModuleType]:
    """The package and its public modules."""
    found = [lsmdb]
    for entry in pkgutil.walk_packages(lsmdb.__path__, "lsmdb."):
        if not any(part.startswith("_") for part in entry.name.split(".")):
            found.append(importlib.import_module(entry.name))
    return found


def public() -> Iterator[Member]:
    """Every public name of the package, each once, and the public members of classes."""
    named = [(module, name) for module in modules() for name in module.__all__]
    values = {id(value): value for module, name in named if is_ours(value := getattr(module, name))}
    seen: set[int] = set()
    yield from (Member(module.__name__, module, module) for module in modules())
    for module, name in named:
        value = getattr(module, name)
        if id(value) in values and id(value) not in seen:
            seen.add(id(value))
            yield from described(Member(f"{module.__name__}.{name}", value, module), values)


def is_ours(value: object) -> bool:
    """True for a class or a function of the package."""
    is_code = inspect.isclass(value) or inspect.isroutine(value)
    return is_code and str(getattr(value, "__module__", "")).split(".")[0] == "lsmdb"


def described(named: Member, elsewhere: dict[int, object]) -> Iterator[Member]:
    """A class or a function, and of a class the public members that no other section shows."""
    yield named
    value = named.value
    if not inspect.isclass(value):
        return
    inside = [base for base in value.__mro__ if is_ours(base)]
    shown = [base for base in inside if base is value or id(base) not in elsewhere]
    members = {member: found for base in reversed(shown) for member, found in vars(base).items()}
    for member, found in sorted(members.items()):
        is_code = inspect.isroutine(found) or isinstance(found, COMPUTED)
        if is_code and not member.startswith("_"):
            yield Member(f"{named.name}.{member}", found, named.module)
