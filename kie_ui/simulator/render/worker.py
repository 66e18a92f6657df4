"""The process in which results are made; see `workers`.

Reads orders as lines of JSON from standard input and ends when that closes, even in the middle of
a result. Started by the simulator, never by hand.
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

from pydantic import TypeAdapter

from kie_ui.simulator.intent.plan import Order
from kie_ui.simulator.render.make import make
from kie_ui.simulator.render.picture import BrokenInput

_ORDER: TypeAdapter[Order] = TypeAdapter(Order)
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
    """Pass orders on, and end the process with its server: nobody waits for the result then."""
    for line in sys.stdin:
        put(json.loads(line))
    os._exit(0)


def _serve(message: dict[str, Any]) -> None:
    output = Path(message["output"])
    try:
        order = _ORDER.validate_python(message["order"])
        make(order, output, progress=lambda share: _say(share=round(share, 3)))
    except BrokenInput as error:
        _say(failed=str(error))
    except Exception:  # noqa: BLE001 - the boundary of the process: the task fails, we go on
        traceback.print_exc()
        _say(failed="The result could not be made: the renderer failed.")
    else:
        _say(done=True)


def _say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
