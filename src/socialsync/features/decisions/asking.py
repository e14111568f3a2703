"""Whether somebody asks for a person: in five languages, whatever a model would think of it."""

import functools
import re

_PERSON = {
    "en": "human|person|agent|representative|operator|employee|somebody|someone|advisor|colleague|manager",
    "fr": "humaine?|personne|conseill(?:er|ère)|agent|opérat(?:eur|rice)|quelqu'un|employée?|responsable",
    "es": "human[oa]|persona|agente|asesora?|operadora?|alguien|encargad[oa]|emplead[oa]",
    "de": "mensch(?:en)?|person|mitarbeiter(?:in)?|berater(?:in)?|jemande?[mn]?|agenten|kolleg(?:en|in)",
    "ar": "شخص|موظف|إنسان|انسان|ممثل|أحد|احد",
}
_TALK = {
    "en": "(?:speak|talk|chat|write) (?:to|with)|connect(?: me)? (?:to|with)|transfer(?: me)? to",
    "fr": "(?:parler|discuter|échanger|parle) (?:à|avec)|joindre|passe[zr]?-? ?moi",
    "es": "(?:hablar|comunicarme|chatear) con|p[aá]s[ae]me (?:con|a)",
    "de": "(?:sprechen|reden|schreiben|chatten|verbinden|verbunden werden)",
    "ar": "(?:التحدث|الحديث|اتحدث|أتحدث|التكلم|اتكلم|أتكلم|حولني|حوّلني|اكلم|أكلم|تحويلي)(?: مع| إلى| الى)?",
}
_WANT = {
    "en": "(?:want|need|get(?: me)?|give me) (?:an? )?(?:real|live|actual|human)",
    "fr": "(?:veux|voudrais|besoin d')(?: ?une?)?(?: vraie?)?",
    "es": "(?:quiero|necesito)(?: una?)?",
    "de": "(?:will|möchte|brauche) (?:einen?|eine) (?:echten?|richtigen?)",
    "ar": "(?:أريد|اريد|عايز|بدي)",
}
_FEW = r"(?:[\w'-]+ ){0,3}?"
_APOSTROPHE = str.maketrans("\u2019", "'")


def asks_for_person(text: str) -> bool:
    return _asked().search(" ".join(text.translate(_APOSTROPHE).split())) is not None


@functools.cache
def _asked() -> re.Pattern[str]:
    ways = [
        rf"\b(?:{_TALK[spoken]}) {_FEW}(?:{person})\b|\b(?:{_WANT[spoken]}) ?(?:{person}|human|humain)\b"
        for spoken, person in _PERSON.items()
    ]
    ways.append(rf"\bmit (?:einem|einer|dem|der)? ?{_FEW}(?:{_PERSON['de']}) {_FEW}(?:{_TALK['de']})")
    return re.compile("|".join(ways), re.IGNORECASE)
