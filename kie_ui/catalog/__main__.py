"""The command line of the catalog, `python -m kie_ui.catalog`: pages in, models out.

Results go to the standard output, everything else to the standard error.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kie_ui.catalog.collection import CollectionProblem
from kie_ui.catalog.describe import LIMITS, differences, facts_of, facts_of_model
from kie_ui.catalog.exchange import Source, read_sources
from kie_ui.catalog.library import EVERYONE, Added, Entry, Library
from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.sanitize import UnusableSpec, one_line
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings

_LONGEST = 60
"""Characters of a fact in a line."""
_UNKNOWN = "There is no such model."


def _model_text(spec: ModelSpec) -> str:
    """Write a model for a person: each parameter a line, then what its page left open."""
    rows = [_row(parameter) for parameter in spec.parameters]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [f"{spec.model}  {spec.title} (output: {spec.produces})"]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        lines.append(f"  {'  '.join(cells)}  {row[4]}".rstrip())
    lines += [f"  Note: {one_line(warning)}" for warning in spec.warnings]
    return "\n".join(lines) + "\n"


def _row(parameter: Parameter) -> tuple[str, str, str, str, str]:
    facts = facts_of(parameter)
    required = "required" if parameter.required else "optional"
    others = (f"{name}={_shown(facts[name])}" for name in facts if name in LIMITS)
    return one_line(parameter.name), facts["type"], required, facts["widget"], "  ".join(others)


def _marks(entry: Entry) -> list[str]:
    marks = {"replaced": entry.is_replaced, "hidden": entry.is_hidden}
    origin = "built in" if entry.is_built_in else "added"
    return [origin, *(mark for mark, applies in marks.items() if applies)]


def _shown(value: object) -> str:
    text = one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


DONE, SOME_FAILED = 0, 1
SAME, DIFFERENT, TROUBLE = 0, 1, 2

_PAGES = "documentation pages or exported files, folders of them, or - for the standard input"
_IDS = "ids, such as maker/model"
_OUTPUT = "instead of printing it"
_DATA_FOLDER = "the data folder, if not the one in the settings"
_EPILOG = """exit status:
  0  all is well (diff: nothing is different)
  1  something could not be read or done; all else was (diff: something is different)
  2  it was called incorrectly (diff: also if a page could not be read)"""


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m kie_ui.catalog",
        description="Add Kie's models from their documentation pages, and see what is there.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, meaning, arguments) in _COMMANDS.items():
        command = commands.add_parser(name, help=meaning, description=f"{meaning}.")
        command.set_defaults(run=run)
        for argument in arguments:
            names, facts = _ARGUMENTS[argument]
            command.add_argument(*names, **facts)
    return parser


_ARGUMENTS: Mapping[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "pages": (("pages",), {"nargs": "+", "metavar": "PAGE", "help": _PAGES}),
    "models": (("models",), {"nargs": "+", "metavar": "MODEL", "help": _IDS}),
    "any models": (("models",), {"nargs": "*", "metavar": "MODEL", "help": _IDS}),
    "json": (("--json",), {"action": "store_true", "help": "print one JSON array"}),
    "output": (("--output", "-o"), {"type": Path, "metavar": "FILE", "help": _OUTPUT}),
    "data folder": (("--data-dir",), {"type": Path, "help": _DATA_FOLDER}),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = build_parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has read enough, and what is left would be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    except ValidationError as invalid:
        names = ", ".join(str(error["loc"][0]) for error in invalid.errors())
        return _say("settings", [f"These cannot be used: {names}."], status=2)
    return status


def _import(options: Namespace) -> int:
    library = _library(options)
    status = DONE
    for source in read_sources(options.pages):
        status = max(status, _say(source.name, source.problems))
        try:
            added = library.add(EVERYONE, source.specs)
        except (CollectionProblem, UnusableSpec) as problem:
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
    if options.json:
        sys.stdout.write(_as_json(list(map(_facts_of_entry, entries))))
    else:
        rows = ((entry.model, entry.title, ", ".join(_marks(entry))) for entry in entries)
        sys.stdout.writelines("\t".join(row) + "\n" for row in rows)
    return DONE


def _facts_of_entry(entry: Entry) -> dict[str, Any]:
    return {
        "model": entry.model,
        "title": entry.title,
        "makes": entry.spec.produces,
        "parameters": len(entry.spec.parameters),
        "marks": _marks(entry),
    }


def _show(options: Namespace) -> int:
    known = _known(_library(options))
    models = dict.fromkeys(options.models)
    _print([known[model] for model in models if model in known], is_json=options.json)
    return max(_say(model, [] if model in known else [_UNKNOWN]) for model in models)


def _read(options: Namespace) -> int:
    sources = list(read_sources(options.pages))
    _print([spec for source in sources for spec in source.specs], is_json=options.json)
    return max(_say(source.name, source.problems) for source in sources)


def _diff(options: Namespace) -> int:
    known = _known(_library(options))
    return max(_print_difference(known, source) for source in read_sources(options.pages))


def _print_difference(known: Mapping[str, ModelSpec], source: Source) -> int:
    status = _say(source.name, source.problems, status=TROUBLE)
    for spec in source.specs:
        old = known.get(spec.model)
        sentences = ("It is new.",) if old is None else differences(old, spec)
        sys.stdout.write("".join(f"{spec.model}: {one_line(text)}\n" for text in sentences))
        status = max(status, DIFFERENT if sentences else SAME)
    return status


def _remove(options: Namespace) -> int:
    library = _library(options)
    return max(_removed(library, model) for model in dict.fromkeys(options.models))


def _removed(library: Library, model: str) -> int:
    """Remove a model; a built-in one is restored to its original form."""
    try:
        entry = library.entry(EVERYONE, model)
        undo = library.restore if entry.is_built_in and entry.is_own else library.remove
        undo(EVERYONE, model)
    except UnknownModel:
        return _say(model, [_UNKNOWN])
    except CollectionProblem as problem:
        return _say(model, [str(problem)])
    return DONE


def _export(options: Namespace) -> int:
    library = _library(options)
    known = _known(library)
    unknown = [model for model in options.models if model not in known]
    if unknown:  # a file of half of them would look complete
        return max(_say(model, [_UNKNOWN]) for model in unknown)
    try:
        file = library.export(EVERYONE, options.models or None)
        if options.output is None:
            sys.stdout.write(file.decode())
        else:
            options.output.write_bytes(file)
    except CollectionProblem as problem:
        return _say("export", [str(problem)])
    except OSError as exc:
        return _say(str(options.output), [f"It cannot be written: {exc.strerror or exc}."])
    return DONE


_COMMANDS: Mapping[str, tuple[Callable[[Namespace], int], str, tuple[str, ...]]] = {
    "import": (_import, "add the models of pages, or replace them", ("pages", "data folder")),
    "list": (_list, "list all models", ("json", "data folder")),
    "show": (_show, "show what is known about models", ("models", "json", "data folder")),
    "diff": (_diff, "show what pages would change", ("pages", "data folder")),
    "read": (_read, "read pages, and store nothing", ("pages", "json")),
    "remove": (_remove, "remove models that were added", ("models", "data folder")),
    "export": (_export, "write models as one file", ("any models", "output", "data folder")),
}
"""By name: what runs it, what it does, and its arguments."""


def _library(options: Namespace) -> Library:
    """Open the library in the data folder."""
    if options.data_dir is not None:
        return Library(options.data_dir / "models")
    return Library.of_settings(Settings())


def _known(library: Library) -> dict[str, ModelSpec]:
    return {spec.model: spec for spec in library.of(EVERYONE)}


def _print(specs: list[ModelSpec], *, is_json: bool) -> None:
    if is_json:
        sys.stdout.write(_as_json([facts_of_model(spec) for spec in specs]))
    else:
        sys.stdout.write("\n".join(map(_model_text, specs)))


def _say(name: str, sentences: Iterable[str], *, status: int = SOME_FAILED) -> int:
    """Write sentences about a page or a model to the standard error."""
    lines = [f"{one_line(name)}: {one_line(sentence)}\n" for sentence in sentences]
    sys.stderr.write("".join(lines))
    return status if lines else DONE


if __name__ == "__main__":
    sys.exit(main())
