"""What the events of tabs that were built on demand run, kept for pages that Gradio forgot.

Gradio builds such a tab for one page and keeps its events with what it remembers of that page. It
remembers a fixed number of pages; of another one it finds no event, and the form would be dead.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from gradio.block_function import BlockFunction

MOST_TABS = 200
"""Tabs whose events are kept: about a quarter of a megabyte each."""
_IDS = 2**52
"""Ids of events stay below this, which a browser counts to without a mistake."""
_IDS_A_TAB = 10_000

Functions = dict[int, BlockFunction]


class FormPutAside(KeyError):
    """No event of this id is known; the text is a sentence for the person."""

    def __str__(self) -> str:
        return (
            "This form was put aside on the server and is opened again: what you typed is kept. "
            "If you pressed a button, press it once more."
        )


class Remembered:
    """The events of the tabs that were built last. For any thread."""

    def __init__(self, most_tabs: int = MOST_TABS) -> None:
        self._most_tabs = most_tabs
        self._tabs: OrderedDict[int, Functions] = OrderedDict()
        self._lock = threading.Lock()

    @staticmethod
    def first_id() -> int:
        """Return where the ids of a new tab begin.

        No two tabs share an id, or the button of one might run what belongs to another; and nobody
        guesses that of somebody else's.
        """
        return (1 + secrets.randbelow(_IDS // _IDS_A_TAB - 2)) * _IDS_A_TAB

    def keep(self, functions: Iterable[BlockFunction]) -> None:
        """Keep the events of one tab."""
        kept = {function._id: function for function in functions}  # noqa: SLF001 - Gradio's id
        if not kept:
            return
        with self._lock:
            self._tabs[_tab(min(kept))] = kept
            while len(self._tabs) > self._most_tabs:
                self._tabs.popitem(last=False)

    def find(self, function_id: int) -> BlockFunction | None:
        """Find an event by its id; its tab is then the last one to go."""
        tab = _tab(function_id)
        with self._lock:
            kept = self._tabs.get(tab)
            if kept is None:
                return None
            self._tabs.move_to_end(tab)
            return kept.get(function_id)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._tabs.clear()


def _tab(function_id: int) -> int:
    return function_id // _IDS_A_TAB


class RememberedFunctions(dict[int, BlockFunction]):
    """The events of a page as Gradio looks them up, and behind them those that are remembered."""

    def __init__(self, functions: Functions, remembered: Remembered) -> None:
        super().__init__(functions)
        self._remembered = remembered

    def __copy__(self) -> RememberedFunctions:
        """Copy as Gradio does for every page."""
        return RememberedFunctions(self, self._remembered)

    def __missing__(self, function_id: Any) -> BlockFunction:
        """Look among those that are remembered. Raises: FormPutAside."""
        found = self._remembered.find(function_id) if isinstance(function_id, int) else None
        if found is None:
            raise FormPutAside(function_id)
        return found
