"""The simulator as a program of its own: `python -m kie_ui.simulator --port 8765`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_data_path

from kie_ui.simulator.faults import PROMPT_WORDS

DEFAULT_PORT = 8765


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m kie_ui.simulator",
        description="Serve Kie's API on this computer: real requests, real clips, no bill.",
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=DEFAULT_PORT, help="0 chooses a free one (default: 8765)")
    add("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1)")
    add("--speed", type=_positive, default=1.0, help="how many times faster tasks are (default: 1)")
    add("--credits", type=float, default=10_000, help="balance each key starts with")
    add("--data-dir", type=Path, default=None, help="folder that keeps tasks and files")
    add("--key", action="append", default=None, help="accept this key only; may be repeated")
    add("--webhook-key", default=None, help="sign callbacks with this key")
    add("--no-fetch", action="store_true", help="fetch no pictures from other hosts")
    return parser


def _epilog() -> str:
    words = [f"  {word:<12} {meaning}" for word, (meaning, _) in PROMPT_WORDS.items()]
    return "\n".join(
        [
            "words in a prompt that decide over its task:",
            *words,
            "",
            "for tests of your own client:",
            "  POST, GET, DELETE /simulator/faults    make requests go wrong",
            "  GET, DELETE /simulator/journal         see which requests arrived",
        ]
    )


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl+C; return the exit status."""
    options = build_parser().parse_args(arguments)
    # --help answers at once: what serves is imported only now.
    from kie_ui.simulator.api import create_simulator  # noqa: PLC0415
    from kie_ui.simulator.config import SimulatorConfig  # noqa: PLC0415
    from kie_ui.simulator.server import bind, serve_in_foreground, url_of  # noqa: PLC0415

    # A folder of its own: the playground's simulator keeps its tasks in another.
    data_dir = options.data_dir or user_data_path("kie-simulator", appauthor=False)
    try:
        listener = bind(options.host, options.port)
    except OSError as error:
        sys.stderr.write(f"Cannot listen at {options.host}:{options.port}: {error}\n")
        return 1
    config = SimulatorConfig(
        data_dir=data_dir.expanduser().resolve(),
        speed=options.speed,
        credits=options.credits,
        accepted_keys=frozenset(options.key) if options.key else None,
        webhook_key=options.webhook_key,
        fetch_pictures=not options.no_fetch,
        has_control=True,
    )
    key = options.key[0] if options.key else "any-text-will-do"
    sys.stdout.write(_greeting(url_of(listener), key, config.data_dir))
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve_in_foreground(create_simulator(config), listener))
    return 0


def _greeting(base_url: str, key: str, data_dir: Path) -> str:
    return "\n".join(
        [
            f"Kie simulator at {base_url}. Tasks and files are kept in {data_dir}.",
            "Point a client at it with these environment variables:",
            f"  KIE_API_BASE_URL={base_url}",
            f"  KIE_UPLOAD_BASE_URL={base_url}",
            f"  KIE_API_KEY={key}",
            "Ctrl+C stops it.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
