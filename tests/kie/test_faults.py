import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from kie_ui.kie.client import Timeouts
from kie_ui.kie.errors import DownloadFailed, NoAnswer, Unreachable
from tests.kie.answers import BODY, CREATED, UPLOADED, ClientFor

Act = Callable[["Loopback", asyncio.StreamWriter], Awaitable[None]]
IMPATIENT = Timeouts(connect_s=5, read_s=0.3, create_s=0.3, transfer_s=0.3)


class Loopback:
    """A server that reads each request whole, counts it, and then does what it was made to.

    `acts` are played in turn, the last one for ever; each may answer, or spoil the connection.
    """

    def __init__(self, *acts: Act) -> None:
        self.acts = list(acts)
        self.request_lines: list[str] = []
        self.connection_count = 0
        self.arrived = asyncio.Event()
        self.leaving = asyncio.Event()
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.leaving.set()
        self._server.close()
        serving = list(self._open.values())
        for writer in self._open:
            writer.close()
        await asyncio.gather(*serving)

    @property
    def base_url(self) -> str:
        """Where to ask."""
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            while not writer.is_closing() and await self._read_request(reader):
                act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
                await act(self, writer)
        finally:
            writer.close()
            del self._open[writer]

    async def _read_request(self, reader: asyncio.StreamReader) -> bool:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lengths = [line for line in head.lower().split("\r\n") if "content-length" in line]
            await reader.readexactly(int(lengths[0].split(":")[1]) if lengths else 0)
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        self.request_lines.append(head.split("\r\n")[0])
        self.arrived.set()
        return True


def answering(answer: Any, *, announce_more_bytes: int = 0) -> Act:
    """Answer with JSON, or with the start of it, and keep the connection open."""

    async def act(server: Loopback, writer: asyncio.StreamWriter) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        length = len(body) + announce_more_bytes
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + body)
        await writer.drain()

    return act


def then(first: Act, second: Act) -> Act:
    """Do two things in a row."""

    async def act(server: Loopback, writer: asyncio.StreamWriter) -> None:
        await first(server, writer)
        await second(server, writer)

    return act


async def hang_up(server: Loopback, writer: asyncio.StreamWriter) -> None:
    """Close the connection in good order."""
    writer.close()


async def reset(server: Loopback, writer: asyncio.StreamWriter) -> None:
    """Cut the connection off."""
    writer.transport.abort()


