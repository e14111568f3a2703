"""What the ledger keeps of calls to models: prompts included, yet bounded."""

from socialsync.simulator.openai.call import Answer, Call
from socialsync.simulator.world.ledger import Effect, Ledger

MOST_CALLS = 5_000
MOST_CHARACTERS = 50_000_000
_SWEEP_EVERY = 100


class Memory:
    """The newest calls stay: at most `MOST_CALLS`, with at most `MOST_CHARACTERS` between them, looked after
    at every hundredth.
    """

    def __init__(self) -> None:
        self._calls = 0

    def keep(self, ledger: Ledger, call: Call, answer: Answer) -> Effect:
        ledger.record(call.kind, call.account, answer.id, answer.kept)
        effect = ledger.effects[-1]
        self._calls += 1
        if self._calls % _SWEEP_EVERY == 0:
            forget(ledger)
        return effect


def forget(ledger: Ledger) -> None:
    """Drop the oldest calls that are too many. What Meta saw stays."""
    calls, characters = 0, 0
    kept: list[Effect] = []
    for effect in reversed(ledger.effects):
        if effect.kind.platform == "openai":
            calls += 1
            characters += size(effect.details)
            if calls > MOST_CALLS or characters > MOST_CHARACTERS:
                continue
        kept.append(effect)
    ledger.effects[:] = reversed(kept)


def size(kept: object) -> int:
    """How many characters the texts in it have."""
    match kept:
        case str():
            return len(kept)
        case dict():
            return sum(size(each) for each in kept.values())
        case list():
            return sum(size(each) for each in kept)
        case _:
            return 0
