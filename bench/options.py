"""What the person who runs the benchmark chose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Args:
        rounds: each rival runs once a round; figures are medians over the rounds.
        scale: multiplies numbers of jobs and durations; below 1 only shows that everything runs.
        full: the sizes of the issue: a million jobs, five million finished rows, five minutes.
        only: words; of the entries of a scenario only those run whose label contains one of them.
    """

    rounds: int = 3
    scale: float = 1.0
    full: bool = False
    only: tuple[str, ...] = ()

    def jobs(self, short: int, full: int | None = None) -> int:
        """A number of jobs (or rows), at least twenty."""
        return max(20, round((full if self.full and full else short) * self.scale))

    def seconds(self, short: float, full: float | None = None) -> float:
        return max(1.0, (full if self.full and full else short) * self.scale)

    def wants(self, label: str) -> bool:
        return not self.only or any(word.lower() in label.lower() for word in self.only)
