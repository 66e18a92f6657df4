"""The process in which results are made, and the texts among them; see `worker_pool`.

It reads requests as lines of JSON from standard input and ends when that closes, even in the middle
of a result. The simulator starts it, never a person.
"""

from __future__ import annotations

import itertools
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

from kie_ui.simulator.render.clip import render_clip
from kie_ui.simulator.render.picture import BrokenInput, make_image
from kie_ui.simulator.render.requests import (
    ClipRequest,
    ImageRequest,
    RenderRequest,
    SoundRequest,
    TextRequest,
)
from kie_ui.simulator.render.sound import length_s, make_sound

_REQUEST: TypeAdapter[RenderRequest] = TypeAdapter(RenderRequest)
NICENESS = 5
"""How far rendering yields the processor to the server and the page."""
MAX_TRANSCRIPT_S = 600.0
_DEFAULT_TRANSCRIPT_S = 6.0
_MIN_WORDS = 8
_WORDS_PER_S = 2.4
_TRANSCRIPT = "This is a simulated transcript: nobody has listened to the sound."


def main() -> None:
    """Serve requests until standard input closes."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_messages, args=(messages.put,), daemon=True).start()
    while True:
        _serve(messages.get())


def _read_messages(put: Callable[[dict[str, Any]], None]) -> None:
    """Pass messages on, and end the process with its server: nothing waits for the result then."""
    for line in sys.stdin:
        put(json.loads(line))
    os._exit(0)


def _serve(message: dict[str, Any]) -> None:
    try:
        request = _REQUEST.validate_python(message["request"])
        render(request, Path(message["output"]), lambda share: _send(share=round(share, 3)))
    except BrokenInput as error:
        _send(failed=str(error))
    except Exception:  # noqa: BLE001 - the boundary of the process: the task fails, we go on
        traceback.print_exc()
        _send(failed="The result could not be made: the renderer failed.")
    else:
        _send(done=True)


def render(request: RenderRequest, output: Path, progress: Callable[[float], None]) -> None:
    """Write the result of a request to `output`. Raises: BrokenInput."""
    match request:
        case ClipRequest():
            render_clip(request, output, progress)
        case ImageRequest():
            make_image(request, output)
        case SoundRequest():
            make_sound(request, output)
        case TextRequest():
            write_text(request, output)


def write_text(request: TextRequest, output: Path) -> None:
    """Write an answer as a JSON object. Raises: BrokenInput."""
    if request.is_transcript:
        answer = _transcript(request.source)
    else:
        excerpt = " ".join(request.prompt.split())[:200]
        quoted = f" You asked: “{excerpt}”" if excerpt else ""
        text = f"This is a simulated answer: no model has thought about it.{quoted}"
        answer = {"simulated": True, "text": text}
    output.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")


def _transcript(source: Path | None) -> dict[str, Any]:
    """Spread words over the whole length of a sound, each with its time in seconds."""
    total_s = min(length_s(source) if source else _DEFAULT_TRANSCRIPT_S, MAX_TRANSCRIPT_S)
    count = max(_MIN_WORDS, round(total_s * _WORDS_PER_S))
    words = list(itertools.islice(itertools.cycle(_TRANSCRIPT.split()), count))
    each_s = total_s / count
    return {
        "simulated": True,
        "language_code": "eng",
        "language_probability": 0.99,
        "text": " ".join(words),
        "words": [
            {
                "text": word,
                "start": round(number * each_s, 2),
                "end": round((number + 0.9) * each_s, 2),
                "type": "word",
                "speaker_id": "speaker_0",
            }
            for number, word in enumerate(words)
        ],
    }


def _send(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
