"""What may be in the way of billing: in words, and how it is mended. Data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause as the run page shows it. `fix` names the page that mends it for one company."""

    title: str
    text: str
    fix: str
    fix_text: str


REASONS = {
    "no_bill_to": Reason(
        "Nobody pays",
        "The company that pays is archived, or no one pays on some of the days.",
        "company",
        "Set who pays",
    ),
    "no_rate": Reason(
        "No rate",
        "No rule prices some of the entries.",
        "rate",
        "Add a rate",
    ),
    "no_tax": Reason(
        "No tax",
        "There is no tax for the company, nor a default one.",
        "tax",
        "Set a tax",
    ),
    "currency_mismatch": Reason(
        "Rate in another currency",
        "The only rules that fit are in a currency the company is not billed in.",
        "rate",
        "Add a rate",
    ),
    "unapproved": Reason(
        "Not approved",
        "Somebody has to approve this time, or finish writing it down.",
        "approval",
        "See the time",
    ),
    "running": Reason(
        "A timer runs",
        "Work of this period is still being clocked.",
        "approval",
        "See the time",
    ),
    "incomplete": Reason(
        "Company incomplete",
        "A tax id or a billing address is missing, and the agency asks for both.",
        "company",
        "Complete it",
    ),
    "zero_total": Reason(
        "Comes to nothing",
        "The total is not above zero, so there is nothing to ask for.",
        "preview",
        "See why",
    ),
}
