"""What each type of message must hold."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from socialsync.simulator.graph.errors import GraphError, graph_error, invalid
from socialsync.simulator.graph.whatsapp.media import KINDS, check_media

TEXT_LIMIT = 4_096

_TEMPLATE_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_COMPONENTS = frozenset({"header", "body", "button", "carousel", "limited_time_offer", "order_status"})

Content = Mapping[str, Any]


def check_content(kind: str, content: Content) -> None:
    """Raises:
    GraphError: 100, 131008, 131009, 131053 or 132001, with the details.
    """
    CHECKS[kind](content)


def _check_text(content: Content) -> None:
    body = _text(content, "text", "body")
    if len(body) > TEXT_LIMIT:
        raise invalid(f"Param text['body'] must be at most {TEXT_LIMIT} characters long.")
    if not isinstance(content.get("preview_url", False), bool):
        raise invalid("Param text['preview_url'] must be a boolean.")


def _check_template(content: Content) -> None:
    name = _text(content, "template", "name")
    language = content.get("language")
    if not isinstance(language, Mapping):
        raise _missing("template['language']")
    code = _text(language, "template['language']", "code")
    if not _TEMPLATE_NAME.fullmatch(name) or not _LANGUAGE.fullmatch(code):
        raise graph_error(132001, details=f"template name ({name}) does not exist in {code}")
    components = content.get("components", [])
    if not isinstance(components, list):
        raise invalid("Param template['components'] must be an array.")
    for index, component in enumerate(components):
        if not isinstance(component, Mapping) or str(component.get("type")).lower() not in _COMPONENTS:
            raise _unfit(f"template['components'][{index}]['type']")


def _check_reaction(content: Content) -> None:
    _text(content, "reaction", "message_id")
    if not isinstance(content.get("emoji"), str):
        raise _missing("reaction['emoji']")


def _check_location(content: Content) -> None:
    for name, largest in (("latitude", 90), ("longitude", 180)):
        try:
            fits = abs(float(content[name])) <= largest
        except (KeyError, TypeError, ValueError):
            raise _missing(f"location['{name}']") from None
        if not fits:
            raise _unfit(f"location['{name}']")


def _check_interactive(content: Content) -> None:
    _text(content, "interactive", "type")
    if not isinstance(content.get("action"), Mapping):
        raise _missing("interactive['action']")


CHECKS: dict[str, Callable[[Content], None]] = {
    "text": _check_text,
    "template": _check_template,
    **{kind: partial(check_media, kind) for kind in KINDS},
    "reaction": _check_reaction,
    "location": _check_location,
    "interactive": _check_interactive,
}


def _text(content: Content, where: str, name: str) -> str:
    value = content.get(name)
    if value is None or value == "":
        raise _missing(f"{where}['{name}']")
    if not isinstance(value, str):
        raise invalid(f"Param {where}['{name}'] must be a string.")
    return value


def _missing(name: str) -> GraphError:
    return graph_error(131008, details=f"Parameter {name} is required.")


def _unfit(name: str) -> GraphError:
    return graph_error(131009, details=f"Parameter {name} is not valid.")
