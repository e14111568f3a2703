"""What on a web page is its site's and not the page's own: menus, notices about cookies, footers."""

import re
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

Element: TypeAlias = Any
"""Of lxml."""

ARTICLE = 20
"""A page has something of its own when so many characters are left outside headings."""
_SILENT: Final = frozenset({"script", "style", "noscript", "template", "title"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_SURE: Final = ".//nav | .//footer | " + " | ".join(
    f".//*[@role='{role}']" for role in ("navigation", "menu", "menubar", "alertdialog", "contentinfo")
)
_NOTICE: Final = re.compile(
    r"cookies?[-_ ]?(banner|notice|consent|bar|popup|law|message|overlay|modal|dialog|warning|settings)"
    r"|(^|[-_ ])(consent|gdpr|onetrust|cookiebot)([-_ ]|$)",
    re.IGNORECASE,
)
_MENU: Final = re.compile(r"(^|[-_ ])(menu|nav|navbar|navigation|breadcrumbs?)([-_ ]|$)", re.IGNORECASE)
_LINKED: Final = 0.8
"""Of the characters of a menu are links. A restaurant's is none: its dishes lead nowhere."""


def clear(body: Element) -> bool:
    """Take it out of a page's body, unless next to nothing would be left: False."""
    found = list(_found(body))
    inside = {part for each in found for part in each.iter()}
    if _spoken(body, inside) < ARTICLE:
        return False
    for each in found:
        if each.getparent() is not None:
            each.drop_tree()
    return True


def _found(body: Element) -> Iterator[Element]:
    yield from body.xpath(_SURE)
    for each in body.xpath(".//*[@class or @id]"):
        named = f"{each.get('class', '')} {each.get('id', '')}"
        if (_MENU.search(named) and _is_linked(each)) or (_NOTICE.search(named) and not _has_page(each)):
            yield each


def _has_page(element: Element) -> bool:
    """Whether it only wraps the page, whose class says what was agreed to."""
    return bool(element.xpath("self::main | self::article | .//main | .//article | .//h1"))


def _is_linked(element: Element) -> bool:
    linked = sum(len(_squeezed(link.text_content())) for link in element.iter("a"))
    return linked >= _LINKED * max(1, len(_squeezed(element.text_content())))


def _spoken(body: Element, without: set[Element]) -> int:
    """Characters outside headings, and outside these elements."""
    mute = set(without)
    for heading in body.iter(*_HEADINGS, *_SILENT):
        mute.update(heading.iter())
    count = 0
    for each in body.iter():
        if isinstance(each.tag, str) and each not in mute:
            count += len(_squeezed(each.text or ""))
        if each is not body and each.getparent() not in mute:
            count += len(_squeezed(each.tail or ""))
    return count


def _squeezed(text: str) -> str:
    return " ".join(text.split())
