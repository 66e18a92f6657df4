"""Tabs on demand: a fixed number of places on the tab bar, in which any model's tab may stand.

Which model stands where is up to the browser (`assets/js/slots.js`), which names each place and
shows it at once. Its form is built when the tab is first opened, so that a page costs the same
however many models there are. A built-in model whose page was replaced by a newer one has a place
of its own beside its tab, which then takes over.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.context import LocalContext

from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.form.drafts import drafted, wire_drafts, wire_filling
from kie_ui.ui.form.form import Form
from kie_ui.ui.services import Services
from kie_ui.ui.tabs.generate import build_model_tab

MAX_TABS = 200
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

    def __init__(self, most_tabs: int = MAX_TABS) -> None:
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


logger = logging.getLogger(__name__)

SLOTS = 8
"""Added models that may have a tab at the same time."""
SLOT = "slot-"
"""What the id of such a tab begins with, before its number."""
STAND_IN = "newer-"
"""What the id of a tab begins with that takes a built-in one's place, before that one's id."""

_WAITING = (
    '<div class="kie-slot-waiting" role="status"><p>Opening…</p>'
    '<button type="button" class="kie-button" hidden>Try again</button></div>'
)
_GONE = (
    '<div class="kie-empty kie-slot-gone"><p><strong>This model is not here any more.</strong></p>'
    "<p>It was removed in another window. Add it again in the Models tab.</p></div>"
)
_UNBUILT = (
    '<div class="kie-empty kie-slot-gone"><p><strong>This form cannot be built.</strong></p>'
    "<p>Its page says something that no form can show; the server’s log says what. The model can "
    "still be used by its id from a program.</p></div>"
)


@dataclass
class Slots:
    """The places of one page, and what they are built with."""

    services: Services
    remembered: Remembered = field(default_factory=Remembered)
    places: dict[str, tuple[gr.Tab, gr.Textbox]] = field(default_factory=dict)
    """By id: the tab, and the hidden field that says which model to build in it."""
    building: threading.Lock = field(default_factory=threading.Lock)
    """Gradio counts its components without one, and two at a time would get the same number."""

    @property
    def tabs(self) -> dict[str, gr.Tab]:
        """The tabs of all places, by id."""
        return {slot: tab for slot, (tab, _) in self.places.items()}

    def build(self, slot: str) -> None:
        """Build one place inside the current tabs."""
        with gr.Tab(slot, id=slot, visible=False, elem_id=slot, elem_classes="kie-slot") as tab:
            wanted = gr.Textbox(visible="hidden", render=False)
            gr.HTML(
                html_template=_WAITING,
                js_on_load=f"window.kieUi.mountWaiting(element, '{slot}')",
                padding=False,
            )
            self._build_on_demand(slot, wanted)
        self.places[slot] = (tab, wanted)

    def _build_on_demand(self, slot: str, wanted: gr.Textbox) -> None:
        @gr.render(  # type: ignore[untyped-decorator]  # Gradio's has no types
            inputs=[wanted], triggers=[wanted.change], show_progress="hidden"
        )
        def build(told: str | None, request: gr.Request) -> None:
            """Build the tab of the model that this page wants here, as its visitor has it."""
            wish = read_wish(told)
            if wish is None:
                return
            spec = self._spec(wish.model, owner_of(request))
            with self.building, wish.wrapping():
                self._fill(slot, spec)

    def _spec(self, model: str, owner: str) -> ModelSpec | None:
        try:
            return self.services.catalog.of(owner).spec(model)
        except UnknownModel:
            return None

    def _fill(self, slot: str, spec: ModelSpec | None) -> None:
        if spec is None:
            gr.HTML(_GONE, js_on_load=_built_js(slot), padding=False)
            return
        config, first = begin_events()
        with gr.Column() as whole:
            try:
                _build_tab(slot, spec, self.services)
            except Exception:  # whatever a page made of it, its tab says so
                logger.exception("The form of %s cannot be built.", spec.model)
                whole.children.clear()
                gr.HTML(_UNBUILT, js_on_load=_built_js(slot), padding=False)
        built = range(first, config.fn_id)
        self.remembered.keep(fn for fn_id, fn in config.fns.items() if fn_id in built)

    def wire(self, page: gr.Blocks, static: dict[str, gr.Tab]) -> None:
        """Let our script say what stands where; to be called when the tabs are built."""
        tabs = {**static, **self.tabs}
        fields: list[Any] = [wanted for _, wanted in self.places.values()]
        for wanted in fields:
            wanted.render()
        arrange = gr.Button(visible="hidden", elem_id="kie-arrange-tabs")
        names = json.dumps([list(tabs), list(self.places)])
        arranged = arrange.click(
            None,
            None,
            [*tabs.values(), *fields],
            js=f"() => window.kieUi.arrangement(...{names})",
            api_visibility="private",
        )
        arranged.then(None, None, None, js="() => window.kieUi.isArranged()")
        page.default_config.fns = RememberedFunctions(page.default_config.fns, self.remembered)


def begin_events() -> tuple[Any, int]:
    """Have the events that are built next get ids of their own; return where, and the first one."""
    config: Any = LocalContext.blocks_config.get()
    config.fn_id = Remembered.first_id()
    return config, config.fn_id


@dataclass(frozen=True)
class Wish:
    """What a page wants in one of its places."""

    model: str
    turn: int
    given: Mapping[str, Any]
    """All that the page told."""

    def wrapping(self) -> gr.Column | gr.Row:
        """Return what the tab is built in: another kind every time.

        Or Gradio would keep its components in the browser, and hang the new events on old ones.
        """
        return (gr.Column, gr.Row)[self.turn % 2](elem_classes="kie-on-demand")


def read_wish(told: str | None) -> Wish | None:
    """Read what a page told, which may be anything."""
    try:
        given = json.loads(told or "null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict):
        return None
    model, turn = given.get("model"), given.get("turn")
    if not isinstance(model, str) or not isinstance(turn, int):
        return None
    return Wish(model, turn, given)


def _build_tab(slot: str, spec: ModelSpec, services: Services) -> None:
    tab = build_model_tab(spec, services, slot, may_close=slot.startswith(SLOT))
    open_inputs(tab.form)
    wire_drafts(None, spec, tab.form)
    wire_filling(spec, tab.form, tab.has_pressed)
    gr.HTML(html_template="<span></span>", js_on_load=_built_js(slot), elem_classes="kie-unseen")


def open_inputs(form: Form) -> None:
    """Let the widgets of a form be filled in.

    Of what comes to the page later Gradio takes everything with a value for an output.
    """
    widget: Any
    for widget in drafted(form).values():
        if getattr(widget, "interactive", True) is None:
            widget.interactive = True


def _built_js(slot: str) -> str:
    return f"window.kieUi.slotIsBuilt('{slot}')"
