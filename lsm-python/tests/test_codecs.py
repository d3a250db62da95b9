"""Codecs: order kept, round trips, one form for each value, and what is refused."""

import datetime as dt
import json
import math
import pickle
import types
import uuid

import lsmdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lsmdb import codecs

UTC = dt.timezone.utc
INTS = st.one_of(
    st.integers(),
    st.integers(-300, 300),
    # Where a digit, and where the long form, begins.
    st.builds(
        lambda bits, near, sign: sign * ((1 << bits) + near),
        st.sampled_from([7, 8, 16, 63, 64, 1000, 1007, 1008, 1015, 1016, 1017, 2040, 4096]),
        st.integers(-2, 2),
        st.sampled_from([-1, 1]),
    ),
)
FLOATS = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LOW = st.lists(st.sampled_from([0, 1, 2, 254, 255]), max_size=6).map(bytes)
BINARY = st.one_of(st.binary(max_size=8), LOW)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda m: dt.timezone(dt.timedelta(minutes=m)))
MOMENTS = st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1), timezones=ZONES)
UUIDS = st.uuids()
SCALARS = {
    codecs.Bytes(): BINARY,
    codecs.Str(): TEXTS,
    codecs.Int(): INTS,
    codecs.Unsigned(1): st.integers(0, 255),
    codecs.Unsigned(8): st.integers(0, (1 << 64) - 1),
    codecs.Float(): FLOATS,
    codecs.Bool(): st.booleans(),
    codecs.DateTime(): MOMENTS,
    codecs.DateTime(naive=True): st.datetimes(),
    codecs.Date(): st.dates(),
    codecs.Uuid(): UUIDS,
}
# The elements of tuples, in the order in which unlike ones are sorted.
ELEMENTS = [
    (types.NoneType, st.none()),
    (bool, st.booleans()),
    (int, INTS),
    (float, FLOATS),
    (str, TEXTS),
    (bytes, BINARY),
    (dt.date, st.dates()),
    (dt.datetime, MOMENTS),
    (uuid.UUID, UUIDS),
]
FLAT = st.one_of([strategy for _, strategy in ELEMENTS])
TUPLES = st.recursive(
    st.lists(FLAT, max_size=4).map(tuple),
    lambda inner: st.lists(st.one_of(FLAT, inner), max_size=4).map(tuple),
    max_leaves=8,
)
ALL = [*SCALARS.items(), (codecs.Tuple(), TUPLES)]
each = pytest.mark.parametrize(("codec", "strategy"), ALL, ids=lambda part: repr(part)[:30])


def rank(element):
    """Sorts elements of tuples as their bytes should be: by type, then by value."""
    if isinstance(element, tuple):
        return len(ELEMENTS), tuple(map(rank, element))
    kinds = [kind for kind, _ in ELEMENTS]
    return kinds.index(type(element)), 0 if element is None else element


def order(value):
    return tuple(map(rank, value)) if isinstance(value, tuple) else value


@each
def test_a_round_trip_changes_nothing(codec, strategy):
    @given(strategy)
    def check(value):
        data = codec.encode(value)
        back = codec.decode(data)
        assert back == value
        assert type(back) is type(value)
        assert type(data) is bytes

    check()


@each
def test_bytes_are_sorted_as_values_are(codec, strategy):
    @given(strategy, strategy)
    def check(left, right):
        keys = codec.encode(left), codec.encode(right)
        assert (keys[0] < keys[1]) == (order(left) < order(right))
        assert (keys[0] == keys[1]) == (order(left) == order(right))

    check()


@each
def test_whatever_bytes_decode_are_those_that_encoding_gives(codec, strategy):
    @given(BINARY, strategy, st.integers(0, 20), st.integers(1, 255))
    def check(wild, value, at, flip):
        data = bytearray(codec.encode(value))
        if data:
            data[at % len(data)] ^= flip
        for tried in (wild, bytes(data), bytes(data[:-1]), bytes(data) + b"\0"):
            try:
                back = codec.decode(tried)
            except codecs.DecodeError:
                continue
            assert codec.encode(back) == tried

    check()


