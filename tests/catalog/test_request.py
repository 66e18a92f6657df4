from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.request import (
    CREATE_TASK_PATH,
    build_body,
    build_input,
    credits_in_words,
    dollars,
    estimate_credits,
)
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import check_values
from kie_ui.catalog.values import FileRef, UrlRef
from tests.catalog.documented import GROK, LITE
from tests.catalog.strategies import any_json

CAT_URL = "https://pictures.example/cat.png"
CAT = UrlRef(url=CAT_URL)


def uploaded(ref: FileRef) -> str:
    """Return the address of an upload."""
    return f"https://uploads.example/{ref.path}"


def sent(spec: ModelSpec, values: dict[str, Any], callback_url: str | None = None) -> str:
    """Turn a form's values into the text that goes over the wire."""
    checked = check_values(spec, values)
    return json.dumps(build_body(spec, build_input(spec, checked, uploaded), callback_url))


def test_a_whole_grok_form_with_a_picture(grok: ModelSpec) -> None:
    """The picture goes as a list, the duration as text, spicy as normal, in documented order."""
    values = {
        "resolution": "720p",
        "duration": 10,
        "mode": "spicy",
        "prompt": " “Thanks!”\nBack to work ☕ ",
        "index": 3,
        "task_id": "",
        "image_urls": [CAT],
    }

    assert sent(grok, values) == json.dumps(
        {
            "model": GROK,
            "input": {
                "image_urls": [CAT_URL],
                "prompt": " “Thanks!”\nBack to work ☕ ",
                "mode": "normal",
                "duration": "10",
                "resolution": "720p",
            },
        }
    )


def test_a_whole_grok_form_with_a_task(grok: ModelSpec) -> None:
    """The index goes as an int beside its task, 0 included, and spicy stays spicy."""
    values = {
        "task_id": "281e5b0f39b9",
        "index": 0.0,
        "prompt": "She smiles.",
        "mode": "spicy",
        "duration": "6",
        "resolution": "480p",
        "image_urls": None,
    }

    assert sent(grok, values) == json.dumps(
        {
            "model": GROK,
            "input": {
                "task_id": "281e5b0f39b9",
                "index": 0,
                "prompt": "She smiles.",
                "mode": "spicy",
                "duration": "6",
                "resolution": "480p",
            },
        }
    )


def test_the_least_that_grok_takes(grok: ModelSpec) -> None:
    """Every optional parameter of Grok may be left out, the prompt included."""
    assert sent(grok, {"image_urls": CAT_URL}) == json.dumps(
        {"model": GROK, "input": {"image_urls": [CAT_URL]}}
    )
    assert sent(grok, {"task_id": "t"}) == json.dumps({"model": GROK, "input": {"task_id": "t"}})


def test_a_whole_v1_lite_form(lite: ModelSpec) -> None:
    """Pictures go as text, the seed as an int, switches as booleans, and no is said like yes."""
    values = {
        "prompt": "A cat walks.",
        "image_url": FileRef(path="inputs/cat.png", name="my cat.png"),
        "resolution": "1080p",
        "duration": "12",
        "camera_fixed": False,
        "seed": 42.0,
        "enable_safety_checker": False,
        "end_image_url": (CAT,),
    }

    assert sent(lite, values) == json.dumps(
        {
            "model": LITE,
            "input": {
                "prompt": "A cat walks.",
                "image_url": "https://uploads.example/inputs/cat.png",
                "resolution": "1080p",
                "duration": "12",
                "camera_fixed": False,
                "seed": 42,
                "enable_safety_checker": False,
                "end_image_url": CAT_URL,
            },
        }
    )


def test_the_least_that_v1_lite_takes(lite: ModelSpec) -> None:
    """Empty optional values leave their keys out, for the service may refuse empty text."""
    values = {
        "prompt": "A cat walks.",
        "image_url": CAT_URL,
        "resolution": None,
        "duration": "",
        "camera_fixed": None,
        "seed": None,
        "end_image_url": "",
    }

    assert sent(lite, values) == json.dumps(
        {"model": LITE, "input": {"prompt": "A cat walks.", "image_url": CAT_URL}}
    )


@pytest.mark.parametrize(("seed", "wire"), [(0, "0"), (-1, "-1"), (-1.0, "-1"), ("7", "7")])
def test_nought_and_less_are_sent(lite: ModelSpec, seed: object, wire: str) -> None:
    """A seed of 0 or -1 is a seed, and reaches the wire without a decimal point."""
    body = sent(lite, {"prompt": "A cat.", "image_url": CAT_URL, "seed": seed})

    assert body.endswith(f'"seed": {wire}}}}}')


