"""Kie's API over HTTP: where requests go, the key that they carry, and one method per endpoint."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from ssl import SSLContext
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from kie_ui.catalog.request import CREATE_TASK_PATH
from kie_ui.catalog.values import is_web_address
from kie_ui.kie.errors import (
    BadAnswer,
    DownloadFailed,
    InvalidInput,
    KieError,
    NoAnswer,
    Unreachable,
    translated,
)
from kie_ui.kie.responses import (
    CreatedTask,
    Envelope,
    TaskRecord,
    parse_created_task,
    parse_credit_balance,
    parse_download_url,
    parse_task_record,
    parse_upload_url,
    read_envelope,
)
from kie_ui.kie.transfer import (
    DownloadProgress,
    UploadProgress,
    count_upload,
    open_in_thread,
    raise_if_not_media,
    raise_if_not_web,
    save_body,
    stay_on_the_web,
)

# At DEBUG it writes down the headers of every answer, and Kie's may repeat the key.
logging.getLogger("httpcore").setLevel(logging.INFO)

T = TypeVar("T")

UPLOAD_PATH = "images/kie-ui"
"""Kie's folder for our uploads."""

SHORTEST_SECRET = 8
"""Characters. A shorter key is not a secret and may be an ordinary word of the answer."""

_OUTCOME_UNKNOWN_ADVICE = (
    "Kie may have accepted the request anyway, and would then bill it: check"
    " https://kie.ai/logs before you send it again."
)


def clean_api_key(text: str) -> str:
    """Return a pasted key without surrounding whitespace, fit for a request header.

    Raises: ValueError, whose text is a sentence for the person and never repeats the key.
    """
    key = text.strip()
    if not key:
        raise ValueError("The API key is empty.")
    if any(character.isspace() for character in key):
        raise ValueError("The API key has a space in it. Paste only the key, without “Bearer”.")
    if not (key.isascii() and key.isprintable()):
        raise ValueError("The API key has a character that no key can have. Copy it again.")
    return key


class Backend(BaseModel):
    """An API base, an upload base and a key: Kie itself, or a simulator that speaks its protocol.

    Raises: pydantic.ValidationError, each of whose messages is a sentence for the person.
    Source: Kie documentation, Authentication; the upload host is observed on the live service.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    kind: Literal["live", "demo"]
    api_base_url: str = "https://api.kie.ai"
    upload_base_url: str = "https://kieai.redpandaai.co"
    api_key: SecretStr

    @field_validator("api_base_url", "upload_base_url")
    @classmethod
    def _without_trailing_slash(cls, text: str) -> str:
        address = text.strip().rstrip("/")
        if not is_web_address(address):
            raise PydanticCustomError(
                "base_url", "A base address must start with http:// or https:// and name a host."
            )
        return address

    @field_validator("api_key")
    @classmethod
    def _fit_for_a_header(cls, key: SecretStr) -> SecretStr:
        try:
            return SecretStr(clean_api_key(key.get_secret_value()))
        except ValueError as exc:
            # A custom error keeps pydantic from putting "Value error, " before the sentence.
            raise PydanticCustomError("api_key", "{sentence}", {"sentence": str(exc)}) from None


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for silence to end, in seconds; each counts from the last byte."""

    connect_s: float = 10
    read_s: float = 30
    create_s: float = 120  # patient, since giving up leaves a create's outcome unknown
    transfer_s: float = 60


@dataclass(frozen=True)
class Retries:
    """How often to send what is safe to send again, and how long to wait in between.

    The default waits add up to about the ten seconds that Kie counts its rate limit over, which
    carries questions over it; a create that met the limit is its caller's to send again.
    """

    attempts: int = 5
    wait_initial_s: float = 1
    wait_max_s: float = 10


@cache
def _tls() -> SSLContext:
    """Load the certificates once, not once for every client."""
    return httpx.create_ssl_context()


def _may_retry(error: BaseException) -> bool:
    return isinstance(error, KieError) and error.may_retry


def _was_never_sent(error: BaseException) -> bool:
    return isinstance(error, Unreachable)


