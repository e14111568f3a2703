from decimal import Decimal

from socialsync.ai.prices import PRICES, cost


def test_a_model_that_is_not_listed_counts_as_the_dearest_so_that_a_budget_holds():
    for known in PRICES:
        assert cost("llama-9", input_tokens=1_000_000) >= cost(known, input_tokens=1_000_000)
    assert cost("some-embedder", input_tokens=1_000_000) == Decimal("0.13")


def test_a_dated_snapshot_costs_what_its_model_does():
    dated = cost("gpt-4o-mini-2024-07-18", input_tokens=1_000_000, output_tokens=1_000_000)
    assert dated == Decimal("0.75")
