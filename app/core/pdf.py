"""Draw a typst template with plain data: the same data gives the same PDF/A-3b bytes on any host.

Whatever people typed travels as JSON and stays text; it is never part of a template. Templates read
nothing outside their own folder, load no packages and reach no network.
"""

import datetime as dt
import json
import re
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typst

MARK = "□"
"""Stands on paper for a character that none of the fonts can draw."""

LONGEST_RUN = 24
"""Characters without a space before a line break is allowed inside a word."""

_UNDRAWN = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
_ADDRESS = re.compile(r"(?=.{1,40}$)[^\s@]+@[^\s@]+")
"""An e-mail address that fits its column: broken unseen it would be another one when copied."""
_RUN = re.compile(rf"\S{{{LONGEST_RUN}}}(?=\S)")
_BIDI_OVERRIDES = frozenset(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\ufffe\uffff"
)
_KEPT_CONTROLS = frozenset("\n\t")
_MOST_ATTEMPTS = 8
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished PDF, and the characters that had to be replaced by `MARK`."""

    pdf: bytes
    undrawable: tuple[str, ...]


class DrawingError(Exception):
    """The template itself does not compile: a fault of ours, never of the data."""


def draw(
    template: Path,
    data: Mapping[str, Any],
    *,
    at: dt.datetime,
    assets: Mapping[str, str] | None = None,
) -> Drawn:
    """Draw `template` with `data` (strings, integers, lists, objects), stamped with the time `at`.

    Characters that no font covers are replaced by `MARK`; the template learns how many as
    `data.undrawable` and may say so. `assets` are further inputs passed on untouched (an SVG, an
    XML attachment). Raises DrawingError.
    """
    import typst

    source: Any = clean(dict(data))
    missing: dict[str, None] = {}
    for _ in range(_MOST_ATTEMPTS):
        payload = json.dumps({**source, "undrawable": len(missing)}, ensure_ascii=False)
        try:
            return Drawn(
                _compile(template, {**(assets or {}), "data": payload}, at), tuple(missing)
            )
        except typst.TypstError as error:
            found = _undrawn(error)
            if not found:
                raise DrawingError(error.diagnostic) from error
            missing |= dict.fromkeys(text for text in found if not _invisible(text))
            source = _mark(source, found)
    raise DrawingError(f"characters remain that no font can draw: {list(missing)}")


def page_png(template: Path, assets: Mapping[str, str], *, per_inch: int) -> bytes:
    """The only page of `template` as a PNG, to look at what would be seen. Raises DrawingError."""
    import typst

    try:
        with _lock:
            made = _compiler(template).compile(sys_inputs=dict(assets), format="png", ppi=per_inch)
    except typst.TypstError as error:
        raise DrawingError(error.diagnostic) from error
    if not isinstance(made, bytes):
        raise DrawingError(f"{template.name} made no single page")
    return made


def clean(value: Any) -> Any:
    """Strip what has no place on paper: controls, overrides of direction, lone surrogates.

    Long runs without a space get invisible chances to break, so that no name leaves its column.
    """
    if isinstance(value, str):
        return _breakable(_printable(value))
    if isinstance(value, dict):
        return {key: clean(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    return value


def _printable(text: str) -> str:
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        letter
        for letter in unicodedata.normalize("NFC", text)
        if letter in _KEPT_CONTROLS
        or (unicodedata.category(letter) not in {"Cc", "Cs"} and letter not in _BIDI_OVERRIDES)
    )


def _breakable(text: str) -> str:
    if len(text) <= LONGEST_RUN or _ADDRESS.fullmatch(text):
        return text
    return _RUN.sub(lambda run: run.group() + "\u200b", text)


def _compile(template: Path, inputs: dict[str, str], at: dt.datetime) -> bytes:
    with _lock:
        made = _compiler(template).compile(
            sys_inputs=inputs,
            format="pdf",
            pdf_standards=["a-3b"],
            timestamp=int(at.timestamp()),
            pdf_tags=False,
        )
    if not isinstance(made, bytes):
        raise DrawingError(f"{template.name} made no document")
    return made


@cache
def _compiler(template: Path) -> "typst.Compiler":
    import typst

    nowhere = template.parent / "packages-are-not-used"
    return typst.Compiler(
        input=str(template),
        root=str(template.parent),
        font_paths=fonts(),
        package_path=str(nowhere),
        package_cache_path=str(nowhere),
    )


@cache
def fonts() -> "typst.Fonts":
    """Source Sans Pro out of its wheel, then typst's own; never those of the machine."""
    import typst

    wheel = find_spec("font_source_sans_pro")
    if wheel is None or not wheel.submodule_search_locations:
        raise DrawingError("the package font-source-sans-pro is not installed")
    folder = Path(wheel.submodule_search_locations[0]) / "files"
    return typst.Fonts(include_system_fonts=False, font_paths=[str(folder)])


def _undrawn(error: "typst.TypstError") -> list[str]:
    quoted = dict.fromkeys(_UNDRAWN.findall(error.diagnostic))
    texts = {_ESCAPE.sub(lambda code: chr(int(code.group(1), 16)), text) for text in quoted}
    return sorted(texts, key=lambda text: (-len(text), text))


def _invisible(text: str) -> bool:
    """Joiners, variation selectors and lone accents: nobody misses them on their own."""
    return all(unicodedata.category(letter) in {"Cf", "Mn", "Me"} for letter in text)


def _mark(value: Any, missing: list[str]) -> Any:
    if isinstance(value, str):
        for text in missing:
            value = value.replace(text, "" if _invisible(text) else MARK)
        return value
    if isinstance(value, dict):
        return {key: _mark(inner, missing) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mark(inner, missing) for inner in value]
    return value
