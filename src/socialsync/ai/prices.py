"""What a call costs. US dollars for a million tokens, as OpenAI lists them, under what the operators set
(``SOCIALSYNC_AI_PRICES``). Models that are not listed count as the dearest of their kind, so that a budget
holds whatever runs; without a budget that changes nothing.

Source: openai.com/api/pricing. A dated snapshot (``gpt-4o-mini-2024-07-18``) costs what its model does.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

_MILLION = 1_000_000


class Price(NamedTuple):
    """Of a million tokens that go in, and that come out."""

    input: Decimal
    output: Decimal = Decimal(0)


PRICES: Mapping[str, Price] = {
    "gpt-4": Price(Decimal(30), Decimal(60)),
    "gpt-4-turbo": Price(Decimal(10), Decimal(30)),
    "gpt-4o-mini": Price(Decimal("0.15"), Decimal("0.60")),
    "gpt-4o": Price(Decimal("2.50"), Decimal(10)),
    "gpt-4.1": Price(Decimal(2), Decimal(8)),
    "gpt-4.1-mini": Price(Decimal("0.40"), Decimal("1.60")),
    "gpt-4.1-nano": Price(Decimal("0.10"), Decimal("0.40")),
    "text-embedding-3-small": Price(Decimal("0.02")),
    "text-embedding-3-large": Price(Decimal("0.13")),
    "omni-moderation-latest": Price(Decimal(0)),
}


def listed(own: Mapping[str, tuple[Decimal, Decimal]]) -> Mapping[str, Price]:
    """The table, with an installation's own prices over it: for input and for output, by model."""
    return {**PRICES, **{model: Price(*price) for model, price in own.items()}}


def cost(
    model: str, *, input_tokens: int, output_tokens: int = 0, prices: Mapping[str, Price] = PRICES
) -> Decimal:
    """US dollars. The longest known name that the model's begins with counts."""
    known = max((name for name in prices if model.startswith(name)), key=len, default=None)
    price = prices[known] if known else _dearest(prices, embedding="embed" in model)
    return (price.input * input_tokens + price.output * output_tokens) / _MILLION


def _dearest(prices: Mapping[str, Price], *, embedding: bool) -> Price:
    return max(price for name, price in prices.items() if ("embed" in name) == embedding)
