"""Clients read in their language: every text is translated, and nothing is lost on the way."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import LanguageAccept

from app.communications.quotewords import OUR_LINES
from app.core import filters, language
from app.core.errors import RuleError
from app.core.pseudo import CLOSE, OPEN, PSEUDO, pseudo
from app.core.words import Amount, kept_beside, kept_words, say
from app.tickets.mailtext import ABOVE
from app.translations import keeping

TEMPLATES = Path(keeping.ROOT, "app", "templates")
OTHERS = sorted(language.OFFERED.keys() - {language.ENGLISH})


@pytest.fixture
def told_in():
    """An application without a database, in which a language is read."""
    app = Flask("words")
    language.init_app(app)
    filters.init_app(app)
    with app.app_context():
        yield language.reading


@pytest.fixture(scope="module")
def template():
    return keeping.template()


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_for_clients_is_translated_with_the_same_names_in_it(template, code):
    assert keeping.problems(keeping.catalogue(code), template) == [], "run `make words`"


def test_french_signs_stay_on_the_line_of_their_word():
    """With a space that does not break, and with the apostrophe that is printed."""
    forms = [each.string for each in keeping.catalogue("fr") if each.id]
    told = [text for each in forms for text in ((each,) if isinstance(each, str) else each)]
    assert [text for text in told if re.search(r" [:;!?»]|« |'", text)] == []


def test_what_is_missing_unsure_or_different_in_a_catalogue_is_found(template):
    kept = keeping.catalogue("de")
    kept.get("Saved.").flags.add("fuzzy")
    kept.get("You are joining %(company)s").string = "Sie treten %(firm)s bei"
    kept.delete("You are signed out.")
    found = " ".join(keeping.problems(kept, template))
    assert "'Saved.' is not translated" in found
    assert "'You are signed out.' is missing" in found
    assert "Sie treten %(firm)s bei" in found
    assert len(keeping.problems(kept, template)) == 3


def test_templates_translate_only_what_is_written_out():
    """What comes from elsewhere would stand in the page as HTML: it goes through `told`."""
    wrong = [
        f"{path.relative_to(TEMPLATES)}: {call}"
        for path in TEMPLATES.rglob("*.html")
        if "appbuilder" not in path.parts
        for call in re.findall(r"\b(?:_|n?gettext|pgettext)\((?!['\"]).{0,40}", path.read_text())
    ]
    assert wrong == []


def test_a_reply_above_our_line_is_found_in_every_language(told_in):
    for code in language.OFFERED:
        with told_in(code):
            assert OUR_LINES.search(f"-- {language.told(ABOVE)} --"), code


def test_words_are_english_to_all_and_told_to_a_reader(told_in):
    text = say("asked %(name)s to approve by %(day)s", name="100 %", day=date(2026, 3, 5))
    assert text == "asked 100 % to approve by 5 Mar 2026"
    assert str(RuleError(text)) == text
    with told_in("de"):
        assert language.told(text) == "bittet 100 % um Freigabe bis 5. März 2026"
        assert language.told("Saved.") == "Saved.", "what somebody wrote is theirs"
        assert language.gettext("") == ""
        assert text == "asked 100 % to approve by 5 Mar 2026"
    assert language.told(text) == text


def test_words_within_words_and_amounts_are_told_too(told_in):
    inner = say("%(question)s: %(fault)s", question="Why?", fault=say("choose one."))
    assert inner == "Why?: choose one."
    total = say("Credit note %(number)s from %(sender)s", number=Amount(123456, "EUR"), sender="A")
    with told_in("de"):
        assert language.told(inner) == "Why?: bitte wählen Sie eine Möglichkeit."
        assert "EUR\u00a01.234,56" in language.told(total)


def test_what_a_timeline_keeps_can_be_told_later(told_in):
    line = say(
        "%(outcome)s, signed %(name)s",
        outcome=say("asked %(name)s to answer by %(day)s", name="Mira", day=date(2026, 3, 5)),
        name="Jo",
    )
    payload = json.loads(json.dumps({"line": line, **kept_beside(line=line)}))
    assert payload["line"] == line
    assert kept_words(payload, "line") == line
    with told_in("de"):
        assert (
            filters.kept(payload, "line")
            == "bittet Mira um Antwort bis 5. März 2026, gezeichnet Jo"
        )
        assert filters.kept({"line": "as it was"}, "line") == "as it was"
    assert kept_beside(line="plain") == {}


def test_browsers_get_the_best_of_ours():
    assert language.best(LanguageAccept([("de-AT", 1), ("en", 0.8)])) == "de"
    assert language.best(LanguageAccept([("ja", 1), ("de", 0)])) is None
    assert language.best(LanguageAccept([])) is None
    assert language.best(LanguageAccept([(PSEUDO, 1)])) == "en", "which is for tests"


@given(st.text(alphabet="abc <>%s{}()d", min_size=1, max_size=40))
def test_the_pseudo_language_is_longer_and_keeps_what_programs_read(text):
    longer = pseudo(f"{text} %(name)s <b>{{link}}</b>")
    kept = r"%\(name\)s|</?b>|\{link\}"
    assert longer.startswith(OPEN)
    assert longer.endswith(CLOSE)
    assert sorted(re.findall(kept, longer)) == sorted(
        re.findall(kept, f"{text}%(name)s<b>{{link}}</b>")
    )
    sentence = "Somebody looks at it. " + text
    assert len(pseudo(sentence)) >= len(sentence) + 0.4 * len("Somebodylooksatit.") - 1
