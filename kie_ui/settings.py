"""Every setting of the program, read once from the environment and `.env`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ASSETS = Path(__file__).resolve().parents[1] / "assets"
"""The folder of scripts, styles and sample pictures."""
LOOPBACK_HOSTS = frozenset(("", "localhost", "127.0.0.1", "::1", "[::1]"))


class Settings(BaseSettings):
    """All settings; the alias of each is its environment variable, by default `KIE_UI_<NAME>`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        alias_generator=lambda name: f"KIE_UI_{name.upper()}",
        env_ignore_empty=True,  # a line left blank in `.env` sets nothing
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,  # keys and passwords are among the input
    )

    kie_api_key: SecretStr | None = Field(
        None, alias="KIE_API_KEY", description="Kie key of this server; without it, demo mode."
    )
    kie_api_base_url: str = Field(
        "https://api.kie.ai", alias="KIE_API_BASE_URL", description="Where Kie's job API is."
    )
    kie_upload_base_url: str = Field(
        "https://kieai.redpandaai.co",
        alias="KIE_UPLOAD_BASE_URL",
        description="Where Kie accepts uploaded files.",
    )
    data_dir: Path | None = Field(
        None, description="Folder for runs, pictures and clips; by default the user's data folder."
    )
    simulator_speed: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="How many times faster than usual the simulator works on a task.",
    )
    simulator_credits: float = Field(
        10_000, ge=0, description="The simulated balance at the start."
    )
    call_timeout_minutes: float = Field(
        120,
        gt=0,
        description="How long a REST call waits for its clip; the run is watched without a limit.",
    )
    visitors: Literal["auto", "one", "many"] = Field(
        "auto",
        description="Whether everyone shares one list of runs (one) or each browser has its own "
        "(many); auto: many as soon as others can reach the server.",
    )
    share_server_key: bool = Field(
        default=False,
        description="Let visitors of a reachable server spend the credits of its KIE_API_KEY.",
    )
    runs_per_day: int = Field(
        20,
        ge=0,
        description="Runs that each visitor may make with a shared server key in a day (UTC); "
        "0: no limit.",
    )
    total_runs_per_day: int = Field(
        200,
        ge=0,
        description="The same for all visitors together, since every new browser is a new "
        "visitor; 0: no limit.",
    )
    users: SecretStr | None = Field(
        None,
        description="Who may sign in: comma-separated name:password pairs, or the path of a file "
        "with one pair per line; without it, no one has to.",
    )
    allowed_hosts: str = Field(
        "",
        description="Comma-separated host names, such as a proxy's, under which a server that "
        "listens on this computer only may be reached besides localhost.",
    )
    add_models: Literal["visitors", "operator"] = Field(
        "visitors",
        description="Who adds models to a server with many visitors: visitors, each for "
        "themselves, or only its operator, from the command line.",
    )
    docs_hosts: str = Field(
        "docs.kie.ai",
        description="Comma-separated hosts from which a model’s page may be fetched by its "
        "address; none: from nowhere.",
    )
    tabs: str = Field(
        "",
        description="Ids of models, with commas between them, that have tabs of their own beside "
        "the built-in ones; every other model is in the tab More models.",
    )
    max_disk_gb: float = Field(
        0,
        ge=0,
        description="Disk space for everything that is kept; beyond it the results of the oldest "
        "runs are dropped, never those of favourites. 0: no limit.",
    )
    creates_per_10_s: int = Field(
        20,
        gt=0,
        description="Tasks made with one key in any ten seconds, as Kie allows; more are queued.",
    )
    polls_per_s: float = Field(
        20, gt=0, le=1000, description="Polls of tasks made with one key, per second at most."
    )
    public_url: str = Field(
        "", description="Address at which Kie can reach this server to call it back."
    )
    kie_webhook_key: SecretStr | None = Field(
        None,
        alias="KIE_WEBHOOK_KEY",
        description="Webhook key of the Kie account: callbacks must then be signed with it.",
    )
    gradio_server_name: str = Field("", alias="GRADIO_SERVER_NAME")
    gradio_root_path: str = Field("", alias="GRADIO_ROOT_PATH")
    gradio_share: bool = Field(default=False, alias="GRADIO_SHARE")
    space_id: str = Field("", alias="SPACE_ID")

    @field_validator("kie_api_key", "kie_webhook_key", "users", "data_dir", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("kie_api_base_url", "kie_upload_base_url", "public_url")
    @classmethod
    def _without_trailing_slash(cls, address: str) -> str:
        """Remove it, since paths are appended."""
        return address.strip().rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _is_web_address(cls, address: str) -> str:
        parts = urlsplit(address)
        if address and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("needs an address that starts with https:// or http://")
        return address

    @field_validator("users")
    @classmethod
    def _are_users(cls, users: SecretStr | None) -> SecretStr | None:
        read_users(users)
        return users

    @cached_property
    def passwords(self) -> Mapping[str, SecretStr]:
        """The password of every user, by name."""
        return read_users(self.users)

    @cached_property
    def data_path(self) -> Path:
        """The data folder, absolute; it may not exist yet."""
        folder = self.data_dir or user_data_path("kie-ui", appauthor=False)
        return folder.expanduser().resolve()

    @property
    def hosts_of_docs(self) -> frozenset[str]:
        """The hosts from which documentation pages may be fetched."""
        names = (name.strip().lower().rstrip(".") for name in self.docs_hosts.split(","))
        return frozenset(name for name in names if name not in ("", "none"))

    @property
    def models_with_tabs(self) -> frozenset[str]:
        """The models that the operator gave tabs of their own, by id."""
        return frozenset(filter(None, (model.strip() for model in self.tabs.split(","))))

    @property
    def max_disk_bytes(self) -> int | None:
        """The disk limit in bytes; None if there is none."""
        return round(self.max_disk_gb * 10**9) or None

    @property
    def has_many_visitors(self) -> bool:
        """Whether each browser or user has runs of its own, as others may open the page."""
        if self.visitors != "auto":
            return self.visitors == "many"
        return self.users is not None or self._is_published

    @property
    def _is_published(self) -> bool:
        is_on_network = self.gradio_server_name.lower() not in LOOPBACK_HOSTS
        is_proxied = self.gradio_share or bool(self.space_id) or bool(self.gradio_root_path)
        return is_on_network or is_proxied

    @property
    def hosts(self) -> frozenset[str] | None:
        """The host names under which the server may be reached; None if they are not all known."""
        if self.has_many_visitors or self._is_published or self.users is not None:
            return None
        allowed = {name.strip().lower() for name in self.allowed_hosts.split(",")}
        own = {urlsplit(self.public_url).hostname or "", self.gradio_server_name.lower()}
        return frozenset((LOOPBACK_HOSTS | allowed | own) - {""})


def read_users(given: SecretStr | None) -> dict[str, SecretStr]:
    """Read `KIE_UI_USERS`: pairs, or a file of pairs.

    A password may contain colons, and in a file commas; there empty lines and those that begin
    with `#` are ignored. Raises: ValueError, which contains no password.
    """
    text = given.get_secret_value().strip() if given is not None else ""
    users: dict[str, SecretStr] = {}
    for number, pair in enumerate(_pairs(text), start=1):
        name, _, password = (part.strip() for part in pair.partition(":"))
        if not name or not password:
            raise ValueError(f"entry {number} is not a name:password pair")
        if name in users:
            raise ValueError(f"entry {number} names the same user again")
        users[name] = SecretStr(password)
    if text and not users:
        raise ValueError("names no user")
    return users


def _pairs(text: str) -> list[str]:
    """Return the pairs in a text, or in the file whose path it is."""
    try:
        is_file = bool(text) and Path(text).expanduser().is_file()
        lines = Path(text).expanduser().read_text("utf-8").splitlines() if is_file else None
    except (OSError, RuntimeError, UnicodeDecodeError):
        raise ValueError("names a file that cannot be read") from None
    if lines is None:
        return [pair for pair in text.split(",") if pair.strip()]
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
