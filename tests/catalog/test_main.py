from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kie_ui.catalog.__main__ import main
from kie_ui.catalog.exchange import write_models
from kie_ui.catalog.library import EVERYONE, Library
from kie_ui.settings import Settings
from tests.catalog.added import a_spec
from tests.catalog.documented import GROK, LITE

PAGE = """# {title}

### Model Parameter

| Property | Value |
|----------|-------|
| **Format** | `{model}` |

### input Object Parameters

#### prompt

- **Type**: `string`
- **Required**: Yes
- **Description**: What to paint.
- **Max Length**: {length} characters

#### size

- **Type**: `string`
- **Required**: No
- **Options**:
  - `small`: Small
  - `large`: Large
- **Default Value**: `"small"`

#### amount

- **Type**: `number`
- **Description**: How many
- **Range**: 1 - 4 (step: 1)
"""
MODEL = "maker/paint"


class Outcome(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep out the settings of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the data folder, not yet there."""
    return tmp_path / "data"


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command, over the data folder where it uses one."""

    def run(command: str, *arguments: str | Path) -> Outcome:
        stored = [] if command == "read" else ["--data-dir", str(folder)]
        status = main([command, *stored, *map(str, arguments)])
        printed = capsys.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return a page on the disk."""
    return write_page(tmp_path / "paint.md")


def write_page(path: Path, model: str = MODEL, length: str = "5,000") -> Path:
    """Write a page of a model."""
    path.write_text(PAGE.format(model=model, title="Paint", length=length), encoding="utf-8")
    return path


def models(folder: Path) -> list[str]:
    """List what is in the library of a data folder."""
    return [entry.model for entry in Library(folder / "models").entries(EVERYONE)]


def test_a_page_is_imported_for_everyone(run: Run, folder: Path, page: Path) -> None:
    """The program says what is new; a server on the folder has it."""
    outcome = run("import", page)
    assert outcome.status == 0
    assert outcome.out == f"new\t{MODEL}\tPaint\n"
    assert models(folder) == [GROK, LITE, MODEL]


def test_imported_again_it_is_the_same_or_replaced(run: Run, page: Path) -> None:
    """A script sees whether anything changed."""
    run("import", page)
    assert run("import", page).out.startswith("same\t")
    write_page(page, length="6,000")
    outcome = run("import", page)
    assert outcome.out.startswith("replaced\t")
    assert outcome.status == 0


def test_pages_that_cannot_be_read_do_not_keep_the_others_out(
    run: Run, folder: Path, tmp_path: Path, page: Path
) -> None:
    """Each is named on the standard error, and the status is 1."""
    (tmp_path / "note.md").write_text("# Shopping\n\nMilk.\n")
    (tmp_path / "empty.md").write_text("")
    names = [str(tmp_path / name) for name in ("note.md", "empty.md", "gone.md")]
    outcome = run("import", *names, page, "https://docs.kie.ai/market/paint")
    assert outcome.status == 1
    assert outcome.out == f"new\t{MODEL}\tPaint\n"
    lines = outcome.err.splitlines()
    assert all(any(line.startswith(f"{name}: ") for line in lines) for name in names)
    assert any("save its page" in line for line in lines)
    assert models(folder)[2:] == [MODEL]


def test_a_folder_stands_for_its_pages(run: Run, folder: Path, tmp_path: Path) -> None:
    """In the order of their names; other files are passed over, and without a page it says so."""
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "picture.png").write_bytes(b"\x89PNG")
    outcome = run("import", pages)
    assert outcome.status == 1
    assert "no page in this folder" in outcome.err
    write_page(pages / "b.md", "maker/b")
    write_page(pages / "a.MD", "maker/a")
    assert run("import", pages).status == 0
    assert models(folder)[2:] == ["maker/a", "maker/b"]


def test_the_standard_input_is_a_page_too(
    run: Run, folder: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a program that fetches it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(page.read_bytes())))
    assert run("import", "-").status == 0
    assert models(folder)[2:] == [MODEL]


def test_an_exported_file_is_imported(run: Run, folder: Path, tmp_path: Path) -> None:
    """All that can be taken in, with a word on what can't."""
    file = tmp_path / "models.json"
    data = json.loads(write_models([a_spec("a"), a_spec("b")]))
    data["models"].append({**data["models"][0], "model": "../c"})
    file.write_text(json.dumps(data))
    outcome = run("import", file)
    assert outcome.status == 1
    assert "“../c” cannot be added" in outcome.err
    assert models(folder)[2:] == ["a", "b"]


def test_a_library_that_cannot_be_written_is_an_error(run: Run, folder: Path, page: Path) -> None:
    """With the page's name, and status 1."""
    folder.write_text("no folder")
    outcome = run("import", page)
    assert outcome.status == 1
    assert outcome.out == ""
    assert f"{page}: The added models cannot be saved" in outcome.err


def test_the_list_has_a_model_a_line(run: Run, folder: Path, page: Path) -> None:
    """Id, title and marks, with tabs between them; or one JSON array, an object a model."""
    run("import", page)
    Library(folder / "models").hide(EVERYONE, LITE)
    lines = [line.split("\t") for line in run("list").out.splitlines()]
    assert [line[0] for line in lines] == [GROK, LITE, MODEL]
    assert [line[2] for line in lines] == ["built in", "built in, hidden", "added"]
    listed = run("list", "--json").json
    assert listed[2] == {
        "model": MODEL,
        "title": "Paint",
        "makes": listed[2]["makes"],
        "parameters": 3,
        "marks": ["added"],
    }


def test_damage_is_reported_beside_the_list(run: Run, folder: Path) -> None:
    """The list itself stays data; without damage, listing makes no folder."""
    assert run("list").status == 0
    assert not folder.exists()
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "everyone.json").write_text("{")
    outcome = run("list")
    assert len(outcome.out.splitlines()) == 2
    assert "set aside" in outcome.err


