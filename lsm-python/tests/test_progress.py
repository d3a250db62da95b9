"""What long calls tell: functions are called as they are, bars are moved on."""

import io

import pytest

from lsmdb._progress import Bar, told


class Fake:
    """A bar that notes its steps."""

    def __init__(self, n: float = 0, total: float | None = None) -> None:
        self.n = n
        self.total = total
        self.steps: list[float] = []

    def update(self, n: float, /) -> None:
        self.n += n
        self.steps.append(n)


def test_a_function_is_taken_as_it_is() -> None:
    def function(done: int, total: int) -> None:
        pass

    assert told(function) is function


def test_a_bar_is_moved_by_differences() -> None:
    bar = Fake()
    tell = told(bar)
    tell(3, 10)
    tell(7, 10)
    tell(10, 10)
    assert (bar.n, bar.total, bar.steps) == (10, 10, [3, 4, 3])


def test_an_estimate_is_corrected_both_ways() -> None:
    bar = Fake()
    tell = told(bar)
    totals = []
    for done, total in [(1, 10), (2, 30), (3, 5), (4, 4)]:
        tell(done, total)
        totals.append(bar.total)
    assert totals == [10, 30, 5, 4]


def test_an_unknown_total_stays_unknown() -> None:
    bar = Fake()
    tell = told(bar)
    tell(1024, 1024)
    tell(1500, 1500)
    assert (bar.n, bar.total) == (1500, None)


def test_the_total_of_the_user_stays_until_it_is_passed() -> None:
    bar = Fake(total=100)
    tell = told(bar)
    tell(40, 60)
    assert bar.total == 100
    tell(120, 120)
    assert (bar.n, bar.total) == (120, 120)


def test_one_bar_shows_two_calls() -> None:
    bar = Fake()
    told(bar)(10, 10)
    second = told(bar)
    second(0, 5)
    assert (bar.n, bar.total) == (10, 15)
    second(5, 5)
    assert (bar.n, bar.total) == (15, 15)


def test_what_a_bar_raises_comes_through() -> None:
    class Broken(Fake):
        def update(self, n: float, /) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        told(Broken())(1, 2)


@pytest.mark.parametrize("wrong", [None, 3, "print", object()])
def test_what_is_neither_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match=f"not {type(wrong).__name__}$"):
        told(wrong)  # type: ignore[arg-type]


def test_the_class_of_a_bar_is_refused() -> None:
    with pytest.raises(TypeError, match="the class Fake"):
        told(Fake)  # type: ignore[arg-type]


class TestTqdm:
    def test_a_bar(self) -> None:
        tqdm = pytest.importorskip("tqdm").tqdm
        shown = io.StringIO()
        with tqdm(file=shown, mininterval=0, ascii=True) as bar:
            assert isinstance(bar, Bar)
            tell = told(bar)
            tell(25, 100)
            tell(100, 100)
        assert (bar.n, bar.total) == (100, 100)
        assert "25/100" in shown.getvalue()
        assert "100%" in shown.getvalue()

    def test_an_unknown_total(self) -> None:
        tqdm = pytest.importorskip("tqdm").tqdm
        shown = io.StringIO()
        with tqdm(file=shown, mininterval=0, ascii=True) as bar:
            told(bar)(1024, 1024)
        assert "1024it" in shown.getvalue()

    def test_a_disabled_bar_shows_nothing(self) -> None:
        tqdm = pytest.importorskip("tqdm").tqdm
        shown = io.StringIO()
        with tqdm(file=shown, disable=True) as bar:
            told(bar)(5, 10)
        assert shown.getvalue() == ""

    def test_the_class_is_refused(self) -> None:
        tqdm = pytest.importorskip("tqdm").tqdm
        with pytest.raises(TypeError, match="the class"):
            told(tqdm)
