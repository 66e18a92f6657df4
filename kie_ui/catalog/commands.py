"""What each command of the command line does; each returns the exit status."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from kie_ui.catalog.bounds import Unfit
from kie_ui.catalog.cli import DIFFERENT, DONE, SAME, SOME_FAILED, TROUBLE
from kie_ui.catalog.diff import compare
from kie_ui.catalog.entries import Added
from kie_ui.catalog.library import EVERYONE, Library
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.shelves import ShelfProblem
from kie_ui.catalog.sources import Source, read_sources
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.telling import (
    entries_as_json,
    entry_line,
    facts_as_json,
    line,
    model_text,
)
from kie_ui.settings import Settings


def run(options: Namespace) -> int:
    """Do what a command line asks for."""
    try:
        return _COMMANDS[options.command](options)
    except ValidationError as invalid:
        names = ", ".join(str(error["loc"][0]) for error in invalid.errors())
        return _say("settings", [f"These cannot be used: {names}."], status=2)


def _import(options: Namespace) -> int:
    library = _library(options)
    status = DONE
    for source in read_sources(options.pages):
        status = max(status, _say(source.name, source.problems))
        try:
            added = library.add(EVERYONE, source.specs)
        except (ShelfProblem, Unfit) as problem:
            status = _say(source.name, [str(problem)])
        else:
            for each in added:
                sys.stdout.write(f"{_word(each)}\t{each.spec.model}\t{each.spec.title}\n")
                _say(each.spec.model, each.spec.warnings)
    return status


def _word(added: Added) -> str:
    if added.is_same:
        return "same"
    return "new" if added.is_new else "replaced"


def _list(options: Namespace) -> int:
    library = _library(options)
    entries = library.entries(EVERYONE)
    _say("models", library.warnings(EVERYONE))
    sys.stdout.write(
        entries_as_json(entries) if options.json else "".join(map(entry_line, entries))
    )
    return DONE


def _show(options: Namespace) -> int:
    known = _known(_library(options))
    asked = dict.fromkeys(options.models)
    _print([known[model] for model in asked if model in known], is_json=options.json)
    return max(_say(model, [] if model in known else [_UNKNOWN]) for model in asked)


def _read(options: Namespace) -> int:
    sources = list(read_sources(options.pages))
    _print([spec for source in sources for spec in source.specs], is_json=options.json)
    return max(_say(source.name, source.problems) for source in sources)


def _diff(options: Namespace) -> int:
    known = _known(_library(options))
    return max(_tell_difference(known, source) for source in read_sources(options.pages))


def _tell_difference(known: Mapping[str, ModelSpec], source: Source) -> int:
    status = _say(source.name, source.problems, status=TROUBLE)
    for spec in source.specs:
        old = known.get(spec.model)
        sentences = ("It is new.",) if old is None else compare(old, spec).sentences
        sys.stdout.write("".join(f"{spec.model}: {line(text)}\n" for text in sentences))
        status = max(status, DIFFERENT if sentences else SAME)
    return status


def _remove(options: Namespace) -> int:
    library = _library(options)
    return max(_removed(library, model) for model in dict.fromkeys(options.models))


def _removed(library: Library, model: str) -> int:
    """Remove a model; one that came with the program comes back as it was."""
    try:
        entry = library.entry(EVERYONE, model)
        undo = library.restore if entry.is_built_in and entry.is_own else library.remove
        undo(EVERYONE, model)
    except UnknownModel:
        return _say(model, [_UNKNOWN])
    except ShelfProblem as problem:
        return _say(model, [str(problem)])
    return DONE


def _export(options: Namespace) -> int:
    library = _library(options)
    known = _known(library)
    unknown = [model for model in options.models if model not in known]
    if unknown:  # half of what was asked for would be taken for all of it
        return max(_say(model, [_UNKNOWN]) for model in unknown)
    try:
        file = library.export(EVERYONE, options.models or None)
        if options.output is None:
            sys.stdout.write(file.decode())
        else:
            options.output.write_bytes(file)
    except ShelfProblem as problem:
        return _say("export", [str(problem)])
    except OSError as exc:
        return _say(str(options.output), [f"It cannot be written: {exc.strerror or exc}."])
    return DONE


_COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "import": _import,
    "list": _list,
    "show": _show,
    "diff": _diff,
    "read": _read,
    "remove": _remove,
    "export": _export,
}

_UNKNOWN = "There is no such model."


def _library(options: Namespace) -> Library:
    """Open the library in the data folder."""
    if options.data_dir is not None:
        return Library(options.data_dir / "models")
    return Library.of_settings(Settings())


def _known(library: Library) -> dict[str, ModelSpec]:
    return {spec.model: spec for spec in library.of(EVERYONE)}


def _print(specs: list[ModelSpec], *, is_json: bool) -> None:
    sys.stdout.write(facts_as_json(specs) if is_json else "\n".join(map(model_text, specs)))


def _say(name: str, sentences: Iterable[str], *, status: int = SOME_FAILED) -> int:
    """Tell something of a page or a model beside what was asked for."""
    told = [f"{line(name)}: {line(sentence)}\n" for sentence in sentences]
    sys.stderr.write("".join(told))
    return status if told else DONE
