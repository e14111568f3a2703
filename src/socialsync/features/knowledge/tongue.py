"""In which language a short question is: by its signs and its little words, which say more of three words
than statistics do. Pure and light, since it runs where questions come in; documents are told apart by
``languages``.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

LANGUAGES = ("en", "fr", "es", "de", "ar")
_LITTLE = {
    "en": "the is are am was were be do does did you your i my we our they there this that these what"
    " when where who whom whose why which how can could may must should would will have has had"
    " any some and or if of to for with from at by about into without not it its get got much many"
    " long price cost costs open opening close closed pay card free need want please an",
    "fr": "le la les un une des du de au aux ce cette ces je j vous nous il elle on ils votre vos notre"
    " mon ma mes est sont suis etes avez a ai ont y t peut puis pouvez faut fait faites dois que"
    " qu qui quoi quel quelle quels quelles quand ou comment combien pourquoi et avec sans pour"
    " par dans sur chez en pas plus si prix coute coutent ouvert ouverte ouverts fermez ferme"
    " payer carte gratuit gratuits compris acceptez livrez",
    "es": "el la los las un una unos unas lo al del de y o e es son esta estan estoy hay ha he tiene"
    " tienen tengo teneis tienes puedo puede pueden podeis se me te os su sus mi mis que quien"
    " quienes cual cuales cuanto cuanta cuantos cuantas cuando donde como por para con sin en a si"
    " no hasta desde precio cuesta cuestan vale abren abre abierto abierta cierra cierran pagar"
    " tarjeta aceptan admiten quiero necesito",
    "de": "der die das den dem des ein eine einen einem einer ist sind war bin seid hat habt haben habe"
    " gibt es ich du wir ihr sie er man mir mich uns euch mein meine euer eure was wer wen wem wie"
    " wo wann warum welche welcher welches welchen kann konnen konnt darf muss soll wird werden"
    " und oder mit ohne fur von vom zu zum zur im in am an auf aus bei nach um bis nicht kein"
    " keine auch viel preis kostet kosten teuer offen geoffnet offnet schliesst zahlen karte"
    " kostenlos brauche bitte",
}  # fmt: skip
"""Folded. What several of them have says less of each."""
_WORD, _OF_A_NAME = 12, 0.25
"""A little word with a capital inside a sentence is a name's, mostly: La Terrasse."""
_SIGNS = (
    (18, re.compile("[¿¡]"), "es"),
    (18, re.compile("؟"), "ar"),
    (12, re.compile(r"(?<!\w)(?:[cdjlmnst]|qu)['’](?=\w)", re.IGNORECASE), "fr"),  # noqa: RUF001
    (10, re.compile("[ñáíóú]", re.IGNORECASE), "es"),
    (10, re.compile("[ßäöü]", re.IGNORECASE), "de"),
    (10, re.compile("[çàèêëîïôùûœ]", re.IGNORECASE), "fr"),
    (4, re.compile("é", re.IGNORECASE), "fr"),
    (2, re.compile(r"\w[ \u00a0\u202f][?!:]"), "fr"),
)
_ENDINGS = (
    (3, re.compile(r"\w{2,}(?:ing|ly|ed|th|tion|ess)"), "en"),
    (3, re.compile(r"\w{2,}(?:ez|eux|eur|ment|tte|aux|aison|aire|que|ier|iere)"), "fr"),
    (3, re.compile(r"\w{3,}(?:cion|dad|[ai]d[oa]s?|illa|ero|era|os|as)"), "es"),
    (3, re.compile(r"\w{2,}(?:ung|en|sch|cht|keit|heit|lich|tag|tags|latz|wort)|\w*sch\w*"), "de"),
)
_ARABIC = re.compile("[\u0600-\u06ff]")
_WORDS = re.compile(r"[^\W\d_]+")


def language_of(question: str, spoken: Sequence[str] = ()) -> str:
    """Good enough to say sorry in.

    Args:
        spoken: tags, the preferred one first: of languages that are equally likely it is the first of these.
    """
    preferred = (tag.partition("-")[0].lower() for tag in spoken)
    languages = dict.fromkeys([*(tag for tag in preferred if tag in LANGUAGES), *LANGUAGES])
    votes = _votes(unicodedata.normalize("NFC", question))
    return max(languages, key=lambda language: votes[language])


def _votes(question: str) -> Mapping[str, float]:
    votes = dict.fromkeys(LANGUAGES, 0.0)
    found = _WORDS.findall(question)
    for weight, sign, language in _SIGNS:
        votes[language] += weight * (sign.search(question) is not None)
    for at, word in enumerate(found):
        if _ARABIC.match(word):
            votes["ar"] += _WORD
            continue
        folded = _folded(word)
        share = _OF_A_NAME if at and word[0].isupper() and not question.isupper() else 1
        owners = _OWNERS.get(folded, ())
        for language in owners:
            votes[language] += _WORD * share / len(owners)
        for weight, ending, language in _ENDINGS:
            votes[language] += weight * (not owners and ending.fullmatch(folded) is not None)
    return votes


def _folded(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.lower().replace("ß", "ss").replace("œ", "oe"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _owners() -> Mapping[str, Sequence[str]]:
    owners: dict[str, list[str]] = {}
    for language, listed in _LITTLE.items():
        for word in dict.fromkeys(listed.split()):
            owners.setdefault(word, []).append(language)
    return owners


_OWNERS = _owners()
