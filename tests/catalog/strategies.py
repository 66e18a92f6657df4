"""Values for hypothesis to try: such as a spec allows, and any that JSON can hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from kie_ui.catalog.media import FileRef, MediaRef, UrlRef
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.rules import is_given
from kie_ui.catalog.spec import ExactlyOne, ModelSpec

TRICKY = "'\"`$\\!{}()[]<>|&;%#~*?= \t\r\n@-0aé😀\u2028\x85\x0b\x00"
"""What shells, Python, JSON and `str.format` each have a meaning for, or break lines at."""

sendable_text = st.text(st.characters(codec="utf-8")) | st.text(TRICKY)
any_text = st.text(st.characters(exclude_categories=()))

file_names = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1),
    st.text(TRICKY.replace("\x00", ""), min_size=1),
)
file_refs = st.builds(FileRef, path=st.text("abc/", min_size=1), name=file_names)
addresses = st.builds(
    "{}://{}/{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["pictures.example", "localhost:8000", "[::1]:80", "bücher.example"]),
    st.text("abc/.-_~é😀'\"$`\\", max_size=20),
    st.sampled_from(["", "?a=1&b=%20", "#'\"$(x)"]),
)
media_refs: SearchStrategy[MediaRef] = file_refs | st.builds(UrlRef, url=addresses)

any_json: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | addresses
    | st.sampled_from([10**400, -(10**4000), "9" * 400, "1e999", "nan", -0.0, "\ud83d"])
    | st.sampled_from(
        [{"kind": "file", "path": "/a", "name": "a"}, {"kind": "url", "url": "\x00"}]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


def value_of(parameter: Parameter) -> SearchStrategy[Any]:
    """Draw a value that the documentation allows."""
    match parameter:
        case TextParameter():
            longest = min(parameter.max_length or 50, 50)
            return sendable_text.map(lambda text: text[:longest]).filter(is_given)
        case ChoiceParameter():
            return st.sampled_from(parameter.values)
        case NumberParameter(minimum=float(low), maximum=float(high)) if parameter.is_whole:
            return st.integers(int(low), int(high))
        case SwitchParameter():
            return st.booleans()
        case MediaParameter():
            return st.lists(media_refs, min_size=1, max_size=parameter.max_items).map(tuple)
        case _:
            raise NotImplementedError(f"no built-in model has such a parameter: {parameter}")


@st.composite
def values_of(draw: DrawFn, spec: ModelSpec) -> dict[str, Any]:
    """Draw values that the documentation allows together, optional ones left out at times."""
    values = {
        parameter.name: draw(value_of(parameter))
        for parameter in spec.parameters
        if parameter.required or draw(st.booleans())
    }
    for rule in spec.rules:
        if isinstance(rule, ExactlyOne):
            chosen = draw(st.sampled_from(rule.parameters))
            for name in rule.parameters:
                values.pop(name, None)
            values[chosen] = draw(value_of(spec.parameter(chosen)))
    return values
