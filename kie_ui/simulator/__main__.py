"""The simulator as a separate program: `python -m kie_ui.simulator --port 8765`."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from platformdirs import user_data_path
from pydantic import ValidationError

from kie_ui.catalog.exchange import read_sources
from kie_ui.catalog.library import Library
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.sanitize import sanitize_spec
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings
from kie_ui.simulator.config import FindVersions, SimulatorConfig
from kie_ui.simulator.faults import PROMPT_WORDS
from kie_ui.simulator.render.worker_pool import WorkerPool
from kie_ui.simulator.server import bind, serve_in_foreground, url_of
from kie_ui.simulator.single_instance import SimulatorLock


class CannotStart(Exception):
    """Why the program ends at once: a sentence for the person at the terminal."""


def served_models(pages: Sequence[str], data_dir: Path | None = None) -> FindVersions:
    """Read pages, exported files and folders of them, and the models added to the playground.

    Versions from the pages go before all others, the last one read first. `data_dir` is the
    playground's data folder, by default that of the settings.
    Raises: CannotStart, where one of them or the settings cannot be read.
    """
    built_in = built_in_registry()
    specs: list[ModelSpec] = []
    for source in read_sources(pages):
        if source.problems:
            raise CannotStart(f"{source.name}: {' '.join(source.problems)}")
        specs += [sanitize_spec(spec, *built_in.versions(spec.model)) for spec in source.specs]
    added = Library.of_settings(_settings(data_dir))

    def find_versions(model: str, collection: str) -> tuple[ModelSpec, ...]:
        own = [spec for spec in reversed(specs) if spec.model == model]
        return (*own, *added.versions(model, collection))

    return find_versions


def _settings(data_dir: Path | None) -> Settings:
    try:
        return Settings() if data_dir is None else Settings(data_dir=data_dir)
    except ValidationError as invalid:
        names = ", ".join(str(error["loc"][0]) for error in invalid.errors())
        raise CannotStart(f"These settings cannot be used: {names}.") from invalid


DEFAULT_PORT = 8765
_EPILOG = """\
models: the built-in ones, those added to the playground, and those of --models

words in a prompt that decide how its task ends:
{words}

for tests of your own client:
  POST, GET, DELETE /simulator/faults    make requests go wrong
  GET, DELETE /simulator/journal         see which requests arrived
"""
_GREETING = """\
Kie simulator at {url}. Tasks and files are kept in {folder}.
Point a client at it with these environment variables:
  KIE_API_BASE_URL={url}
  KIE_UPLOAD_BASE_URL={url}
  KIE_API_KEY={key}
Ctrl+C stops it.
"""
_MODELS_HELP = (
    "serve the models of this documentation page, exported file, or folder of such; may be repeated"
)


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    words = (f"  {word:<12} {meaning}" for word, (meaning, _) in PROMPT_WORDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m kie_ui.simulator",
        description="Serve Kie's API on this computer: real requests, real results, no bill.",
        epilog=_EPILOG.format(words="\n".join(words)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=DEFAULT_PORT, help="0 chooses a free one (default: 8765)")
    add("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1)")
    add("--speed", type=_positive, default=1.0, help="how many times faster tasks are (default: 1)")
    add("--credits", type=float, default=10_000, help="balance each key starts with")
    add("--data-dir", type=Path, default=None, help="folder that keeps tasks and files")
    add("--creates-per-10-s", type=_count, default=20, help="each key's limit, 0 for none (20)")
    add("--clip", type=Path, default=None, help="serve copies of this clip for every clip")
    add("--key", action="append", default=None, help="accept this key only; may be repeated")
    add("--webhook-key", default=None, help="sign callbacks with this key")
    add("--models", action="append", default=[], metavar="PAGE", help=_MODELS_HELP)
    add("--no-fetch", action="store_true", help="fetch no files from other hosts")
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or above")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl+C; return the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        _serve(options)
    except CannotStart as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


def _serve(options: argparse.Namespace) -> None:
    # Imported only now, so that --help answers at once.
    from kie_ui.simulator.app import create_simulator

    config = _config(options)
    with _locked(config.data_dir) as lock:
        try:
            listener = bind(options.host, options.port)
        except OSError as error:
            place = f"{options.host}:{options.port}"
            raise CannotStart(f"Cannot listen at {place}: {error}") from error
        lock.publish(url_of(listener))
        key = options.key[0] if options.key else "any-text-will-do"
        sys.stdout.write(_GREETING.format(url=url_of(listener), key=key, folder=config.data_dir))
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):  # the usual way to stop it
            serve_in_foreground(create_simulator(config), listener)


def _config(options: argparse.Namespace) -> SimulatorConfig:
    try:
        renderer = WorkerPool(fixed_clip=options.clip.read_bytes()) if options.clip else None
    except OSError as error:
        raise CannotStart(f"Cannot read the clip: {error}") from error
    # A separate folder: the playground's simulator has another.
    data_dir = options.data_dir or user_data_path("kie-simulator", appauthor=False)
    return SimulatorConfig(
        data_dir=data_dir.expanduser().resolve(),
        find_versions=served_models(options.models),
        speed=options.speed,
        credits=options.credits,
        creates_per_10_s=options.creates_per_10_s,
        accepted_keys=frozenset(options.key) if options.key else None,
        webhook_key=options.webhook_key,
        fetch_pictures=not options.no_fetch,
        renderer=renderer,
        has_control=True,
    )


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[SimulatorLock]:
    """Keep every other simulator out of the folder."""
    lock = SimulatorLock(data_dir)
    try:
        is_ours = lock.try_acquire()
    except OSError as error:
        raise CannotStart(f"Cannot write in {data_dir}: {error}") from error
    if not is_ours:
        where = f" at {address}" if (address := lock.address()) else ""
        raise CannotStart(
            f"Another simulator is using {data_dir}{where}. Stop it, or choose another --data-dir."
        )
    try:
        yield lock
    finally:
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
