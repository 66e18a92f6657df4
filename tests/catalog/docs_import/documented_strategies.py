"""What pages may state, for hypothesis to try: parameters of every kind, and models of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from kie_ui.catalog.docs_import.documented import (
    DocumentedModel,
    DocumentedOption,
    DocumentedParameter,
)
from kie_ui.catalog.docs_import.limits_in_prose import add_limits

_BESIDE = "\ufeff\ufffe\uffff"
line = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters=f"{_BESIDE}&`"),
    max_size=30,
).map(lambda text: " ".join(text.split()))
paragraphs = st.lists(line, max_size=3).map("\n\n".join).map(str.strip)
lines_with_marks = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters=_BESIDE), max_size=40
)
names = st.from_regex(r"[a-z][a-z0-9]{0,7}(_[a-z]{1,6})?", fullmatch=True)
counts = st.integers(1, 40)
addresses = st.sampled_from([f"https://pictures.example/{n}.png" for n in range(9)])
MIMES = ("image/png", "image/jpeg", "video/mp4", "audio/mpeg")


@st.composite
def _span(draw: DrawFn, numbers: SearchStrategy[Any]) -> tuple[Any, Any]:
    low, high = sorted((draw(numbers), draw(numbers)))
    kept = draw(st.sampled_from([(True, True), (False, True), (True, False), (False, False)]))
    return low if kept[0] else None, high if kept[1] else None


@st.composite
def texts(draw: DrawFn, words: SearchStrategy[str]) -> DocumentedParameter:
    """Draw a text, with limits that its default keeps."""
    low, high = draw(_span(counts))
    default = draw(st.none() | lines_with_marks)
    if default and not (low or 0) <= len(default) <= (high or len(default)):
        default = None
    return DocumentedParameter(
        name=draw(names),
        type="string",
        min_length=low,
        max_length=high,
        pattern=draw(st.sampled_from(["", r"^\S+$"])),
        default=default,
        description=draw(words),
    )


@st.composite
def numbers_(draw: DrawFn, words: SearchStrategy[str]) -> DocumentedParameter:
    """Draw a number or an integer, with a step in the words of the description."""
    whole = draw(st.booleans())
    values: SearchStrategy[Any] = st.integers(-999, 999)
    if not whole:
        values = values.map(lambda number: number / 8)
    low, high = draw(_span(values))
    inside = [v for v in (low, high) if v is not None]
    step = draw(st.sampled_from([None, 1, 0.5]))
    words_of_step = f" (Min: {low}, Max: {high}, Step: {step})" if step and len(inside) == 2 else ""
    return DocumentedParameter(
        name=draw(names),
        type="integer" if whole else "number",
        minimum=low,
        maximum=high,
        default=draw(st.sampled_from([None, *inside])),
        description=(draw(words) + words_of_step).strip(),
    )


@st.composite
def choices(draw: DrawFn, words: SearchStrategy[str]) -> DocumentedParameter:
    """Draw a choice of texts (numbers in quotes among them), or of true numbers."""
    kinds: dict[str, SearchStrategy[Any]] = {
        "string": st.sampled_from(["5", "10", "16:9", "on", "true", "null", "4K", "1e3", "a b"]),
        "integer": st.integers(-5, 50),
        "number": st.sampled_from([0, 0.5, 1]),
    }
    word = draw(st.sampled_from(sorted(kinds)))
    values = draw(st.lists(kinds[word], min_size=1, max_size=6, unique=True))
    label = st.sampled_from(["", "A name", "Zwölf"])
    return DocumentedParameter(
        name=draw(names),
        type=word,
        options=tuple(DocumentedOption(value, draw(label) or str(value)) for value in values),
        default=draw(st.sampled_from([None, *values])),
        description=draw(words),
    )


def switches(words: SearchStrategy[str]) -> SearchStrategy[DocumentedParameter]:
    """Draw a boolean, with a default or without."""
    return st.builds(
        DocumentedParameter,
        name=names,
        type=st.just("boolean"),
        default=st.sampled_from([None, True, False]),
        description=words,
    )


@st.composite
def files(draw: DrawFn, words: SearchStrategy[str]) -> DocumentedParameter:
    """Draw one file or several, with types and size in the words of the description."""
    many = draw(st.booleans())
    types = draw(st.lists(st.sampled_from(MIMES), min_size=1, max_size=3))
    limits = f" (Accepted types: {', '.join(types)}; Max size: {draw(counts)}.0MB)"
    most = draw(counts | st.none()) if many else None
    default = draw(st.lists(addresses, min_size=1, max_size=min(most or 3, 3), unique=True))
    item = DocumentedParameter(name="item", type="string", format="uri")
    return DocumentedParameter(
        name=draw(names),
        type="array" if many else "string",
        max_items=most,
        format="" if many else "uri",
        is_multiple=None,
        items=item if many else None,
        default=draw(st.sampled_from([None, default if many else default[0]])),
        description=(draw(words) + limits).strip(),
    )


@st.composite
def several_choices(draw: DrawFn, words: SearchStrategy[str]) -> DocumentedParameter:
    """Draw a list of which each entry is one of some values."""
    one = draw(choices(st.just("")))
    default = [one.default] if one.default is not None else None
    return DocumentedParameter(
        name=draw(names),
        type="array",
        items=replace(one, name="item", default=None),
        options=one.options,
        max_items=draw(counts | st.none()),
        default=default,
        description=draw(words),
    )


@st.composite
def tables(draw: DrawFn, words: SearchStrategy[str]) -> DocumentedParameter:
    """Draw rows: of several columns, or of bare values."""
    short = st.just("")
    cells = st.one_of(texts(short), numbers_(short), switches(short), choices(short))
    columns = draw(st.lists(cells, min_size=1, max_size=4, unique_by=lambda cell: cell.name))
    bare = draw(st.booleans())
    row = replace(columns[0], name="item", options=(), pattern="", default=None)
    record = DocumentedParameter(name="item", type="object", fields=tuple(columns))
    return DocumentedParameter(
        name=draw(names.filter(lambda name: "url" not in name)),
        type="array",
        items=row if bare else record,
        max_items=draw(counts | st.none()),
        description=draw(words),
    )


@st.composite
def nested(draw: DrawFn, words: SearchStrategy[str]) -> DocumentedParameter:
    """Draw what no widget fits: lists of lists, and objects."""
    inner = DocumentedParameter(name="item", type="integer", minimum=draw(counts))
    pair = DocumentedParameter(name="item", type="array", items=inner, min_items=2, max_items=4)
    whole = DocumentedParameter(name="field", type="object", fields=(replace(pair, name="box"),))
    if draw(st.booleans()):
        return replace(whole, name=draw(names), description=draw(words))
    return DocumentedParameter(
        name=draw(names), type="array", items=pair, max_items=9, description=draw(words)
    )


def of_markdown() -> SearchStrategy[DocumentedParameter]:
    """Draw what a page with bullets can say, in one line each."""
    return st.one_of(texts(line), numbers_(line), choices(line), switches(line), files(line))


def of_openapi() -> SearchStrategy[DocumentedParameter]:
    """Draw what a specification can say."""
    return st.one_of(
        texts(paragraphs),
        numbers_(paragraphs),
        choices(paragraphs),
        switches(paragraphs),
        files(paragraphs),
        several_choices(paragraphs),
        tables(paragraphs),
        nested(paragraphs),
    )


@st.composite
def models(draw: DrawFn, parameter: SearchStrategy[DocumentedParameter]) -> DocumentedModel:
    """Draw a model with a few parameters of different names."""
    drawn = draw(st.lists(parameter, min_size=1, max_size=5, unique_by=lambda p: p.name))
    return DocumentedModel(
        model=draw(st.sampled_from(["heron/still", "heron-2.5/to-video", "heron"])),
        title="Heron",
        parameters=tuple(
            add_limits(replace(one, required=draw(st.booleans())), []) for one in drawn
        ),
    )
