"""What is in a sentence that tells a price, a weight, a time: by its signs, whatever its words."""

import re
from collections.abc import Callable, Mapping

from socialsync.simulator.openai.mind.asking import has_number
from socialsync.simulator.openai.mind.reading import CONCEPT, TOPIC, read


def tells_time(sentence: str) -> bool:
    return has_number(sentence) or _speaks_of_time(sentence)


def names_somebody(sentence: str) -> bool:
    """Whether it has a capital inside, as most German sentences have. Arabic has none: any may."""
    return _INNER_CAPITAL.search(sentence) is not None


def _tells_duration(sentence: str) -> bool:
    return has_number(sentence) and _speaks_of_time(sentence)


def _tells_price(sentence: str) -> bool:
    """By a currency, or a number right behind a word for prices, as in a table that has them in a column."""
    if _MONEY(sentence):
        return True
    return any(f"{CONCEPT}price" in read(label).features for label in _LABEL_OF_NUMBER.findall(sentence))


def _speaks_of_time(sentence: str) -> bool:
    return f"{TOPIC}time" in read(sentence).features


def _found(expression: str) -> Callable[[str], object]:
    return re.compile(expression, re.IGNORECASE).search


def _of_unit(units: str) -> Callable[[str], object]:
    return _found(rf"\d\s?(?:{units})(?!\w)")


_INNER_CAPITAL = re.compile("(?<=\\w['\u2019 ])[A-ZÀ-ÖØ-Þ]\\w|[\u0600-\u06ff]")
_DISTANCE = _of_unit(
    r"mm|cm|m|km|(?:centi|milli|kilo)?(?:m[eè]tres?|meters?|metros?)|(?:zenti|milli|kilo)?metern?"
    r"|(?:cent[íi]|mil[íi]|kil[óo])metros?|miles?|inch(?:es)?|feet|ft|سم|متر\w*|كم|كيلومتر\w*"
)
_ADDRESS = _found(
    r"\b\d+\w?,? (?:\w+ ){0,6}(?:street|st|road|rd|lane|avenue|ave|square|drive|way|place|court)\b"
    r"|\b(?:rue|avenue|boulevard|bd|place|quai|impasse|chemin|allée|route) "
    r"|\b(?:calle|avenida|avda|plaza|paseo|carretera)\b"
    r"|(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee) \d|شارع"
)
_MONEY = _found(
    r"[€$£¥₹₺₽₪₩]|\b(?:euros?|eur|usd|gbp|cad|aud|jpy|dollars?|d[óo]lar(?:es)?|pounds?|pence|cents?|centimes?"
    r"|c[ée]ntimos?|chf|francs?|franken|rappen|pesos?|dh|mad|dirhams?|dinars?|riyals?|sek|nok|dkk|kronen"
    r"|kronor|kroner|yen|rupees?|lira|z[łl]oty|pln)\b|\d\s?(?:kr|fr)\b"
    r"|يورو|دولار|درهم|ريال|دينار|جنيه|فرنك|ليره|ليرة|مجان"
    r"|\b(?:free|gratuit\w*|offerte?s?|gratis|kostenlos\w*|kostenfrei\w*)\b"
)
_LABEL_OF_NUMBER = re.compile(r"([^\W\d_]+)(?:\s*\([^()]*\))?\s*[:=|]?\s*\d(?![\d.,]*\s?%)")
EVIDENCE: Mapping[str, Callable[[str], object]] = {
    "price": _tells_price,
    "duration": _tells_duration,
    "phone": _found(r"\d[\d .-]{5,}"),
    "email": _found(r"\w@\w"),
    "email_at": _found(r"\w@\w"),
    "weighing": _of_unit(
        r"k?gs?|kilos?|kilogram\w*|grams?|grammes?|gramm|gramos?|lbs?|pounds?|tonn?e?s?|كجم?|كيلو\w*|غرام\w*|جرام\w*"
    ),
    "speed_of": _found(r"km/h|mph|kmh|كم/س"),
    "heat": _found(r"\d\s?°|\bdegr|\bgrados?\b|\bgrad\b|درج"),
    "surface_of": _found(r"m²|m2|mètres? carr|metros? cuadr|quadratmeter|square|hectar|متر\w* مربع"),
    "range_of": _DISTANCE,
    "distance_of": _DISTANCE,
}
"""By what is asked for. It says enough without its word: who reads "21 kg" knows a weight."""
HINTS: Mapping[str, Callable[[str], object]] = {"address": _ADDRESS}
"""As evidence, but what has no such sign may tell it all the same."""
NUMBERED = frozenset({
    "discount", "height_of", "length_of", "width_of", "depth_of", "volume_of", "power_of", "population",
    "turnover", "wages", "calories", "energy_use", "opening_hours",
})  # fmt: skip
"""What is told in numbers, if its value is asked for."""
