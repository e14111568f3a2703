"""The environment, read once and typed. Everything else is handed what it needs from here.

An invalid value stops the start with one line that names the variable, the problem and the fix.
"""

import json
import os
import secrets
from collections.abc import Mapping
from decimal import Decimal
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import psutil
import psycopg
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from socialsync.errors import Invalid

OPENAI = "https://api.openai.com/v1"
NO_KEY = "none"
"""What is sent where no key is set: a server of one's own may need none, and OpenAI's library wants one."""
_DEAREST = 100_000
"""US dollars for a million tokens, beyond which it is a slip of the pen."""
_LIKE_PRICES = (
    'write it like {"llama-3.3-70b": {"input": 0.60, "output": 0.80}}, US dollars for a million tokens'
)
WORLD_FILE = "world.json"
"""Written into the home by ``socialsync up`` while it runs: where its simulator listens, so that every
other process of the home talks to the same outside world."""


def _http_url(example: str) -> AfterValidator:
    def checked(value: str) -> str:
        try:
            parts = urlsplit(value)
            fine = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError:  # of a port or an address that is none
            fine = False
        if not fine:
            raise ValueError(f"is not an absolute URL; write it like {example}")
        return value.rstrip("/")

    return AfterValidator(checked)


def _postgres_url(value: SecretStr) -> SecretStr:
    try:
        psycopg.conninfo.conninfo_to_dict(value.get_secret_value())
    except psycopg.ProgrammingError:
        raise ValueError(
            "is not a libpq URL; write it like postgresql://user:password@host:5432/db"
        ) from None
    return value


def _version(value: str) -> str:
    head, _, minor = value.removeprefix("v").partition(".")
    if not value.startswith("v") or not head.isdigit() or not minor.isdigit():
        raise ValueError("is not a Graph API version; write it like v25.0")
    return value


def _path(value: str) -> str:
    if not all(part.isidentifier() for part in value.split(".")) or "." not in value:
        raise ValueError("is not the dotted path of an App; write it like shop.app")
    return value


