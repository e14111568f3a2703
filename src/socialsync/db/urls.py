"""Where the database is: three libpq connection strings, embedded or given."""

from dataclasses import dataclass, field
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from socialsync.db.embedded import APP_ROLE, OWNER, EmbeddedServer
from socialsync.settings import Settings


@dataclass(frozen=True)
class Urls:
    """Connection strings; they may hold passwords, so they stay out of ``repr``.

    Attributes:
        app: what everything runs with; takes the application role when it connects.
        direct: the same, past any PgBouncer, for LISTEN and session locks.
        owner: the role that migrates.
        pooled: whether ``app`` goes through a transaction-mode pooler.
    """

    app: str = field(repr=False)
    direct: str = field(repr=False)
    owner: str = field(repr=False)
    pooled: bool = False


def resolve(settings: Settings) -> Urls:
    """Find the database of these settings, starting the embedded server where none is named.

    Raises:
        EmbeddedServerFailed: when it does not start.
    """
    if settings.database_url is None:
        EmbeddedServer(settings.home).ensure_running()
    return found(settings)


def found(settings: Settings) -> Urls:
    """The same, starting nothing: an embedded server may not be there."""
    if settings.database_url is None:
        server = EmbeddedServer(settings.home)
        return Urls(app=as_app(server.url()), direct=as_app(server.url()), owner=server.url(OWNER))
    app = settings.database_url.get_secret_value()
    direct = settings.database_direct_url.get_secret_value() if settings.database_direct_url else app
    owner = settings.database_owner_url.get_secret_value() if settings.database_owner_url else direct
    pooled = direct != app
    # A pooler refuses start-up options by default; each transaction takes the role by itself anyway.
    return Urls(app=app if pooled else as_app(app), direct=as_app(direct), owner=owner, pooled=pooled)


def as_app(url: str) -> str:
    """The same connection in the application's role, whoever signs in: one URL is then enough."""
    options = f"{conninfo_to_dict(url).get('options') or ''} -c role={APP_ROLE}".strip()
    if "://" not in url:
        return make_conninfo(url, options=options)
    base, _, query = url.partition("?")
    others = [part for part in query.split("&") if part and not part.startswith("options=")]
    return f"{base}?{'&'.join([*others, 'options=' + quote(options)])}"
