"""A process that presses Generate once and is killed by the test that started it.

Arguments: the data folder, Kie's address, the picture.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.runs.harness import (
    GROK,
    OWNER,
    FastClock,
    grok_values,
    make_backends,
    make_service,
)


async def press(folder: Path, kie_url: str, picture: Path) -> None:
    """Start a service, press, and wait for an end that may never come."""
    service = make_service(folder, FastClock(), make_backends(kie_url))
    await service.start()
    run = await service.submit(OWNER, GROK, grok_values(picture), "live")
    await service.ended(OWNER, run.id)


if __name__ == "__main__":
    asyncio.run(press(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
