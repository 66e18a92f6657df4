from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from kie_ui.catalog.exchange import write_models
from kie_ui.catalog.library import EVERYONE, Library
from kie_ui.catalog.registry import built_in_registry
from kie_ui.simulator.__main__ import CannotStart, build_parser, main, served_models
from kie_ui.simulator.config import SimulatorConfig
from kie_ui.simulator.faults import PROMPT_WORDS, Fault
from kie_ui.simulator.server import SimulatorServer, bind
from tests.catalog.added import a_spec, extended
from tests.simulator.harness import CLIP, grok

ROOT = Path(__file__).parents[2]
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
GROK_SPEC = built_in_registry().spec("grok-imagine/image-to-video")
HEADERS = {"Authorization": "Bearer a-key"}


def client_of(base_url: str) -> httpx.Client:
    """Return a client with a key."""
    return httpx.Client(base_url=base_url, headers=HEADERS, trust_env=False, timeout=20)


def create(client: httpx.Client, body: dict[str, Any]) -> str:
    """Create a task and return its id."""
    task_id: str = client.post("/api/v1/jobs/createTask", json=body).json()["data"]["taskId"]
    return task_id


def upload(client: httpx.Client, content: bytes, mime: str) -> str:
    """Upload a picture and return its address."""
    files = {"file": ("start.png", content, mime)}
    answer = client.post("/api/file-stream-upload", files=files, data={"uploadPath": "x"})
    url: str = answer.json()["data"]["downloadUrl"]
    return url


def wait_for(client: httpx.Client, task_id: str, *states: str) -> dict[str, Any]:
    """Ask for a task until it is in one of these states."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = client.get("/api/v1/jobs/recordInfo", params={"taskId": task_id})
        record: dict[str, Any] = answer.json()["data"]
        if record["state"] in states:
            return record
        time.sleep(0.02)
    raise AssertionError(f"{task_id} did not reach {states}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, assets_dir: Path) -> Iterator[SimulatorServer]:
    """Give a fast simulator behind a real port."""
    folder = tmp_path_factory.mktemp("data")
    with SimulatorServer(
        SimulatorConfig(data_dir=folder, assets_dir=assets_dir, speed=1000)
    ) as running:
        yield running


def test_a_real_clip_comes_over_real_http(server: SimulatorServer, picture_path: Path) -> None:
    """From upload to download, everything happens as with the service itself."""
    with client_of(server.base_url) as client:
        url = upload(client, picture_path.read_bytes(), "image/png")
        assert url.startswith(server.base_url)
        record = wait_for(client, create(client, grok(image_urls=[url])), "success", "fail")
        assert record["state"] == "success", record
        clip_url = json.loads(record["resultJson"])["resultUrls"][0]
        with av.open(clip_url) as container:
            assert container.duration == 6_000_000


def test_a_broken_picture_fails_the_task_and_not_the_server(server: SimulatorServer) -> None:
    """The task ends in fail with words for people; the next one succeeds."""
    with client_of(server.base_url) as client:
        broken = grok(image_urls=[upload(client, b"this is no picture", "image/jpeg")])
        record = wait_for(client, create(client, broken), "success", "fail")
        assert (record["state"], "cannot be read" in record["failMsg"]) == ("fail", True)
        wait_for(client, create(client, grok(image_urls=None, task_id="sample-grok-a")), "success")


@pytest.mark.parametrize("after_work", [False, True])
def test_a_connection_is_really_dropped(server: SimulatorServer, *, after_work: bool) -> None:
    """The socket closes without a byte of an answer, before or after the work."""
    with client_of(server.base_url) as client:
        before = client.get("/api/v1/chat/credit").json()["data"]
        server.faults.add(Fault(path="/api/v1/jobs/createTask", drop=True, after_work=after_work))
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.post("/api/v1/jobs/createTask", json=grok(prompt="[stuck]"))
        cost = before - client.get("/api/v1/chat/credit").json()["data"]
        assert cost == pytest.approx(14.4 if after_work else 0)


def test_a_taken_port_is_an_error_of_the_caller(server: SimulatorServer) -> None:
    """Listening at a port in use raises at once."""
    port = int(server.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", port)


def test_a_preferred_port_is_taken_where_it_is_free(tmp_path: Path) -> None:
    """A successor serves at the very address of the one before it."""
    with SimulatorServer(SimulatorConfig(data_dir=tmp_path)) as first:
        port = int(first.base_url.rpartition(":")[2])
        with client_of(first.base_url) as client:
            client.get("/")
    with SimulatorServer(SimulatorConfig(data_dir=tmp_path), prefer_port=port) as second:
        assert second.base_url == first.base_url
        with client_of(second.base_url) as client:
            assert client.get("/").status_code == 200


@pytest.mark.parametrize("prefer_port", [None, 70_000])
def test_a_preferred_port_that_cannot_be_had_is_no_error(
    server: SimulatorServer, tmp_path: Path, prefer_port: int | None
) -> None:
    """Where it is taken, or none at all, a free one serves as well."""
    wanted = prefer_port or int(server.base_url.rpartition(":")[2])
    with SimulatorServer(SimulatorConfig(data_dir=tmp_path), prefer_port=wanted) as other:
        assert other.base_url != server.base_url
        with client_of(other.base_url) as client:
            assert client.get("/").status_code == 200


def test_answers_are_sent_without_delay() -> None:
    """Connections inherit a named protocol, without which their answers would wait for ACKs."""
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_stopped_server_can_be_started_again_on_its_data(tmp_path: Path) -> None:
    """Uploads are found again under the new port's address."""
    urls = []
    for _ in range(2):
        with (
            SimulatorServer(SimulatorConfig(data_dir=tmp_path)) as server,
            client_of(server.base_url) as client,
        ):
            body = {"base64Data": "aGk=", "uploadPath": "x", "fileName": "a.txt"}
            urls.append(client.post("/api/file-base64-upload", json=body).json()["data"])
    paths = {url["downloadUrl"].partition("/files/")[2] for url in urls}
    assert len(paths) == 1