async def stay_silent(server: Loopback, writer: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await server.leaving.wait()


async def babble(server: Loopback, writer: asyncio.StreamWriter) -> None:
    """Answer with something that is not HTTP."""
    writer.write(b"I am not a web server\r\n\r\n")
    writer.close()


@pytest.fixture
async def free_port() -> AsyncIterator[int]:
    """Give a port of the loopback at which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]  # bound, so no one else gets it; not listening


@pytest.mark.parametrize(
    "act",
    [
        hang_up,
        reset,
        stay_silent,
        babble,
        then(answering(b'{"code": 2', announce_more_bytes=50), hang_up),
        then(answering(b'{"code": 2', announce_more_bytes=50), reset),
        then(answering(b'{"code": 2', announce_more_bytes=50), stay_silent),
    ],
)
async def test_a_create_whose_answer_is_lost_is_sent_once(
    client_for: ClientFor, waits_s: list[float], act: Act
) -> None:
    """Once the request is out, no fault of the connection makes the client send it again."""
    async with Loopback(act) as server:
        client = client_for(base_url=server.base_url, timeouts=IMPATIENT)
        with pytest.raises(NoAnswer) as caught:
            await client.create_task({"model": "m", "input": {"prompt": "p"}})
        assert caught.value.may_have_been_accepted
        assert isinstance(caught.value.__cause__, httpx.TransportError)
        assert server.request_lines == ["POST /api/v1/jobs/createTask HTTP/1.1"]
        assert waits_s == []


async def test_nobody_at_the_port_is_unreachable_and_safe_to_repeat(
    client_for: ClientFor, waits_s: list[float], free_port: int
) -> None:
    """A refused connection took nothing: the create is tried again, then given up."""
    client = client_for(base_url=f"http://127.0.0.1:{free_port}")
    with pytest.raises(Unreachable) as caught:
        await client.create_task(BODY)
    assert not caught.value.may_have_been_accepted
    assert waits_s == [1, 2]


@pytest.mark.parametrize("spoil", [None, hang_up, reset])
async def test_a_create_takes_no_connection_that_was_used_before(
    client_for: ClientFor, spoil: Act | None
) -> None:
    """Whether the server keeps it open or closes it, the next create is in no doubt."""
    answer = answering(CREATED)
    async with Loopback(then(answer, spoil) if spoil else answer) as server:
        client = client_for(base_url=server.base_url)
        for _ in range(3):
            assert (await client.create_task(BODY)).task_id == "t1"
        assert (len(server.request_lines), server.connection_count) == (3, 3)


async def test_a_second_create_that_is_dropped_is_not_repeated(client_for: ClientFor) -> None:
    """After a good create, a dropped one is in doubt and reached the server once."""
    async with Loopback(answering(CREATED), hang_up) as server:
        client = client_for(base_url=server.base_url)
        await client.create_task(BODY)
        with pytest.raises(NoAnswer):
            await client.create_task(BODY)
        assert len(server.request_lines) == 2


@pytest.mark.parametrize("fault", [hang_up, reset, stay_silent])
async def test_a_read_outlives_a_lost_answer(client_for: ClientFor, fault: Act) -> None:
    """Reading is repeated over a new connection, and reuses a good one."""
    record = answering({"code": 200, "data": {"taskId": "t1", "state": "queuing"}})
    async with Loopback(fault, record) as server:
        client = client_for(base_url=server.base_url, timeouts=IMPATIENT)
        for _ in range(3):
            assert (await client.task("t1")).state == "queuing"
        assert (len(server.request_lines), server.connection_count) == (4, 2)


async def test_an_upload_outlives_a_lost_answer(client_for: ClientFor, tmp_path: Path) -> None:
    """An upload that was dropped is sent whole again."""
    (tmp_path / "a.png").write_bytes(bytes(300_000))
    async with Loopback(reset, answering(UPLOADED)) as server:
        client = client_for(base_url=server.base_url)
        url = await client.upload(tmp_path / "a.png", name="a.png", mime="image/png")
        assert url == "https://files.example/a.png"
        assert len(server.request_lines) == 2


@pytest.mark.parametrize("spoil", [hang_up, reset, stay_silent])
async def test_a_result_cut_short_is_fetched_again(
    client_for: ClientFor, tmp_path: Path, spoil: Act
) -> None:
    """A download that broke off starts anew and leaves no mixture of the two."""
    cut = then(answering(b"half of a cl", announce_more_bytes=50), spoil)
    async with Loopback(cut, answering(b"whole clip")) as server:
        client = client_for(base_url=server.base_url, timeouts=IMPATIENT)
        to = tmp_path / "clip.mp4"
        assert await client.download(server.base_url + "/c.mp4", to, max_bytes=100) == 10
        assert to.read_bytes() == b"whole clip"


async def test_a_result_that_keeps_breaking_off_is_an_error(
    client_for: ClientFor, tmp_path: Path
) -> None:
    """After the allowed attempts the download fails, and its link is not called expired."""
    cut = then(answering(b"half", announce_more_bytes=50), hang_up)
    async with Loopback(cut) as server:
        client = client_for(base_url=server.base_url)
        with pytest.raises(DownloadFailed) as caught:
            await client.download(server.base_url + "/c.mp4", tmp_path / "c.mp4", max_bytes=100)
        assert not caught.value.expired
        assert len(server.request_lines) == 3


async def test_a_cancelled_create_stays_cancelled(client_for: ClientFor) -> None:
    """Cancelling reaches through: the request is neither translated nor sent again."""
    async with Loopback(stay_silent) as server:
        creating = asyncio.create_task(client_for(base_url=server.base_url).create_task(BODY))
        await server.arrived.wait()
        creating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await creating
        assert len(server.request_lines) == 1
