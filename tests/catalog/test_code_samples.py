from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import astuple, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kie_ui.catalog import code_samples as module
from kie_ui.catalog.code_samples import CodeSamples, build_code_samples
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.request import build_body, build_input
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import check_part, check_values
from kie_ui.catalog.values import FileRef
from tests.catalog.documented import GROK, LITE, TABLES
from tests.catalog.strategies import file_names, values_of

API = "https://api.example"
UPLOADS = "https://uploads.example"
KEY = "planted-key-0123456789"
AUTHORIZATION = f"Bearer {KEY}"

PROMPTS = [
    "It's “one” of 'those' days",
    'She says: "Thanks!"',
    "$HOME $(id) ${PATH} `id` $((1+1)) !! \\$KIE_API_KEY",
    "line one\nline two\r\nline three\ttab\n",
    "back\\slash \\n \\\\ \\' \\\" trailing \\",
    "'; curl https://evil.example; '",
    "'\"'\"'",
    "EOF\nEOF",
    "{name} {0} {{body}} %s %(a)s",
    "$FILE_1 uploaded_1 <address of the uploaded cat.png>",
    "-d @/etc/passwd",
    "# comment \x00\x1b[31m\x7f\x85\u2028\u2029\ufeff",
    "ü 文 😀 \u202e",
    "\"\"\"'''",
]
FILE_NAMES = [
    "cat.png",
    'it\'s my "best" cat.png',
    "a;type=text,b.png",
    "$(id)`id`$HOME.png",
    "back\\slash\\.png",
    "new\nline.png",
    "-rf.png",
    "@cat.png",
    "{name!r}.png",
    "Füße 文 😀.png",
]


def address_of(number: int) -> str:
    """Return the address of the nth upload: one that no shell may expand again."""
    return f"{UPLOADS}/{number}/a%20b.png?sign=$HOME`id`&x='(y)'"


def spelled(spec: ModelSpec, values: dict[str, Any]) -> CodeSamples:
    """Spell a form's values, finished or not."""
    return build_code_samples(spec, check_part(spec, values)[0], API, UPLOADS)


def expected_body(spec: ModelSpec, values: dict[str, Any]) -> dict[str, Any]:
    """Build the body that a request has once its files are uploaded, each of them once."""
    numbers: dict[str, int] = {}

    def address(ref: FileRef) -> str:
        return address_of(numbers.setdefault(ref.path, len(numbers) + 1))

    return build_body(spec, build_input(spec, check_values(spec, values), address))


def files_of(values: dict[str, Any]) -> list[str]:
    """List the names of the files among values, in documented order, each path once."""
    names: dict[str, str] = {}
    for ref in _file_refs(values):
        names.setdefault(ref.path, ref.name)
    return list(names.values())


def lite_values(prompt: str, *names: str) -> dict[str, Any]:
    """Fill V1 Lite's form with a prompt and one or two files."""
    refs = [FileRef(path=f"inputs/{number}.png", name=name) for number, name in enumerate(names)]
    pictures = dict(zip(("image_url", "end_image_url"), refs, strict=False))
    return {"prompt": prompt, "image_url": "https://pictures.example/cat.png", **pictures}


# --- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", TABLES)
@given(data=st.data())
def test_the_json_is_the_body_with_files_named(model: str, data: st.DataObject) -> None:
    """The JSON reads back as the body, with words that name the file in place of its address."""
    spec = built_in_registry().spec(model)
    values = data.draw(values_of(spec))
    checked = check_values(spec, values)
    built = build_input(spec, checked, lambda ref: f"<address of the uploaded {ref.name}>")
    body = build_body(spec, built)
    same_file_twice = len({ref.path for ref in _file_refs(checked)}) < len(_file_refs(checked))
    read = json.loads(spelled(spec, values).json)
    assert list(read["input"]) == list(body["input"])
    assert same_file_twice or read == body


def _file_refs(checked: dict[str, Any]) -> list[FileRef]:
    tuples = (value for value in checked.values() if isinstance(value, tuple))
    return [ref for refs in tuples for ref in refs if isinstance(ref, FileRef)]


