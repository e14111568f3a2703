"""From blocks to chunks: passages of a few hundred tokens that begin and end where sentences do, each with
its heading and page. Runs beside the parsers.

A token is counted as four bytes of UTF-8, which is near enough for a limit and needs no vocabulary.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby

from semchunk.semchunk import Chunker, chunkerify

from socialsync.features.knowledge import languages
from socialsync.features.knowledge.parsing import Block, parse
from socialsync.features.knowledge.passages import Passage, Read, digest_of

MOST_TOKENS = 300
LEAST_TOKENS = 60
"""Below this, a neighbour under the same heading takes a passage in."""
_ENOUGH = 40
"""Characters below which a passage says nothing about its language."""
_SAMPLES = 20
Cut = tuple[str, str | None, int | None]
"""A text, its heading, its page."""


def read(path: str, filename: str | None, content_type: str | None, spoken: Sequence[str]) -> Read:
    """Parse a file and cut it into passages; for ``Pool.call``.

    Args:
        spoken: the workspace's languages.

    Raises:
        Unreadable.
    """
    parsed = parse(path, filename, content_type)
    cuts = list(cut(parsed.blocks))
    language, mixed = _language(cuts, spoken)
    passages = [
        Passage(
            text,
            heading,
            page,
            (languages.detect(text, spoken) or language) if mixed and len(text) >= _ENOUGH else language,
            digest_of(heading, text),
        )
        for text, heading, page in cuts
    ]
    return Read(passages, parsed.pages, parsed.title, language)


def cut(blocks: Sequence[Block]) -> Iterator[Cut]:
    """Texts with heading and page; blocks under one heading that are too short stand together."""
    for heading, run in groupby(blocks, key=lambda block: block.heading):
        held: list[str] = []
        page: int | None = None
        for block in run:
            for piece in _pieces(block.text):
                if held and tokens("\n".join(held)) + tokens(piece) > MOST_TOKENS:
                    yield "\n".join(held), heading, page
                    held = []
                page = block.page if not held else page
                held.append(piece)
                if tokens("\n".join(held)) >= LEAST_TOKENS:
                    yield "\n".join(held), heading, page
                    held = []
        if held:
            yield "\n".join(held), heading, page


def tokens(text: str) -> int:
    return (len(text.encode()) + 3) // 4


def _language(cuts: Sequence[Cut], spoken: Sequence[str]) -> tuple[str | None, bool]:
    """The language of most of some passages from all over the document, and whether others are in another."""
    sample = cuts[:: max(1, len(cuts) // _SAMPLES)]
    found = Counter(languages.detect(text, spoken) for text, _, _ in sample if len(text) >= _ENOUGH)
    found.pop(None, None)
    if not found:
        return languages.detect("\n".join(text for text, _, _ in sample), spoken), False
    return found.most_common(1)[0][0], len(found) > 1


def _pieces(text: str) -> list[str]:
    return [piece for piece in _chunker()(text) if isinstance(piece, str)]


@cache
def _chunker() -> Chunker:
    return chunkerify(tokens, MOST_TOKENS, memoize=False)
