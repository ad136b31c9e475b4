"""The fixed words of the template `invoice.typ`, told in the language of a document."""

from collections.abc import Callable

from app.core.words import say

PAGE, PAGES = "{page}", "{pages}"
"""Where the template puts the numbers of pages, which only it knows."""

WORDS = {
    "work": say("Work"),
    "hours": say("Hours"),
    "rate": say("Rate"),
    "tax": say("Tax"),
    "subtotal": say("Subtotal"),
    "made": say("How the amounts were made"),
    "payment": say("Payment"),
    "fingerprint": say("Fingerprint"),
    "undrawable": say(
        "□ stands for a character that this document cannot draw; our records hold the full name."
    ),
}


def labels(told: Callable[[str], str], currency: str) -> dict[str, str]:
    """Every word of the template by its name."""
    return {
        **{name: told(text) for name, text in WORDS.items()},
        "net": told(say("Net (%(currency)s)", currency=currency)),
        "total": told(say("Total %(currency)s", currency=currency)),
        "page": told(say("Page %(page)s of %(pages)s", page=PAGE, pages=PAGES)),
    }
