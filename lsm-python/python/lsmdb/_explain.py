"""What the database tells of its own work: data, and a text for people."""

from typing import Any


class _Account(dict[str, Any]):
    """Data by name, which are attributes too; `str()` is a text for people."""

    __slots__ = ("_text",)

    def __init__(self, data: dict[str, Any], text: str) -> None:
        super().__init__(data)
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {name!r}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self), self._text)


class Explanation(_Account):
    """What a lookup or a scan did: which places it asked, what each said, and what that cost.

    A dict, whose values are attributes too; `str()` is a text for people. Keys are bytes, times are
    nanoseconds.

    >>> db[b"apple"] = b"red"
    >>> told = db.explain_get(b"apple")
    >>> told.answer, told["totals"]["memtables"], told.steps[0]["filter"]
    ('found', 1, 'maybe')
    """

    __slots__ = ()


class Diagnosis(_Account):
    """What is wrong or slow in a database, the worst first; nothing if all is well.

    A dict, whose values are attributes too; `str()` is a text for people. Each of `findings` is a
    dict with its `name`, which stays, its `severity` ("critical", "warning" or "info"), the
    `keyspace` and the `option` that it is about, or None, and two sentences: what is `seen`, and
    `advice`.

    >>> db.doctor().is_healthy
    True
    >>> db.pause_background()
    >>> [(finding["name"], finding["severity"]) for finding in db.doctor().findings]
    [('background_paused', 'warning')]
    """

    __slots__ = ()