def test_a_model_is_shown_as_one_json_array(run: Run, page: Path) -> None:
    """Each fact as the page states it, under its name; what it does not state is left out."""
    run("import", page)
    (shown,) = run("show", MODEL, "--json").json
    assert (shown["model"], shown["title"]) == (MODEL, "Paint")
    prompt, size, amount = shown["parameters"]
    assert prompt["type"] == "string"
    assert prompt["required"] is True
    assert prompt["max_length"] == 5000
    assert "default" not in prompt
    assert size["options"] == ["small", "large"]
    assert size["default"] == "small"
    assert (amount["minimum"], amount["maximum"], amount["step"]) == (1, 4, 1)
    assert isinstance(shown["warnings"], list)
    assert all(parameter["widget"] for parameter in shown["parameters"])


def test_reading_gives_the_same_and_stores_nothing(run: Run, folder: Path, page: Path) -> None:
    """What is read is what would be shown."""
    read = run("read", page, "--json")
    assert read.status == 0
    assert not folder.exists()
    run("import", page)
    assert read.json == run("show", MODEL, "--json").json


def test_several_pages_are_one_array(run: Run, tmp_path: Path, page: Path) -> None:
    """Also where one of them, or all, could not be read: a program need not know the status."""
    other = write_page(tmp_path / "other.md", "maker/other")
    outcome = run("read", page, "gone.md", other, "--json")
    assert outcome.status == 1
    assert [model["model"] for model in outcome.json] == [MODEL, "maker/other"]
    assert outcome.err.startswith("gone.md: ")
    nothing = run("read", "gone.md", "--json")
    assert (nothing.status, nothing.json) == (1, [])


def test_a_person_reads_a_line_a_parameter(run: Run) -> None:
    """Name, type, whether it is required, the widget, and every limit."""
    outcome = run("show", GROK)
    assert outcome.status == 0
    (line,) = [line for line in outcome.out.splitlines() if line.startswith("  index")]
    assert line.split()[:4] == ["index", "number", "optional", "slider"]
    assert "minimum=0  maximum=5  step=1" in line


def test_an_unknown_model_is_reported_and_the_others_shown(run: Run) -> None:
    """In the requested order, each once."""
    outcome = run("show", LITE, "gone", GROK, LITE, "--json")
    assert outcome.status == 1
    assert [model["model"] for model in outcome.json] == [LITE, GROK]
    assert outcome.err == "gone: There is no such model.\n"


def test_a_difference_is_status_one(run: Run, page: Path, folder: Path) -> None:
    """As diff has it: 0 the same, 1 different, each difference a line; nothing is stored."""
    new = run("diff", page)
    assert (new.status, new.out) == (1, f"{MODEL}: It is new.\n")
    run("import", page)
    assert run("diff", page) == (0, "", "")
    write_page(page, length="6,000")
    outcome = run("diff", page)
    assert outcome.status == 1
    assert outcome.out.startswith(f"{MODEL}: prompt")
    assert "6000" in outcome.out
    assert run("diff", page) == outcome


def test_a_page_that_cannot_be_compared_is_status_two(run: Run, page: Path) -> None:
    """Trouble goes before difference."""
    outcome = run("diff", page, "gone.md")
    assert outcome.status == 2
    assert outcome.out == f"{MODEL}: It is new.\n"
    assert outcome.err.startswith("gone.md: ")


