from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kie_ui.ui.bundle import join_modules

Run = Callable[[dict[str, str]], object]

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="runs the script in Node")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what joins modules, runs them and gives what their `call` does."""

    def run(modules: dict[str, str]) -> object:
        page, later = join_modules(modules)
        (tmp_path / "page.mjs").write_text(page.replace("later.js", "later.mjs"))
        (tmp_path / "later.mjs").write_text(later)
        (tmp_path / "run.mjs").write_text(
            'import { call } from "./page.mjs";\nconsole.log(JSON.stringify(await call()));'
        )
        command = ["node", str(tmp_path / "run.mjs")]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(answer)

    return run


def test_modules_share_what_they_export_and_nothing_else(run: Run) -> None:
    """Two modules may use the same name for different things, as in a browser."""
    modules = {
        "main.js": """import { Counter as Counts } from "./count.js";
import {
  ten,
} from "./ten.js";
const own = 1;
export const call = () => [new Counts().own, ten, own];
""",
        "count.js": """const own = 2;
/** Counts. */
class Counter { own = own; }
export { Counter };
""",
        "ten.js": "export const ten = 10; // a comment\n",
    }
    assert run(modules) == [2, 10, 1]


def test_a_module_that_is_loaded_later_runs_once_and_only_then(run: Run) -> None:
    """Its import is a promise, as a browser's is; state that it keeps is there only once."""
    modules = {
        "main.js": """const log = globalThis.log = [];
export const call = async () => {
  log.push("before");
  const [first, second] = [await import("./extra.js"), await import("./extra.js")];
  return [...log, first.made === second.made];
};
""",
        "extra.js": 'globalThis.log.push("later");\nexport const made = {};\n',
    }
    assert run(modules) == ["before", "later", True]
    page, later = join_modules(modules)
    assert "globalThis.log.push" not in page
    assert "globalThis.log.push" in later


def test_modules_that_import_each_other_find_each_other_once_both_ran(run: Run) -> None:
    """A browser allows it, so it must not depend on how the modules are sent."""
    modules = {
        "main.js": 'import { a } from "./a.js";\nexport const call = () => a();\n',
        "a.js": 'import { b } from "./b.js";\nexport const a = () => b();\nexport const c = 3;\n',
        "b.js": 'import { c } from "./a.js";\nexport const b = () => c;\n',
    }
    assert run(modules) == 3


@pytest.mark.parametrize(
    "line", ["export default 1;", 'import * as all from "./a.js";', "export let count = 0;"]
)
def test_a_form_that_is_not_known_is_refused(line: str) -> None:
    """It would be sent as it is, and break the script in the browser."""
    with pytest.raises(ValueError, match="main"):
        join_modules({"main.js": f"{line}\n"})