def test_importing_the_server_is_cheap() -> None:
    """Neither the database nor anything that knows pixels is loaded before the start."""
    heavy = "{'av', 'numpy', 'PIL', 'sqlalchemy', 'uvicorn'}"
    code = f"import sys, kie_ui.simulator.server; print(sorted({heavy} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr


@needs_proc
def test_a_program_that_forgets_to_stop_still_ends(tmp_path: Path) -> None:
    """A clip under way keeps no program from exiting, and its renderer does not outlive it."""
    code = """if True:
        import os, sys, pathlib, httpx
        from kie_ui.simulator.config import SimulatorConfig
        from kie_ui.simulator.server import SimulatorServer
        server = SimulatorServer(SimulatorConfig(data_dir=pathlib.Path(sys.argv[1]), speed=1000))
        body = {"model": "bytedance/v1-lite-image-to-video", "input": {"prompt": "p",
                "image_url": "https://a.example/b", "duration": "12", "resolution": "1080p"}}
        threads = pathlib.Path(f"/proc/{os.getpid()}/task")
        workers = ""
        with httpx.Client(base_url=server.start(), trust_env=False) as client:
            client.headers["Authorization"] = "Bearer k"
            client.post("/api/v1/jobs/createTask", json=body)
            while not workers:
                workers = " ".join(each.read_text() for each in threads.glob("*/children")).strip()
        print(workers)
        """
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        timeout=30,
        check=True,
        capture_output=True,
        text=True,
    )
    assert_all_gone([int(word) for word in run.stdout.split()])


