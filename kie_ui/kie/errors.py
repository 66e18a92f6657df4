"""Everything that can go wrong between here and Kie, by what the caller can do about it.

* KieError
  x Refused            Kie said no: nothing was made, nothing is billed
    + Unauthorized       401, 403: another key
    + NoCredits          402: top up
    + InvalidInput       400, 413, 422, and a 500 that names a missing field: change the inputs
    + NotFound           404
      - TaskNotFound     no such task, or not yet: a task just made may take a moment to appear
    + RateLimited        429: wait a little, then send again
      - KeyLimitReached  433: this key's own quota is used up; waiting a little does not help
    + Maintenance        455: wait longer
    + FeatureDisabled    505: choose another model
    + UploadRefused      an upload that was answered without success
  x ServerFault        5xx, 408 and unknown codes: a create may have been accepted
  x Unreachable        no connection was ever opened: a create was surely not accepted
  x NoAnswer           sent, then silence: a create may have been accepted
  x BadAnswer          answered, but unreadable: a create may have been accepted
  x DownloadFailed     a result could not be fetched
  x TaskFailed         the task was accepted, ran and failed; `answer` is its record

"Refused" and "may have been accepted" are kept apart because Kie has no idempotency key:
a create of the second kind, sent again, can be billed twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx

MAX_QUOTED_CHARACTERS = 300
_PLACEHOLDER = "***"
_LARGEST_INTEGER = 2**63  # SQLite holds no larger one


class KieError(Exception):
    """What happened, and what the person can do about it, in plain sentences.

    `message` includes the service's own words when there are any. `code` is the answer's own code,
    else the HTTP status. `may_retry`: the same request may succeed later with nothing changed.
    `may_have_been_accepted` concerns creates only: Kie may have taken the request, and will bill
    it. `answer` is the parsed body, for display.
    """

    summary: ClassVar[str] = "Something went wrong while talking to Kie."
    usual_advice: ClassVar[str] = "Try again in a moment."
    may_retry: bool = False
    may_have_been_accepted: bool = False

    def __init__(
        self,
        message: str = "",
        *,
        said: str = "",
        advice: str = "",
        code: int | None = None,
        answer: Any = None,
    ) -> None:
        quoted = quotable(said)
        self.message = (message or self.summary) + (f" Kie says: “{quoted}”." if quoted else "")
        self.advice = advice or self.usual_advice
        self.code = code
        self.answer = answer
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} {self.advice}"

    def hide(self, secret: str) -> None:
        """Take `secret` out of every text that this error shows, its cause's included."""
        self.message = self.message.replace(secret, _PLACEHOLDER)
        self.advice = self.advice.replace(secret, _PLACEHOLDER)
        self.args = (self.message,)
        try:
            self.answer = sanitize(self.answer, secret)
        except RecursionError:
            self.answer = None  # better no answer to show than one unchecked
        if self.__cause__ is not None and secret in repr(self.__cause__):
            self.__cause__ = None


class Refused(KieError):
    """Kie answered and said no: nothing was made and nothing is billed."""

    summary = "Kie refused the request."
    usual_advice = "Change the inputs and try again."


class Unauthorized(Refused):
    """The key is wrong, expired, or not allowed to do this."""

    summary = "Kie did not accept the API key."
    usual_advice = "Check the key, or make a new one, at https://kie.ai/api-key."


class NoCredits(Refused):
    """The account's balance does not cover the request."""

    summary = "The Kie account has too few credits for this."
    usual_advice = "Add credits at https://kie.ai/pricing, or choose a shorter or smaller clip."


class InvalidInput(Refused):
    """The inputs break a rule of the model or of the service."""

    summary = "Kie did not accept these inputs."


class NotFound(Refused):
    """The address, or what it should return, does not exist."""

    summary = "Kie does not know what was requested."
    usual_advice = "Check the model's name and the API base address."


class TaskNotFound(NotFound):
    """Kie knows no such task, or not yet: one just made may take a moment to appear."""

    summary = "Kie does not know this task."
    usual_advice = "Check that the key is the one that made the task; see https://kie.ai/logs."


class RateLimited(Refused):
    """Too many requests at once; the request was turned away, not queued."""

    summary = "Kie is receiving too many requests at once."
    usual_advice = "Wait about ten seconds, then try again."
    may_retry = True


class KeyLimitReached(RateLimited):
    """This key's own quota is used up, whatever the account's balance."""

    summary = "This API key has reached its own spending limit."
    usual_advice = "Raise the key's limit, or use another key, at https://kie.ai/api-key."
    may_retry = False


class Maintenance(Refused):
    """The service is down on purpose."""

    summary = "Kie is closed for maintenance."
    usual_advice = "Try again in a few minutes."
    may_retry = True


class FeatureDisabled(Refused):
    """The service has switched this off."""

    summary = "Kie has switched this feature off."
    usual_advice = "Choose another model."


class UploadRefused(Refused):
    """The upload host answered without success: the file was not stored."""

    summary = "Kie did not store the file."
    usual_advice = "Check the file's type and size, then try again."


