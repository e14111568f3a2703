"""The embedded server: whoever comes first, however it ends, wherever it lies."""

import contextlib
import os
import pwd
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from socialsync.db.embedded import OWNER, EmbeddedServer, EmbeddedServerFailed
from tests import cluster

START = "import sys, pathlib; from socialsync.db.embedded import EmbeddedServer as E;"
KEEP = "E(pathlib.Path(sys.argv[1])).ensure_running(); print('up', flush=True); sys.stdin.read()"


@pytest.fixture
def home(quick_path):
    """Nothing yet."""
    path = quick_path / "it's a home"
    yield path
    EmbeddedServer(path).stop()


@pytest.fixture
def made(folder, home):
    """A home with a cluster that never ran, for tests that are not about its creation."""
    cluster.seed(folder, home)
    return home


def answer(server: EmbeddedServer, sql: str, role: str | None = None):
    with psycopg.connect(server.url(role) if role else server.url()) as connection:
        return connection.execute(sql).fetchone()


def test_it_is_postgres_18_with_pgvector(server):
    (version,) = answer(server, "show server_version_num")
    (vector,) = answer(server, "select default_version from pg_available_extensions where name = 'vector'")
    assert int(version) >= 180_000
    assert tuple(int(part) for part in vector.split(".")) >= (0, 8, 4)


def test_its_url_is_the_applications_role_which_row_level_security_binds(server):
    row = answer(
        server,
        "select current_user::text, rolsuper, rolbypassrls from pg_roles where rolname = current_user",
    )
    assert row == ("socialsync_app", False, False)


def test_many_who_come_first_share_one_server(home):
    with ThreadPoolExecutor(4) as pool:
        starts = [
            pool.submit(
                subprocess.run,
                [sys.executable, "-c", START + "print(E(pathlib.Path(sys.argv[1])).ensure_running())", home],
                capture_output=True,
                text=True,
                check=True,
            )
            for _ in range(4)
        ]
        said = sorted(start.result().stdout.strip() for start in starts)
    assert said == ["False", "False", "False", "True"]


def test_it_survives_the_death_of_who_started_it(made):
    owner = subprocess.Popen(
        [sys.executable, "-c", START + KEEP, made],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout.readline() == "up\n"
        owner.send_signal(signal.SIGKILL)
    server = EmbeddedServer(made)
    assert answer(server, "select 1") == (1,)
    assert server.ensure_running() is False


def test_it_comes_back_after_it_was_killed_with_what_was_committed(made):
    server = EmbeddedServer(made)
    server.ensure_running()
    with psycopg.connect(server.url(OWNER), autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    pid = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    processes = [postmaster, *postmaster.children()]
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)
    server.ensure_running()
    assert answer(server, "select answer from kept", OWNER) == (42,)


def test_a_half_made_cluster_is_not_mistaken_for_a_whole_one_whose_files_are_its_owners_alone(home):
    draft = home / "postgres.draft-killed"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18")
    server = EmbeddedServer(home)
    server.ensure_running()
    assert answer(server, "select 1") == (1,)
    for path in (server.data, home / "postgres.password", server.log):
        assert path.stat().st_mode & 0o077 == 0
    assert (server.stop(), server.stop()) == (True, False)


def test_tcp_is_closed_until_asked_for_and_then_wants_the_password(made, unused_tcp_port):
    server = EmbeddedServer(made)
    server.ensure_running()
    with pytest.raises(EmbeddedServerFailed, match="does not listen"):
        server.url(tcp=True)
    server.ensure_running(tcp_port=unused_tcp_port)
    with psycopg.connect(server.url(tcp=True)) as connection:
        assert connection.execute("select current_user::text").fetchone() == ("socialsync_app",)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://{OWNER}@127.0.0.1:{unused_tcp_port}/postgres")


def test_a_path_too_long_for_a_socket_works(folder, quick_path):
    home = quick_path / ("long" * 30)
    cluster.seed(folder, home)
    server = EmbeddedServer(home)
    try:
        server.ensure_running()
        assert answer(server, "select 1") == (1,)
    finally:
        server.stop()


def test_a_server_that_cannot_start_says_why(made):
    server = EmbeddedServer(made, {"shared_buffers": "a lot"})
    with pytest.raises(EmbeddedServerFailed, match="shared_buffers"):
        server.ensure_running()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_it(quick_path):
    os.chown(quick_path, pwd.getpwnam("nobody").pw_uid, -1)
    script = (
        START + "s = E(pathlib.Path(sys.argv[1])); print(s.ensure_running(), s.ensure_running(), s.stop())"
    )
    done = as_nobody("-c", script, str(quick_path / "a home"))
    assert done.stdout.split() == ["True", "False", "True"], done.stderr


def as_nobody(*arguments: str):
    """Run Python as an ordinary user: ours, or the system's with our packages where ours lies in /root."""
    system = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    for python in (Path(sys.executable), system):
        environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        with contextlib.suppress(PermissionError, FileNotFoundError):
            return subprocess.run(
                [python, *arguments],
                user="nobody",
                group=pwd.getpwnam("nobody").pw_gid,
                extra_groups=[],
                cwd="/",
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
    pytest.skip("no Python here that an ordinary user may run")