def test_models_are_removed(run: Run, folder: Path, page: Path) -> None:
    """One that is not there, or came with the program, is reported; the others go."""
    run("import", page)
    outcome = run("remove", "gone", GROK, MODEL)
    assert outcome.status == 1
    assert "gone: There is no such model." in outcome.err
    assert f"{GROK}: A model that came with the program" in outcome.err
    assert models(folder) == [GROK, LITE]


def test_removing_what_replaced_a_built_in_model_restores_it(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    """As it came with the program."""
    run("import", write_page(tmp_path / "grok.md", GROK))
    assert Library(folder / "models").entries(EVERYONE)[0].is_replaced
    assert run("remove", GROK).status == 0
    assert not Library(folder / "models").entries(EVERYONE)[0].is_replaced


def test_models_are_exported_to_be_imported_elsewhere(
    run: Run, folder: Path, tmp_path: Path, page: Path
) -> None:
    """Printed, or written to a file; all that were added, or those that are named."""
    run("import", page)
    printed = run("export")
    assert run("export", "-o", tmp_path / "all.json").out == ""
    assert (tmp_path / "all.json").read_text() == printed.out
    run("remove", MODEL)
    assert run("import", tmp_path / "all.json").out == f"new\t{MODEL}\tPaint\n"
    assert [m["model"] for m in json.loads(run("export", GROK).out)["models"]] == [GROK]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "export: There is nothing to export"),
        (["gone", GROK], "gone: There is no such model."),
        ([GROK, "-o", "no/folder/file.json"], "no/folder/file.json: It cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_reported(run: Run, arguments: list[str], sentence: str) -> None:
    """Nothing is printed that could be taken for the file."""
    outcome = run("export", *arguments)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.startswith(sentence)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        *(
            (arguments.split(), 2, "usage: python -m kie_ui.catalog")
            for arguments in ("", "import", "show", "sing", "read --loud x", "diff")
        ),
        (["--help"], 0, "exit status:"),
    ],
)
def test_what_makes_no_sense_is_status_two(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, words: str
) -> None:
    """With the usage on the standard error; --help lists the statuses on the standard output."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == status
    printed = capsys.readouterr()
    assert words in (printed.err if status else printed.out)


def test_the_data_folder_is_that_of_the_settings(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings that cannot be used are status 2: the variable is named, and its value is not."""
    monkeypatch.setenv("KIE_UI_DATA_DIR", str(tmp_path / "set"))
    assert main(["import", str(page)]) == 0
    assert models(tmp_path / "set")[2:] == [MODEL]
    monkeypatch.setenv("KIE_UI_VISITORS", "planted-value")
    assert main(["list"]) == 2
    printed = capsys.readouterr()
    assert "KIE_UI_VISITORS" in printed.err
    assert "planted-value" not in printed.err


def test_what_a_page_says_does_not_move_the_terminal(run: Run, tmp_path: Path) -> None:
    """Control characters and line breaks of a page are blanks in every line."""
    text = PAGE.format(model=MODEL, title="Paint \x1b[2J\x07", length="9")
    (tmp_path / "odd.md").write_text(text)
    for outcome in (run("read", tmp_path / "odd.md"), run("import", tmp_path / "odd.md")):
        assert "\x1b" not in outcome.out + outcome.err
        assert "\x07" not in outcome.out + outcome.err


def test_it_is_a_program_that_starts_without_the_page(folder: Path, page: Path) -> None:
    """It prints UTF-8 in any environment, and imports no Gradio."""
    program = (
        "import sys; from kie_ui.catalog.__main__ import main; status = main();"
        "assert not {'gradio', 'sqlalchemy', 'av', 'PIL', 'httpx'} & set(sys.modules);"
        "sys.exit(status)"
    )
    page.write_text(page.read_text().replace("What to paint.", "Was gemalt wird: Äpfel 😀"))
    done = subprocess.run(
        [sys.executable, "-c", program, "read", str(page), "--json"],
        capture_output=True,
        check=False,
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stderr == b""
    assert done.returncode == 0
    assert "Äpfel 😀" in done.stdout.decode("utf-8")


def test_a_reader_that_goes_away_is_no_failure_of_ours(page: Path) -> None:
    """`| head -1` gives no traceback."""
    pages = " ".join([str(page)] * 300)
    program = f"{sys.executable} -m kie_ui.catalog read {pages} --json | head -1"
    done = subprocess.run(
        ["bash", "-c", program],
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout == b"[\n"
    assert done.stderr == b""
