"""Look-up fields of plain forms: the id that was chosen, or the row of the name that was typed."""

from flask import request

from app.core.errors import RuleError
from app.core.lookups import LOOKUPS
from app.desk.composing import chosen_id

MOST_NAMED = 5


def looked_up(entity: str) -> int | None:
    """The id chosen in a look-up field, else the only row of the name typed."""
    chosen, typed = request.form.get(entity, ""), request.form.get(f"{entity}_text", "").strip()
    if chosen_id(chosen) is not None:
        return chosen_id(chosen)
    if not typed:
        return None
    found = LOOKUPS[entity].find(typed)
    same = [row for row in found if row.text.casefold() == typed.casefold()] or found
    if len(same) == 1:
        return same[0].id
    if not same:
        raise RuleError(f"No {entity} is called “{typed[:80]}”: choose one of the list.")
    names = ", ".join(row.text for row in same[:MOST_NAMED]) + (" …" if same[MOST_NAMED:] else "")
    raise RuleError(f"“{typed[:80]}” could be each of {names}: choose one of the list.")
