from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from kie_ui.simulator.render.requests import Placeholder
from tests.simulator.harness import FakeRenderer, Service, ServiceFactory, grok, lite

SAMPLE = "https://file.aiquickdraw.com/custom-page/akr/section-images/1762247692373tw5di116.png"


def refuse(request: httpx.Request) -> httpx.Response:
    """Stand for a network that nobody may use."""
    raise AssertionError(f"{request.url} was requested")


async def test_other_hosts_are_not_contacted_by_default(
    service_for: ServiceFactory, renderer: FakeRenderer
) -> None:
    """A typed address is never fetched; a placeholder names its host."""
    service = await service_for(transport=httpx.MockTransport(refuse))
    body = lite(end_image_url="https://other.example/z.png")
    assert (await service.ended(await service.create(body)))["state"] == "success"
    request = renderer.clips[0]
    assert isinstance(request.start, Placeholder)
    assert request.start.text == "pictures.example"
    assert request.end is not None
    assert isinstance(request.end, Placeholder)
    assert request.end.text == "other.example"


async def test_the_documented_sample_is_answered_from_our_own(
    service_for: ServiceFactory, renderer: FakeRenderer
) -> None:
    """A documented sample address works offline, even where fetching is allowed."""
    service = await service_for(fetch_pictures=True, transport=httpx.MockTransport(refuse))
    await service.ended(await service.create(grok(image_urls=[SAMPLE])))
    place = renderer.clips[0].start
    assert isinstance(place, Path)
    assert place.name == "cafe.jpg"


async def test_a_fetched_picture_is_deleted_after_use(
    service_for: ServiceFactory, renderer: FakeRenderer
) -> None:
    """With fetching on the picture itself reaches the renderer, and does not stay."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=b"far"))
    service = await service_for(fetch_pictures=True, transport=transport)
    assert (await service.ended(await service.create(grok())))["state"] == "success"
    place = renderer.clips[0].start
    assert isinstance(place, Path)
    assert not place.exists()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(404), "404"),
        (httpx.Response(200, content=b"x" * 10_000_001), "10 MB"),
        (httpx.ConnectError("refused"), "ConnectError"),
    ],
)
async def test_a_picture_that_cannot_be_fetched_fails_the_task(
    service_for: ServiceFactory, answer: httpx.Response | Exception, words: str
) -> None:
    """The task ends in fail, with a message that says why, and is not billed."""

    def host(_request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    service = await service_for(fetch_pictures=True, transport=httpx.MockTransport(host))
    record = await service.ended(await service.create(grok()))
    assert record["state"] == "fail"
    assert words in record["failMsg"]
    assert await service.balance() == 10_000


async def test_a_lost_own_file_fails_the_task(service: Service) -> None:
    """An own address whose file is gone ends the task in fail."""
    body = grok(image_urls=["http://simulator.test/files/gone/a.jpg"])
    record = await service.ended(await service.create(body))
    assert (record["state"], "no file" in record["failMsg"]) == ("fail", True)


async def test_what_the_renderer_refuses_fails_the_task(
    service: Service, renderer: FakeRenderer
) -> None:
    """The renderer's reason is the task's fail message."""
    renderer.failure = "The picture cannot be read."
    record = await service.ended(await service.create(grok()))
    assert (record["state"], record["failMsg"]) == ("fail", "The picture cannot be read.")
    assert record["failCode"]
