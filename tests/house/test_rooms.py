"""The rooms of ``features/``: listed, furnished alike, and private behind their ``service``."""

import re
from collections.abc import Iterator
from functools import cache

import grimp
import pytest

from socialsync import registry
from tests.house.source import HOUSE, Module, breaches, comply, snippet

FURNITURE = {"__init__", "models", "queries", "service", "tasks", "endpoints", "schemas", "errors"}
NOUNS = {
    "accounts": {
        "authentication": "from a key to a principal, remembered for seconds",
        "hours": "rule: when people are there",
        "keys": "rule: how a key is spelled and known again",
        "locale": "rule: which time zones and languages there are",
    },
    "channels": {
        "buffers": "rule: how long a burst is waited for",
        "manner": "rule: how a channel speaks, and when its people are there",
        "gaps": "what a channel may have missed: noted, given a job, closed",
        "proving": "whose account it is, where several workspaces say that it is theirs",
        "renewals": "the transactions in which tokens are renewed",
        "sealing": "how many stored tokens the keys of today open",
        "senders": "rule: in whose name calls are made",
        "standing": "rule: whether anything is done for a channel now, and if not, why",
        "tokens": "rule: how long access tokens live, and when one is renewed",
    },
    "conversations": {
        "answering": "from a window that is over to its outcome",
        "brain": "what decides and answers, as the rest of the room sees it",
        "floor": "rule: who has the floor",
        "history": "what the platform remembers of the conversations, pulled",
        "memory": "where the AI keeps its thread of a conversation",
        "mind": "the brain: takes the steps, and remembers how far it has come",
        "steps": "from a turn to a decision, one call after the other",
        "telling": "rule: how a conversation is told to a model",
        "wording": "rule: what is said in the AI's name without a model",
    },
    "decisions": {
        "asking": "rule: whether somebody asks for a person",
        "guards": "rule: danger, and what else needs no model",
        "judging": "from what somebody wrote to a decision",
        "matching": "rule: which rule fits a text",
        "phrases": "rule: how phrases are found in what people write",
        "prompting": "rule: what the model is told when it decides",
    },
    "comments": {
        "arrivals": "the statements about what a poll or a webhook brings",
        "cases": "a comment as a job takes it up",
        "deciding": "from a comment to what becomes of it, and to the words of a reply",
        "echoes": "our own replies, as the platform tells of them",
        "importing": "media that were published elsewhere, and where they stand",
        "lanes": "rule: how the jobs of comments are kept apart",
        "polling": "rule: when a post's comments are looked at",
        "replying": "from a reply that is written to one that stands there",
        "settling": "what became of a reply whose answer was lost",
        "walking": "the comments of one post, page by page",
        "watches": "the statements about how far posts have been read",
        "watching": "the polls",
        "wording": "rule: what a model is told of comments",
    },
    "escalations": {
        "collecting": "the transaction in which a mail is put together and intended",
        "delivery": "from a mail that is intended to what becomes of it",
        "digest": "rule: when a channel's next mail leaves",
        "lanes": "rule: how the lock of a channel's mails is spelled",
        "mails": "the statements about mails",
        "smtp": "one mail to one server, and what its answer means",
        "urgency": "rule: until when somebody should have come",
        "wording": "rule: what a mail says",
    },
    "messages": {
        "arrivals": "the statements about what comes in",
        "buffer": "rule: when a burst of messages is over",
        "bursts": "the statement about what is written, the window that it opens, and its job",
        "handover": "a person is asked for, and their escalation with it",
        "lanes": "rule: how the locks of a conversation's jobs are spelled",
        "media": "files of messages, fetched",
        "outbox": "what goes out: the statements about rows, intents and outcomes",
        "people": "the statements about people and their conversations",
        "reach": "rule: whether a person may be written to now, and in parts of what size",
        "receiving": "what people and accounts do, stored at once",
        "sending": "from the outbox to the platform",
        "settling": "what becomes of a message whose answer was lost",
        "splitting": "rule: where a long text is cut",
        "statuses": "what the platform tells of our messages afterwards",
        "windows": "the windows that group a burst: opened, slid, closed once",
        "withdrawing": "the statement that takes an intent back",
        "wording": "rule: what a person reads about a message that did not arrive",
    },
    "knowledge": {
        "answers": "search and answers, with the calls to models that they need",
        "chunking": "in the process that reads files: from blocks to passages",
        "configs": "rule: how Postgres cuts a language into words",
        "endpoints/__init__": "all doors of the room",
        "endpoints/documents": "the doors of documents",
        "endpoints/faqs": "the doors of FAQ entries",
        "endpoints/questions": "search and answers",
        "endpoints/uploads": "what comes in at the door of documents",
        "entries": "the statements about FAQ entries",
        "formats": "rule: what kind of file this is",
        "furniture": "rule: what on a web page is its site's",
        "grounding": "rule: what an answer may say",
        "languages": "in the process that reads files: which language a text is in",
        "parsing": "in the process that reads files: from a file to blocks of text",
        "paragraphs": "what a Word document says, from its XML",
        "passages": "rule: what a passage is",
        "processing": "the transactions of a document on its way into knowledge",
        "reranking": "the model's order of what was found",
        "retrieval": "the statements that search",
        "sources": "what is to be read, brought into a file",
        "tongue": "rule: which language a short question is in",
    },
    "operations": {
        "endpoints/__init__": "all doors of the room",
        "endpoints/health": "health and figures",
        "endpoints/jobs": "the doors of jobs",
        "endpoints/queues": "the doors of queues",
        "endpoints/reach": "whose jobs a caller reaches",
        "endpoints/schedules": "the doors of schedules",
        "endpoints/workers": "the doors of workers",
        "health": "rule: what the state of queues and workers means",
        "metrics": "the page that Prometheus reads",
        "waiting": "a wait for a job's end",
        "readiness": "a look at the database that ends within seconds",
    },
    "posts": {
        "batches": "the SQL by which messages of a broadcast leave, many at once",
        "lanes": "rule: how the locks of a post's jobs are spelled",
        "watches": "the statements about posts whose comments are watched",
        "endpoints/__init__": "all doors of the room",
        "closing": "a channel goes, and with it what waits for it",
        "reopening": "a channel is resumed, and with it what waits for it",
        "delays": "why a post is not out yet, from its rows and those of its jobs",
        "endpoints/answers": "what the doors tell of posts",
        "endpoints/attempts": "the doors to what became of a post",
        "endpoints/channels": "the doors by which a channel goes, or goes on",
        "endpoints/many": "the doors to many posts at once",
        "endpoints/opt_outs": "the doors to opt-outs",
        "endpoints/posts": "the doors to one post",
        "opt_outs": "people who want no broadcasts",
        "bulk": "thousands of new posts at once",
        "planned": "the statements about posts that wait for their time",
        "content": "what a post must have",
        "probing": "a look at media before they are queued",
        "rescheduling": "other times for many posts",
        "retrying": "failed messages of a broadcast, sent again",
        "series": "occurrences that bear the next",
        "recurrence": "rule: when a recurring post comes next",
        "rules": "rule: what a recurrence rule may say",
        "lifecycle": "rule: what may happen in which state",
        "broadcasts": "WhatsApp: the messages of a broadcast, in chunks",
        "containers": "Instagram: the network calls of one attempt",
        "deliveries": "the statements about what each recipient gets",
        "looking": "the network calls of settling",
        "outcomes": "how an attempt ends, in post and run",
        "publishing": "the transactions of one attempt",
        "senders": "in whose name an attempt is made, and what a refusal becomes",
        "settling": "the transactions of finding out what became of an attempt",
        "statuses": "what the platform tells of messages afterwards",
    },
    "webhooks": {
        "handling": "what stored bodies tell, handed to the rooms that it is about",
        "intake": "bodies that come together share a transaction",
        "pulse": "whether the web door was there to be told",
        "reading": "from the bytes of a body to what it tells, by the platform's own reader",
        "signing": "rule: whether a body came from Meta",
    },
}
"""What else a room may hold, by its noun: a ``rule`` is pure, anything else says what it is."""

