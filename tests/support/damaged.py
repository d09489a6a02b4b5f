"""Files as no tool wrote them: strategies for hypothesis that damage good ones."""

import copy
import json
import os

from hypothesis import settings
from hypothesis import strategies as st

EXAMPLES = settings(
    max_examples=int(os.environ.get("EFFSPINE_EXAMPLES", "50")), deadline=None, database=None
)
"""How often a reader is asked; EFFSPINE_EXAMPLES=2000 looks longer."""

WORDS = (
    *(b"", b" ", b"\n", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"-1", b"1e400", b"nan", b"inf"),
    *(b"99999999999999999999", b"../", b"/", b"\\", b"<", b"</object>", b"{", b"[", b'"', b":"),
    *(b"null", b"true", b"[]", b"{}", b"!!int ''", b"&a *a", b"\xc3\x28", b"xmlns='x'"),
)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 300),
    st.sampled_from([10**30, -(10**30), 2**31, 2**63, 0]),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["", " ", "../a.png", "/etc/passwd", "a\0b", "\ud800", "x" * 5000, "1", "cat"]),
    st.lists(st.integers(-5, 99), max_size=5),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)


@st.composite
def damaged_bytes(draw, content):
    """Bytes with a few places cut out, repeated, overwritten, or filled with what is special."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.integers(0, 30)))
        new = draw(
            st.one_of(
                st.sampled_from(WORDS),
                st.binary(max_size=4),
                st.just(content[start:stop] * 2),
            )
        )
        content = content[:start] + new + content[stop:]
    if draw(st.integers(0, 19)) == 0:
        content = content[: draw(st.integers(0, len(content)))]
    return content


@st.composite
def damaged_values(draw, content):
    """Nested lists and dictionaries with a few values replaced, removed or repeated."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(content))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        what = draw(st.integers(0, 4))
        if what == 0:
            del holder[key]
        elif what == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = draw(VALUES)
    return content


def damaged_json(content):
    """Bytes of JSON, of which values or the text itself are damaged."""
    text = json.dumps(content).encode()
    values = damaged_values(content).map(lambda one: json.dumps(one).encode())
    return st.one_of(values, damaged_bytes(text))


def _places(content):
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(pairs):
        yield content, key
        if isinstance(value, (dict, list)):
            yield from _places(value)
