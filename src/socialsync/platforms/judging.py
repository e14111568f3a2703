"""Whether a medium is surely nothing for a platform, by what an answer says of it."""

from dataclasses import dataclass

from socialsync.platforms.contract import Format
from socialsync.platforms.pictures import read_picture

FOUND = frozenset({200, 206})
RATIO_TOLERANCE = 0.01

_CLOSED = {401: "asks for a sign-in", 403: "is forbidden", 404: "is not found", 410: "is gone"}
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_NEVER = frozenset({"application/json", "application/pdf", "application/xml", *_PAGES})
_FAMILIES = frozenset({"image", "video", "audio", "text", "font"})


@dataclass(frozen=True)
class Problem:
    happened: str
    fix: str


@dataclass(frozen=True)
class Seen:
    """What an answer says of a medium.

    Args:
        length: of the whole file, in bytes; None when it is not said.
        head: its first bytes, where they were asked for.
    """

    status: int
    content_type: str
    length: int | None
    head: bytes = b""


def judge(seen: Seen, form: Format) -> Problem | None:
    """What the platform would surely refuse it for; None when that can't be told."""
    if closed := _CLOSED.get(seen.status):
        return Problem(
            f"What this URL leads to {closed} (HTTP {seen.status})",
            "Check that it opens in a private window of a browser, without signing in",
        )
    if seen.status not in FOUND:
        return None
    return _judge_size(seen, form) or _judge_content(seen, form)


def _judge_size(seen: Seen, form: Format) -> Problem | None:
    if seen.length is None or seen.length <= form.limit:
        return None
    most = form.limit // 2**20
    return Problem(
        f"The file has {seen.length / 2**20:,.1f} MB; {form.takes} has at most {most:,} MB",
        f"Make it smaller than {most:,} MB",
    )


def _judge_content(seen: Seen, form: Format) -> Problem | None:
    picture = read_picture(seen.head) if seen.head else None
    if picture is None:
        if _is_never(seen.content_type, form):
            return Problem(
                f"The server says that this is {seen.content_type}; {form.takes} is needed",
                f"Give the URL of {form.takes} itself, not of a page that shows it",
            )
        return None
    if form.pictures and picture.form not in form.pictures:
        return Problem(
            f"This image is a {picture.form}; {form.takes} is needed", f"Convert it to {form.takes}"
        )
    return _judge_shape(picture.ratio, form)


def _judge_shape(ratio: float, form: Format) -> Problem | None:
    if form.ratios is None:
        return None
    narrow, wide = form.ratios
    if narrow * (1 - RATIO_TOLERANCE) <= ratio <= wide * (1 + RATIO_TOLERANCE):
        return None
    shape = "tall" if ratio < narrow else "wide"
    return Problem(
        f"The image is too {shape}: its width is {ratio:.2f} times its height,"
        f" where {narrow:.2f} to {wide:.2f} is possible",
        "Crop it to a ratio between 4:5 and 1.91:1",
    )


def _is_never(content_type: str, form: Format) -> bool:
    """Whether no file of this type is ever taken. Names that say little, and near ones, say nothing."""
    if content_type in form.types or not content_type:
        return False
    family = content_type.partition("/")[0]
    if not form.types:
        return content_type in _PAGES
    return content_type in _NEVER or family in _FAMILIES - form.near