IMPURE = re.compile(
    r"socialsync\.(clock|db|queue|platforms|resources|settings|telemetry)\b(?!.*\.[A-Z])"
    r"|socialsync\.features\.\w+\.(queries|service|tasks)\b"
    r"|sqlalchemy|psycopg|procrastinate|httpx|asyncio|random"
)
"""What a rule does not touch: it is given what it needs, and the time. Types of lower floors are fine."""

READ_BY_REPORTS = {"analytics", "dashboard"}
"""They may read other rooms' queries: a report joins what no single room would."""


def rooms() -> list[str]:
    return sorted(
        folder.name
        for folder in (HOUSE / "features").iterdir()
        if folder.is_dir() and any(folder.glob("*.py"))
    )


def strangers(module: Module) -> Iterator[str]:
    """Files that a room should not have."""
    found = re.fullmatch(r"features/(\w+)/(.+)\.py", module.path)
    if found and found[2] not in FURNITURE | NOUNS.get(found[1], {}).keys():
        yield module.at(module.tree, "is none of the usual files, and no listed noun")


def is_rule(path: str) -> bool:
    found = re.fullmatch(r"features/(\w+)/(\w+)\.py", path)
    return bool(found) and NOUNS.get(found[1], {}).get(found[2], "").startswith("rule")


