"""The strict JSON parser and the canonical spelling."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trebuche.documents import Json, canonical, dumps, kind, loads, outline, utf8_bytes
from trebuche.errors import MalformedError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-(2.0**53), 2.0**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("7.0", 7),
        ("7e0", 7),
        ("70E-1", 7),
        ("-0.0", 0),
        ("0e99999999999999999999", 0),
        ("9007199254740993", 9007199254740993),
        ("9007199254740993.0", 9007199254740993),
        ("18446744073709551615.000", 18446744073709551615),
        ("1.8446744073709551615e19", 18446744073709551615),
        ("18446744073709551616e0", 18446744073709551616),
    ],
)
def test_whole_numbers_are_exact_integers_in_any_notation(text: str, value: int) -> None:
    """A 64-bit number never passes through float."""
    parsed = loads(text)
    assert parsed == value
    assert kind(parsed) == "number"


@pytest.mark.parametrize("text", ["7", "7.0", "7e0", "9007199254740993.0"])
def test_whole_numbers_are_of_type_int(text: str) -> None:
    """Readers of integers look at the type."""
    assert type(loads(text)) is int


@pytest.mark.parametrize("text", ["7.5", "7.00000000000000000000001", "1e-400", "1e300", "0.1"])
def test_other_numbers_are_floats(text: str) -> None:
    """A number with a fraction is no integer, however small the fraction."""
    assert type(loads(text)) is float


@pytest.mark.parametrize("digits", [5000, 120_000])
def test_endless_numbers_do_not_stop_the_parser(digits: int) -> None:
    """A number of thousands of digits is infinite to whoever reads it, and harmless where nobody does."""
    assert loads(f'{{"a": -{"9" * digits}.5, "b": 1}}') == {"a": -math.inf, "b": 1}
    assert loads(f'{{"a": {"9" * (700 + digits)}, "b": 1}}') == {"a": math.inf, "b": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON at line 1 column 1 (character 0): Expecting value"),
        ('{"a":\n tru}', "not JSON at line 2 column 2 (character 7): Expecting value"),
        ('{"a":1,}', "not JSON at line 1 column "),
        ("{} {}", "not JSON at line 1 column 4 (character 3): Extra data"),
        ("NaN", "not JSON: NaN is no number"),
        ('{"a": -Infinity}', "not JSON: -Infinity is no number"),
        ("\ufeff{}", "not JSON at line 1 column 1 (character 0): Expecting value"),
        ('"a\nb"', "not JSON at line 1 column 3 (character 2): Invalid control character at"),
        ("{'a': 1}", "not JSON at line 1 column 2 (character 1): Expecting property name enclosed in double quotes"),
        ("01", "not JSON at line 1 column 2 (character 1): Extra data"),
        ("[" * 513 + "]" * 513, "nested deeper than 512 levels"),
        ("[" * 20_000, "nested deeper than 512 levels"),
        ('{"a":' * 600 + "1" + "}" * 600, "nested deeper than 512 levels"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, message: str) -> None:
    """A person with a broken document finds the place."""
    with pytest.raises(MalformedError) as caught:
        loads(text)
    assert str(caught.value).startswith(message)


def test_takes_512_levels() -> None:
    """The limit is Foundation's, not one less."""
    assert loads("[" * 512 + "]" * 512) is not None


@pytest.mark.parametrize("text", ['"' + "[{" * 2000 + '"', '"\\"' + "[" * 600 + '"', "[" + "[]," * 600 + "[]]"])
def test_brackets_that_do_not_nest_do_not_count(text: str) -> None:
    """Brackets in text, and arrays side by side, are no depth."""
    loads(text)


def test_takes_utf8_bytes() -> None:
    """Arguments and stored states are bytes."""
    assert loads('{"é":"🌱"}'.encode()) == {"é": "🌱"}


def test_refuses_bytes_that_are_not_utf8() -> None:
    """The place is named in bytes."""
    with pytest.raises(MalformedError, match="not UTF-8 at byte 1"):
        loads(b'"\xff"')


@pytest.mark.parametrize(("text", "size"), [("a" * 90, 90), ("é" * 45, 90), ("🌱", 4)])
def test_measures_utf8(text: str, size: int) -> None:
    """API Gateway counts bytes."""
    assert utf8_bytes(text) == size


def test_refuses_documents_over_the_limit_before_parsing() -> None:
    """A long document that is no JSON either is reported as too long."""
    assert loads('"aé"', limit_bytes=5) == "aé"
    with pytest.raises(MalformedError, match="document of 6 bytes is over the limit of 5"):
        loads("éé x", limit_bytes=5)


@given(PLAIN)
def test_what_is_written_is_read_back(value: Json) -> None:
    """Dumps and loads are inverse; whole floats come back as the equal integer."""
    assert loads(dumps(value)) == value


@given(PLAIN)
def test_it_is_written_as_jsons_own_encoder_writes_it(value: Json) -> None:
    """One encoder is kept, and it is CPython's own: another release may want to be asked otherwise."""
    assert dumps(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("text", [" 7", "7 ", "\n7\t", " [ 7 ] "])
def test_white_space_around_a_document_is_skipped(text: str) -> None:
    """JSON allows it, and other programs write a line feed at the end."""
    assert loads(text) in (7, [7])


@given(st.dictionaries(st.text(), PLAIN))
def test_canonical_text_does_not_depend_on_the_order_of_keys(value: dict[str, Json]) -> None:
    """Swift writes keys in random order."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)


def test_canonical_text_has_one_spelling() -> None:
    """Sorted at every level, no white space, UTF-8."""
    assert canonical({"b": [1, {"d": 1, "c": None}], "a": "é"}) == '{"a":"é","b":[1,{"c":null,"d":1}]}'.encode()


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": -float("inf")}])
def test_numbers_that_json_lacks_are_not_written(value: Json) -> None:
    """A peer could not read them."""
    with pytest.raises(MalformedError):
        dumps(value)


def test_a_lone_surrogate_has_no_canonical_bytes() -> None:
    """It is no Unicode text."""
    with pytest.raises(MalformedError, match="lone surrogate"):
        canonical("\ud800")


@given(st.text(alphabet='[]{}",:\\ 1eE.-nul'))
def test_nothing_but_malformed_escapes(text: str) -> None:
    """Whatever the text, it parses as Python's parser says, or is malformed."""
    try:
        value = loads(text)
    except MalformedError:
        return
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":{"b":[1,[2]],"c":{}}}', {"a": {"b": None, "c": None}}),
        ('{"a":"[{","b":{"c":"}]"}}', {"a": "[{", "b": {"c": "}]"}}),
        ("[[[]],[[],7]]", [[None], [None, 7]]),
        ("7", 7),
        ('{"a":{"b":' + "[" * 5_000 + "]" * 5_000 + "}}", {"a": {"b": None}}),
    ],
)
def test_an_outline_has_the_upper_levels(text: str, value: Json) -> None:
    """What lies deeper is null; brackets within strings are none."""
    assert outline(text, 2) == value


@pytest.mark.parametrize("text", ["", "[[[", "]", '{"a":{"b":[1}}', "[" * 5_000])
def test_an_outline_of_no_json_is_refused(text: str) -> None:
    """Whatever is left open, or closed too often."""
    with pytest.raises(MalformedError):
        outline(text, 2)
