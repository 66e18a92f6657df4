from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.simulator.harness import FakeRenderer, Service, ServiceFactory, Time, grok

BASE64 = "/api/file-base64-upload"
BY_URL = "/api/file-url-upload"


async def test_an_upload_answers_where_the_file_is(service: Service) -> None:
    """The answer has the documented fields, and the file is there without a key."""
    answer = (await service.upload(b"pixels", fileName="a.jpg")).json()
    data = answer["data"]
    assert (answer["success"], answer["code"]) == (True, 200)
    assert data["fileName"] == "a.jpg"
    assert data["filePath"] == "images/a.jpg"
    assert (data["fileSize"], data["mimeType"]) == (6, "image/jpeg")
    assert data["uploadedAt"].endswith("Z")
    del service.client.headers["Authorization"]
    got = await service.client.get(data["downloadUrl"])
    assert (got.content, got.headers["content-type"]) == (b"pixels", "image/jpeg")


async def test_a_reused_name_overwrites_the_file(service: Service) -> None:
    """The same path and name keep their address and hold the newer bytes."""
    first = await service.uploaded(b"old", fileName="a.jpg")
    second = await service.uploaded(b"newer", fileName="a.jpg")
    assert first == second
    assert (await service.client.get(first)).content == b"newer"


async def test_accounts_do_not_overwrite_each_other(service: Service) -> None:
    """The same name under another key is another file."""
    first = await service.uploaded(b"mine", fileName="a.jpg")
    service.client.headers["Authorization"] = "Bearer another"
    second = await service.uploaded(b"theirs", fileName="a.jpg")
    assert first != second
    assert (await service.client.get(first)).content == b"mine"


async def test_without_a_name_one_is_invented(service: Service) -> None:
    """Two uploads without a file name do not meet, and keep the ending of what was sent."""
    first, second = await service.uploaded(b"1"), await service.uploaded(b"2")
    assert first != second
    assert first.endswith(".jpg")


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
async def test_base64_is_taken_plain_and_as_a_data_url(service: Service, prefix: str) -> None:
    """Both documented spellings arrive as the same bytes; a data URL states its type."""
    text = prefix + base64.b64encode(b"pixels").decode()
    body = {"base64Data": text, "uploadPath": "x", "fileName": "a.png"}
    answer = await service.post(BASE64, body)
    assert answer["data"]["mimeType"] == "image/png"
    assert (await service.client.get(answer["data"]["downloadUrl"])).content == b"pixels"


async def test_what_is_no_base64_is_refused(service: Service) -> None:
    """Broken base64 answers success false, as every refused upload."""
    answer = await service.post(BASE64, {"base64Data": "***", "uploadPath": "x"})
    assert (answer["success"], answer["code"], answer["data"]) == (False, 400, None)


async def test_an_upload_needs_a_key_a_file_and_a_path(service: Service) -> None:
    """What is missing is named; without a key nothing is looked at."""
    assert "uploadPath" in (await service.post(BASE64, {"base64Data": "aGk="}))["msg"]
    empty = await service.client.post("/api/file-stream-upload", data={"uploadPath": "x"})
    assert "file" in empty.json()["msg"]
    del service.client.headers["Authorization"]
    assert (await service.upload(b"x")).json()["code"] == 401


async def test_a_file_beyond_the_limit_is_refused(service_for: ServiceFactory) -> None:
    """Too many bytes answer HTTP 413, whether or not their number was announced."""
    service = await service_for(max_upload_bytes=1000)
    assert (await service.upload(b"x" * 1001)).status_code == 413
    announced = await service.upload(b"x" * 2_000_000)
    assert (announced.status_code, announced.json()["success"]) == (413, False)

    async def unannounced() -> object:
        for _ in range(40):
            yield b"x" * 100_000

    answer = await service.client.post(BASE64, content=unannounced())  # type: ignore[arg-type]
    assert answer.status_code == 413


async def test_paths_cannot_leave_their_place(service: Service) -> None:
    """Dots and slashes in names are taken away; the bytes lie under an id anyway."""
    answer = (await service.upload(b"x", uploadPath="../../etc", fileName="../../a.jpg")).json()
    assert answer["data"]["filePath"] == "etc/a.jpg"