def impurities(module: Module) -> Iterator[str]:
    for name in module.imported.values():
        if IMPURE.match(name):
            yield module.at(module.tree, f"imports {name}")
    for function in module.functions():
        if type(function).__name__ == "AsyncFunctionDef":
            yield module.at(function, f"{function.name} is async")


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("socialsync", cache_dir=None)


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["features"] and len(parts) > 2 else parts[1] if len(parts) > 1 else ""


def trespasses(found: grimp.ImportGraph) -> Iterator[str]:
    private = sorted(
        m for m in found.modules if re.fullmatch(r"socialsync\.features\.\w+\.(models|queries)", m)
    )
    for module in private:
        for importer in sorted(found.find_modules_that_directly_import(module)):
            own = room_of(importer) == room_of(module)
            report = module.endswith(".queries") and room_of(importer) in READ_BY_REPORTS
            if not own and not report:
                for detail in found.get_import_details(importer=importer, imported=module):
                    yield f"{importer}:{detail['line_number']}: {detail['line_contents']}"


def test_every_room_is_in_the_registry_and_every_entry_is_a_room():
    assert rooms() == sorted(registry.ROOMS), (
        "A folder of features/ and ROOMS in registry.py name the same rooms: without its entry, a room's"
        " tables, jobs and endpoints do not exist."
    )


def test_a_room_holds_the_usual_files_and_listed_nouns():
    found = breaches(strangers)
    assert not found, comply(
        found,
        f"A room holds {', '.join(sorted(FURNITURE))}, and one file for each pure rule, named by its noun and"
        f" listed in NOUNS in {__file__}.",
    )


def test_every_listed_noun_exists():
    missing = [
        f"features/{room}/{noun}.py"
        for room, nouns in NOUNS.items()
        for noun in nouns
        if not (HOUSE / "features" / room / f"{noun}.py").exists()
    ]
    assert not missing, comply(missing, f"These are gone: remove them from NOUNS in {__file__}.")


def test_a_rule_is_pure():
    found = breaches(lambda module: impurities(module) if is_rule(module.path) else ())
    assert not found, comply(
        found,
        "A rule is a plain function of what it is given, the time included. What asks the clock, the database"
        " or the world belongs into service or tasks.",
    )


def test_models_and_queries_are_private_to_their_room():
    found = list(trespasses(graph()))
    assert not found, comply(
        found,
        "Another room's rows and statements are its own: import its `service`, which offers the verbs and"
        " the types that others may name.",
    )


def test_the_graph_knows_the_rooms():
    assert graph().find_modules_that_directly_import("socialsync.features.posts.models") >= {
        "socialsync.features.posts.service"
    }


@pytest.mark.parametrize(("importer", "imported", "seen"), [
    ("socialsync.features.posts.service", "socialsync.features.channels.models", True),
    ("socialsync.api.pages", "socialsync.features.channels.queries", True),
    ("socialsync.features.analytics.service", "socialsync.features.channels.models", True),
    ("socialsync.features.analytics.service", "socialsync.features.channels.queries", False),
    ("socialsync.dashboard.pages", "socialsync.features.channels.queries", False),
    ("socialsync.features.channels.service", "socialsync.features.channels.queries", False),
])  # fmt: skip
def test_a_trespass_is_seen(importer: str, imported: str, seen: bool):
    found = grimp.ImportGraph()
    found.add_import(importer=importer, imported=imported, line_number=1, line_contents="import it")
    assert bool(list(trespasses(found))) == seen


def test_a_strange_file_is_seen():
    assert list(strangers(snippet("", "features/posts/client.py")))
    assert list(strangers(snippet("", "features/posts/deep/models.py")))
    assert not list(strangers(snippet("", "features/posts/lifecycle.py")))


@pytest.mark.parametrize(
    "text",
    [
        "from socialsync import clock",
        "from sqlalchemy import select",
        "from socialsync.features.posts import queries",
        "import random",
        "async def f(): ...",
    ],
)
def test_an_impurity_is_seen(text: str):
    assert list(impurities(snippet(text, "features/posts/lifecycle.py")))
