"""Who is written to about an invoice, in which words, and how often."""

import pytest
from sqlalchemy import select

from app.billing import notifications
from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Mail
from jobs import load_handlers
from tests import factories as make
from tests.billing.issued import issued


@pytest.fixture(autouse=True)
def _agency(app):
    load_handlers()
    with unit_of_work():
        make.set_up_agency(email="desk@fjord.example")


def client(*, contacts: int = 1, **values):
    company = make.company("Client\nLtd", **values)
    for _ in range(contacts):
        make.contact(company, "Ana", role="billing")
    make.contact(company, "Nobody of billing", role="requester")
    return company


def invoice(company):
    return issued(make.account(company), gross=114750)


def mails():
    return db.session.scalars(select(Mail).order_by(Mail.id)).all()


def test_each_billing_contact_is_asked_to_pay_with_the_pdf(app):
    with unit_of_work():
        document = invoice(client(contacts=2))
        assert notifications.post_documents([document.id]) == 2
        assert notifications.post_documents([document.id]) == 0, "once for each occasion"
    first, second = mails()
    assert f",\n\nInvoice {document.number} for Client Ltd comes to EUR 1,147.50.\n" in first.body
    assert f"<p>Invoice {document.number} for Client Ltd comes to EUR 1,147.50.<br>" in first.html
    assert "Fjord &amp; Partners</p>" in first.html
    assert first.recipient != second.recipient
    assert first.subject == (
        f"ACTION: Invoice {document.number}: EUR 1,147.50 due 30 April 2026 from Fjord & Partners"
    )
    assert first.headers == {
        "From": "Fjord & Partners <no-reply@127.0.0.1>",
        "Reply-To": "desk@fjord.example",
    }
    assert first.attachments == [{"name": f"{document.number}.pdf", "document_id": document.id}]
    assert jobs.run_due() == 0, "it can be called back first"


def test_a_company_without_billing_contacts_is_written_to_itself(app):
    with unit_of_work():
        document = invoice(client(contacts=0, email="office@client.example"))
        notifications.post_documents([document.id])
    (mail,) = mails()
    assert mail.recipient == "office@client.example"
    assert mail.body.startswith("Dear Client Ltd,")


def test_who_has_no_language_is_written_to_in_the_companys_or_the_agencys(app):
    with unit_of_work():
        make.set_up_agency(language="de")
        german = invoice(client())
        french = invoice(client(contacts=0, email="office@client.example", language="fr"))
        notifications.post_documents([german.id, french.id])
    first, second = mails()
    number, due = german.number, "30. April 2026"
    assert first.subject == (
        f"ACTION: Rechnung {number} von Fjord & Partners: EUR 1.147,50 fällig am {due}"
    )
    assert first.body == (
        "Guten Tag Ana,\n\n"
        f"die Rechnung {number} für Client Ltd beläuft sich auf EUR 1.147,50.\n"
        f"Bitte zahlen Sie bis zum {due} und geben Sie {number} als Verwendungszweck an.\n\n"
        "Das Dokument finden Sie als PDF im Anhang.\n\nFjord & Partners\n"
    )
    assert second.body.startswith("Bonjour Client Ltd,")
    assert "EUR 1\u202f147,50" in second.body, "as the document in their language has it"


def test_without_any_address_nothing_is_posted_and_a_resend_says_so(app):
    with unit_of_work():
        document = invoice(client(contacts=0))
        assert notifications.post_documents([document.id]) == 0
        with pytest.raises(RuleError, match="billing contact"):
            notifications.post_again(document.id, key="n")


def test_the_mail_carries_the_stored_pdf(app):
    with unit_of_work():
        document = invoice(client())
        notifications.post_again(document.id, key="n")
        notifications.post_again(document.id, key="n")
    jobs.run_due()
    (mail,) = mails()
    assert mail.state == "kept", mail.reason


def test_many_documents_take_no_more_statements(app, statements):
    with unit_of_work():
        one, *many = [invoice(client()).id for _ in range(12)]
        with statements() as few:
            notifications.post_documents([one])
        with statements() as more:
            assert notifications.post_documents(many) == len(many)
    assert len(few) == len(more)
