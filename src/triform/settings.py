"""Every setting, in one place. `TRIFORM_<NAME>` in the environment, or the same name in a TOML file.

Precedence: environment, then the file named by `TRIFORM_CONFIG`, then `<data_dir>/triform.toml`, then the
defaults below. Each field's description is its documentation; the reference page is generated from it.
"""

import os
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "triform"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRIFORM_", extra="forbid", frozen=True)

    data_dir: Path = Field(default_factory=_default_data_dir, description="Where everything durable lives.")
    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(8743, ge=0, le=65535, description="Port the server listens on; 0 picks a free one.")
    database_url: SecretStr | None = Field(None, description="A Postgres of your own; unset = embedded Postgres.")
    dev: bool | None = Field(
        None, description="Dev sign-in without password; unset = only while bound to loopback."
    )
    allowed_hosts: list[str] = Field([], description="Host names accepted besides loopback names.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="auto = text on a terminal, else json."
    )
    metrics_token: SecretStr | None = Field(
        None, description="What /metrics asks for outside dev mode; unset = no such page there."
    )

    wallet_grant_micro_au: int = Field(100_000_000, ge=0, description="Micro-AU granted to a new circle.")

    body_limit_bytes: int = Field(6 << 20, ge=1024, description="Largest request body.")
    push_limit_bytes: int = Field(
        32 << 20, ge=1024, description="Largest pack of a git push, or of a fetched commit."
    )
    output_limit_bytes: int = Field(6 << 20, ge=1024, description="Largest output of a run.")
    log_limit_bytes: int = Field(1 << 20, ge=1024, description="Log bytes kept per run; the rest is counted.")
    load_timeout_ms: int = Field(10_000, ge=100, description="Longest time user code may take to load.")
    deploy_timeout_ms: int = Field(600_000, ge=1000, description="Longest time a deploy may take.")

    worker_slots: int | None = Field(None, ge=1, description="Runs at once; unset = by memory, at least 32.")
    queue_limit: int = Field(256, ge=0, description="Synchronous runs that may wait for a slot.")
    queue_wait_ms: int = Field(10_000, ge=0, description="Longest wait of a synchronous run for a slot.")
    backlog_limit: int = Field(10_000, ge=1, description="Asynchronous runs that may wait, per circle.")
    lease_s: float = Field(15.0, gt=0, description="A worker silent for this long has lost its runs.")
    drain_s: float = Field(30.0, ge=0, description="How long SIGTERM waits for running work.")
    idempotency_ttl_s: int = Field(86_400, ge=1, description="How long an Idempotency-Key is remembered.")

    isolation: Literal["auto", "firecracker", "qemu", "process"] = Field("auto", description="Sandbox driver.")
    runtime_image: str | None = Field(None, description="Pin a runtime image by digest, or `host` (unsafe).")
    image_mirror: str | None = Field(None, description="Debian mirror runtime images are built from.")
    image_dir: Path | None = Field(
        None, description="Where runtime images are kept; unset = `images` in the data directory."
    )
    gem_source: SecretStr | None = Field(
        None,
        description="Where gems come from: the URL of a RubyGems mirror (it may hold credentials) or the absolute "
        "path of a folder of gem files; unset = https://rubygems.org.",
    )
    git_hosts: list[str] = Field(
        [],
        description="Hosts (`name` or `name:port`) that git sources may be fetched from although their "
        "address is not public.",
    )
    pool_memory_mb: int | None = Field(None, ge=1, description="Memory for ready sandboxes; unset = 1/8 of RAM.")
    definitions: list[Path] = Field([], description="More chemistry definition folders (category/type/*.yaml).")
    harnesses: list[Path] = Field([], description="More language harness folders (<language>/language.yaml).")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=_config_file()))

    @model_validator(mode="after")
    def _dev_needs_loopback(self) -> Self:
        if self.dev and not self.on_loopback:
            raise ValueError("dev: the dev sign-in has no password; bind host to 127.0.0.1 or unset TRIFORM_DEV")
        return self

    @field_validator("gem_source")
    @classmethod
    def _url_or_folder(cls, source: SecretStr | None) -> SecretStr | None:
        """The value is not quoted: it may hold a password."""
        named = source.get_secret_value() if source else ""
        if named.startswith(("http://", "https://")):
            parts = urlsplit(named)
            if not parts.hostname or parts.query or parts.fragment:
                raise ValueError("must have a host, and no query or fragment")
        elif named and not Path(named).is_absolute():
            raise ValueError("must be an http(s) URL or the absolute path of a folder")
        return source if named else None

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK_NAMES

    @property
    def dev_mode(self) -> bool:
        return self.on_loopback if self.dev is None else self.dev


def _config_file() -> Path | None:
    named = os.environ.get("TRIFORM_CONFIG")
    if named:
        return Path(named)
    data_dir = os.environ.get("TRIFORM_DATA_DIR")
    return (Path(data_dir) if data_dir else _default_data_dir()) / "triform.toml"
