"""The README's tables say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """Return the text between two markers."""
    match = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert match, name
    return match[1]


def model_row(spec: ModelSpec) -> str:
    """Write the row of a model."""
    assert spec.price is not None
    rates = spec.price.credits_per_second.items()
    prices = ", ".join(f"{value}: {rate:g} credits/s" for value, rate in rates)
    return f"| `{spec.model}` | {spec.summary} | {prices} |"


def settings_rows() -> list[str]:
    """Write the row of every setting of ours."""
    rows = []
    for field in Settings.model_fields.values():
        if field.description is None:
            continue  # Gradio's own variables, which Gradio documents
        default = "" if field.default in (None, "") else f"`{field.default}`"
        rows.append(f"| `{field.alias}` | {default} | {field.description} |")
    return rows


def test_the_models_table_is_the_catalog() -> None:
    """Every built-in model is in the README with its summary and its prices."""
    rows = [line for line in section("models").splitlines() if line.startswith("| `")]
    assert rows == [model_row(spec) for spec in built_in_registry()]


def test_the_settings_table_is_the_settings_class() -> None:
    """Every setting is in the README with its default and its description."""
    rows = [line for line in section("settings").splitlines() if line.startswith("| `")]
    assert rows == settings_rows()


def test_the_example_environment_names_every_setting() -> None:
    """Whoever copies `.env.example` finds every setting in it."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", example, re.MULTILINE))
    assert named == {
        field.alias for field in Settings.model_fields.values() if field.description is not None
    }


def test_the_space_card_names_the_pinned_gradio() -> None:
    """A Space runs the Gradio that the requirements ask for."""
    pinned = re.search(r"gradio~=(\S+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    card = re.search(r"^sdk_version: (\S+)$", README, re.MULTILINE)
    assert pinned
    assert card
    assert pinned[1] == card[1]


def test_every_module_is_on_the_map() -> None:
    """Whoever looks for a module finds it in CONTRIBUTING's tree."""
    tree = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("```")[3]
    modules = {path.name for path in (ROOT / "kie_ui").rglob("*.py")} - {"__init__.py"}
    assert modules - set(re.findall(r"\w+\.py", tree)) == set()