@given(TUPLES, TUPLES)
@example(("a",), ("a\0",))
@example(("a",), ("a\1",))
@example((b"",), (b"\0",))
@example(((),), ((None,),))
@example((1,), (256,))
def test_the_bytes_of_a_tuple_begin_those_of_tuples_that_it_begins_and_no_others(short, long):
    codec = codecs.Tuple()
    prefix = codec.encode_prefix(short)
    assert codec.encode(short + long).startswith(prefix)
    begins = tuple(map(rank, long[: len(short)])) == tuple(map(rank, short))
    assert codec.encode(long).startswith(prefix) == begins


@given(TEXTS, TEXTS)
def test_the_bytes_of_text_begin_those_of_text_that_it_begins(short, long):
    assert codecs.Str().encode(long).startswith(codecs.Str().encode_prefix(short)) == (
        long.startswith(short)
    )


def test_forms_stay_as_they_are_on_disk():
    """Databases hold these bytes: a change here loses what was written."""
    forms = [
        (codecs.Int(), 0, "80"),
        (codecs.Int(), 1, "8101"),
        (codecs.Int(), -1, "7efe"),
        (codecs.Int(), 256, "820100"),
        (codecs.Int(), -256, "7dfeff"),
        (codecs.Int(), 1 << 1016, "ff" + "0000000000000080" + "01" + "00" * 127),
        (codecs.Float(), 0.0, "8000000000000000"),
        (codecs.Float(), -1.5, "4007ffffffffffff"),
        (codecs.DateTime(), dt.datetime(1970, 1, 1, tzinfo=UTC), "8000000000000000"),
        (codecs.DateTime(naive=True), dt.datetime(1970, 1, 1, 0, 0, 1), "80000000000f4240"),
        (codecs.Date(), dt.date(1, 1, 1), "00000001"),
        (codecs.Unsigned(4), 258, "00000102"),
        (codecs.Double(), 1.0, "3ff0000000000000"),
        (codecs.Tuple(), (None, True, -1, "a\0", b"\1", ()), "10" "1801" "207efe"
         "30610101" "00" "38010200" "5800"),
        (codecs.Tuple(), (0.0, dt.date(1, 1, 1)), "288000000000000000" "4000000001"),
        (codecs.Tuple(), (uuid.UUID(int=1), dt.datetime(1970, 1, 1, tzinfo=UTC)),
         "50" + "00" * 15 + "01" + "48" "8000000000000000"),
    ]
    for codec, value, form in forms:
        assert codec.encode(value).hex() == form, (codec, value)
        assert codec.decode(bytes.fromhex(form)) == value


@pytest.mark.parametrize(
    ("codec", "value", "error"),
    [
        (codecs.Bytes(), "text", TypeError),
        (codecs.Bytes(), 3, TypeError),
        (codecs.Str(), b"bytes", TypeError),
        (codecs.Str(), "\ud800", ValueError),
        (codecs.Int(), 1.0, TypeError),
        (codecs.Int(), "1", TypeError),
        (codecs.Unsigned(1), 256, ValueError),
        (codecs.Unsigned(1), -1, ValueError),
        (codecs.Unsigned(1), 1.5, TypeError),
        (codecs.Float(), math.nan, ValueError),
        (codecs.Float(), "1", TypeError),
        (codecs.Float(), 2**53 + 1, ValueError),
        (codecs.Float(), 10**400, ValueError),
        (codecs.Bool(), 1, TypeError),
        (codecs.DateTime(), dt.datetime(2026, 1, 1), ValueError),
        (codecs.DateTime(), dt.date(2026, 1, 1), TypeError),
        (codecs.DateTime(naive=True), dt.datetime(2026, 1, 1, tzinfo=UTC), ValueError),
        (codecs.Date(), dt.datetime(2026, 1, 1), TypeError),
        (codecs.Uuid(), "00000000-0000-0000-0000-000000000000", TypeError),
        (codecs.Tuple(), ["a"], TypeError),
        (codecs.Tuple(), "a", TypeError),
        (codecs.Tuple(), ({},), TypeError),
        (codecs.Tuple(), (1, (math.nan,)), ValueError),
        (codecs.Tuple(), (dt.datetime(2026, 1, 1),), ValueError),
        (codecs.Tuple(str, int), ("a",), ValueError),
        (codecs.Tuple(str, int), ("a", 1, 2), ValueError),
        (codecs.Tuple(str, int), ("a", "b"), TypeError),
        (codecs.Tuple(None), (0,), TypeError),
        (codecs.Double(), "1", TypeError),
        (codecs.Json(), {1, 2}, TypeError),
        (codecs.Json(), math.inf, ValueError),
        (codecs.Json(), ["\ud800"], ValueError),
        (codecs.value_codec(pickle), lambda: 0, ValueError),
    ],
    ids=str,
)
def test_what_cannot_be_encoded_raises(codec, value, error):
    with pytest.raises(error) as raised:
        codec.encode(value)
    assert isinstance(raised.value, lsmdb.InvalidArgument)
    assert isinstance(raised.value, codecs.EncodeError)


