"""Which words of a message look like a password, so that they can go into the vault; pure.

A word for it, a colon or an equals sign, and then something that is no sentence: better to miss one
than to take people's words for passwords.
"""

import re
from dataclasses import dataclass

WORDS = (
    r"pass[ -]?word|passwd|pwd|passphrase|passcode",
    r"passwort|kennwort|pin[ -]code",
    r"mot\s+de\s+passe|mdp",
    r"contraseña|contrasena|clave\s+de\s+acceso",
)
SAID = re.compile(
    rf"(?<!\w)(?:{'|'.join(WORDS)})"  # the word, then what it is of, then the sign
    r"(?:[ \t]+(?:for|of|für|zu|zum|zur|vom|von|pour|de|du|para|del)[ \t][^\n:=]{1,40}"
    r"|[ \t]*\([^()\n]{1,40}\))?"
    r"[ \t]*[:=][ \t]*(?P<secret>\S[^\n]*)",
    re.IGNORECASE,
)
SHORTEST = 4
SIGNS = frozenset("0123456789!@#$%^&*_+~?<>|§€£")
WRAPPED = "\"'`“”„«»()[]<>"
HIDDEN = "••••••••"
LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Found:
    """What looks like a password: itself, the line it stands in, and where its line is hidden.

    `label` is what stands before it in the line, such as “WordPress password”.
    """

    secret: str
    label: str
    line: str
    start: int
    end: int


def passwords_in(text: str) -> list[Found]:
    """What looks like a password in a text, one a line at most, in order."""
    found = []
    for line in re.finditer(r"[^\n]+", text):
        said = SAID.search(line[0])
        secret = _secret(said["secret"]) if said else ""
        if said is None or not secret:
            continue
        at = said.start("secret")
        label = " ".join(line[0][:at].strip(" \t:=-*>•").split())[-LONGEST_LABEL:].strip()
        place = line.start() + at, line.start() + len(line[0].rstrip())
        found.append(Found(secret, label, line[0].strip(), *place))
    return found


def concealed(text: str) -> str:
    """The text without what looks like a password and the rest of its line."""
    pieces, at = [], 0
    for found in passwords_in(text):
        pieces += [text[at : found.start], HIDDEN]
        at = found.end
    return "".join([*pieces, text[at:]])


def _secret(rest: str) -> str:
    """The password that what follows the sign begins with; empty for what is none."""
    first, *others = rest.split()
    word = first.rstrip(",;").strip(WRAPPED)
    if len(word) < SHORTEST or word.lower().startswith(("http://", "https://")):
        return ""
    if not any(sign.isalnum() for sign in word):
        return ""
    return word if not others or SIGNS & set(word) else ""
