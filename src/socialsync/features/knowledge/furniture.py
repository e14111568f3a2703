"""What on a web page is its site's and not the page's own: menus, notices about cookies, footers."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, TypeAlias

Element: TypeAlias = Any
"""Of lxml."""

ARTICLE = 20
"""A page has something of its own when so many characters are left outside headings."""
_SILENT: Final = frozenset({"script", "style", "noscript", "template", "title"})
_LINKS: Final = frozenset({"a", "button"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_FOOTERS: Final = ".//footer | .//*[@role='contentinfo']"
_SUSPECTS: Final = ".//nav | .//*[@class or @id or @role]"
_NOTICE: Final = re.compile(
    r"cookies?[-_ ]?(banner|notice|consent|bar|popup|law|message|overlay|modal|dialog|warning|settings)"
    r"|(^|[-_ ])(consent|gdpr|onetrust|cookiebot)([-_ ]|$)",
    re.IGNORECASE,
)
_MENU: Final = re.compile(r"(^|[-_ ])(menu|nav|navbar|navigation|breadcrumbs?)([-_ ]|$)", re.IGNORECASE)
_COOKIES: Final = re.compile(
    r"cookie|consent|einwilligung|datenschutz|privacy|gdpr|rgpd|dsgvo|كوكيز|ملفات تعريف الارتباط",
    re.IGNORECASE,
)
_BEGINNING = 20
"""Pieces of text, between tags, by which an alert must have spoken of them."""
_LINKED, _LINKED_NAVIGATION = 0.8, 0.5
"""Of the characters of a menu, and of what is made for navigation, are links. A restaurant's menu is none:
its dishes lead nowhere.
"""


def clear(body: Element) -> bool:
    """Take it out of a page's body, unless next to nothing would be left: False.

    What is only called so loses its names, by which trafilatura would take it for furniture.
    """
    suspects = body.xpath(_SUSPECTS)
    lengths = _lengths(body)
    menus = [each for each in suspects if _is_called_menu(each)]
    notices = [each for each in suspects if _is_called_notice(each)]
    found = [*body.xpath(_FOOTERS), *(each for each in menus if _is_linked(each, *lengths[each]))]
    small = [each for each in notices if not _is_of_page(each)]
    own = _spoken(body, _parts(found + small))
    found += [each for each in small if lengths[each][0] <= own]
    inside = _parts(found)
    if _spoken(body, inside | _parts(body.iter(*_HEADINGS))) < ARTICLE:
        return False
    for each in menus + notices:
        if each not in inside:
            _unname(each)
    for each in found:
        if each.getparent() is not None:
            each.drop_tree()
    return True


def _is_called_menu(element: Element) -> bool:
    has_role = _is_navigation(element) or element.get("role") in {"menu", "menubar"}
    return has_role or _MENU.search(_names(element)) is not None


def _is_navigation(element: Element) -> bool:
    return bool(element.tag == "nav" or element.get("role") == "navigation")


def _is_called_notice(element: Element) -> bool:
    names = _names(element)
    if element.get("role") == "alertdialog":
        beginning = " ".join(islice(element.itertext(), _BEGINNING))
        return _COOKIES.search(f"{names} {element.get('aria-label', '')} {beginning}") is not None
    return _NOTICE.search(names) is not None


def _names(element: Element) -> str:
    return f"{element.get('class', '')} {element.get('id', '')}"


def _is_of_page(element: Element) -> bool:
    """Whether it stands in the page's text, or only wraps it: its class says what was agreed to."""
    return bool(
        element.xpath("ancestor-or-self::main | ancestor-or-self::article | .//main | .//article | .//h1")
    )


def _is_linked(element: Element, characters: int, linked: int) -> bool:
    share = _LINKED_NAVIGATION if _is_navigation(element) else _LINKED
    return linked >= share * max(1, characters)


def _unname(element: Element) -> None:
    for name in ("class", "id", "role"):
        element.attrib.pop(name, None)
    if element.tag == "nav":
        element.tag = "div"


def _lengths(body: Element) -> dict[Element, tuple[int, int]]:
    """How many characters each element has, and how many of them lead somewhere; each is counted once."""
    found: dict[Element, tuple[int, int]] = {}
    for each in reversed(list(body.iter())):
        characters, linked = len(_squeezed(each.text or "")), 0
        for child in each:
            inside, leading = found[child]
            characters += inside + len(_squeezed(child.tail or ""))
            linked += leading
        if not isinstance(each.tag, str) or each.tag in _SILENT:
            characters = linked = 0
        found[each] = characters, characters if each.tag in _LINKS else linked
    return found


def _parts(elements: Iterable[Element]) -> set[Element]:
    found: set[Element] = set()
    for each in elements:
        if each not in found:
            found.update(each.iter())
    return found


def _spoken(body: Element, without: set[Element]) -> int:
    """Characters outside these elements."""
    mute = without | _parts(body.iter(*_SILENT))
    count = 0
    for each in body.iter():
        if isinstance(each.tag, str) and each not in mute:
            count += len(_squeezed(each.text or ""))
        if each is not body and each.getparent() not in mute:
            count += len(_squeezed(each.tail or ""))
    return count


def _squeezed(text: str) -> str:
    return " ".join(text.split())