def _word(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("is not a model's name; write it like gpt-4o-mini")
    return value.strip()


def _prices(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        told = json.loads(value, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
    except ValueError:
        raise ValueError(f"is not JSON; {_LIKE_PRICES}") from None
    if not isinstance(told, dict):
        raise ValueError(f"is not a JSON object of models; {_LIKE_PRICES}")  # noqa: TRY004 - pydantic's kind
    return {model: _price(model, price) for model, price in told.items()}


def _price(model: str, told: Any) -> tuple[Decimal, Decimal]:
    if not model.strip() or not model.isprintable():
        raise ValueError(f"has a model without a name; {_LIKE_PRICES}")
    if not isinstance(told, dict) or not {"input"} <= told.keys() <= {"input", "output"}:
        raise ValueError(f"does not say what input (and output) of {model!r} cost; {_LIKE_PRICES}")
    input_price, output_price = told["input"], told.get("output", Decimal(0))
    for price in (input_price, output_price):
        if not isinstance(price, Decimal) or not price.is_finite() or not 0 <= price <= _DEAREST:
            raise ValueError(
                f"has a price of {model!r} that is not between 0 and {_DEAREST:,}; {_LIKE_PRICES}"
            )
    return input_price, output_price


def _keys(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().replace(",", "").strip():
        raise ValueError("has no key in it; make one with: openssl rand -base64 32")
    return value


def _smtp_url(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        fine = parts.scheme in {"smtp", "smtps"} and parts.hostname and parts.port != 0
    except ValueError:  # of a port that is none
        fine = False
    if not fine:
        raise ValueError(
            "is not the URL of a mail server; write it like smtp://user:password@mail.example.com:587,"
            " with %40 for an @ in the user"
        )
    return value


def _mail_address(value: str) -> str:
    _, address = parseaddr(value)
    name, _, domain = address.rpartition("@")
    if not name or not domain or not value.isprintable():
        raise ValueError("is not an address; write it like SocialSync <socialsync@example.com>")
    return value


def _absolute(value: Path) -> Path:
    return value.expanduser().absolute()


GraphUrl = Annotated[str, _http_url("https://graph.facebook.com")]
ModelsUrl = Annotated[str, _http_url(OPENAI)]
PublicUrl = Annotated[str, _http_url("https://social.example.com")]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]


class Settings(BaseSettings):
    """What the environment says; the variables are those of the public contract."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: PostgresUrl | None = None
    database_owner_url: PostgresUrl | None = None
    database_direct_url: PostgresUrl | None = None
    home: Annotated[Path, AfterValidator(_absolute)] = Field(Path(".socialsync"), alias="SOCIALSYNC_HOME")
    secret_key: Annotated[SecretStr, AfterValidator(_keys)] | None = Field(
        None, alias="SOCIALSYNC_SECRET_KEY"
    )
    meta_graph_url: GraphUrl | None = None
    instagram_graph_url: GraphUrl | None = None
    meta_graph_version: Annotated[str, AfterValidator(_version)] = "v25.0"
    meta_app_secret: SecretStr | None = None
    meta_verify_token: SecretStr | None = None
    openai_base_url: ModelsUrl | None = None
    openai_api_key: SecretStr | None = None
    embedding_base_url: ModelsUrl | None = Field(None, alias="SOCIALSYNC_EMBEDDING_BASE_URL")
    embedding_api_key: SecretStr | None = Field(None, alias="SOCIALSYNC_EMBEDDING_API_KEY")
    chat_model: Annotated[str, AfterValidator(_word)] = Field("gpt-4o-mini", alias="SOCIALSYNC_CHAT_MODEL")
    embedding_model: Annotated[str, AfterValidator(_word)] = Field(
        "text-embedding-3-small", alias="SOCIALSYNC_EMBEDDING_MODEL"
    )
    rerank: bool = Field(False, alias="SOCIALSYNC_RERANK")
    """Whether the chat model orders the passages that a search found."""
    ai_prices: Annotated[Mapping[str, tuple[Decimal, Decimal]], NoDecode, BeforeValidator(_prices)] = Field(
        {}, alias="SOCIALSYNC_AI_PRICES"
    )
    """By model: US dollars for a million tokens of input, and of output."""
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = None
    mail_from: Annotated[str, AfterValidator(_mail_address)] = Field(
        "socialsync@localhost", alias="SOCIALSYNC_MAIL_FROM"
    )
    public_url: PublicUrl = Field("http://127.0.0.1:8000", alias="SOCIALSYNC_PUBLIC_URL")
    procrastinate_app: Annotated[str, AfterValidator(_path)] = "socialsync.worker.app"
    log_format: Literal["console", "json"] | None = Field(None, alias="SOCIALSYNC_LOG_FORMAT")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", alias="SOCIALSYNC_LOG_LEVEL")

    @property
    def embedded(self) -> bool:
        """Whether the embedded Postgres under the home is used."""
        return self.database_url is None

    @cached_property
    def whatsapp_graph(self) -> str:
        """Base of the WhatsApp calls, without version."""
        return self.meta_graph_url or world(self.home) or "https://graph.facebook.com"

    @cached_property
    def instagram_graph(self) -> str:
        """Base of the Instagram calls, without version."""
        return (
            self.instagram_graph_url
            or self.meta_graph_url
            or world(self.home)
            or "https://graph.instagram.com"
        )

    @cached_property
    def openai_base(self) -> str:
        """Base of the calls to models. Without a key that is the simulator, while one of this home runs."""
        simulator = None if self.openai_api_key else world(self.home)
        return self.openai_base_url or (f"{simulator}/v1" if simulator else OPENAI)

    @cached_property
    def secret_keys(self) -> list[str]:
        """Keys for encryption, the current one first; older ones still open what they closed."""
        given = self.secret_key.get_secret_value() if self.secret_key else self._generated("secret_key")
        return [key.strip() for key in given.split(",") if key.strip()]

    @property
    def has_secret_key(self) -> bool:
        """Whether there is one before ``secret_keys`` makes one."""
        return self.secret_key is not None or (self.home / "secrets" / "secret_key").exists()

    @cached_property
    def app_secret(self) -> str:
        return (
            self.meta_app_secret.get_secret_value() if self.meta_app_secret else self._generated("app_secret")
        )

    @cached_property
    def verify_token(self) -> str:
        if self.meta_verify_token:
            return self.meta_verify_token.get_secret_value()
        return self._generated("verify_token")

    def make_secrets(self) -> None:
        """Make what is generated before anybody asks for it: a person has to enter the verify token at Meta
        before Meta calls.
        """
        _ = self.secret_keys, self.app_secret, self.verify_token

    def _generated(self, name: str) -> str:
        """A secret of this home, made by whichever process needs it first."""
        folder = self.home / "secrets"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / name
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        if not path.exists():
            write_private(draft, secrets.token_urlsafe(32))
            try:
                path.hardlink_to(draft)  # atomic: the first wins, and nobody reads half a secret
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text().strip()


def write_private(path: Path, content: str) -> None:
    """Write a new file that only its owner may read. Raises FileExistsError."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - Path.open cannot set the mode
        file.write(content)


def load() -> Settings:
    """Read the environment.

    Raises:
        Invalid: one line with the variable, the problem and the fix.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        variable = str(first["loc"][0]).upper()
        problem = first["msg"].removeprefix("Value error, ")
        joint = " " if first["type"] == "value_error" else ": "
        raise Invalid(f"{variable}{joint}{problem}", field=variable) from None


def load_or_exit() -> Settings:
    """For the doors: like ``load()``, but an invalid environment ends the process with its one line."""
    try:
        return load()
    except Invalid as error:
        raise SystemExit(error.message) from None


def world(home: Path) -> str | None:
    """The simulator of a running ``socialsync up`` of this home, if there is one."""
    try:
        told = json.loads((home / WORLD_FILE).read_text())
        same = psutil.Process(told["pid"]).create_time() == told["born"]  # pids are used again
        return str(told["url"]) if same else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
