"""How long a burst of messages is waited for: ``quiet_s`` of silence end it, ``max_s`` end it in any case."""

from socialsync.errors import Invalid

LONGEST_S = 3600.0


def check_buffer(*, quiet_s: float, max_s: float, blamed: str = "buffer_quiet_s") -> None:
    """Both in seconds.

    Args:
        blamed: the field to name when only the two together are wrong.

    Raises:
        Invalid: names ``buffer_quiet_s`` or ``buffer_max_s``.
    """
    if not quiet_s > 0:
        raise Invalid(
            "The silence that ends a burst must be longer than nothing.",
            field="buffer_quiet_s",
            fix="Use a number of seconds above 0, e.g. 5.",
        )
    if max_s > LONGEST_S:
        raise Invalid(
            "A burst cannot be waited for longer than an hour.",
            field="buffer_max_s",
            fix=f"Use {LONGEST_S:g} seconds at most.",
        )
    if quiet_s > max_s:
        raise Invalid(
            f"The silence that ends a burst ({quiet_s:g} s) is longer than the longest burst ({max_s:g} s).",
            field=blamed,
            fix="Let buffer_quiet_s be at most buffer_max_s.",
        )