def test_moments_are_kept_to_the_ends_of_time():
    codec = codecs.DateTime()
    for end in (dt.datetime.min, dt.datetime.max):
        assert codec.decode(codec.encode(end.replace(tzinfo=UTC))) == end.replace(tzinfo=UTC)
    east, west = (dt.timezone(dt.timedelta(hours=hours)) for hours in (1, -1))
    for beyond in (dt.datetime.min.replace(tzinfo=east), dt.datetime.max.replace(tzinfo=west)):
        with pytest.raises(codecs.EncodeError):
            codec.encode(beyond)


def test_nanoseconds_are_not_lost_in_silence():
    class Stamp(dt.datetime):
        nanosecond = 1

    with pytest.raises(codecs.EncodeError):
        codecs.DateTime().encode(Stamp(2026, 1, 1, tzinfo=UTC))


def test_both_zeros_are_one_key_and_two_values():
    assert codecs.Float().encode(-0.0) == codecs.Float().encode(0.0)
    assert math.copysign(1, codecs.Double().decode(codecs.Double().encode(-0.0))) == -1
    assert math.isnan(codecs.Double().decode(codecs.Double().encode(math.nan)))


def test_tuples_with_types_write_an_int_as_the_float_it_stands_for():
    typed = codecs.Tuple(str, float)
    assert typed.encode(("a", 1)) == typed.encode(("a", 1.0)) == codecs.Tuple().encode(("a", 1.0))
    assert typed.encode(("a", 1)) != codecs.Tuple().encode(("a", 1))


def test_tuples_with_types_refuse_the_bytes_of_others():
    pair = codecs.key_codec(tuple[str, int])
    assert pair.decode(pair.encode(("a", 1))) == ("a", 1)
    for other in [("a",), ("a", 1, 2), (1, "a"), ("a", 1.0), (b"a", 1)]:
        with pytest.raises(codecs.DecodeError):
            pair.decode(codecs.Tuple().encode(other))


def test_tuples_with_types_may_hold_tuples_and_go_on():
    codec = codecs.key_codec(tuple[tuple[str, object], ...])
    for value in [(), (("a", None),), (("a", 1), ("b", (2, "c")))]:
        assert codec.decode(codec.encode(value)) == value
    with pytest.raises(codecs.EncodeError):
        codec.encode((("a",),))


def test_derived_types_are_written_as_what_they_derive_from():
    class Text(str):
        def encode(self, *_):
            raise NotImplementedError

    class Four:
        def __index__(self):
            return 4

    given = (Text("a"), Four(), bytearray(b"b"), memoryview(b"cd")[::-1])
    codec = codecs.Tuple()
    assert codec.decode(codec.encode(given)) == ("a", 4, b"b", b"dc")
    assert codecs.Str().encode(Text("a")) == b"a"
    assert codecs.Int().encode(True) == codecs.Int().encode(1)
    assert codecs.Bytes().encode(memoryview(b"abcd")[::2]) == b"ac"


def test_depth_has_an_end_and_not_a_crash():
    deep = ()
    for _ in range(100_000):
        deep = (deep,)
    with pytest.raises(codecs.EncodeError):
        codecs.Tuple().encode(deep)
    while deep:  # Taken apart by hand: letting go of it at once is as deep.
        (deep,) = deep
    with pytest.raises(codecs.DecodeError):
        codecs.Tuple().decode(b"\x58" * 60_000)
    with pytest.raises(codecs.DecodeError):
        codecs.Json().decode(b"[" * 100_000)


