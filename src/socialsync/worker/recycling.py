"""When a child has done its share: a rule of what it has done and what it weighs."""

from dataclasses import dataclass

from socialsync.worker.wire import Report

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """After how many ended attempts, and from how many bytes, a child is replaced; None is never."""

    tasks: int | None = None
    memory: int | None = None


def reason(limits: Limits, report: Report, *, base_memory: int) -> str | None:
    """Why this child is to be replaced, in a few words; None when it may stay.

    A child that weighed too much from its first moment stays: its successor would weigh the same.
    """
    if limits.tasks is not None and report.done >= limits.tasks:
        return f"{report.done} tasks"
    if limits.memory is not None and not too_small(limits, base_memory) and report.memory > limits.memory:
        return f"{report.memory // MIB} MiB"
    return None


def too_small(limits: Limits, base_memory: int) -> bool:
    """Whether a child weighs more than the limit before it has done anything."""
    return limits.memory is not None and base_memory >= limits.memory
