"""The command line of the catalog: pages in, models out, and what scripts need of both.

What was asked for goes to the standard output, everything else to the standard error.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

DONE, SOME_FAILED = 0, 1
SAME, DIFFERENT, TROUBLE = 0, 1, 2

_PAGES = "documentation pages or exported files, folders of them, or - for the standard input"
_EPILOG = """exit status:
  0  all is well (diff: nothing is different)
  1  something could not be read or done; all else was (diff: something is different)
  2  it was called in a way that makes no sense (diff: also if a page could not be read)"""


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m kie_ui.catalog",
        description="Add Kie's models from their documentation pages, and see what is there.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def command(name: str, meaning: str) -> _Arguments:
        return _Arguments(commands.add_parser(name, help=meaning, description=f"{meaning}."))

    command("import", "add the models of pages, or replace them").pages().stored()
    command("list", "list the models that there are").json().stored()
    command("show", "tell what is known of models").models("+").json().stored()
    command("diff", "tell what pages would change").pages().stored()
    command("read", "read pages, and store nothing").pages().json()
    command("remove", "remove models that were added").models("+").stored()
    command("export", "write models as one file").models("*").output().stored()
    return parser


class _Arguments:
    """Gives one command its arguments."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._add = parser.add_argument

    def pages(self) -> _Arguments:
        self._add("pages", nargs="+", metavar="PAGE", help=_PAGES)
        return self

    def models(self, count: str) -> _Arguments:
        self._add("models", nargs=count, metavar="MODEL", help="ids, such as maker/model")
        return self

    def json(self) -> _Arguments:
        self._add("--json", action="store_true", help="print one JSON array")
        return self

    def output(self) -> _Arguments:
        self._add("--output", "-o", type=Path, metavar="FILE", help="instead of printing it")
        return self

    def stored(self) -> _Arguments:
        self._add("--data-dir", type=Path, help="the data folder, if not that of the settings")
        return self


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked for; return the exit status."""
    options = build_parser().parse_args(arguments)
    from kie_ui.catalog import commands  # noqa: PLC0415 - so that --help answers at once

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status = commands.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has read enough, and what is left would be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    return status
