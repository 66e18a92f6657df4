from __future__ import annotations

from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from kie_ui.catalog.values import FileRef
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Clip, Step
from kie_ui.ui.services import Services
from tests.ui.api.visitors import SITE, Visitor, planted, planted_clip, planted_picture


async def test_a_clip_comes_whole_or_in_ranges(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """A player asks for parts: without them nobody can wind."""
    run = await planted_clip(services, ada.owner, clip)
    address = f"/kie-ui/runs/{run.id}/clips/0.mp4"
    whole = await ada.get(address)
    part = await ada.get(address, headers={"range": "bytes=10-19"})
    last = await ada.get(address, headers={"range": "bytes=-5"})
    assert (whole.status_code, whole.content) == (200, clip)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    assert (part.status_code, part.content) == (206, clip[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(clip)}"
    assert last.content == clip[-5:]
    assert (await ada.get(address, headers={"range": "bytes=999999-"})).status_code == 416


async def test_a_clip_is_private_and_is_what_it_says(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """No shared cache keeps it, and no browser guesses another type."""
    run = await planted_clip(services, ada.owner, clip)
    headers = (await ada.get(f"/kie-ui/runs/{run.id}/clips/0.mp4")).headers
    assert "private" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_a_download_has_a_name(services: Services, ada: Visitor, clip: bytes) -> None:
    """To play is not to keep."""
    run = await planted_clip(services, ada.owner, clip)
    address = f"/kie-ui/runs/{run.id}/clips/0.mp4"
    played, kept = await ada.get(address), await ada.get(f"{address}?download")
    name = f"filename*=utf-8''{quote(clip_name(run, 0, '.mp4'))}"
    assert played.headers["content-disposition"] == f"inline; {name}"
    assert kept.headers["content-disposition"] == f"attachment; {name}"
    assert kept.content == clip


async def test_a_picture_comes_back_to_who_gave_it(services: Services, ada: Visitor) -> None:
    """The card of a run shows what it started from."""
    _, address = await planted_picture(services, ada.owner, b"a picture")
    answer = await ada.get(address)
    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert answer.headers["content-type"] == "image/png"


async def test_nobody_gets_what_belongs_to_another(
    services: Services, ada: Visitor, ben: Visitor, clip: bytes
) -> None:
    """Not even who knows the id: it is as if there were no such run."""
    run = await planted_clip(services, ada.owner, clip)
    given, picture = await planted_picture(services, ada.owner, b"a picture")
    unfetched = await planted(services, ada.owner, step=Step.UNFETCHED)
    for address in (f"/kie-ui/runs/{run.id}/clips/0.mp4", picture):
        assert (await ada.get(address)).status_code == 200
        assert (await ben.get(address)).status_code == 404
    for what in ("fetch", "watch"):
        for theirs in (run, given, unfetched):
            answer = await ben.post(f"/kie-ui/runs/{theirs.id}/{what}-again")
            assert answer.status_code == 404
    kept = await (await services.runs()).run(ada.owner, unfetched.id)
    assert kept.step is Step.UNFETCHED


async def test_a_picture_of_one_run_is_not_reached_through_another(
    services: Services, ada: Visitor, ben: Visitor
) -> None:
    """Pictures are kept by content: knowing the name is not having given it."""
    _, address = await planted_picture(services, ada.owner, b"a picture")
    own, _ = await planted_picture(services, ben.owner, b"another")
    name = address.partition("/inputs/")[2]
    assert (await ben.get(f"/kie-ui/runs/{own.id}/inputs/{name}")).status_code == 404


@pytest.mark.parametrize(
    "trick",
    [
        "clips/-1.mp4",
        "clips/0.mp4/../../../runs.sqlite3",
        "inputs/../runs.sqlite3",
        "inputs/..%2Fruns.sqlite3",
        "inputs/%2e%2e/%2e%2e/runs.sqlite3",
        "inputs//etc/passwd",
        "inputs/%2Fetc%2Fpasswd",
        "inputs/",
        "inputs/ab/x.png%00",
        "../../runs.sqlite3",
    ],
)
async def test_no_address_leads_to_another_file(
    services: Services, ada: Visitor, clip: bytes, trick: str
) -> None:
    """Not out of the folder, and not to a clip that there is none of."""
    run = await planted_clip(services, ada.owner, clip)
    answer = await ada.get(httpx.URL(SITE, raw_path=f"/kie-ui/runs/{run.id}/{trick}".encode()))
    assert answer.status_code == 404
    assert b"SQLite" not in answer.content


async def test_a_clip_of_a_number_too_high_is_refused(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """The run is there, and has one clip."""
    run = await planted_clip(services, ada.owner, clip)
    answer = await ada.get(f"/kie-ui/runs/{run.id}/clips/1.mp4")
    assert (answer.status_code, answer.json()) == (404, {"message": "There is no such result."})


async def test_a_clip_that_is_gone_from_the_disk_is_not_found(
    services: Services, ada: Visitor, clip: bytes
) -> None:
    """Somebody tidied up: the page hears it, and the log holds no fault of ours."""
    run = await planted_clip(services, ada.owner, clip)
    (services.settings.data_path / run.clips[0].name).unlink()
    assert (await ada.get(f"/kie-ui/runs/{run.id}/clips/0.mp4")).status_code == 404


@pytest.mark.parametrize(
    ("suffix", "type_", "disposition"),
    [
        (".png", "image/png", "inline"),
        (".avif", "image/avif", "inline"),
        (".mp3", "audio/mpeg", "inline"),
        (".aac", "audio/aac", "inline"),
        (".svg", "application/octet-stream", "attachment"),
        (".html", "application/octet-stream", "attachment"),
        (".pdf", "application/octet-stream", "attachment"),
        (".json", "application/octet-stream", "attachment"),
        (".glb", "application/octet-stream", "attachment"),
    ],
)
async def test_only_what_cannot_hold_a_script_is_shown(
    services: Services, ada: Visitor, suffix: str, type_: str, disposition: str
) -> None:
    """All else comes as a file to keep, and no browser guesses what it is."""
    name = f"clips/{uuid4().hex}{suffix}"
    path = services.settings.data_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"<script>alert(1)</script>")
    run = await planted(services, ada.owner, clips=(Clip(name=name, kind="file"),))
    answer = await ada.get(f"/kie-ui/runs/{run.id}/clips/0{suffix}")
    assert answer.headers["content-type"] == type_
    assert answer.headers["content-disposition"].startswith(disposition)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_given_file_is_shown_only_where_that_is_safe(
    services: Services, ada: Visitor
) -> None:
    """What a run was started with may be a file of any kind."""
    name = f"inputs/ab/{uuid4().hex}.html"
    path = services.settings.data_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"<script>alert(1)</script>")
    given = (FileRef(path=name, name="a.html"),)
    run = await planted(services, ada.owner, values={"image_url": given})
    answer = await ada.get(f"/kie-ui/runs/{run.id}/{name}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "made", "type_", "content"),
    [
        ("result.txt", '"<b>A poem</b>"', "text/plain; charset=utf-8", b"<b>A poem</b>"),
        ("result.json", '{"a": 1}', "application/json", b'{\n  "a": 1\n}'),
    ],
)
async def test_what_was_written_is_kept_as_a_file(
    services: Services, ada: Visitor, ben: Visitor, name: str, made: str, type_: str, content: bytes
) -> None:
    """Out of the record, for its owner, and never shown as a page."""
    record = {"state": "success", "resultJson": '{"resultObject": ' + made + "}"}
    clips = (Clip(name=name, kind="text"),)
    run = await planted(services, ada.owner, clips=clips, record=record)
    address = f"/kie-ui/runs/{run.id}/clips/0{Path(name).suffix}"
    answer = await ada.get(address)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == type_
    assert answer.headers["content-disposition"].startswith("attachment; filename")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await ben.get(address)).status_code == 404


async def test_only_what_failed_after_the_task_was_made_can_be_tried_again(
    services: Services, ada: Visitor
) -> None:
    """Anything else makes no sense at that step, and says so."""
    done = await planted(services, ada.owner)
    nameless = await planted(services, ada.owner, step=Step.UNKNOWN)
    assert (await ada.post(f"/kie-ui/runs/{done.id}/fetch-again")).status_code == 409
    answer = await ada.post(f"/kie-ui/runs/{nameless.id}/watch-again")
    assert answer.status_code == 409
    assert "kie.ai/logs" in answer.json()["message"]
    assert (await ada.post("/kie-ui/runs/none/fetch-again")).status_code == 404
    assert (await ada.get(f"/kie-ui/runs/{done.id}/fetch-again")).status_code == 405


async def test_nothing_else_can_be_done_again(services: Services, ada: Visitor) -> None:
    """Above all no create: only fetching and watching are free."""
    unknown = await planted(services, ada.owner, step=Step.UNKNOWN, task_id="281e5b0")
    assert (await ada.post(f"/kie-ui/runs/{unknown.id}/create-again")).status_code == 404
    kept = await (await services.runs()).run(ada.owner, unknown.id)
    assert kept.step is Step.UNKNOWN


async def test_a_task_that_was_not_to_be_found_is_watched_again(
    services: Services, ada: Visitor
) -> None:
    """It goes on from where it stood."""
    lost = await planted(services, ada.owner, step=Step.UNKNOWN, task_id="281e5b0")
    answer = await ada.post(f"/kie-ui/runs/{lost.id}/watch-again")
    assert answer.status_code == 200
    run = await (await services.runs()).run(ada.owner, lost.id)
    assert run.step is Step.WAITING