async def test_an_own_address_can_be_uploaded_by_url(service: Service) -> None:
    """What the simulator already has it copies; other hosts are not fetched by default."""
    own = await service.uploaded(b"pixels", fileName="a.jpg")
    answer = await service.post(BY_URL, {"fileUrl": own, "uploadPath": "y", "fileName": "b.jpg"})
    assert (await service.client.get(answer["data"]["downloadUrl"])).content == b"pixels"
    other = await service.post(BY_URL, {"fileUrl": "https://a.example/b", "uploadPath": "y"})
    assert (other["success"], "does not fetch" in other["msg"]) == (False, True)


async def test_other_hosts_are_fetched_where_that_is_allowed(service_for: ServiceFactory) -> None:
    """With fetching on, an address elsewhere is downloaded, or the answer says why not."""

    def host(request: httpx.Request) -> httpx.Response:
        found = request.url.path == "/a.png"
        return httpx.Response(200, content=b"far") if found else httpx.Response(404)

    service = await service_for(fetch_pictures=True, transport=httpx.MockTransport(host))
    body = {"fileUrl": "https://far.example/a.png", "uploadPath": "y"}
    answer = await service.post(BY_URL, body)
    assert (await service.client.get(answer["data"]["downloadUrl"])).content == b"far"
    failed = await service.post(BY_URL, {**body, "fileUrl": "https://far.example/b.png"})
    assert "404" in failed["msg"]


async def test_files_are_served_in_ranges(service: Service) -> None:
    """A player may ask for a part, and for the size alone."""
    url = await service.uploaded(b"0123456789")
    part = await service.client.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    head = await service.client.head(url)
    assert (head.content, head.headers["content-length"]) == (b"", "10")


async def test_an_uploaded_page_is_never_run_by_a_browser(service: Service) -> None:
    """What is no picture, clip or sound is only ever offered as a download."""
    url = await service.uploaded(b"<script>", mime="text/html", fileName="a.html")
    headers = (await service.client.get(url)).headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff"


async def test_uploads_expire(service: Service, time: Time) -> None:
    """After three days an upload is gone."""
    url = await service.uploaded(b"x")
    time.now_s += 3 * 24 * 3600
    assert (await service.client.get(url)).status_code == 404


async def test_a_download_link_lives_for_twenty_minutes(service: Service, time: Time) -> None:
    """A link to an own file works without a key until it expires; other files have none."""
    url = await service.uploaded(b"x")
    link = (await service.post("/api/v1/common/download-url", {"url": url}))["data"]
    del service.client.headers["Authorization"]
    answer = await service.client.get(link)
    assert (answer.content, "attachment" in answer.headers["content-disposition"]) == (b"x", True)
    assert (await service.client.get(link.replace("signature=", "signature=0"))).status_code == 403
    time.now_s += 20 * 60 + 1
    assert (await service.client.get(link)).status_code == 403


async def test_no_download_link_for_other_hosts(service: Service) -> None:
    """Only addresses of this service get a link."""
    answer = await service.post("/api/v1/common/download-url", {"url": "https://a.example/b.mp4"})
    assert answer["code"] == 422


async def test_an_own_picture_reaches_the_renderer_whatever_the_port(
    service: Service, renderer: FakeRenderer
) -> None:
    """An address handed out under another loopback port still names the same file."""
    path = urlsplit(await service.uploaded(b"pixels", fileName="a.jpg")).path
    await service.ended(await service.create(grok(image_urls=[f"http://127.0.0.1:9{path}"])))
    place = renderer.clips[0].start
    assert isinstance(place, Path)
    assert place.read_bytes() == b"pixels"


async def test_pictures_that_cannot_fit_are_refused_at_once(service: Service) -> None:
    """An own file that is too large or declares another type is refused by the create."""
    large = await service.uploaded(b"x" * 10_000_001)
    answer = await service.post("/api/v1/jobs/createTask", grok(image_urls=[large]))
    assert (answer["code"], "size exceeds limit" in answer["msg"]) == (422, True)
    heic = await service.uploaded(b"x", mime="image/heic")
    answer = await service.post("/api/v1/jobs/createTask", grok(image_urls=[heic]))
    assert (answer["code"], "File type not supported" in answer["msg"]) == (422, True)
