"""Broken inputs made of good ones, and what may come of them."""

import copy
import json

from hypothesis import strategies as st

from keras_effspine.errors import EffSpineError

ODD = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            "",
            "x\0y",
            "../../etc/passwd",
            "/etc/passwd",
            "a" * 5000,
            "\ud800",
            "1",
            "1.0",
            [],
            {},
            [[]],
            [1, 2],
            {"a": [1]},
            -1,
            0,
            1.0,
            2**31,
            2**63,
            10**400,
            1e308,
            1e-320,
            float("nan"),
            float("inf"),
            -float("inf"),
        ]
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.floats() | st.integers() | st.none(), max_size=6),
)

WORDS = st.sampled_from(
    [
        *(b" ", b"\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"-1", b"1e400", b"nan", b"inf"),
        *(b"99999999999999999999", b"../", b"/", b"\\", b"<", b"</object>", b"xmlns='x'", b"{"),
        *(b"[", b'"', b":", b"null", b"true", b"[]", b"{}", b"!!int ''", b"&a *a", b"\xc3\x28"),
    ]
)
"""What means something to one of the formats."""


@st.composite
def mutated_json(draw, content):
    """Content of JSON with one to three of its values replaced, removed, repeated or renamed."""
    content = {"root": copy.deepcopy(content)}
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(content))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        change = draw(st.sampled_from(["replace", "replace", "remove", "repeat", "other's"]))
        if change == "replace" or holder is content:
            holder[key] = copy.deepcopy(draw(ODD))  # lists drawn from a sample are shared
        elif change == "remove":
            del holder[key]
        elif change == "repeat" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif change == "repeat":
            holder[draw(st.text(max_size=3) | st.just("b" * 2000))] = holder.pop(key)
        else:
            other, name = places[draw(st.integers(0, len(places) - 1))]
            holder[key] = copy.deepcopy(other[name])
    return content["root"]


@st.composite
def mutated_bytes(draw, content):
    """Bytes of which some were changed, removed, put in, or cut off at the end."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        change = draw(st.sampled_from(["flip", "cut", "remove", "insert"]))
        if change == "flip" and content:
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif change == "cut":
            del content[place:]
        elif change == "remove":
            del content[place : place + draw(st.integers(1, 50))]
        else:
            content[place:place] = draw(st.binary(min_size=1, max_size=20) | WORDS)
    return bytes(content)


def mutated_file(content):
    """The bytes of a JSON file, broken as text or in its values."""
    text = json.dumps(content).encode()
    values = mutated_json(content).map(lambda value: json.dumps(value).encode())
    return st.one_of(values, values, values, mutated_bytes(text), st.binary(max_size=30))


def outcome(call):
    """What a call gives, or None where it raises one of the package's own, short errors."""
    try:
        return call()
    except EffSpineError as error:
        assert 10 < len(str(error)) < 1000, str(error)[:2000]
        return None


def _places(value):
    """Pairs of a container and a key or an index, for all values within a value."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])
