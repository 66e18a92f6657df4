"""The request that a form would send now, as JSON, as a shell command and as a Python program.

The key is in none of them: it is read from the environment variable `KIE_API_KEY`.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from kie_ui.catalog.request import CREATE_TASK_PATH, build_body, build_input
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import FileRef

UPLOAD_PATH = "/api/file-stream-upload"
_TOKEN = secrets.token_hex(8)
_MARK = re.compile(rf"{_TOKEN}-(\d+)-")
"""Placeholder for the address of the nth file while code is put together; it can't be typed."""


@dataclass(frozen=True)
class CodeSamples:
    """One request in three spellings."""

    json: str
    curl: str
    python: str


class _Files:
    """The files of a request, each given a number in the order of its first use."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def mark(self, ref: FileRef) -> str:
        self.names.setdefault(ref.path, ref.name)
        return f"{_TOKEN}-{list(self.names).index(ref.path) + 1}-"

    @property
    def numbered(self) -> list[tuple[int, str]]:
        return list(enumerate(self.names.values(), start=1))


def build_code_samples(
    spec: ModelSpec, checked: Mapping[str, Any], api_base_url: str, upload_base_url: str
) -> CodeSamples:
    """Spell out the request of checked values; files become an upload before it."""
    files = _Files()
    body = build_body(spec, build_input(spec, checked, files.mark))
    return CodeSamples(
        _as_json(body, files),
        _as_curl(body, files, api_base_url, upload_base_url),
        _as_python(body, files, api_base_url, upload_base_url),
    )


def _as_json(body: Mapping[str, Any], files: _Files) -> str:
    names = dict(files.numbered)

    def placeholder(match: re.Match[str]) -> str:
        words = f"<address of the uploaded {names[int(match[1])]}>"
        return json.dumps(words, ensure_ascii=False)[1:-1]

    return _MARK.sub(placeholder, json.dumps(body, indent=2, ensure_ascii=False))


def _as_curl(
    body: Mapping[str, Any], files: _Files, api_base_url: str, upload_base_url: str
) -> str:
    uploads = [
        f"FILE_{number}=$(curl -sS {upload_base_url}{UPLOAD_PATH} \\\n"
        '  -H "Authorization: Bearer $KIE_API_KEY" \\\n'
        f"  -F {_shell_quote(_curl_file(name))} -F uploadPath=images/kie-ui \\\n"
        "  | python3 -c 'import json, sys; "
        'print(json.load(sys.stdin)["data"]["downloadUrl"])\')\n'
        for number, name in files.numbered
    ]
    create = (
        f"curl -sS {api_base_url}{CREATE_TASK_PATH} \\\n"
        '  -H "Authorization: Bearer $KIE_API_KEY" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        "  -H 'Accept: application/json' \\\n"
        f"  -d {_shell_quote(json.dumps(body, indent=2, ensure_ascii=False))}"
    )
    return "\n".join([*uploads, create])


def _shell_quote(text: str) -> str:
    """Quote for any POSIX shell, with marks becoming variables between the quoted parts."""
    quoted = "'" + text.replace("'", "'\"'\"'") + "'"
    return _MARK.sub(lambda match: f"'\"$FILE_{match[1]}\"'", quoted)


def _curl_file(name: str) -> str:
    """Name a file in a form field as curl wants it: quoted, because `;` and `,` mean something."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'file=@"{escaped}"'


_PYTHON = """\
import os
import time

import httpx

headers = {{
    "Authorization": f"Bearer {{os.environ['KIE_API_KEY']}}",
    "Accept": "application/json",
}}
{uploads}
# A create that got no answer may have been taken: look at Kie's logs before running this again.
create = httpx.post(
    "{api_base_url}{create_path}",
    headers=headers,
    json={body},
    timeout=120,
).raise_for_status().json()
if create["code"] != 200:
    raise SystemExit(create)
task_id = create["data"]["taskId"]
print("task", task_id)

state = None
while state not in ("success", "fail"):
    time.sleep(5)
    try:
        answer = httpx.get(
            "{api_base_url}/api/v1/jobs/recordInfo",
            headers=headers,
            params={{"taskId": task_id}},
            timeout=30,
        ).raise_for_status().json()
    except httpx.HTTPError as error:
        print("asking again:", error)
        continue
    if answer["code"] in (401, 408, 501):
        raise SystemExit(answer)
    state = (answer.get("data") or {{}}).get("state")
print(answer["data"]["resultJson"] if state == "success" else answer["data"]["failMsg"])
"""

_PYTHON_UPLOAD = """
with open({name!r}, "rb") as file:
    uploaded_{number} = httpx.post(
        "{upload_base_url}{upload_path}",
        headers=headers,
        data={{"uploadPath": "images/kie-ui"}},
        files={{"file": file}},
        timeout=60,
    ).raise_for_status().json()["data"]["downloadUrl"]
"""


def _as_python(
    body: Mapping[str, Any], files: _Files, api_base_url: str, upload_base_url: str
) -> str:
    uploads = "".join(
        _PYTHON_UPLOAD.format(
            name=name, number=number, upload_base_url=upload_base_url, upload_path=UPLOAD_PATH
        )
        for number, name in files.numbered
    )
    return _PYTHON.format(
        uploads=uploads,
        api_base_url=api_base_url,
        create_path=CREATE_TASK_PATH,
        body=indent(_python_literal(body), "    ").lstrip(),
    )


def _python_literal(value: Any) -> str:
    """Spell JSON data as Python, one item a line; a mark becomes the variable of its upload."""
    if isinstance(value, Mapping) and value:
        items = (f"{key!r}: {_python_literal(item)}" for key, item in value.items())
        return "{\n" + indent(",\n".join(items), "    ") + ",\n}"
    if isinstance(value, list):
        return "[" + ", ".join(_python_literal(item) for item in value) + "]"
    if isinstance(value, str) and (match := _MARK.fullmatch(value)):
        return f"uploaded_{match[1]}"
    return repr(value)
