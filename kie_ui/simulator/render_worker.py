"""The process in which clips are rendered; see `workers`.

Reads orders as lines of JSON from standard input and ends when that closes, even in the middle of
a clip. Started by the simulator, never by hand.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kie_ui.simulator.clips import ClipOrder
from kie_ui.simulator.render import BrokenPicture, render_clip

NICENESS = 5
"""How far rendering steps back behind the server and the page."""


def main() -> None:
    """Serve orders until standard input closes."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_orders, args=(orders.put,), daemon=True).start()
    while True:
        _serve(orders.get())


def _read_orders(put: Callable[[dict[str, Any]], None]) -> None:
    """Pass orders on, and end the process with its server: nobody waits for the clip then."""
    for line in sys.stdin:
        put(json.loads(line))
    os._exit(0)


def _serve(message: dict[str, Any]) -> None:
    output = Path(message["output"])
    try:
        order = ClipOrder.model_validate(message["order"])
        render_clip(order, output, progress=lambda share: _say(share=round(share, 3)))
    except BrokenPicture as error:
        _say(failed=str(error))
    except Exception:  # noqa: BLE001 - the boundary of the process: the task fails, we go on
        traceback.print_exc()
        _say(failed="The clip could not be rendered: the renderer failed.")
    else:
        _say(done=True)


def _say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
