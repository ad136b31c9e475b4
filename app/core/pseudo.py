"""A language for tests and for whoever makes pages: English with accents, two fifths longer.

A text that reads as plain English there was not marked for translation; one that is cut off or
pushes the page aside will do so in a longer language too.
"""

import re
from gettext import NullTranslations

PSEUDO = "en-XA"
OPEN, CLOSE = "⟦", "⟧"
ACCENTED = str.maketrans("aceinosuyACEINOSUY", "åçéîñöšûýÅÇÉÎÑÖŠÛÝ")
# Names, tags and the like, which stay as they are.
KEPT = re.compile(r"(%\(\w+\)s|%%|\{\w+\}|<[^>]+>|&\w+;|\s+)")
LONGER = 0.4


def pseudo(text: str) -> str:
    """The text with accents, in brackets, at least 40 % longer."""
    parts = KEPT.split(text)
    letters = sum(len(part) for part in parts[::2])
    accented = "".join(
        part if at % 2 else part.translate(ACCENTED) for at, part in enumerate(parts)
    )
    return f"{OPEN}{accented}{' ~' * max(round(letters * LONGER / 2) - 1, 0)}{CLOSE}"


class PseudoTranslations(NullTranslations):
    """A catalogue that holds every text."""

    def gettext(self, message: str) -> str:
        return pseudo(message)

    def pgettext(self, context: str, message: str) -> str:
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo(msgid1 if n == 1 else msgid2)
