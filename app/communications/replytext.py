"""What a person wrote in a mail, apart from quotes and signatures; pure, in linear time.

Nothing is deleted: the parts, joined, are the text. A part that is hidden carries the name of the
rule that hid it. Where it is not clear what is quote and what is answer, all is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.communications.quotewords import (
    BEGINS,
    DASHES,
    DATED,
    DEVICE,
    ENDS,
    FOOTER,
    FORWARD_BEGIN,
    FORWARD_LINE,
    FROM_LINE,
    LINK,
    ORIGINAL_LINE,
    OTHER_LINES,
    OUR_LINES,
    RULED,
    WROTE,
)

LOOKED_AT = 400
LONGEST_ATTRIBUTION = 4
MOST_GAP = 4
LONGEST_BLOCK = 8
LONGEST_SIGNATURE = 20
SHORT_SIGNATURE = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a mail's text; `rule` names why it is hidden, empty where it is shown."""

    text: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """A mail's text in its order; joined, the pieces are the text."""

    pieces: tuple[Piece, ...]

    @property
    def visible(self) -> str:
        """What is shown at once, without empty lines around."""
        return "".join(piece.text for piece in self.pieces if not piece.rule).strip()

    @property
    def hidden(self) -> tuple[Piece, ...]:
        """What a click expands."""
        return tuple(piece for piece in self.pieces if piece.rule)


def split(text: str) -> Split:
    """Tell the reply from what it quotes and how it is signed.

    All is shown when nothing would be left, or when answers stand between the quotes. A short
    signature right over the quote is left: hiding it would save the reader nothing.
    """
    lines = text.split("\n")
    seen = [line[:LOOKED_AT].rstrip() for line in lines]
    rules = [""] * len(lines)
    end = _cut(seen, rules)
    _mark_quotes(seen[:end], rules)
    if _answers_between(seen, rules):
        rules = [""] * len(lines)
        end = len(lines)
    _mark_signature(seen, rules, end)
    pieces = _joined(lines, rules)
    if not any(piece.text.strip() and not piece.rule for piece in pieces):
        pieces = (Piece(text),)
    return Split(pieces)


def _cut(seen: Sequence[str], rules: list[str]) -> int:
    """Hide all from the line on that announces an unmarked quote; returns its number."""
    for number, line in enumerate(seen):
        if FORWARD_LINE.fullmatch(line) or FORWARD_BEGIN.match(line.strip()):
            break  # what is forwarded is what the mail is about
        rule = _announced(seen, number)
        if rule:
            rules[number:] = [rule] * (len(seen) - number)
            return number
    return len(seen)


def _announced(seen: Sequence[str], number: int) -> str:
    line = seen[number]
    if not line.strip() or line.lstrip().startswith(">"):
        return ""
    if OUR_LINES.search(line):
        return "our-line"
    if ORIGINAL_LINE.fullmatch(line):
        return "original-message"
    if _is_header_block(seen, _below_rule(seen, number)):
        return "header-block"
    begins = BEGINS.match(line) and _attribution(seen, number)
    return "attribution" if begins and not _quotes_follow(seen, number) else ""


def _below_rule(seen: Sequence[str], number: int) -> int:
    """The first written line under a horizontal rule at `number`, else `number`."""
    if RULED.fullmatch(seen[number]):
        for below in range(number + 1, min(number + 1 + MOST_GAP, len(seen))):
            if seen[below].strip():
                return below
    return number


def _is_header_block(seen: Sequence[str], number: int) -> bool:
    """Whether “From:” stands here with two more such lines close under it."""
    if not FROM_LINE.match(seen[number]):
        return False
    below = seen[number + 1 : number + LONGEST_BLOCK]
    return sum(any(rule.match(line) for line in below) for rule in OTHER_LINES) >= 2  # noqa: PLR2004


def _attribution(seen: Sequence[str], number: int) -> int:
    """How many lines from here are “On … wrote:”, 0 for none."""
    joined = ""
    for count, line in enumerate(seen[number : number + LONGEST_ATTRIBUTION], start=1):
        if not line.strip():
            return 0
        joined = f"{joined} {line.lstrip('> ')}"[: 2 * LOOKED_AT]
        if ENDS.search(line):
            told = DATED.search(joined) and (WROTE.search(joined) or "@" in joined)
            return count if told else 0
    return 0


def _quotes_follow(seen: Sequence[str], number: int) -> bool:
    """Whether marked quotes stand right under an attribution: they are hidden by themselves."""
    first = number + _attribution(seen, number)
    for line in seen[first : first + MOST_GAP + 1]:
        if line.strip():
            return line.lstrip().startswith(">")
    return False


def _mark_quotes(seen: Sequence[str], rules: list[str]) -> None:
    """Hide runs of lines that begin with “>”, with the attribution over each."""
    number, last = 0, 0
    while number < len(seen):
        if not seen[number].lstrip().startswith(">"):
            number += 1
            continue
        first = _over(seen, number, last)
        end = number + 1
        for ahead in range(number + 1, len(seen)):
            if seen[ahead].lstrip().startswith(">"):
                end = ahead + 1
            elif seen[ahead].strip():
                break
        rules[first:end] = ["quote"] * (end - first)
        number = last = end


def _over(seen: Sequence[str], number: int, last: int) -> int:
    """The first line of the attribution over the quote at `number`, else `number`."""
    end = number
    while end > max(last, number - MOST_GAP - 1) and not seen[end - 1].strip():
        end -= 1
    highest = max(last, end - LONGEST_ATTRIBUTION)
    fits = [n for n in range(highest, end) if n + _attribution(seen, n) == end]
    return next((n for n in fits if BEGINS.match(seen[n])), fits[-1] if fits else number)


def _answers_between(seen: Sequence[str], rules: Sequence[str]) -> bool:
    """Whether text stands between two quotes."""
    quoted = [number for number, rule in enumerate(rules) if rule]
    if not quoted:
        return False
    return any(
        not rules[number] and seen[number].strip() for number in range(quoted[0], quoted[-1])
    )


def _mark_signature(seen: Sequence[str], rules: list[str], end: int) -> None:
    """Hide the signature at the end of what is shown."""
    shown = [n for n in range(end) if not rules[n] and seen[n].strip()]
    if not shown:
        return
    last = shown[-1]
    above_quote = any(rules[last + 1 :])
    after_quote = next((n + 1 for n in range(last, -1, -1) if rules[n]), 0)
    for number in range(max(after_quote, last - LONGEST_SIGNATURE), last + 1):
        rule = _signs(seen, number, last)
        if rule and not (above_quote and last - number < SHORT_SIGNATURE):
            rules[number : last + 1] = [rule] * (last + 1 - number)
            return


def _signs(seen: Sequence[str], number: int, last: int) -> str:
    line = seen[number].strip()
    if DASHES.fullmatch(line) and number < last:
        return "signature"
    if FOOTER.fullmatch(line) and number < last:
        return "footer"
    if number == last and DEVICE.fullmatch(LINK.sub("", line)):
        return "device"
    return ""


def _joined(lines: Sequence[str], rules: Sequence[str]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    taken: list[str] = []
    for number, line in enumerate(lines):
        taken.append(line if number == len(lines) - 1 else f"{line}\n")
        if number + 1 == len(lines) or rules[number + 1] != rules[number]:
            pieces.append(Piece("".join(taken), rules[number]))
            taken = []
    return tuple(pieces)