@contextmanager
def program(data_dir: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the stand-alone program and read its address."""
    command = [sys.executable, "-m", "kie_ui.simulator", "--port", "0", "--data-dir", str(data_dir)]
    process = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        while not (match := re.search(r"KIE_API_BASE_URL=(\S+)", process.stdout.readline())):
            pass
        yield process, match.group(1)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def workers_of(process_id: int) -> list[int]:
    """Return the ids of the processes that a process has started."""
    lists = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(word) for each in lists for word in each.read_text().split()]


def assert_all_gone(process_ids: list[int]) -> None:
    """Fail unless these processes end soon; none at all would prove nothing."""
    assert process_ids
    deadline = time.monotonic() + 10
    while any(is_running(each) for each in process_ids):
        assert time.monotonic() < deadline, f"still there: {process_ids}"
        time.sleep(0.02)


def is_running(process_id: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@needs_proc
def test_a_task_survives_a_killed_process(tmp_path: Path, picture_path: Path) -> None:
    """Killed while generating and started anew, the simulator completes the task."""
    values = {"prompt": "p", "resolution": "720p", "duration": "5", "seed": 7}
    with (
        program(tmp_path, "--speed", "50") as (process, base_url),
        client_of(base_url) as client,
    ):
        values["image_url"] = upload(client, picture_path.read_bytes(), "image/png")
        body = {"model": "bytedance/v1-lite-image-to-video", "input": values}
        task_id = create(client, body)
        wait_for(client, task_id, "generating")
        while not (workers := workers_of(process.pid)):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert_all_gone(workers)
    with program(tmp_path, "--speed", "50") as (_, base_url), client_of(base_url) as client:
        record = wait_for(client, task_id, "success", "fail")
        assert record["state"] == "success", record
        clip_url = json.loads(record["resultJson"])["resultUrls"][0]
        assert clip_url.startswith(base_url)
        assert client.get(clip_url).content[4:8] == b"ftyp"
        assert client.get("/api/v1/chat/credit").json()["data"] == 10_000  # anew at every start


def test_control_c_ends_the_program_cleanly(tmp_path: Path) -> None:
    """An interrupt ends the program with status 0 and no traceback."""
    with program(tmp_path, "--key", "mine") as (process, base_url):
        with client_of(base_url) as client:
            assert client.get("/api/v1/chat/credit").json()["code"] == 401
            assert client.get("/simulator/journal").json()["code"] == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_the_program_serves_a_fixed_clip_without_a_limit(tmp_path: Path) -> None:
    """With `--clip` every task ends in a copy of the file, and creates may be as many as wanted."""
    clip = tmp_path / "fixed.mp4"
    clip.write_bytes(CLIP)
    options = ["--clip", str(clip), "--creates-per-10-s", "0", "--speed", "1000", "--no-fetch"]
    with program(tmp_path / "data", *options) as (_, base_url), client_of(base_url) as client:
        task_ids = [create(client, grok()) for _ in range(30)]
        for task_id in task_ids:
            record = wait_for(client, task_id, "success", "fail")
            (url,) = json.loads(record["resultJson"])["resultUrls"]
            assert client.get(url).content == CLIP


@pytest.mark.parametrize(
    ("option", "value"), [("--creates-per-10-s", "-1"), ("--speed", "0"), ("--port", "x")]
)
def test_the_program_refuses_options_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    """It says which one, and serves nothing."""
    with pytest.raises(SystemExit):
        build_parser().parse_args([option, value])
    assert option in capsys.readouterr().err


def test_the_program_says_what_keeps_it_from_starting(
    server: SimulatorServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A clip or a page that cannot be read, or a port in use: status 1 and a sentence."""
    page = tmp_path / "note.md"
    page.write_text("Milk.")
    for option, value, words in (
        ("--clip", str(tmp_path / "none.mp4"), "Cannot read the clip"),
        ("--models", str(page), str(page)),
        ("--port", server.base_url.rpartition(":")[2], "Cannot listen"),
    ):
        assert main([option, value, "--data-dir", str(tmp_path)]) == 1
        assert words in capsys.readouterr().err


def test_the_program_serves_models_from_files(tmp_path: Path) -> None:
    """With `--models` a client of one's own is tried with any model, beside the built-in ones."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "added.json").write_bytes(write_models([a_spec("maker/added")]))
    options = ["--models", str(tmp_path / "pages"), "--speed", "1000", "--no-fetch"]
    with program(tmp_path / "data", *options) as (_, base_url), client_of(base_url) as client:
        assert create(client, {"model": "maker/added", "input": {"prompt": "waves"}})
        assert create(client, grok())
        body = {"model": "maker/added", "input": {}}
        refused = client.post("/api/v1/jobs/createTask", json=body).json()
        assert refused["code"] != 200
        assert "prompt" in refused["msg"] or "required" in refused["msg"]


def test_a_page_of_a_built_in_model_goes_before_it(tmp_path: Path) -> None:
    """The newer page counts, with what the built-in model lends it."""
    (tmp_path / "newer.json").write_bytes(write_models([extended(GROK_SPEC)]))
    find_versions = served_models([str(tmp_path / "newer.json")], tmp_path / "playground")
    newer, older = find_versions(GROK_SPEC.model, "")
    assert older == GROK_SPEC
    assert newer.parameter("newer").label == "Label"
    assert newer.media_parameters[0].sample == GROK_SPEC.media_parameters[0].sample


def test_models_that_were_added_to_the_playground_are_served(tmp_path: Path) -> None:
    """What the page has, a client of one's own finds as well."""
    added = a_spec("maker/added")
    Library(tmp_path / "models").add(EVERYONE, [added])
    find_versions = served_models([], tmp_path)
    assert find_versions("maker/added", "") == (added,)
    assert find_versions("maker/unknown", "") == ()


def test_settings_that_cannot_be_used_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the playground's models are is not guessed."""
    monkeypatch.setenv("KIE_UI_SIMULATOR_SPEED", "fast")
    with pytest.raises(CannotStart, match="KIE_UI_SIMULATOR_SPEED"):
        served_models([])


def test_a_second_program_keeps_off_a_folder_in_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the first one's address and ends with status 1; once that is gone, it may start."""
    with program(tmp_path) as (_, base_url):
        assert main(["--port", "0", "--data-dir", str(tmp_path)]) == 1
        assert base_url in capsys.readouterr().err
    with program(tmp_path) as (_, again), client_of(again) as client:
        assert client.get("/").status_code == 200


def test_the_help_names_every_prompt_word(capsys: pytest.CaptureFixture[str]) -> None:
    """--help says what a prompt can ask for."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--help"])
    text = capsys.readouterr().out
    assert all(word in text for word in PROMPT_WORDS)
