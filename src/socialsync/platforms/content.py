"""Rules for content that hold on every platform."""

from socialsync.errors import Invalid


def check_text(text: str, limit: int, *, field: str = "text") -> None:
    """Refuse a text that is too long or that can't be sent at all.

    The limit is in characters, counted as Unicode code points.

    Raises:
        Invalid: names the field.
    """
    if len(text) > limit:
        raise Invalid(
            f"The text has {len(text):,} characters, {len(text) - limit:,} too many",
            field=field,
            fix=f"Shorten it to {limit:,} characters",
        )
    if any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text):
        raise Invalid(
            "The text has NUL characters or halves of Unicode surrogate pairs, which can't be sent",
            field=field,
            fix="Remove them; often they are an emoji that was cut in two",
        )
