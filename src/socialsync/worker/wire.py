"""What a supervisor and its children say to each other, over a pair of sockets.

The supervisor gives a child its options as the one argument of its command line, and words later; the child
reports twice a second, and oftener until it claims jobs. Either one sees by the end of the line that the
other one has ended.
"""

import json
from dataclasses import asdict, dataclass
from enum import IntEnum, StrEnum

REPORT_EVERY = 0.5


class Word(StrEnum):
    """What a supervisor tells a child.

    Attributes:
        RETIRE: claim nothing more, and end when what runs has ended, however long that takes.
        DRAIN: the same, but abort after the drain timeout.
        ABORT: cancel what runs, give it back to the queue, and end.
    """

    RETIRE = "retire"
    DRAIN = "drain"
    ABORT = "abort jobs"


class Status(IntEnum):
    """How a child ends, besides by a fault or a signal.

    Attributes:
        DONE: told to, by its supervisor or a signal.
        UNLOADABLE: the App could not be loaded (EX_CONFIG).
        DISMISSED: an operator wanted it to end for good.
    """

    DONE = 0
    UNLOADABLE = 78
    DISMISSED = 79


@dataclass(frozen=True)
class Options:
    """How a child works.

    Args:
        app: dotted path of the App, as in ``PROCRASTINATE_APP``.
        name: the worker's.
        supervisor: the name of who started it.
        queues: those to serve; None serves all.
        concurrency: jobs at the same time; None leaves it to the App.
        drain_timeout: seconds that running jobs have when it is told to drain.
    """

    app: str
    name: str
    supervisor: str
    queues: list[str] | None
    concurrency: int | None
    drain_timeout: float

    def written(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Options":
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Report:
    """How a child is.

    Args:
        ready: it has registered and claims jobs.
        draining: it claims nothing more.
        dismissed: an operator wanted it to end.
        done: attempts that it has ended.
        running: jobs that it runs.
        busy: from 0 to 1, of its slots or of a processor, whichever is more.
        memory: bytes that it keeps resident.
    """

    ready: bool = False
    draining: bool = False
    dismissed: bool = False
    done: int = 0
    running: int = 0
    busy: float = 0.0
    memory: int = 0

    def written(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Report | None":
        """None where the line is no report: an end may cut it short."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError):
            return None