def test_a_callback_is_named_only_where_there_is_one(grok: ModelSpec) -> None:
    """`callBackUrl` is beside the input if an address is given, and nowhere otherwise."""
    callback = "https://playground.example/callback"

    assert json.loads(sent(grok, {"task_id": "t"}, callback)) == {
        "model": GROK,
        "input": {"task_id": "t"},
        "callBackUrl": callback,
    }
    assert "callBackUrl" not in sent(grok, {"task_id": "t"})


def test_files_and_addresses_keep_their_order(grok: ModelSpec) -> None:
    """A list of pictures is sent in the order of the form, each by the address it has."""
    several = grok.parameter("image_urls").model_copy(update={"max_items": 3})
    spec = grok.model_copy(update={"parameters": (several,), "rules": ()})
    values = {"image_urls": [FileRef(path="b", name="b"), CAT, FileRef(path="a", name="a")]}
    addresses = ["https://uploads.example/b", CAT_URL, "https://uploads.example/a"]
    assert json.loads(sent(spec, values))["input"] == {"image_urls": addresses}


def test_building_changes_nothing_it_was_given(lite: ModelSpec) -> None:
    """Checked values may be built from again, and a body shares nothing with its input."""
    checked = check_values(lite, {"prompt": "A cat.", "image_url": CAT})
    before = dict(checked)
    built = build_input(lite, checked, uploaded)
    body = build_body(lite, built)
    body["input"]["prompt"] = "Another."

    assert checked == before
    assert built["prompt"] == "A cat."


def test_creates_go_to_the_documented_path() -> None:
    """The path of a create is the documented one."""
    assert CREATE_TASK_PATH == "/api/v1/jobs/createTask"


@pytest.mark.parametrize(
    ("model", "resolution", "duration", "credit_count"),
    [
        (GROK, "480p", "6", 14.4),
        (GROK, "480p", "10", 24),
        (GROK, "720p", "6", 27),
        (GROK, "720p", "10", 45),
        (LITE, "480p", "3", 6),
        (LITE, "720p", "5", 22.5),
        (LITE, "1080p", "12", 120),
    ],
)
def test_a_run_costs_its_seconds(
    model: str, resolution: str, duration: str, credit_count: float
) -> None:
    """The estimate is the rate of the resolution times the seconds, without rounding dust."""
    spec = built_in_registry().spec(model)

    assert estimate_credits(spec, {"resolution": resolution, "duration": duration}) == credit_count


@pytest.mark.parametrize("duration", [6, 6.0, "6", " 6 "])
def test_seconds_may_be_text_or_a_number(grok: ModelSpec, duration: object) -> None:
    """A form and a caller may say the duration as they like."""
    assert estimate_credits(grok, {"resolution": "480p", "duration": duration}) == 14.4


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"resolution": "480p"},
        {"duration": "6"},
        {"resolution": "480p", "duration": None},
        {"resolution": "480p", "duration": ""},
        {"resolution": "480p", "duration": "six"},
        {"resolution": "480p", "duration": "nan"},
        {"resolution": "480p", "duration": "inf"},
        {"resolution": "480p", "duration": 10**400},
        {"resolution": "480p", "duration": 1e300},
        {"resolution": "480p", "duration": -1},
        {"resolution": "480p", "duration": math.nan},
        {"resolution": "4K", "duration": "6"},
        {"resolution": ["480p"], "duration": "6"},
    ],
    ids=lambda values: str(values)[:50],
)
def test_what_cannot_be_known_is_not_guessed(grok: ModelSpec, values: dict[str, Any]) -> None:
    """Without a price for the choice, or a number of seconds, there is no estimate."""
    assert estimate_credits(grok, values) is None
    unpriced = grok.model_copy(update={"price": None})
    assert estimate_credits(unpriced, {"resolution": "480p", "duration": "6"}) is None


@given(st.dictionaries(st.sampled_from(["resolution", "duration"]), any_json | st.just("480p")))
def test_no_form_breaks_the_estimate(values: dict[str, Any]) -> None:
    """Whatever a form holds, the estimate is a number or there is none."""
    estimate = estimate_credits(built_in_registry().spec(GROK), values)

    assert estimate is None or math.isfinite(estimate)


def test_a_credit_is_half_a_cent() -> None:
    """200 credits are one US dollar."""
    assert dollars(200) == 1
    assert dollars(0) == 0


@pytest.mark.parametrize(
    ("credit_count", "words"),
    [
        (14.4, "14.4 credits ($0.07)"),
        (1, "1 credit ($0.01)"),
        (0, "0 credits ($0.00)"),
        (100, "100 credits ($0.50)"),
        (22.5, "22.5 credits ($0.11)"),
        (0.25, "0.25 credits ($0.00)"),
        (1234.567, "1,234.57 credits ($6.17)"),
        (1_000_000, "1,000,000 credits ($5,000.00)"),
    ],
)
def test_amounts_are_said_in_both_currencies(credit_count: float, words: str) -> None:
    """Credits lose idle zeros, never those that count; dollars keep their cents."""
    assert credits_in_words(credit_count) == words
