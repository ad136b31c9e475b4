"""The JSON Schema of a form says what the form itself says; checked by a validator of others."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.tickets import intake, request_schema
from app.tickets.intake import Condition, Field
from tests.unit.test_intake import FORM, forms

SHAPES: dict[str, Any] = {
    "choice": ("a", "b", "c"),
    "text": ("x", " \x00\n", "x" * 501),
    "long": ("x\ny", "\t", "x" * 20_001),
    "date": ("2026-11-30", "2026-02-30", "soon"),
    "number": (12, -1, 10**12, 999_999_999_999),
    "file": (["bytes"],),
    "secret": ({"password": "p"}, {"password": "p", "user": "u", "url": "https://x.example"}),
}


def validator(form) -> Draft202012Validator:
    schema = request_schema.schema_of(form, title="Work")
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@given(forms(), st.data())
def test_the_schema_takes_what_the_form_takes(form, data):
    sent = {
        one.key: data.draw(st.sampled_from(SHAPES[one.kind]))
        for one in form
        if data.draw(st.booleans())
    }
    kinds = {one.key: one.kind for one in form}
    raw = {key: str(each) for key, each in sent.items() if kinds[key] in intake.KEPT}
    reading = intake.read(form, raw, given=sent.keys() - raw.keys())
    shown = {each.field.key for each in reading.shown}
    blank = {key for key, text in raw.items() if not text.strip("\x00 \t\n")}
    is_valid = validator(form).is_valid
    assert is_valid({key: each for key, each in sent.items() if key in shown}) == (
        reading.faults == () and not blank & shown
    ), "what is left open is left out"
    assert is_valid(sent) == (reading.faults == () and sent.keys() <= shown and not blank)


def test_an_unknown_key_and_a_login_without_a_password_are_refused():
    one = validator((Field("login", "secret", "Login"),))
    assert not one.is_valid({"other": "x"})
    assert not one.is_valid({"login": {"user": "root"}})
    assert one.is_valid({"login": {"user": "root", "password": "p"}})


def test_a_condition_reads_as_if_and_then():
    schema = request_schema.schema_of(FORM, title="Work")
    new = {"properties": {"kind": {"enum": ["New"]}}, "required": ["kind"]}
    change = {"properties": {"kind": {"enum": ["Change"]}}, "required": ["kind"]}
    large = {"properties": {"size": {"enum": ["L"]}}, "required": ["size"]}
    assert schema["required"] == ["kind"]
    assert list(schema["properties"]) == ["kind", "why", "when", "cost", "scan"]
    assert [(each["if"], each["then"].get("required")) for each in schema["allOf"]] == [
        (change, None),
        (change, ["what"]),
        (new, None),
        ({"allOf": [new, large]}, ["why"]),
        (new, ["scan"]),
        (change, None),
    ]
    login = schema["allOf"][-1]["then"]["properties"]["login"]
    assert login["writeOnly"]
    assert all(part["writeOnly"] for part in login["properties"].values())


def test_a_condition_of_older_rules_that_names_no_choice_above_never_holds():
    lost = Field("lost", "text", "Lost", required=True, visible_if=Condition("gone", ("x",)))
    why = Field("why", "text", "Why", required_if=Condition("gone", ("x",)))
    assert intake.read((lost, why), {}).faults == ()
    one = validator((lost, why))
    assert one.is_valid({})
    assert not one.is_valid({"lost": "x"})
