"""English words that can be told in another language; pure.

A rule says its reasons in English, whoever will read them. `say` keeps beside the text what it was
made of, so that a page or a mail can tell the same in the language of its reader
(`app.core.language.told`); everybody else has plain text.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple, Self

from app.core import formats

Value = object
"""What stands in a text: words (told too), a day or an `Amount` (written as the reader does), or
anything else."""


BESIDE = "words"


class Amount(NamedTuple):
    """Money in a text, in minor units of its currency."""

    minor: int
    currency: str


class Words(str):
    """Text in English that remembers its `msgid`, and the `values` of the names in it.

    What refuses an answer may name the `field` of the form that it stands beside.
    """

    __slots__ = ("field", "msgid", "values")
    msgid: str
    values: Mapping[str, Value]
    field: str

    def __new__(cls, msgid: str, values: Mapping[str, Value], field: str = "") -> Self:
        made = super().__new__(cls, filled(msgid, values, written))
        made.msgid, made.values, made.field = msgid, values, field
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msgid, self.values, self.field)

    def at(self, field: str) -> Self:
        """The same words, said of a field of a form."""
        return type(self)(self.msgid, self.values, field)


def say(msgid: str, **values: Value) -> Words:
    """Words in English; names stand in them as %(name)s, and a per cent sign is doubled then.

    `make words` finds what is written out as the first argument. What is kept in a table with its
    names not filled in yet is said once more with them.
    """
    return Words(msgid, values)


def by_field(problems: Iterable[str]) -> dict[str, list[str]]:
    """What was refused, by the field it stands beside; what is about none of them is under ""."""
    found: dict[str, list[str]] = {}
    for each in problems:
        found.setdefault(field_of(each), []).append(each)
    return found


def field_of(problem: str) -> str:
    """The field of a form that a refusal stands beside; "" for none."""
    return problem.field if isinstance(problem, Words) else ""


def said_of(field: str, problem: str) -> Words:
    """A refusal beside a field of a form; plain text stays English for everybody."""
    return problem.at(field) if isinstance(problem, Words) else Words(problem, {}, field)


def filled(text: str, values: Mapping[str, Value], telling: Callable[[Value], object]) -> str:
    """The text with its names replaced, each value told in its way; without values as it is."""
    return text % {name: telling(value) for name, value in values.items()} if values else text


def written(value: Value, language: str = formats.ENGLISH) -> object:
    """A day or an amount as readers of a language write it; anything else as it is."""
    if isinstance(value, Amount):
        return formats.amount(value.minor, value.currency, language)
    return formats.day(value, language) if isinstance(value, date) else value


def kept_beside(**texts: str) -> dict[str, Any]:
    """What a timeline keeps beside the English of its texts, to tell them in others later."""
    kept = {name: _stored(text) for name, text in texts.items() if isinstance(text, Words)}
    return {BESIDE: kept} if kept else {}


def kept_words(payload: Mapping[str, Any], name: str) -> Words | None:
    """The words of a text of what `kept_beside` gave, if they were kept."""
    found = _restored(payload.get(BESIDE, {}).get(name))
    return found if isinstance(found, Words) else None


def _stored(value: Value) -> Any:
    if isinstance(value, Words):
        values = {name: _stored(each) for name, each in value.values.items()}
        return {"msgid": value.msgid, "values": values}
    return {"day": value.isoformat()} if isinstance(value, date) else value


def _restored(kept: Any) -> Value:
    if not isinstance(kept, Mapping):
        return kept
    if "day" in kept:
        return date.fromisoformat(kept["day"])
    return Words(kept["msgid"], {name: _restored(each) for name, each in kept["values"].items()})