def test_the_json_is_legible(grok: ModelSpec) -> None:
    """The JSON is indented, in documented order, and keeps letters of every script."""
    values = {"task_id": "t", "prompt": "Füße", "index": 0}

    assert spelled(grok, values).json == (
        "{\n"
        f'  "model": "{GROK}",\n'
        '  "input": {\n'
        '    "task_id": "t",\n'
        '    "index": 0,\n'
        '    "prompt": "Füße"\n'
        "  }\n"
        "}"
    )


# --- curl -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shell:
    """Runs shell commands with a `curl` that only writes down what it was given."""

    folder: Path
    program: str = "sh"

    def check(self, script: str) -> None:
        """Have the script parsed and not run."""
        self._run("-n", script)

    def run(self, script: str) -> list[list[str]]:
        """Run the script and return the arguments of each call of curl."""
        log, count = self.folder / "log", self.folder / "count"
        log.write_bytes(b"")
        count.write_text("0\n")
        self._run("-e", script)
        words = iter(log.read_bytes().decode().split("\0")[:-1])
        return [[next(words) for _ in range(int(length))] for length in words]

    def _run(self, option: str, script: str) -> None:
        program = shutil.which(self.program)
        assert program is not None
        environment = {
            "PATH": str(self.folder),
            "KIE_API_KEY": KEY,
            "FOLDER": str(self.folder),
            "HOME": "/nowhere",
        }
        ended = subprocess.run(
            [program, option, "-c", script],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=30,
        )
        assert (ended.returncode, ended.stderr) == (0, "")


