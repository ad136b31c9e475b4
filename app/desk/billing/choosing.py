"""A company chosen in a look-up field, with scripts or without."""

from app.core.lookups import LOOKUPS
from app.desk.fields import Fields


def company_id(fields: Fields, name: str = "company", *, required: bool = False) -> int | None:
    """The id of the company chosen, or of the only one whose name was typed."""
    lookup, chosen, typed = LOOKUPS["company"], fields.id(name), fields[f"{name}_text"]
    if chosen is not None and (typed or f"{name}_text" not in fields.sent):
        if lookup.get(chosen) is not None:
            return chosen
        fields.refuse(name, "Company: this one is not there any more; choose another.")
        return None
    if not typed:
        if required:
            fields.refuse(name, "Company: choose one from the list.")
        return None
    found = lookup.find(typed)
    fitting = [row for row in found if row.text.casefold() == typed.casefold()] or found
    if len(fitting) == 1:
        return fitting[0].id
    said = (
        f"“{typed}” could be {len(fitting)} companies; choose one"
        if fitting
        else (f"no company is called “{typed}”")
    )
    fields.refuse(name, f"Company: {said}.")
    return None


def company_text(fields: Fields, name: str = "company") -> str:
    """What stands in the field: what was typed, else the name of the company chosen."""
    if f"{name}_text" in fields.sent:
        return fields[f"{name}_text"]
    chosen = fields.id(name)
    found = LOOKUPS["company"].get(chosen) if chosen else None
    return found.text if found else ""