@pytest.mark.parametrize("data", [b"\x38\x03\x01\x00", b"\x38\x01\x03\x00", b"\x30\x61", b"\x38"])
def test_text_in_a_tuple_that_is_cut_or_badly_escaped_is_damage(data):
    with pytest.raises(codecs.DecodeError):
        codecs.Tuple().decode(data)


def test_a_number_has_one_form():
    long = codecs.Int().encode(1 << 1016)
    short = b"\xff" + (1).to_bytes(8, "big") + b"\x05"
    padded = b"\xff" + (129).to_bytes(8, "big") + b"\x00" + long[9:]
    for form in (short, padded, long[:-1], b"\x82\x00\x05", b"\x7f"):
        for data in (form, bytes(255 - byte for byte in form)):
            if data == b"\x80":
                continue  # Zero, of which 7f would be the negative.
            with pytest.raises(codecs.DecodeError):
                codecs.Int().decode(data)


def test_a_length_beyond_the_bytes_is_damage():
    with pytest.raises(codecs.DecodeError):
        codecs.Int().decode(b"\xff" + b"\xff" * 8 + b"\x01")
    with pytest.raises(codecs.DecodeError):
        codecs.Int().decode(b"\x00" * 9 + b"\x01")


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"nul", b'{"a":NaN}', b"Infinity", b"\xff", '"a"'.encode("utf-16"), b"1 2"],
    ids=str,
)
def test_bytes_that_are_no_json_raise(data):
    with pytest.raises(codecs.DecodeError):
        codecs.Json().decode(data)


@given(st.recursive(st.none() | st.booleans() | INTS.filter(lambda n: abs(n) < 1 << 4000)
                    | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
                    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8))
def test_json_round_trip(value):
    assert codecs.Json().decode(codecs.Json().encode(value)) == value


def test_msgpack_round_trip():
    msgpack = pytest.importorskip("msgpack")
    codec = codecs.value_codec(msgpack)
    value = {"a": [1, -2.5, b"raw", None], 3: True}
    assert codec.decode(codec.encode(value)) == value
    for wrong in (object(), 1 << 64):
        with pytest.raises(codecs.EncodeError):
            codec.encode(wrong)
    for data in (b"", b"\x92\x01", b"\xc1", b"\x01\x01"):
        with pytest.raises(codecs.DecodeError):
            codec.decode(data)


def test_pickle_round_trip_when_asked_for():
    codec = codecs.value_codec(pickle)
    value = {uuid.UUID(int=1): {1, 2}}
    assert codec.decode(codec.encode(value)) == value
    for data in (b"", b"\x80", b"cno.such\nmodule\n.", pickle.dumps(value)[:-2]):
        with pytest.raises(codecs.DecodeError):
            codec.decode(data)


def test_shorthands():
    assert codecs.key_codec(float) == codecs.Float()
    assert codecs.value_codec(float) == codecs.Double()
    assert codecs.key_codec(tuple) == codecs.Tuple()
    assert codecs.key_codec(tuple[int, ...]) == codecs.Tuple(int, ...)
    assert codecs.value_codec(json) == codecs.Json()
    own = codecs.Unsigned(4)
    assert codecs.key_codec(own) is own


@pytest.mark.parametrize(
    ("choose", "wrong"),
    [
        (codecs.key_codec, json),
        (codecs.key_codec, dict),
        (codecs.key_codec, codecs.Int),
        (codecs.key_codec, "str"),
        (codecs.key_codec, None),
        (codecs.key_codec, tuple[dict, int]),
        (codecs.key_codec, tuple[()]),
        (codecs.value_codec, dict),
        (codecs.value_codec, math),
        (codecs.value_codec, object()),
        (codecs.Tuple, list),
        (lambda _: codecs.Tuple(int, str, ...), None),
        (lambda _: codecs.Tuple(...), None),
    ],
    ids=str,
)
def test_what_stands_for_no_codec_raises(choose, wrong):
    with pytest.raises(TypeError):
        choose(wrong)


def test_codecs_are_shown_as_they_are_written():
    shown = [codecs.Int(), codecs.Unsigned(4), codecs.DateTime(naive=True),
             codecs.Tuple(str, tuple[int, ...], object), codecs.Tuple(int, ...)]
    for codec in shown:
        assert eval(repr(codec), vars(codecs) | {"tuple": tuple}) == codec
