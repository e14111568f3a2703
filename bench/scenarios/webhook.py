"""The web door: how many webhooks a second it takes, and how soon what they tell is looked after."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.doors import SECRET, api, cpu, furnish, load, serving
from bench.figures import median, millis, number, percentile, times
from bench.options import Options
from bench.processes import Died, Process
from bench.progress import step
from bench.reports import Report, Table
from bench.rivals.celeries import Celery
from bench.rivals.procrastinates import Ours
from bench.scenarios import windows
from bench.scenarios.lineup import Lineup

MEANING = (
    "Signed text messages of 400 people, one a body, told over loopback by another process to one uvicorn"
    " process (uvloop, httptools) of our API. Beside it the same endpoint as one writes it with FastAPI and"
    " Celery: check the signature, insert the message into the same Postgres, commit, enqueue into Redis."
    " `At once`: so many calls are under way all the time; told is how many a second are answered. `At 200 a"
    " second`: each is timed from the instant at which it was due, whether the door was free or not. Load"
    " and Postgres share the machine."
)
GOALS = (
    "Goals: at least 1.5 times the rate of the other; p99 below 50 ms at 200 a second; p50 below 15 ms from"
    " the end of a window to the start of its job."
)
_OTHER_NOTE = (
    "Ours stores the raw body, the person, the conversation, the message, the window and its job, all before"
    " the answer; bodies that come together share a transaction. The other stores the message only, and what"
    " dies between its commit and Redis is never answered."
)
AT_ONCE = (1, 8, 64)
RATE = 200


def measure(lineup: Lineup, options: Options) -> Report:
    ours = lineup.get(Ours)
    doors = {"ours": _Door("ours", ours)}
    if lineup.has(Celery):
        doors["FastAPI, Celery + Redis"] = _Door("celery", ours, lineup.get(Celery))
    labels = [f"{n} at once" for n in AT_ONCE] + [f"at {RATE} a second"]
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        label: {name: [] for name in doors} for label in labels if options.wants(label)
    }
    for _ in range(options.rounds):
        for label, by_door in found.items():
            for name, door in doors.items():
                with step(f"webhook: {name}, {label}"):
                    by_door[name].append(door.loaded(label, options.seconds(8, 60)))
    tables = [_table(found)] if found else []
    late, data = windows.measure(ours, options)
    data["load"] = found
    return Report("webhook", MEANING, [*tables, *late], [GOALS, _OTHER_NOTE], data)


def _table(found: dict[str, dict[str, list[dict[str, Any]]]]) -> Table:
    """Medians over the rounds."""
    table = Table(["calls", "a second", "p50", "p99", "its CPU each", "ours is"])
    for label, by_door in found.items():
        rates = {name: median([one["rate"] for one in rounds]) for name, rounds in by_door.items()}
        for name, rounds in by_door.items():
            shares = [median([percentile(one["took"], share) for one in rounds]) for share in (0.5, 0.99)]
            cpu = median([one["cpu_s"] for one in rounds])
            ratio = times(rates["ours"] / rates[name]) if name != "ours" else ""
            figures = [number(rates[name]), *map(millis, shares), millis(cpu), ratio]
            table.rows.append([f"{label}, {name}", *figures])
    return table


class _Door:
    """One of the two endpoints, and how it is loaded.

    Args:
        kind: ``ours`` or ``celery``.
        ours: whose database both use.
    """

    def __init__(self, kind: str, ours: Ours, celery: Celery | None = None) -> None:
        self._kind = kind
        self._ours = ours
        self._celery = celery

    def loaded(self, label: str, seconds: float) -> dict[str, Any]:
        """A process of its own, warmed up, then loaded for so long."""
        furnish(self._ours.connection)
        if self._celery is not None:
            self._celery.reset()
        much = next(word for word in label.split() if word.isdecimal())
        how = "open" if label.startswith("at ") else "closed"
        with self._open() as (port, process):
            load(port, "8", "1", "closed", folder=self._ours.ground.folder)
            self._ours.ground.settle()
            before = cpu(process)
            told = load(port, much, str(seconds), how, folder=self._ours.ground.folder)
            used = cpu(process) - before
        answered = sum(told["statuses"].values())
        if told["statuses"] != {"200": answered}:
            raise Died(f"Not every webhook was answered with 200: {told['statuses']}")
        return {"rate": told["rate"], "took": told["took"], "cpu_s": used / answered}

    @contextmanager
    def _open(self) -> Iterator[tuple[int, Process]]:
        if self._celery is None:
            with api(self._ours) as opened:
                yield opened
            return
        python, environment = self._celery.web()
        environment |= {
            "DATABASE_URL": self._ours.ground.url(self._ours.database),
            "META_APP_SECRET": SECRET,
        }
        words = [python, "-m", "uvicorn", "celery_webhook:app"]
        with serving(words, environment, self._ours.ground.folder, "celery-web") as opened:
            yield opened
