"""Documents to draw in tests: realistic, deterministic, complete."""

from msgspec.structs import replace

from app.billing.documents.content import (
    Buyer,
    ContentLine,
    DocumentContent,
    Seller,
    TaxTotal,
)

SELLER = Seller(
    name="Harbour & Pine Studio",
    address=("14 Quay Street", "Bristol BS1 4ND", "United Kingdom"),
    tax_id="GB 123 4567 89",
    email="accounts@harbourpine.example",
    phone="+44 117 496 0123",
    website="harbourpine.example",
    bank="Bank of the West Country",
    iban="GB33BUKB20201555555555",
    bic="BUKBGB22",
)
BUYER = Buyer(
    name="Fjord Dental AS",
    address=("Strandgaten 12", "5013 Bergen", "Norway"),
    attention=("Ingrid Solheim", "Accounts payable"),
    tax_id="NO 987 654 321 MVA",
    reference="FD-2291",
)
WORK = ("Remote support", "On-site visit", "Configuration of the new practice server")


def document(count: int = 12, /, *, grouped: bool = False, **changes: object) -> DocumentContent:
    """An invoice of `count` lines at 25 % tax: one for each ticket, or three under its heading."""
    line = _line_of_ticket if grouped else _line
    made = tuple(line(number) for number in range(1, count + 1))
    net = sum(line.net_minor for line in made)
    tax = (net * 25 + 50) // 100
    base = DocumentContent(
        kind="invoice",
        number="INV-2026-00042",
        issue_date="2026-03-31",
        due_date="2026-04-30",
        currency="EUR",
        exponent=2,
        seller=SELLER,
        buyer=BUYER,
        lines=made,
        taxes=(TaxTotal("VAT standard", "25", net, tax),),
        net_minor=net,
        tax_minor=tax,
        gross_minor=net + tax,
        period_from="2026-03-01",
        period_to="2026-03-31",
        purchase_order="PO 4500-118",
        terms="Payable within 30 days without deduction. Please quote the reference.",
        policies=(
            "Rounding line-once, version 1: each line is rounded once, half up, to the cent.",
            "Tax by category: worked out once on the sum of each category.",
        ),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def _line_of_ticket(number: int) -> ContentLine:
    ticket = 1041 + (number - 1) // 3
    return replace(
        _line(number),
        text=WORK[number % len(WORK)],
        group=f"#{ticket} Appointment letters print with the wrong address",
        detail=f"asked for by Contact {ticket}",
    )


def _line(number: int) -> ContentLine:
    seconds = 900 * (1 + number * 7 % 11)
    return ContentLine(
        position=number,
        text=f"#{1040 + number} Appointment letters print with the wrong address",
        seconds=seconds,
        price="114.75",
        net_minor=(seconds * 11475 + 1800) // 3600,
        tax="VAT 25 %",
        note="raised to the minimum of 0:15" if number % 5 == 0 else "",
    )
