"""Which children start and which leave, state by state."""

import pytest

from socialsync.worker.roster import Phase, Plan, Seen, lowest_free, plan

PHASES = {"s": Phase.STARTING, "w": Phase.SERVING, "l": Phase.LEAVING}


def seen(letters: str) -> list[Seen]:
    """A child a letter, numbered from 1: it starts, works or leaves; a capital one is stale."""
    return [Seen(n, PHASES[c.lower()], stale=c.isupper()) for n, c in enumerate(letters, 1)]


@pytest.mark.parametrize(
    ("children", "wanted", "start", "retire"),
    [
        ("", 2, 2, ()),
        ("s", 2, 1, ()),
        ("ww", 2, 0, ()),
        ("wl", 2, 1, ()),
        ("W", 1, 1, ()),  # the successor first
        ("Ws", 1, 0, ()),
        ("Ww", 1, 0, (1,)),  # and then the stale one
        ("lw", 1, 0, ()),
        ("WW", 2, 1, ()),  # one after the other
        ("WWs", 2, 0, ()),
        ("WWw", 2, 1, (2,)),
        ("W" * 8, 8, 2, ()),  # a quarter at a time
        ("Wlll", 1, 1, ()),
        ("Wllll", 1, 0, ()),  # too many predecessors still leave
        ("llll", 1, 1, ()),  # but nobody serves
        ("W", 2, 2, ()),  # one is missing, one is to be replaced
        ("S", 1, 1, (1,)),  # it started with code that has changed since
        ("WS", 1, 1, (2,)),
        ("www", 2, 0, (3,)),
        ("wss", 2, 0, (3,)),
        ("wW", 1, 0, (2,)),
        ("ww", 0, 0, (2, 1)),
    ],
)
def test_what_is_to_be_done(children, wanted, start, retire):
    assert plan(seen(children), wanted) == Plan(start, retire)


def test_the_idlest_leaves_first():
    busy, idle = Seen(1, Phase.SERVING, running=5), Seen(2, Phase.SERVING, running=0)
    assert plan([busy, idle], 1).retire == (2,)
    assert plan([Seen(1, Phase.SERVING), Seen(2, Phase.SERVING, running=5)], 1).retire == (1,)


def step(children: list[Seen], wanted: int, age: int) -> list[Seen]:
    """What becomes of them when every started one serves, and every one that leaves is gone."""
    todo = plan(children, wanted)
    kept = [
        Seen(child.number, Phase.SERVING, stale=child.stale)
        for child in children
        if child.number not in todo.retire
    ]
    return kept + [Seen(100 * age + n, Phase.SERVING) for n in range(todo.start)]


@pytest.mark.parametrize("wanted", range(1, 9))
def test_all_are_replaced_and_as_many_as_are_wanted_serve_all_the_time(wanted):
    children = seen("W" * wanted)
    for age in range(1, 50):
        children = step(children, wanted, age)
        assert len(children) >= wanted
    assert len(children) == wanted
    assert not any(child.stale for child in children)


def test_numbers_are_used_again():
    assert [lowest_free(taken) for taken in (set(), {1}, {2}, {1, 2, 4})] == [1, 2, 1, 3]
