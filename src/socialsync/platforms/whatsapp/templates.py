"""What is filled into a template, as far as its shape is known without asking WhatsApp.

Meta, WhatsApp Cloud API, "Template messages" and "Messages", the component and parameter objects. Types that
are not known here are let through: Meta adds some.
"""

from collections.abc import Mapping
from typing import Any

from socialsync.errors import Invalid

_EXAMPLE = 'Write it like {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}'
_TEXTS = frozenset({"text", "payload", "coupon_code"})
"""Types of parameters that have a text under their own name."""
_OBJECTS = frozenset(
    {"currency", "date_time", "location", "action", "product", "limited_time_offer", "order_status"}
)
_FILES = frozenset({"image", "video", "document"})
MOST_BUTTONS = 10


def check_components(components: Any, place: str = "template.components") -> None:
    """Raises Invalid: names the part, ``template.components[0].parameters[1].text``."""
    for index, component in enumerate(_list(components, place)):
        _check_component(component, f"{place}[{index}]")


def _check_component(component: Any, place: str) -> None:
    kind = _text(_object(component, place), "type", place).lower()
    if kind == "button":
        _text(component, "sub_type", place, fix='Write "quick_reply", "url", "copy_code" or "flow"')
        _check_index(component.get("index"), f"{place}.index")
    for index, parameter in enumerate(_list(component.get("parameters", ()), f"{place}.parameters")):
        _check_parameter(parameter, f"{place}.parameters[{index}]")
    for index, card in enumerate(_list(component.get("cards", ()), f"{place}.cards")):
        at = f"{place}.cards[{index}]"
        check_components(_object(card, at).get("components", ()), f"{at}.components")


def _check_parameter(parameter: Any, place: str) -> None:
    kind = _text(_object(parameter, place), "type", place)
    if kind in _TEXTS:
        _text(parameter, kind, place)
    elif kind in _OBJECTS:
        _object(parameter.get(kind), f"{place}.{kind}")
    elif kind in _FILES:
        file = _object(parameter.get(kind), f"{place}.{kind}")
        if not any(isinstance(file.get(way), str) and file[way] for way in ("link", "id")):
            raise Invalid(
                f"The {kind} has neither a link nor an id",
                field=f"{place}.{kind}.link",
                fix="Give its public URL as link",
            )


def _check_index(index: Any, place: str) -> None:
    number = int(index) if isinstance(index, str) and index.isascii() and index.isdigit() else index
    if isinstance(number, bool) or not isinstance(number, int) or number not in range(MOST_BUTTONS):
        raise Invalid("This is not the number of a button", field=place, fix="Write 0 for the first button")


def _list(value: Any, place: str) -> Any:
    if not isinstance(value, list | tuple):
        raise Invalid("This is not a list", field=place, fix=f"Put it into brackets. {_EXAMPLE}")
    return value


def _object(value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise Invalid("This is not an object", field=place, fix=_EXAMPLE)
    return value


def _text(holder: Mapping[str, Any], name: str, place: str, *, fix: str = _EXAMPLE) -> str:
    found = holder.get(name)
    if not isinstance(found, str) or not found.strip():
        raise Invalid(
            "This is missing" if found is None else "This is not a text with something in it",
            field=f"{place}.{name}",
            fix=fix,
        )
    return found
