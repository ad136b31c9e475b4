"""Invoices on paper: the same bytes, figures that re-add, names that stay text, any length."""

import datetime as dt
import io
import re
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest
from msgspec.structs import replace
from PIL import Image

from app.billing.documents.content import Buyer, DocumentContent, TaxTotal, seal
from app.billing.documents.logo import BrokenLogoError, drawable, kept
from app.billing.documents.render import INVOICE, Rendered, render
from app.core import pdf
from tests.unit.documents.samples import BUYER, SELLER, document

AT = dt.datetime(2026, 3, 31, 16, 20, tzinfo=dt.UTC)
AMOUNT = re.compile(r"−?[\d,]+\.\d{2}")


def drawn(content: DocumentContent, logo: bytes | None = None) -> Rendered:
    sealed = seal(content)
    return render(sealed.content, sha256=sealed.sha256, issued_at=AT, logo=logo)


def text_of(rendered: Rendered) -> str:
    reader = pypdf.PdfReader(io.BytesIO(rendered.pdf))
    return "\n".join(page.extract_text() for page in reader.pages).replace("\u200b", "")


def pages_of(rendered: Rendered) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(io.BytesIO(rendered.pdf)).pages)


def places_of(page: pypdf.PageObject) -> list[tuple[float, float]]:
    """Where each piece of text begins, in points from the lower left corner."""
    places: list[tuple[float, float]] = []

    def visit(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        if text.strip():
            places.append((cm[4] + tm[4], cm[5] + tm[5]))

    page.extract_text(visitor_text=visit)
    return places


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def logo(kind: str = "PNG") -> bytes:
    saved = io.BytesIO()
    Image.new("RGB", (300, 90), "#0B5F6B").save(saved, kind)
    return saved.getvalue()


def test_the_same_content_gives_the_same_bytes():
    content = document()
    assert drawn(content, logo()).pdf == drawn(content, logo()).pdf


def test_the_file_declares_pdf_a_3b():
    assert b"<pdfaid:part>3</pdfaid:part>" in drawn(document()).pdf
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in drawn(document()).pdf


def test_printed_lines_re_add_to_the_printed_totals():
    content = document(12)
    text = text_of(drawn(content))
    rows = [row for row in text.splitlines() if re.search(r"\d:\d\d .*114\.75 ", row)]
    nets = [Decimal(AMOUNT.findall(row)[-1].replace(",", "")) for row in rows]
    assert len(nets) == 12
    assert sum(nets) == Decimal(content.net_minor).scaleb(-2)
    total = re.search(r"Total EUR\s*([\d,.]+)", text)
    assert total
    assert Decimal(total[1].replace(",", "")) == sum(nets) + Decimal(content.tax_minor).scaleb(-2)


def test_what_a_payer_needs_is_on_the_paper():
    text = squeezed(text_of(drawn(document())))
    for words in (
        "INV-2026-00042", "31March2026", "30April2026", "PO4500-118", "FjordDental",
        "GB33BUKB20201555555555", "NO987654321MVA", "Page1of1", "line-once", "raisedtotheminimum",
    ):  # fmt: skip
        assert words in text


def test_a_line_whose_product_is_not_its_amount_says_why():
    line = replace(document(1).lines[0], seconds=36000, price="114.75", net_minor=114753, note="")
    text = squeezed(text_of(drawn(document(1, lines=(line,)))))
    assert "10:00at114.75wouldbe1,147.50" in text


def test_a_credit_note_names_its_invoice_and_asks_for_no_payment():
    content = document(
        2, kind="credit_note", number="CN-2026-00003", corrects="INV-2026-00042",
        corrects_date="2026-03-31", reason="Billed to the wrong department",
    )  # fmt: skip
    text = squeezed(text_of(drawn(content)))
    assert "CreditnoteCN-2026-00003" in text
    assert "correctsinvoiceINV-2026-00042of31March2026" in text
    assert "wrongdepartment" in text
    assert "IBAN" not in text


@pytest.mark.parametrize(
    ("currency", "exponent", "printed"),
    [("JPY", 0, "JPY 265,361"), ("EUR", 2, "EUR 2,653.61"), ("KWD", 3, "KWD 265.361")],
)
def test_amounts_follow_the_exponent_of_their_currency(currency, exponent, printed):
    content = document(currency=currency, exponent=exponent)
    assert squeezed(printed) in squeezed(text_of(drawn(content)))


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("en_GB", ("Invoice", "Page 1 of 1", "30 April 2026", "EUR 2,653.61", "Norway")),
        (
            "de",
            (
                "Rechnung",
                "Ihre USt-IdNr.",
                "Seite 1 von 1",
                "30. April 2026",
                "EUR 2.653,61",
                "Norwegen",
            ),
        ),
        ("fr", ("Facture", "Page 1 sur 1", "30 avril 2026", "EUR 2\u202f653,61", "Norvège")),
        ("es", ("Factura", "Página 1 de 1", "30 de abril de 2026", "EUR 2.653,61", "Noruega")),
        ("xx", ("Invoice", "Page 1 of 1", "30 April 2026", "EUR 2,653.61", "Norway")),
    ],
)
def test_a_document_is_told_in_its_language(locale, words):
    buyer = replace(BUYER, address=("Strandgaten 12", "5013 Bergen", "NO"))
    rendered = drawn(document(locale=locale, buyer=buyer))
    text = squeezed(text_of(rendered))
    for said in words:
        assert squeezed(said) in text
    assert rendered.reports == (), "the fonts have every sign"
    assert b"<pdfaid:part>3</pdfaid:part>" in rendered.pdf