class ServerFault(KieError):
    """Kie broke, or said something undocumented: the outcome of a create is unknown."""

    summary = "Kie had an internal error."
    may_retry = True
    may_have_been_accepted = True


class Unreachable(KieError):
    """No connection was ever opened: nothing was sent."""

    summary = "Kie could not be reached."
    usual_advice = "Check the internet connection, then try again."
    may_retry = True


class NoAnswer(KieError):
    """The request was sent, wholly or in part, and no whole answer came back."""

    summary = "The connection to Kie was lost, or took too long, before an answer came."
    usual_advice = "Check the internet connection, then try again."
    may_retry = True
    may_have_been_accepted = True


class BadAnswer(KieError):
    """Something answered that is not the documented answer."""

    summary = "Kie's answer could not be understood."
    may_retry = True
    may_have_been_accepted = True


class DownloadFailed(KieError):
    """A result could not be fetched; `expired` says that its link no longer works."""

    summary = "The result could not be downloaded."

    def __init__(self, message: str = "", *, may_retry: bool = False, **details: Any) -> None:
        super().__init__(message, **details)
        self.may_retry = may_retry
        self.expired = self.code in (403, 404, 410)


class TaskFailed(KieError):
    """The task was accepted, ran and failed. Kie does not bill it. `answer` is its record."""

    summary = "Kie tried and could not make this."
    usual_advice = "A failed task is not billed. Try again, or change the inputs."
    moderated_advice = (
        "The content filter stopped it, so the same inputs will likely fail again: change the"
        " wording or the picture. A failed task is not billed."
    )

    def __init__(self, fail_msg: str | None, fail_code: str | None, *, answer: Any = None) -> None:
        said, code = fail_msg or "", fail_code or ""
        super().__init__(
            said=said,
            advice=self.moderated_advice if is_moderation(said) else "",
            code=int(code) if code.isascii() and code.isdigit() and len(code) < 10 else None,
            answer=answer,
        )


_MODERATION_WORDS = (
    "moderat", "nsfw", "sensitive", "policy", "policies", "prohibited", "inappropriate",
    "safety", "violat", "flagged", "content filter",
)  # fmt: skip


def is_moderation(fail_msg: str) -> bool:
    """Whether a failure's text says that a content filter stopped the task.

    Source: observed on the live service; no code is reserved for it.
    """
    return any(word in fail_msg.lower() for word in _MODERATION_WORDS)


_CLASS_BY_CODE: dict[int, type[KieError]] = {
    400: InvalidInput,
    401: Unauthorized,
    402: NoCredits,
    403: Unauthorized,
    404: NotFound,
    413: InvalidInput,
    422: InvalidInput,
    429: RateLimited,
    433: KeyLimitReached,
    455: Maintenance,
    505: FeatureDisabled,
}


def error_for_code(
    code: int, said: str = "", *, answer: Any = None, about_task: bool = False
) -> KieError:
    """Return the error for a code that is not 200; `about_task` when a task's record was requested.

    Source: Kie documentation, Error Codes; 433, 455, 505, "recordInfo is null" and the 500 that
    names a missing field are observed on the live service.
    """
    kind = _CLASS_BY_CODE.get(code, ServerFault)
    if code == 500 and "field is required" in said.lower():
        kind = InvalidInput
    if about_task and (code == 404 or (code == 422 and "recordinfo is null" in said.lower())):
        kind = TaskNotFound
    message = f"{kind.summary[:-1]} (code {code})." if kind is ServerFault else ""
    return kind(message, said=said, code=code, answer=answer)


# PoolTimeout waited for a free connection and ProxyError for the proxy's consent: like a failed
# connect, neither lets a byte of the request out.
_NOTHING_WAS_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_ANSWER_WAS_UNREADABLE = (httpx.DecodingError, httpx.TooManyRedirects)


@contextmanager
def translated() -> Iterator[None]:
    """Turn httpx's errors into ours, keeping them as the cause.

    Whatever is not surely unsent counts as sent. Raises: Unreachable, BadAnswer, NoAnswer.
    """
    try:
        yield
    except _NOTHING_WAS_SENT as exc:
        raise Unreachable from exc
    except _ANSWER_WAS_UNREADABLE as exc:
        raise BadAnswer from exc
    except httpx.RequestError as exc:
        raise NoAnswer from exc


def quotable(text: str) -> str:
    """Return a foreign text as one short printable line; a web page is not worth quoting."""
    if "<html" in text.lower() or "<!doctype" in text.lower():
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > MAX_QUOTED_CHARACTERS:
        line = line[: MAX_QUOTED_CHARACTERS - 1].rstrip() + "…"
    return line.rstrip(".")


def sanitize(value: Any, secret: str) -> Any:
    """Return a JSON value that can be stored and shown.

    Without `secret` in any key or text, without half a surrogate pair, and without integers that
    no database holds. Raises: RecursionError, where it nests beyond reading.
    """
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return text.replace(secret, _PLACEHOLDER) if secret else text
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        return str(value)
    if isinstance(value, list):
        return [sanitize(item, secret) for item in value]
    if isinstance(value, dict):
        return {sanitize(key, secret): sanitize(item, secret) for key, item in value.items()}
    return value