class KieClient:
    """Kie's API for one backend. Call `aclose` in the end.

    Every method raises KieError's children and hides the key in them. `sleep` takes seconds;
    `chance` returns a number from 0 to 1 and spreads the waits between attempts.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeouts: Timeouts = Timeouts(),
        retries: Retries = Retries(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._backend = backend
        self._key = backend.api_key.get_secret_value()
        self._timeouts = timeouts
        self._retries = retries
        self._sleep = sleep
        self._chance = chance
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        timeout = self._timeout(timeouts.read_s)
        http = partial(httpx.AsyncClient, transport=transport, timeout=timeout, verify=_tls())
        http_api = partial(http, base_url=backend.api_base_url, headers=headers)
        self._api = http_api()
        # Each create gets a new connection: one kept alive that the server closes at that
        # very moment would needlessly leave the create's outcome unknown.
        self._creates = http_api(limits=httpx.Limits(max_keepalive_connections=0))
        # Media hosts never get the key.
        self._media = http(follow_redirects=True, event_hooks={"request": [stay_on_the_web]})

    async def aclose(self) -> None:
        """Close every connection."""
        for http in (self._api, self._creates, self._media):
            await http.aclose()

    async def create_task(
        self, body: Mapping[str, Any], *, attempts: int | None = None
    ) -> CreatedTask:
        """Start one paid task with the body of a request.

        Not idempotent, so sent again only where no connection was ever opened, and at most
        `attempts` times; None leaves it to the client's usual patience. The rate limit is
        the caller's: it knows what else waits for the same budget, and what it may send when.
        Where an error's `may_have_been_accepted` is true, and where the call is cancelled, the
        task may exist and be billed.
        Raises: RateLimited (surely not accepted), else KieError.
        Source: Kie documentation, Create Generation Task.
        """
        try:
            return await self._retry(partial(self._create, body), _was_never_sent, attempts)
        except KieError as error:
            if error.may_have_been_accepted:
                error.advice = _OUTCOME_UNKNOWN_ADVICE
            raise

    async def _create(self, body: Mapping[str, Any]) -> CreatedTask:
        timeout = self._timeout(self._timeouts.create_s)
        try:
            request = self._creates.build_request(
                "POST", CREATE_TASK_PATH, json=body, timeout=timeout
            )
        except (TypeError, ValueError) as exc:
            raise InvalidInput("The inputs cannot be written as JSON.") from exc
        return parse_created_task(await self._send(self._creates, request))

    async def task(self, task_id: str, *, attempts: int | None = None) -> TaskRecord:
        """Read the state of one task; a failed task is a record too, not an error.

        Idempotent, and repeated when that may help: up to `attempts` questions in all, where None
        is the client's own number, and 1 is for a caller that has its own schedule. The codes 408
        and 501 in an answer end a task: its record is then in state `fail`, made from the answer's
        message where data is missing.
        Raises: TaskNotFound (also for a moment after the create), else KieError.
        Source: Kie documentation, Query Task Status.
        """
        parse = partial(parse_task_record, task_id=task_id)
        path, params = "/api/v1/jobs/recordInfo", {"taskId": task_id}
        return await self._ask("GET", path, parse, attempts=attempts, params=params)

    async def credit(self) -> float:
        """Read the account's balance in credits.

        Idempotent, and repeated when that may help.
        Raises: KieError. Source: observed on the live service.
        """
        return await self._ask("GET", "/api/v1/chat/credit", parse_credit_balance)

    async def download_url(self, url: str) -> str:
        """Exchange a result's address on Kie's hosts for one that downloads, for 20 minutes.

        Idempotent, and repeated when that may help.
        Raises: KieError. Source: observed on the live service.
        """
        path = "/api/v1/common/download-url"
        return await self._ask("POST", path, parse_download_url, json={"url": url})

    async def upload(
        self, content: Path, *, name: str, mime: str, on_progress: UploadProgress | None = None
    ) -> str:
        """Store a file with Kie, which keeps it for a day or more, and return its address.

        `name` must be unique: the same one again overwrites, which also makes a repeat safe.
        `on_progress` gets the bytes sent and the total, and starts over with every attempt.
        Raises: UploadRefused, else KieError; OSError if the file cannot be read.
        Source: observed on the live service (file upload).
        """

        async def attempt() -> str:
            async with open_in_thread(content, "rb") as file:
                request = self._api.build_request(
                    "POST",
                    self._backend.upload_base_url + "/api/file-stream-upload",
                    data={"uploadPath": UPLOAD_PATH, "fileName": name},
                    files={"file": (name, file, mime)},
                    timeout=self._timeout(self._timeouts.transfer_s),
                )
                envelope = await self._send(self._api, count_upload(request, on_progress))
            return parse_upload_url(envelope)

        return await self._retry(attempt)

    async def download(
        self, url: str, to: Path, *, max_bytes: int, on_progress: DownloadProgress | None = None
    ) -> int:
        """Fetch a result without the key, write it to `to`, and return its size in bytes.

        `on_progress` gets bytes received and, where announced, bytes in all. After an error `to`
        may hold a part, which the caller removes.
        Raises: DownloadFailed; OSError if the file cannot be written.
        """
        raise_if_not_web(url)
        return await self._retry(partial(self._download, url, to, max_bytes, on_progress))

    async def _download(
        self, url: str, to: Path, max_bytes: int, on_progress: DownloadProgress | None
    ) -> int:
        timeout = self._timeout(self._timeouts.transfer_s)
        try:
            with translated():
                async with self._media.stream("GET", url, timeout=timeout) as response:
                    raise_if_not_media(response, max_bytes)
                    return await save_body(response, to, max_bytes, on_progress)
        except (Unreachable, NoAnswer, BadAnswer) as error:
            message = "The download of the result failed."
            raise DownloadFailed(message, may_retry=True) from error

    def _timeout(self, silence_s: float) -> httpx.Timeout:
        return httpx.Timeout(silence_s, connect=self._timeouts.connect_s)

    async def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        parse: Callable[[Envelope], T],
        *,
        attempts: int | None = None,
        **content: Any,
    ) -> T:
        """Send an idempotent request, again where that may help, and parse the response."""

        async def attempt() -> T:
            request = self._api.build_request(method, path, **content)
            return parse(await self._send(self._api, request))

        return await self._retry(attempt, attempts=attempts)

    async def _send(self, http: httpx.AsyncClient, request: httpx.Request) -> Envelope:
        """Send once, following no redirect, and return the answer whatever it says."""
        with translated():
            response = await http.send(request)
        # Records and answers are kept and shown.
        secret = self._key if len(self._key) >= SHORTEST_SECRET else ""
        return read_envelope(response.status_code, response.content, secret=secret)

    async def _retry(
        self,
        attempt: Callable[[], Awaitable[T]],
        may_repeat: Callable[[BaseException], bool] = _may_retry,
        attempts: int | None = None,
    ) -> T:
        retrying = AsyncRetrying(
            retry=retry_if_exception(may_repeat),
            stop=stop_after_attempt(attempts or self._retries.attempts),
            wait=self._wait_s,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except KieError as error:
            error.hide(self._key)
            raise

    def _wait_s(self, state: RetryCallState) -> float:
        """Double the wait each time, and take between half and all of it."""
        longest_s = self._retries.wait_initial_s * 2.0 ** (state.attempt_number - 1)
        return min(longest_s, self._retries.wait_max_s) * (0.5 + self._chance() / 2)