@pytest.mark.parametrize(
    ("locale", "name", "value"),
    [
        ("de", "Zeitzone", "Europe/Oslo"),
        ("es", "Zona horaria", "Europe/Oslo"),
        ("fr", "Fuseau horaire", "Europe/Oslo"),
        ("de", "Korrigiert Rechnung", "INV-2026-00042"),
    ],
)
def test_a_name_stands_beside_its_value_when_one_above_takes_two_lines(locale, name, value):
    content = document(
        1, kind="credit_note", number="CN-2026-00003", corrects="INV-2026-00042",
        corrects_date="2026-03-31", locale=locale, zone="Europe/Oslo",
        period_from="2026-11-10", period_to="2026-11-30",
    )  # fmt: skip
    [page] = pages_of(drawn(content))
    where: dict[str, list[float]] = {}

    def visit(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        where.setdefault(squeezed(text), []).append(round(cm[5] + tm[5]))

    page.extract_text(visitor_text=visit)
    assert where[squeezed(name)][0] == where[squeezed(value)][0]


HOSTILE = {
    "markup": "<script>alert(1)</script> & <b>bold</b> *star* _under_ $x^2$ = Head - item",
    "typst": '#read("/etc/passwd") #import "@preview/x:1.0.0" #panic() \\ #set page(width: 1pt)',
    "quotes": 'O\'Brien "& Sons" `raw` ``` \\u{0} {data} [content] <label> @ref // /* */',
    "emoji": "Café 😀👩‍👩‍👧 Ltd",
    "cjk": "株式会社 漢字 한국",
    "rtl": "שלום مرحبا \u202egnirts",
    "nul": "Acme\x00\x07\x1b[31m Ltd",
    "long": "W" * 300,
    "spaces": "   \t\n  Ltd",
    "combining": "Z̴̧͚a̷l̸g̵o̶" * 20,
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_name_stays_text_everywhere(name):
    line = replace(document(1).lines[0], text=name, group=name, detail=name, note=name)
    content = document(
        1, lines=(line,), terms=name, notes=name, policies=(name,), purchase_order=name,
        seller=replace(SELLER, name=name, address=(name,), bank=name),
        buyer=Buyer(name=name, address=(name, name), attention=(name,), reference=name),
    )  # fmt: skip
    rendered = drawn(content)
    assert drawn(content) == rendered
    assert "root:x" not in text_of(rendered)


def test_template_code_in_a_name_is_printed_as_typed():
    text = text_of(drawn(document(buyer=replace(BUYER, name='#read("/etc/passwd")'))))
    assert '#read("/etc/passwd")' in text


def test_a_character_without_a_glyph_is_marked_reported_and_explained():
    rendered = drawn(document(buyer=replace(BUYER, name="漢 Dental")))
    text = text_of(rendered)
    assert "□ Dental" in text
    assert "□ stands for a character" in text
    assert "漢" in rendered.reports[0]


def test_a_name_without_spaces_stays_within_the_page():
    rendered = drawn(document(buyer=replace(BUYER, name="W" * 300)))
    assert squeezed(text_of(rendered)).count("W") >= 300
    page = pages_of(rendered)[0]
    assert max(x for x, _ in places_of(page)) < float(page.mediabox.width)


def test_an_address_is_copied_from_the_page_as_it_is():
    email = "accounts.payable@northwind-studio.example"[-40:]
    [page] = pypdf.PdfReader(
        io.BytesIO(drawn(document(seller=replace(SELLER, email=email))).pdf)
    ).pages
    assert email in page.extract_text()


@pytest.mark.parametrize(
    ("tax_id", "name"), [("DE123456789", "Your VAT ID"), ("12-3456789", "Your tax ID")]
)
def test_an_id_with_its_country_is_a_vat_id(tax_id, name):
    text = text_of(drawn(document(buyer=replace(BUYER, tax_id=tax_id))))
    assert name in text


def test_a_thousand_lines_carry_their_headings_and_number_their_pages():
    rendered = drawn(document(1000, grouped=True))
    pages = pages_of(rendered)
    assert len(pages) > 20
    for number, page in enumerate(pages[:-1], 1):
        text = page.extract_text()
        assert f"Page {number} of {len(pages)}" in text
        assert "Net (EUR)" in text
        assert re.search(r"#1\d{3} Appointment", text)


def test_text_clears_the_edge_when_printed_on_the_other_paper():
    """A4 is 17.6 mm taller, Letter 5.9 mm wider; 5 mm is what a common printer leaves blank."""
    point = 72 / 25.4
    for paper, spare in (("a4", 17.6 * point), ("letter", 0.0)):
        page = pages_of(drawn(document(60, paper=paper)))[0]
        places = places_of(page)
        assert min(x for x, _ in places) > 5 * point
        heights = [y for _, y in places]
        assert max(heights) - min(heights) < float(page.mediabox.height) - spare - 10 * point


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_raster_logo_is_drawn(kind):
    rendered = drawn(document(), logo(kind))
    assert rendered.reports == ()
    assert len(pages_of(rendered)[0].images) == 1


def test_an_svg_logo_is_drawn():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
    assert drawn(document(), svg).reports == ()
    assert drawn(document(), svg).pdf != drawn(document()).pdf


@pytest.mark.parametrize(
    "picture", [b"", b"not a picture", logo()[:60], b"<svg", b"<svg>\xff</svg>", b"<html></html>"]
)
def test_a_broken_logo_is_left_out_and_reported(picture):
    rendered = drawn(document(), picture)
    assert "logo" in rendered.reports[0]
    assert rendered.pdf == drawn(document()).pdf
    with pytest.raises(BrokenLogoError):
        drawable(picture)


EMPTY_SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'


@pytest.mark.parametrize(
    "inside", ["", "<script>alert(1)</script>", '<path fill="#fff" d="M0 0h9v9z"/>']
)
def test_a_logo_that_leaves_the_paper_white_is_refused(inside):
    with pytest.raises(BrokenLogoError, match="nothing to be seen on white paper"):
        kept(EMPTY_SVG.format(inside).encode())


def test_a_logo_whose_letters_need_a_font_is_refused():
    """They would be missing on paper, which knows the document's own fonts alone."""
    letters = '<path d="M0 0h9v9z"/><text x="1" y="8">Beispiel</text>'
    with pytest.raises(BrokenLogoError, match="its text as paths, or as PNG"):
        kept(EMPTY_SVG.format(letters).encode())


def test_a_thin_line_is_a_logo():
    picture = EMPTY_SVG.format('<path stroke="#999" stroke-width=".02" d="M0 4h9"/>').encode()
    assert kept(picture) == (picture, "image/svg+xml")


def test_dots_that_cannot_be_seen_are_no_logo():
    saved = io.BytesIO()
    Image.new("RGBA", (300, 90), (0, 0, 0, 0)).save(saved, "PNG")
    with pytest.raises(BrokenLogoError, match="nothing to be seen on white paper"):
        kept(saved.getvalue())


def test_a_template_reads_nothing_outside_its_folder(tmp_path):
    outside = tmp_path / "secret.txt"
    outside.write_text("secret")
    folder = tmp_path / "templates"
    folder.mkdir()
    template = folder / "reads.typ"
    template.write_text('#read("../secret.txt")')
    with pytest.raises(pdf.DrawingError):
        pdf.draw(template, {}, at=AT)


def test_no_template_imports_a_package():
    templates = list(Path(INVOICE).parent.glob("*.typ"))
    assert len(templates) >= 2
    assert not [path for path in templates if "@preview" in path.read_text()]


def test_several_taxes_show_which_line_bears_which():
    one, two = document(2).lines
    lines = (one, replace(two, tax="VAT 10 %"))
    taxes = (
        TaxTotal("VAT standard", "25", one.net_minor, one.net_minor // 4),
        TaxTotal("VAT reduced", "10", two.net_minor, two.net_minor // 10),
    )
    text = squeezed(text_of(drawn(document(2, lines=lines, taxes=taxes))))
    assert "VAT25%" in text
    assert "VAT10%" in text
    assert "VATreduced10%" in text


def test_a_country_code_is_printed_as_the_country():
    buyer = replace(BUYER, address=("Quay Side 121", "20095 Hamburg", "DE"))
    assert "Germany" in text_of(drawn(document(1, buyer=buyer)))
