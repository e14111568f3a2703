"""Threats, self-harm and minors reach a person, in seven languages, and figures of speech do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialsync.features.decisions import guards, phrases
from socialsync.features.decisions.guards import danger


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("I swear I'll smash your teeth in", "threat"),
        ("we know where your kids go to school", "threat"),
        ("hope you all burn in there", "threat"),
        ("on va venir casser les dents du patron", "threat"),
        ("je sais à quelle heure vous fermez", "threat"),
        ("te voy a romper la cara", "threat"),
        ("como cierre tarde le espero en el callejón", "threat"),
        ("Dir schlag ich die Fresse ein", "threat"),
        ("wir wissen, wo ihr wohnt", "threat"),
        ("سأقتلكم جميعا", "threat"),
        ("nobody would notice if I was gone", "self_harm"),
        ("I just don't want to be alive anymore", "self_harm"),
        ("j\u2019ai plus la force de vivre", "self_harm"),
        ("tout le monde serait mieux sans moi", "self_harm"),
        ("no le veo sentido a seguir viviendo", "self_harm"),
        ("me he vuelto a cortar y nadie lo sabe", "self_harm"),
        ("ich sehe keinen Grund mehr aufzuwachen", "self_harm"),
        ("Ohne mich wäre alles besser", "self_harm"),
        ("your lifeguard keeps messaging my 12 year old late at night", "minors"),
        ("le prof a touché ma fille de 9 ans", "minors"),
        ("el monitor le pide fotos a mi hija de 13 años", "minors"),
        ("Der Trainer schreibt meiner Tochter nachts und will Fotos", "minors"),
        ("I know which school your kids go to", "threat"),
        ("Se ti becco ti spacco la faccia", "threat"),
        ("tem uma bomba dentro", "threat"),
        ("Hab alle Tabletten genommen", "self_harm"),
        ("não aguento mais viver", "self_harm"),
        ("il vostro istruttore scrive messaggi di notte a mia figlia", "minors"),
        ("A man by your pool was filming the toddlers", "minors"),
    ],
)
def test_danger_is_seen(said, kind):
    assert danger(said) == kind


@pytest.mark.parametrize(
    "said",
    [
        "This cake is to die for",
        "I'm dead 😂 killer deal",
        "could murder a pizza, when do you open?",
        "je tue pour ce croissant",
        "morte de rire, quelle bombe",
        "me muero por ese arroz",
        "¡qué bomba! está de muerte",
        "Für den Kuchen würde ich sterben",
        "mein Rücken bringt mich um, habt ihr noch einen Termin?",
        "my son is 5 and he loves it, do you take kids?",
        "mi hijo de 5 años lo ama",
        "ma fille de 12 ans peut venir seule ?",
        "dürfen Kinder ab 6 mitmachen?",
        "where do the kids get changed?",
        "morri de rir, que bomba",
        "una torta da morire",
        "can the coach call me about my daughter's lesson?",
    ],
)
def test_figures_of_speech_and_children_who_are_well_are_none(said):
    assert danger(said) is None


@pytest.mark.parametrize(
    "said", ["I WILL K1LL YOU", "i'm gonna kiiill you", "I will k i l l you", "I\u200b will kill\u200b you"]
)
def test_spelling_hides_nothing(said):
    assert danger(said) == "threat"


def test_the_graver_kind_names_it():
    assert danger("I'll kill you and then myself, I want to die") == "self_harm"


def test_a_wish_for_a_person_comes_after_danger():
    assert guards.guarded("Let me speak to a human").rule == "asks_for_person"
    assert guards.guarded("Let me speak to a human or I'll break your legs").rule == "threat"
    assert guards.guarded("Do you speak French?") is None
    assert guards.guarded("  ").rule == "no_text"


def test_a_phrase_is_spelt_as_it_says():
    found = phrases.pattern(["$will ..2 kick*/hit your/the_old ?big dog ~1 now"], {"will": "will/going_to"})
    for said in ("I will kick your dog now", "going to really kicking the old big dog. Now"):
        assert found.search(phrases.folded(said)), said
    for said in ("I will kick. Your dog now", "I will hits your dog now", "will kick your dogs now"):
        assert not found.search(phrases.folded(said)), said
    assert not phrases.pattern([], {}).search(" anything ")


def test_parts_of_a_phrase_stand_anywhere():
    found = phrases.finding(["coach/trainer & $writes ..1 you & night", "boo"], {"writes": "write*/text"})
    for said in ("At night he writes to you. The coach!", "boo"):
        assert found.stand_in(phrases.folded(said)), said
    for said in ("the coach writes to you", "At night the coach writes letters", "bood"):
        assert not found.stand_in(phrases.folded(said)), said


@pytest.mark.timeout(20)
@given(
    pieces=st.lists(
        st.sampled_from(
            ["i will", "your", "kids", "my daughter", "know where", "a", "pills", ".", "0o0", "🔪"]
        ),
        min_size=1,
        max_size=6,
    ),
    end=st.text(max_size=20),
)
@settings(max_examples=8, deadline=None)
def test_a_long_text_made_to_stall_is_read_to_its_end(pieces, end):
    beginning = f"{' '.join(pieces)} " * guards.LONGEST
    assert danger(beginning[: guards.LONGEST - 100] + " . I will kill you") in guards.DANGERS
    assert danger(beginning + end) in (None, *guards.DANGERS)
