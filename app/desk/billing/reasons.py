"""What may be in the way of billing, and what is worth a look: in words, with the mending. Data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause as the run page shows it. `fix` names the page that mends it for one company."""

    title: str
    text: str
    fix: str
    fix_text: str
    of: tuple[str, str] = ("entry", "entries")  # one and several of what it concerns


REASONS = {
    "no_bill_to": Reason(
        "Nobody pays",
        "The company that pays is archived, or no one pays on some of the days.",
        "payer",
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
        "Work of this period is still being clocked: the timer has to be stopped or discarded.",
        "timer",
        "See the ticket",
    ),
    "incomplete": Reason(
        "Company incomplete",
        "A tax id or a billing address is missing, and the agency asks for both.",
        "company",
        "Complete it",
    ),
    "zero_total": Reason(
        "Comes to nothing",
        "The total is not above zero, or a discount takes off more than there is: it waits until"
        " there is more to bill.",
        "preview",
        "See why",
    ),
    "too_large": Reason(
        "Too large",
        "A line or the total is beyond 1,000,000,000,000: look for a rate or a line with too many"
        " figures.",
        "preview",
        "See where",
    ),
    "left_behind": Reason(
        "In a currency left behind",
        "Lines were added by hand in a currency in which the company is not billed any more.",
        "preview",
        "See the lines",
        ("line", "lines"),
    ),
    "archived": Reason(
        "Lines of an archived company",
        "Lines were added by hand for a company that is archived, so nobody pays: have another"
        " company pay for them, remove them, or have the company restored.",
        "preview",
        "See the lines",
        ("line", "lines"),
    ),
}


@dataclass(frozen=True, slots=True)
class Look:
    """A cause that is worth a look, in words."""

    title: str
    text: str


LOOKS = {
    "no_tax_id": Look(
        "No tax id",
        "The invoice will not name the client's tax id, which many countries ask for.",
    ),
    "no_address": Look(
        "No address",
        "The invoice will name the client without an address.",
    ),
    "unusual_amount": Look(
        "Unusual amount",
        "The net is more than 30 % above or below the mean of the three months before.",
    ),
    "older_work": Look(
        "Older work",
        "Work from before the month of the run, which was left over then or logged late.",
    ),
    "long_entry": Look(
        "Over 8 hours",
        "One entry of more than 8 hours is often a timer that ran through the night.",
    ),
    "short_entry": Look(
        "Under 2 minutes",
        "An entry of less than 2 minutes is often a timer that was started by mistake.",
    ),
    "thin_text": Look(
        "Hardly described",
        "Fewer than 10 characters say what was done, too little for a client who asks.",
    ),
    "old_ticket": Look(
        "Ticket open for over 60 days",
        "The work goes on without an end: the client may expect a word before a further invoice.",
    ),
}
