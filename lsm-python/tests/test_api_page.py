"""The page of the API is what the package says of itself."""

import ast

import api_page
import lsmdb
import members
import pytest
import sources


@pytest.fixture(scope="module")
def made() -> str:
    return api_page.page()


def test_the_page_is_fresh(made: str) -> None:
    if not api_page.PAGE.parent.exists():
        pytest.skip("a source archive has no pages")
    assert api_page.PAGE.read_text() == made, "make docs-python"


@pytest.mark.parametrize("member", list(members.public()), ids=lambda member: member.name)
def test_every_public_name_has_its_place(member: members.Member, made: str) -> None:
    owner, _, last = member.name.rpartition(".")
    _, is_member, section = made.partition(f"\n### {owner}\n")
    if is_member:
        assert f"\n#### {last}\n" in section.split("\n### ")[0]
    else:
        assert f"\n## {member.name}\n" in made or f"\n### {member.name}\n" in made


def test_no_name_is_shown_twice(made: str) -> None:
    headings = [line for line in made.splitlines() if line.startswith(("## ", "### "))]
    assert len(headings) == len(set(headings))


def function(text: str) -> sources.Function:
    node = ast.parse(text).body[0]
    assert isinstance(node, sources.Function)
    return node


@pytest.mark.parametrize(
    ("written", "is_method", "shown"),
    [
        ("def f(self, a: int, /, b=1, *, c: str = 'x') -> _T: ...", True,
         "f(a: int, /, b=1, *, c: str = 'x') -> T"),
        ("def f(self, /): ...", True, "f()"),
        ("async def f(*a: int, **b: str) -> int: ...", False, "async f(*a: int, **b: str) -> int"),
        ("@staticmethod\ndef f(a): ...", True, "f(a)"),
        ("def f(a, *, b): ...", False, "f(a, *, b)"),
    ],
)  # fmt: skip
def test_signatures(written: str, is_method: bool, shown: str) -> None:
    assert api_page.signature("f", function(written), is_method=is_method) == shown


def test_long_signatures_have_a_line_for_each_parameter() -> None:
    names = [f"a_long_parameter_{number}" for number in range(9)]
    shown = api_page.signature("f", function(f"def f({', '.join(names)}): ..."))
    assert shown.splitlines() == ["f(", *(f"    {name}," for name in names), ")"]


def test_examples_are_fenced() -> None:
    fenced = api_page.prose("Says.\n\n>>> 1 + 1\n2\n\nMore.")
    assert fenced == "Says.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.\n"


def test_inherited_members_are_shown_once(made: str) -> None:
    db = made.split("\n### lsmdb.DB\n")[1].split("\n### ")[0]
    assert "\n#### keyspace\n" in db  # of a base without a public name
    assert "\n#### put\n" not in db  # of Writable, which has a section
    assert issubclass(lsmdb.DB, lsmdb.Writable)
