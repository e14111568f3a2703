"""One file begins, commits and rolls back; whoever looks across workspaces says why."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.source import Module, comply, modules, snippet

VERBS = {
    "begin", "begin_nested", "begin_twophase", "commit", "rollback", "start_transaction", "set_autocommit",
    "tpc_begin", "tpc_commit", "tpc_rollback",
}  # fmt: skip
STATEMENT = re.compile(
    r"(^|;)\s*(begin|commit|rollback|abort|start\s+transaction|savepoint\s+\w+|release(\s+savepoint)?\s+\w+"
    r"|prepare\s+transaction\s.*)(\s+(work|transaction))?(\s+to(\s+savepoint)?\s+\w+)?\s*(;|$)",
    re.IGNORECASE,
)
MAY = {
    "db/transaction.py": "the one file",
    "db/direct.py": "the queue engine's single statements, thousands a second, each a transaction of its own",
    "db/embedded.py": "`create database` runs in no transaction; it fills a new cluster and no rows",
}

SYSTEM_TRANSACTIONS = {
    "features/comments/tasks.py": {"posts of every workspace are watched"},
    "features/comments/watching.py": {"posts of every workspace are watched"},
    "cli/accounts.py": {
        "the CLI creates a workspace",
        "the CLI lists workspaces",
        "the CLI creates an API key",
        "the CLI lists API keys",
        "the CLI revokes an API key",
    },
    "cli/channels.py": {"the CLI looks a workspace up by name"},
    "cli/documents.py": {"the CLI looks a workspace up by name"},
    "cli/deeds.py": {"the CLI acts on a job"},
    "cli/checks/findings.py": {"the doctor looks at the installation"},
    "cli/demo.py": {"the demo looks for due posts often"},
    "cli/limits.py": {"the CLI sets a limit", "the CLI lifts a limit"},
    "cli/live.py": {"the CLI looks at the queue"},
    "cli/schedules.py": {
        "the CLI adds a schedule",
        "the CLI edits a schedule",
        "the CLI runs a schedule now",
        "the CLI removes a schedule",
        "the CLI switches a schedule",
    },
    "cli/switches.py": {
        "the CLI pauses queues",
        "the CLI resumes queues",
        "the CLI drains workers",
        "the CLI stops workers",
        "the CLI counts what a purge would delete",
    },
    "cli/up.py": {"`up` makes its demo workspace and key"},
    "cli/webhooks.py": {
        "the CLI lists webhooks",
        "the CLI looks for webhooks to replay",
        "the CLI replays a webhook",
        "the CLI notes that it replayed webhooks",
    },
    "features/accounts/service.py": {"a key is looked up before its workspace is known"},
    "features/channels/proving.py": {"an account is looked for in all workspaces"},
    "features/operations/endpoints/queues.py": {
        "the queues of the installation are shown",
        "somebody pauses a queue",
        "somebody resumes a queue",
    },
    "features/operations/endpoints/reach.py": {"whoever runs the installation looks after its jobs"},
    "features/operations/endpoints/schedules.py": {
        "the schedules of the installation are shown",
        "somebody adds a schedule",
        "somebody edits a schedule",
        "somebody removes a schedule",
        "somebody runs a schedule now",
    },
    "features/operations/endpoints/workers.py": {
        "the workers of the installation are shown",
        "somebody drains a worker",
        "somebody stops a worker",
    },
    "features/operations/metrics.py": {"the figures of the whole installation"},
    "features/operations/readiness.py": {"health looks at the whole installation"},
    "features/posts/tasks.py": {"due posts of every workspace are enqueued"},
    "features/webhooks/intake.py": {
        "webhooks are stored and handled",
        "a webhook is stored at least",
    },
    "features/webhooks/pulse.py": {"the web door tells that it is there"},
    "queue/limits.py": {"calls of all workspaces share the limits"},
    "queue/rescue.py": {
        "rescue looks at every worker",
        "rescue gives back a dead worker's jobs",
    },
    "queue/switches.py": {"a purge deletes the waiting jobs of a queue"},
    "queue/upkeep.py": {
        "schedules tick for every workspace",
        "sweeps look at every workspace's rows",
    },
    "resources.py": {"an account's limit holds in every workspace"},
}
"""Every use of ``system_transaction``, by file: what it does there that no workspace's scope could do."""


def strays(module: Module) -> Iterator[str]:
    for call, name in module.calls():
        verb = name.rpartition(".")[2]
        if (
            "." in name and verb in VERBS and not name.startswith("socialsync.")
        ):  # a verb of a room is its own
            yield module.at(call, f".{verb}()")
        if any(keyword.arg == "autocommit" for keyword in call.keywords):
            yield module.at(call, "autocommit: every statement commits by itself")
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.search(node.value):
            yield module.at(node, f"SQL {node.value.strip()!r}")


def reasons(module: Module) -> Iterator[tuple[ast.Call, str | None]]:
    """Each ``system_transaction``'s reason; None where it is not written out."""
    for call, name in module.calls():
        if name.endswith(".system_transaction"):
            yield call, module.string(call.args[0]) if call.args else None


def test_one_file_begins_commits_and_rolls_back():
    found = [finding for module in modules() if module.path not in MAY for finding in strays(module)]
    assert not found, comply(
        found,
        "Only db/transaction.py ends transactions: take a session, and let the caller's"
        " `async with database.transaction(workspace_id)` commit.",
    )


@pytest.mark.parametrize("path", MAY)
def test_every_exception_is_still_needed(path: str):
    assert any(list(strays(module)) for module in modules() if module.path == path), (
        f"src/socialsync/{path} no longer ends transactions: remove it from MAY in {__file__}"
    )


def test_every_look_across_workspaces_is_listed_with_its_reason():
    unsaid = [
        module.at(call, "its reason is not written out")
        for module in modules()
        for call, reason in reasons(module)
        if reason is None
    ]
    assert not unsaid, comply(unsaid, "Give system_transaction a literal sentence, so that it can be listed.")
    used = {module.path: {reason for _, reason in reasons(module)} for module in modules()}
    assert {path: said for path, said in used.items() if said} == SYSTEM_TRANSACTIONS, (
        "A system transaction sees every workspace's rows. Use `transaction(workspace_id)` if you can; if"
        f" you can't, add its file and reason to SYSTEM_TRANSACTIONS in {__file__}, and remove what is gone."
    )


BAD = [
    "await session.commit()",
    "async with engine.begin() as connection: ...",
    "async with session.begin_nested(): ...",
    "session.get_transaction().rollback()",
    "psycopg.connect(url, autocommit=True)",
    "await session.execute(text('COMMIT'))",
    "await session.execute(text('select 1; rollback to savepoint a;'))",
    "cursor.execute('begin')",
    "cursor.execute('start transaction')",
]


@pytest.mark.parametrize("line", BAD)
def test_a_stray_is_seen(line: str):
    assert list(strays(snippet(f"async def f():\n    {line}\n")))


def test_a_rooms_own_verb_and_an_english_word_are_no_strays():
    assert not list(
        strays(
            snippet(
                "from socialsync.features.posts import publishing\n"
                "async def f():\n"
                "    '''Commit the intent; begin again.'''\n"
                "    await publishing.begin(session)\n"
                "    text('create function f() returns int begin atomic select 1; end')\n"
            )
        )
    )


def test_a_reason_that_is_not_written_out_is_seen():
    found = reasons(snippet("async def f(): database.system_transaction(why)"))
    assert [reason for _, reason in found] == [None]
