"""The head of the page: what this is, the mode it is in, and where a key is entered."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from kie_ui.catalog.price import credits_in_words
from kie_ui.kie.errors import KieError, Unauthorized
from kie_ui.ui.queue import queue_html
from kie_ui.ui.services import Services
from kie_ui.ui.visitors import owner_of

_BADGE = """<header class="kie-masthead">
<div class="kie-brand"><h1>Kie UI</h1><p>A picture, a sentence, a clip.</p></div>
<div class="kie-head-right">{queue}
<p class="kie-mode" data-kind="" role="status" aria-live="polite">…</p></div>
</header>"""

_QUIETLY: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build_head(services: Services) -> None:
    """Build the name of the page, the queue and the mode inside the current Blocks context."""
    gr.HTML(
        html_template=_BADGE.format(queue=queue_html(services.built_in)),
        js_on_load="window.kieUi.mountAccount(element); window.kieUi.mountQueue(element)",
        elem_classes="kie-head",
        padding=False,
    )


def build_key(services: Services) -> None:
    """Build and wire the field for a key inside the current Blocks context."""
    with gr.Accordion("Kie API key", open=False, elem_classes="kie-fold kie-key"):
        with gr.Row(elem_classes="kie-key-row"):
            key = gr.Textbox(
                type="password",
                label="Your Kie API key",
                info="From kie.ai/api-key. It stays in this server’s memory until it restarts, "
                "and goes nowhere but to Kie.",
                placeholder="Paste the key here",
                html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False),
                max_lines=1,
                scale=4,
            )
            test = gr.Button("Test and use", variant="primary", scale=1, min_width=130)
            forget = gr.Button("Forget this key", scale=1, min_width=130)
        answer = gr.HTML("", elem_classes="kie-note")

    async def take(typed: str | None, request: gr.Request) -> tuple[Any, str]:
        """Ask Kie for the balance of a key; a key that works is used from then on.

        One that does not work stays in its field, without going to and fro once more.
        """
        try:
            balance = await services.accounts.test_key(owner_of(request), typed or "")
        except Unauthorized as error:
            return gr.skip(), _say("error", f"{error}")
        except (KieError, ValueError) as error:
            return gr.skip(), _say("error", f"The key could not be tested. {error}")
        return "", _say("ok", f"The key works: {credits_in_words(balance)} left. Now live.")

    async def forget_it(request: gr.Request) -> tuple[str, str]:
        """Forget a typed key."""
        services.backends.forget_key(owner_of(request))
        return "", _say("ok", "The key is forgotten.")

    gr.on([test.click, key.submit], take, key, [key, answer], concurrency_limit=None, **_QUIETLY)
    forget.click(forget_it, None, [key, answer], **_QUIETLY)


def _say(kind: str, sentence: str) -> str:
    return f'<p class="kie-note-{kind}" role="status">{escape(sentence)}</p>'
