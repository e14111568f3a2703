"""Jobs are deferred by names that exist, with the arguments they take; the timetable can be followed."""

import ast
from collections.abc import Iterator

import pytest

from socialsync import registry
from socialsync.errors import SocialSyncError
from socialsync.queue import cadence
from socialsync.queue.schedules import New
from socialsync.queue.tasks import HOUSE, Details
from socialsync.timetable import TIMETABLE
from tests.house.source import Module, breaches, comply, modules, snippet
from tests.house.test_tasks import TABLE

registry.parts("tasks")

DEFERRING = {f"socialsync.queue.deferring.{verb}" for verb in ("defer", "defer_each", "slide", "slide_each")}
"""They take the session, the task, its arguments."""
IN_SQL = {f"socialsync.queue.deferring.{verb}" for verb in ("births", "slides")}
"""They take the task and, as ``args``, the SQL of its arguments."""
STOCK = {"defer_async", "batch_defer", "batch_defer_async", "configure_task"}
DYNAMIC = {
    "queue/schedules.py": "a schedule's task is data: it is checked when the schedule is added and run"
}
QUEUES = {queue for queue, _, _ in TABLE.values()}


def deferrals(module: Module) -> Iterator[tuple[ast.Call, ast.expr, ast.expr | None]]:
    """Each call that defers a job, the task it names, and the arguments it gives."""
    for call, name in module.calls():
        if name in DEFERRING:
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            task, arguments = [*call.args[1:3], None, None][:2]
            yield call, task or named["task"], arguments or named.get("arguments")
        elif name in IN_SQL:
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            yield call, call.args[0] if call.args else named["task"], named["args"]


def keys_of(module: Module, given: ast.AST | None) -> set[str] | None:
    """The keys of arguments that are written out, there or where their name is assigned; else None."""
    if isinstance(given, ast.Name):
        assigned = (
            node.value
            for node in module.nodes
            if isinstance(node, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == given.id for target in node.targets)
        )
        given = next(assigned, None)
    if isinstance(given, ast.ListComp):
        given = given.elt
    if not isinstance(given, ast.Dict):
        return None
    keys = {module.string(key) for key in given.keys}
    return None if None in keys else {str(key) for key in keys}


def fits(details: Details, given: set[str]) -> bool:
    fields = details.arguments._model.model_fields
    required = {name for name, field in fields.items() if field.is_required()}
    return required <= given <= fields.keys()


def wrong_deferrals(module: Module) -> Iterator[str]:
    for call, task, arguments in deferrals(module):
        function = module.full_name(task)
        known = {f"{t.func.__module__}.{t.func.__name__}": name for name, t in HOUSE.tasks.items()}
        name = module.string(task) or known.get(function) or known.get(f"{module.name}.{function}")
        if name is None:
            if module.path not in DYNAMIC:
                yield module.at(call, f"which task is {ast.unparse(task)}?")
            continue
        try:
            _, details = HOUSE.find(name)
        except SocialSyncError as error:
            yield module.at(call, str(error))
            continue
        given = keys_of(module, arguments)
        if given is not None and not fits(details, given):
            yield module.at(call, f"{name} takes {sorted(details.arguments.names)}, is given {sorted(given)}")


def stock_deferrals(module: Module) -> Iterator[str]:
    for call, name in module.calls():
        if name.rpartition(".")[2] in STOCK:
            yield module.at(call, name)


def test_every_job_is_deferred_to_a_task_that_exists_with_its_arguments():
    found = breaches(wrong_deferrals)
    assert not found, comply(
        found,
        "Defer by a name (a string, or a constant of a module) that a room has declared, with its arguments."
        " A lower room that starts a job of a higher one has nothing else that would tell.",
    )


def test_jobs_are_born_in_the_transaction_of_their_rows():
    found = breaches(stock_deferrals)
    assert not found, comply(found, "Use socialsync.queue.deferring, on the session of the job's row.")


def test_the_rule_finds_the_deferrals_there_are():
    assert len(list(deferrals(modules_by_path()["features/posts/service.py"]))) >= 3
    assert list(deferrals(modules_by_path()["queue/schedules.py"]))


def modules_by_path() -> dict[str, Module]:
    return {module.path: module for module in modules()}


BAD = [
    "await deferring.defer(session, 'posts.publish_pots', {})",
    "await deferring.defer(session, 'posts.publish_post', {'post_id': 1})",
    "await deferring.defer_each(session, NAME, [{'post_id': p} for p in posts])",
    "arguments = {'post': 1}\n    await deferring.slide(session, NAME, arguments, queueing_lock='x', at=now)",
    "await deferring.defer(session, task=unknown, arguments={})",
    "await born(session, 'posts.nothing', {})",
    "deferring.births('posts.nothing', source='taken', args={})",
    "deferring.births(NAME, source='taken', args={'post_id': 'taken.id'})",
    "deferring.slides(NAME, source='taken', args={'post_id': 'id'}, queueing_lock=lock, at='due_at')",
]
GOOD = [
    "await deferring.defer(session, NAME, {'workspace_id': w, 'post_id': p})",
    "await deferring.defer(session, service.PUBLISH, arguments)",
    "await deferring.defer(session, tasks.publish_post, {'workspace_id': w, 'post_id': p})",
    "await deferring.defer(session, 'health.health_check', {})",
    "deferring.births(NAME, source='taken', args={'workspace_id': 'a', 'post_id': 'b'})",
]


def deferring(line: str) -> Module:
    return snippet(
        "from socialsync.features.posts import service, tasks\n"
        "from socialsync.queue import deferring\n"
        "from socialsync.queue.deferring import defer as born\n"
        "NAME = 'posts.publish_post'\n"
        f"async def f(session):\n    {line}\n"
    )


@pytest.mark.parametrize("line", BAD)
def test_a_wrong_deferral_is_seen(line: str):
    assert list(wrong_deferrals(deferring(line)))


@pytest.mark.parametrize("line", GOOD)
def test_a_right_deferral_is_not(line: str):
    assert not list(wrong_deferrals(deferring(line)))


def test_a_stock_deferral_is_seen():
    assert list(stock_deferrals(deferring("await tasks.publish_post.configure().defer_async(post_id=1)")))


@pytest.mark.parametrize("entry", TIMETABLE, ids=lambda entry: entry.name)
def test_every_entry_of_the_timetable_can_be_followed(entry: New):
    _, details = HOUSE.find(entry.task)
    details.arguments.check(entry.args)
    cadence.check(cron=entry.cron, every_s=entry.every_s, timezone=entry.timezone)
    assert entry.queue is None or entry.queue in QUEUES, f"Nobody serves the queue {entry.queue}."


def test_the_timetable_is_that_of_the_design():
    promised = {
        "posts.enqueue_due_posts": ("* * * * *", None, 55),
        "comments.poll_post_comments": ("*/5 * * * *", None, 290),
    }
    rules = {entry.task: (entry.cron, entry.every_s, entry.expires_s) for entry in TIMETABLE}
    found = {task: rule for task, rule in rules.items() if task in promised}
    assert found.items() <= promised.items(), (
        "The timetable is a promise: a tick a minute, dropped after 55 s."
    )
    assert "posts.enqueue_due_posts" in found


def test_the_names_in_the_timetable_are_unique():
    names = [entry.name for entry in TIMETABLE]
    assert len(names) == len(set(names))
