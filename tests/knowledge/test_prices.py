from decimal import Decimal

from socialsync.ai.prices import PRICES, cost, listed


def test_a_model_that_is_not_listed_counts_as_the_dearest_so_that_a_budget_holds():
    for known in PRICES:
        assert cost("llama-9", input_tokens=1_000_000) >= cost(known, input_tokens=1_000_000)
    assert cost("some-embedder", input_tokens=1_000_000) == Decimal("0.13")


def test_a_dated_snapshot_costs_what_its_model_does():
    dated = cost("gpt-4o-mini-2024-07-18", input_tokens=1_000_000, output_tokens=1_000_000)
    assert dated == Decimal("0.75")


def test_prices_that_operators_set_come_before_ours():
    prices = listed({"gpt-4o": (Decimal(5), Decimal(20)), "llama": (Decimal("0.5"), Decimal(0))})
    assert cost("gpt-4o-2024-11-20", input_tokens=1_000_000, prices=prices) == Decimal(5)
    assert cost("gpt-4o-mini", input_tokens=1_000_000, prices=prices) == Decimal("0.15")
    assert cost("llama-9", input_tokens=1_000_000, output_tokens=9, prices=prices) == Decimal("0.5")


def test_a_model_that_nobody_listed_counts_as_the_dearest_of_theirs_and_ours():
    prices = listed({"oracle": (Decimal(90), Decimal(200)), "great-embedder": (Decimal(3), Decimal(0))})
    assert cost("llama-9", input_tokens=1_000_000, prices=prices) == Decimal(90)
    assert cost("some-embedder", input_tokens=1_000_000, prices=prices) == Decimal(3)
