"""Everything at once: the world answers badly, Postgres restarts, a worker dies."""

from collections import Counter

import pytest

from tests.chaos.conftest import let_in, measured, wait_for
from tests.chaos.posts.conftest import newsroom_on
from tests.conftest import execute, urls_of

EFFECTS = ("instagram.publish", "whatsapp.message")
CALLS = (*EFFECTS, "instagram.container", "instagram.container_status")


@pytest.fixture
def restartable_newsroom(own_server, tmp_path, nursery, outside_world):
    """On a server of its own."""
    name = "newsroom"
    let_in(own_server)
    execute(own_server, f"create database {name} template socialsync strategy file_copy")
    with newsroom_on(urls_of(own_server, name), tmp_path, nursery, outside_world) as room:
        yield room
    let_in(own_server)
    execute(own_server, f"drop database {name} with (force)")


@pytest.mark.timeout(900)
def test_storm(restartable_newsroom, own_server, thorough):
    room = restartable_newsroom
    posts, people, blows = (200, 300, 5) if thorough else (30, 30, 1)
    storm(room.world)
    room.staff()
    room.write(*(f"Post {number}" for number in range(posts)))
    (broadcast,) = room.write("To all", recipients=[f"+336{number:08d}" for number in range(people)])
    room.tick()
    for _ in range(blows):
        progress(room, posts // (2 * blows + 1))
        room.kill(room.busy())
        room.start()
        progress(room, posts // (2 * blows + 1))
        restart(own_server)
    room.settle(300 if thorough else 90)
    assert any(fault["hits"] for fault in room.world.faults())
    room.audit()
    assert room.ask("select id from posts where status = 'unknown'") == [], "all could be found out"
    came_to = room.ask("select status, count(*) from posts group by status order by status")
    measured(f"storm: {dict(came_to)}, of the broadcast {Counter(room.deliveries(broadcast))}")


def storm(world) -> None:
    """15 % lost answers, 10 % errors of the server, half of them after it has happened."""
    for kind in EFFECTS:
        world.fault(action="lost_answer", probability=0.15, times=None, match={"kind": kind})
    for kind in CALLS:
        for when, status in (("before", 503), ("after", 500)):
            world.fault(
                action="status", status=status, when=when, probability=0.05, times=None, match={"kind": kind}
            )


def progress(room, count: int) -> None:
    """Wait until so many more posts are over; time passes for those that wait."""
    before = ended(room)
    wait_for(lambda: room.over() or ended(room) >= before + count, "progress", 120, tell=room.tell)


def ended(room) -> int:
    ((count,),) = room.ask("select count(*) from posts where status not in ('queued', 'publishing')")
    return count


def restart(server) -> None:
    let_in(server)
    server._run(
        "pg_ctl", "restart", "--wait", "--mode", "fast", "-D", str(server.data), "-l", str(server.log)
    )
