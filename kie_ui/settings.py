"""Every setting of the program, read once from the environment and `.env`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK_HOSTS = ("", "localhost", "127.0.0.1", "::1", "[::1]")


class Settings(BaseSettings):
    """All settings; each field's alias is its environment variable."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # a line left blank in `.env` sets nothing
        extra="ignore",
        populate_by_name=True,
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
        description="Where Kie takes uploaded files.",
    )
    data_dir: Path | None = Field(
        None,
        alias="KIE_UI_DATA_DIR",
        description="Folder for runs, pictures and clips; by default the user's data folder.",
    )
    simulator_speed: float = Field(
        1.0,
        alias="KIE_UI_SIMULATOR_SPEED",
        gt=0,
        le=1000,
        description="How many times faster than usual the simulator moves a task along.",
    )
    simulator_credits: float = Field(
        10_000,
        alias="KIE_UI_SIMULATOR_CREDITS",
        ge=0,
        description="The simulated balance at the start.",
    )
    call_timeout_minutes: float = Field(
        120,
        alias="KIE_UI_CALL_TIMEOUT_MINUTES",
        gt=0,
        description="How long a REST call waits for its clip; the run itself is watched for ever.",
    )
    visitors: Literal["auto", "one", "many"] = Field(
        "auto",
        alias="KIE_UI_VISITORS",
        description="Whether everyone shares one list of runs (one) or each browser has its own "
        "(many); auto: many as soon as others can reach the server.",
    )
    share_server_key: bool = Field(
        default=False,
        alias="KIE_UI_SHARE_SERVER_KEY",
        description="Let visitors of a reachable server spend the credits of its KIE_API_KEY.",
    )
    gradio_server_name: str = Field("", alias="GRADIO_SERVER_NAME")
    gradio_root_path: str = Field("", alias="GRADIO_ROOT_PATH")
    gradio_share: bool = Field(default=False, alias="GRADIO_SHARE")
    space_id: str = Field("", alias="SPACE_ID")

    @field_validator("kie_api_key", "data_dir", mode="before")
    @classmethod
    def _blank_is_unset(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("kie_api_base_url", "kie_upload_base_url")
    @classmethod
    def _without_trailing_slash(cls, address: str) -> str:
        """Let paths be put after it, in a snippet as in a request."""
        return address.strip().rstrip("/")

    @cached_property
    def data_path(self) -> Path:
        """The data folder, absolute; not yet made."""
        folder = self.data_dir or user_data_path("kie-ui", appauthor=False)
        return folder.expanduser().resolve()

    @property
    def is_reachable_by_others(self) -> bool:
        """Whether anyone but the person at this computer can open the page."""
        if self.visitors != "auto":
            return self.visitors == "many"
        listens_beyond = self.gradio_server_name.lower() not in LOOPBACK_HOSTS
        is_published = self.gradio_share or bool(self.space_id) or bool(self.gradio_root_path)
        return listens_beyond or is_published
