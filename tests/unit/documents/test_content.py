"""Frozen content: one spelling, one hash, a chain that shows any change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.billing.documents.content import (
    SCHEMA,
    canonical,
    chained,
    content_of,
    faults,
    seal,
)
from tests.unit.documents.samples import document


def test_the_same_document_has_one_spelling_and_one_hash():
    assert seal(document()) == seal(document())


def test_content_is_canonical_utf8_json():
    assert canonical({"b": 1, "a": ["é", None]}) == '{"a":["é",null],"b":1}'.encode()


PLAIN = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), PLAIN))
def test_the_spelling_is_the_one_that_any_reader_of_json_can_make_again(value):
    spelled = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(value) == spelled.encode()


@given(st.text(), st.integers(-(2**63), 2**63 - 1))
def test_a_sealed_document_is_spelled_so_and_reads_back_as_the_same(text, amount):
    wanted = document(2, notes=text, policies=(text,), net_minor=amount)
    said = json.loads(seal(wanted).content)
    assert said["schema"] == SCHEMA
    assert seal(wanted).content == canonical(said)
    assert content_of(seal(wanted).content) == wanted


@pytest.mark.parametrize("change", [{"net_minor": 1.5}, {"tax_minor": True}, {"notes": 7}])
def test_what_would_not_read_back_as_the_same_is_not_sealed(change):
    with pytest.raises(TypeError):
        seal(document(**change))


def test_half_a_character_is_not_sealed():
    with pytest.raises(UnicodeEncodeError):
        seal(document(notes="\ud800"))


@pytest.mark.parametrize("bad", [1.5, True, object(), b"x"])
def test_only_strings_and_integers_can_be_frozen(bad):
    with pytest.raises(TypeError, match=r"lines\[1\]"):
        canonical({"lines": [1, bad]})


def test_the_chain_changes_when_any_earlier_document_does():
    first, second = document(), document(number="INV-2026-00043")
    before = seal(second, previous=seal(first).sha256)
    changed = replace(first, terms="Payable at once.")
    after = seal(second, previous=seal(changed).sha256)
    assert before.content == after.content
    assert before.sha256 != after.sha256
    assert chained(seal(first).sha256, before.content) == before.sha256


def test_sound_content_has_no_faults_and_a_changed_byte_is_named():
    sealed = seal(document(), previous="ab")
    assert faults(sealed.content, previous="ab", sha256=sealed.sha256) == []
    other = sealed.content.replace(b"Fjord", b"Fjort")
    assert "hash" in faults(other, previous="ab", sha256=sealed.sha256)[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"net_minor": 1}, "lines do not add up"),
        ({"tax_minor": 1}, "taxes do not add up"),
        ({"gross_minor": 1}, "parts do not add up"),
    ],
)
def test_sums_that_disagree_are_named(change, words):
    sealed = seal(document(**change))
    assert any(
        words in fault for fault in faults(sealed.content, previous="", sha256=sealed.sha256)
    )