FAKE_CURL = """\
#!/bin/sh
printf '%s\\0' "$#" "$@" >> "$FOLDER/log"
for argument; do
  if [ "$argument" = -F ]; then
    read -r count < "$FOLDER/count"
    count=$((count + 1))
    echo "$count" > "$FOLDER/count"
    IFS= read -r answer < "$FOLDER/answer-$count"
    printf '%s\\n' "$answer"
    exit
  fi
done
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Return a shell in which only `curl` and `python3` can be found, and curl is a fake."""
    folder = tmp_path_factory.mktemp("bin")
    programs = {"curl": FAKE_CURL, "python3": f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n'}
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    for number in (1, 2):
        answer = {"success": True, "data": {"downloadUrl": address_of(number)}}
        (folder / f"answer-{number}").write_text(json.dumps(answer) + "\n")
    return Shell(folder)


def unquoted(form_field: str) -> str:
    r"""Read the file name in a form field as curl does: quoted, with `\\` and `\"` inside."""
    match = re.fullmatch(r'file=@"((?:[^\\"]|\\[\\"])*)"', form_field, re.DOTALL)
    assert match is not None
    return re.sub(r'\\([\\"])', r"\1", match[1])


def assert_sends(shell: Shell, script: str, body: dict[str, Any], names: list[str]) -> None:
    """Assert that a script is valid, uploads the files, sends the body, and does nothing else."""
    shell.check(script)
    *uploads, create = shell.run(script)
    assert [unquoted(upload[5]) for upload in uploads] == names
    for upload in uploads:
        assert upload[:5] == [
            "-sS",
            f"{UPLOADS}/api/file-stream-upload",
            "-H",
            f"Authorization: {AUTHORIZATION}",
            "-F",
        ]
        assert upload[6:] == ["-F", "uploadPath=images/kie-ui"]
    assert create[:-1] == [
        "-sS",
        f"{API}/api/v1/jobs/createTask",
        "-H",
        f"Authorization: {AUTHORIZATION}",
        "-H",
        "Content-Type: application/json",
        "-H",
        "Accept: application/json",
        "-d",
    ]
    assert json.loads(create[-1]) == body


@pytest.mark.parametrize("prompt", PROMPTS)
def test_any_prompt_is_sent_as_it_was_typed(shell: Shell, lite: ModelSpec, prompt: str) -> None:
    """Quotes, dollars, backslashes and line ends mean nothing to the shell or to Python."""
    values = lite_values(prompt)
    assert_code_sends(shell, spelled(lite, values), expected_body(lite, values))


@pytest.mark.parametrize("name", FILE_NAMES)
def test_any_file_is_uploaded_under_its_own_name(shell: Shell, lite: ModelSpec, name: str) -> None:
    """Files go up first, and their addresses land in the body as they came."""
    values = lite_values("A cat.", name, "end.png")
    assert_code_sends(shell, spelled(lite, values), expected_body(lite, values), [name, "end.png"])


@pytest.mark.parametrize("program", [name for name in ("sh", "bash", "zsh") if shutil.which(name)])
def test_shells_agree(shell: Shell, lite: ModelSpec, program: str) -> None:
    """The command means the same in every shell at hand."""
    names = [FILE_NAMES[1], FILE_NAMES[4]]
    values = lite_values("\n".join(PROMPTS), *names)
    script = spelled(lite, values).curl
    assert_sends(Shell(shell.folder, program), script, expected_body(lite, values), names)


@pytest.mark.parametrize("model", TABLES)
@settings(max_examples=25)
@given(data=st.data())
def test_the_shell_command_sends_the_body(shell: Shell, model: str, data: st.DataObject) -> None:
    """For any form, curl sends the body of the request."""
    spec = built_in_registry().spec(model)
    values = data.draw(values_of(spec))
    names = files_of(check_values(spec, values))
    assert_sends(shell, spelled(spec, values).curl, expected_body(spec, values), names)


# --- Python ---------------------------------------------------------------------------------------


@dataclass
class FakeHttpx:
    """Stands in for httpx: writes down what is posted and answers as Kie would."""

    states: list[dict[str, Any] | None] = field(
        default_factory=lambda: [
            None,
            {"state": "waiting", "resultJson": ""},
            {"state": "success", "resultJson": '{"resultUrls": []}'},
        ]
    )
    code: int = 200
    uploads: list[str] = field(default_factory=list)
    creates: list[dict[str, Any]] = field(default_factory=list)

    def post(self, url: str, *, headers: dict[str, str], **options: Any) -> Any:
        assert headers["Authorization"] == AUTHORIZATION
        if url == f"{API}/api/v1/jobs/createTask":
            self.creates.append(options.pop("json"))
            assert options == {"timeout": 120}  # as patient as a create that is billed deserves
            return _answer({"code": self.code, "data": {"taskId": "t-1"}})
        assert url == f"{UPLOADS}/api/file-stream-upload"
        assert options["data"] == {"uploadPath": "images/kie-ui"}
        self.uploads.append(options["files"]["file"].name)
        return _answer({"data": {"downloadUrl": address_of(len(self.uploads))}})

    HTTPError = OSError

    def get(
        self, url: str, *, headers: dict[str, str], params: dict[str, str], timeout: float
    ) -> Any:
        assert url == f"{API}/api/v1/jobs/recordInfo"
        assert headers["Authorization"] == AUTHORIZATION
        assert params == {"taskId": "t-1"}
        return _answer({"code": 200, "data": self.states.pop(0)})


def _answer(data: dict[str, Any]) -> Any:
    response = SimpleNamespace(json=lambda: data)
    response.raise_for_status = lambda: response
    return response


class NamedFile(io.BytesIO):
    """A file that was never on a disk."""

    def __init__(self, name: str, mode: str) -> None:
        super().__init__()
        assert mode == "rb"
        self.name = name


def run_python(program: str, fake: FakeHttpx) -> str:
    """Run a program against a fake Kie and return what it prints."""
    printed = io.StringIO()
    with (
        patch.dict(sys.modules, {"httpx": fake}),
        patch.dict(os.environ, {"KIE_API_KEY": KEY}),
        patch("time.sleep"),
        redirect_stdout(printed),
    ):
        exec(compile(program, "snippet.py", "exec"), {"open": NamedFile})
    return printed.getvalue()


def assert_code_sends(
    shell: Shell, samples: CodeSamples, body: dict[str, Any], names: Sequence[str] = ()
) -> None:
    """Assert that curl and Python alike upload these files, each once, and send this body."""
    fake = FakeHttpx()
    run_python(samples.python, fake)
    assert (fake.uploads, fake.creates) == ([*names], [body])
    assert_sends(shell, samples.curl, body, [*names])


@pytest.mark.parametrize("model", TABLES)
@given(data=st.data())
def test_the_python_program_sends_the_body(model: str, data: st.DataObject) -> None:
    """For any form, what the program posts is the body of the request."""
    spec = built_in_registry().spec(model)
    values = data.draw(values_of(spec))
    fake = FakeHttpx()
    run_python(spelled(spec, values).python, fake)

    assert fake.creates == [expected_body(spec, values)]
    assert fake.uploads == files_of(check_values(spec, values))


def test_python_waits_until_the_end_and_prints_the_result(grok: ModelSpec) -> None:
    """The program looks again until the task is over: no record yet is no end."""
    fake = FakeHttpx()

    assert run_python(spelled(grok, {"task_id": "t"}).python, fake) == (
        'task t-1\n{"resultUrls": []}\n'
    )
    assert fake.states == []


def test_python_prints_why_a_task_failed(grok: ModelSpec) -> None:
    """A failed task ends the program with Kie's reason."""
    fake = FakeHttpx(states=[{"state": "fail", "failMsg": "Too spicy."}])

    assert run_python(spelled(grok, {"task_id": "t"}).python, fake) == "task t-1\nToo spicy.\n"


def test_python_stops_at_a_refused_create(grok: ModelSpec) -> None:
    """A create that Kie answers with a code other than 200 made no task to wait for."""
    fake = FakeHttpx(code=402)
    with pytest.raises(SystemExit, match="402"):
        run_python(spelled(grok, {"task_id": "t"}).python, fake)

    assert len(fake.creates) == 1


# --- all three ------------------------------------------------------------------------------------


def test_an_unfinished_form_has_valid_code_too(shell: Shell, lite: ModelSpec) -> None:
    """Code is shown beside an empty form as well, and is valid code."""
    body: dict[str, Any] = {"model": LITE, "input": {}}
    assert json.loads(spelled(lite, {}).json) == body
    assert_code_sends(shell, spelled(lite, {}), body)


def test_one_file_in_two_places_goes_up_once(shell: Shell, lite: ModelSpec) -> None:
    """A clip that ends on the picture it starts from needs one upload."""
    ref = FileRef(path="inputs/cat.png", name="cat.png")
    values = {"prompt": "A cat.", "image_url": ref, "end_image_url": ref}
    assert_code_sends(shell, spelled(lite, values), expected_body(lite, values), ["cat.png"])


@pytest.mark.parametrize("model", TABLES)
@settings(max_examples=30)
@given(data=st.data())
def test_the_key_stands_in_no_snippet(model: str, data: st.DataObject) -> None:
    """Code names the environment variable that holds the key, never the key."""
    spec = built_in_registry().spec(model)
    values = data.draw(values_of(spec))
    with patch.dict(os.environ, {"KIE_API_KEY": KEY}):
        snippets = spelled(spec, values)

    assert all(KEY not in snippet for snippet in astuple(snippets))
    assert "Bearer $KIE_API_KEY" in snippets.curl
    assert "os.environ['KIE_API_KEY']" in snippets.python


@given(file_names)
def test_no_snippet_shows_how_it_was_made(name: str) -> None:
    """The stand-ins for addresses are all replaced, and every snippet can be sent to a browser."""
    spec = built_in_registry().spec(LITE)
    snippets = spelled(spec, lite_values("A cat.", name, name + "2"))

    assert all(module._TOKEN not in snippet for snippet in astuple(snippets))
    assert all(snippet.encode() for snippet in astuple(snippets))


def test_addresses_of_the_hosts_are_the_given_ones(lite: ModelSpec) -> None:
    """People who work with another host find it in the code."""
    checked = check_values(lite, lite_values("A cat.", "cat.png"))
    samples = build_code_samples(lite, checked, "http://api.test:1", "http://up.test:2")
    for text in (samples.curl, samples.python):
        assert "http://api.test:1/api/v1/jobs/createTask" in text
        assert "http://up.test:2/api/file-stream-upload" in text
        assert "kie.ai" not in text
