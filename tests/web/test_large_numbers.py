"""Whatever number or day stands in an address: a page or a refusal, never an incident."""

import pytest

from tests.web.people import person, signed_in

HUGE = 10**30
BEYOND = "9999-12-31"
ADDRESSES = [
    *(
        f"{page}/{number}"
        for page in ("/billing/runs", "/billing/invoices", "/billing/payments", "/tickets", "/time")
        for number in (HUGE, 10**15)
    ),
    *(
        f"{page}?page={number}&company_id={number}"
        for page in ("/billing/rates", "/billing/taxes", "/billing/invoices", "/billing/payments")
        for number in (HUGE, 10**15)
    ),
    f"/billing/rates?on={BEYOND}",
    f"/billing/rates/new?company_id={HUGE}",
    f"/billing/payments/new?account_id={HUGE}&invoice={HUGE}",
    f"/billing/invoices?from={BEYOND}&to={BEYOND}",
    f"/billing/invoices.zip?id={HUGE}",
    f"/billing/invoices.csv?from=0001-01-01&to={BEYOND}",
    f"/dashboards/?period=custom&start={BEYOND}&end={BEYOND}&company={HUGE}",
    f"/tickets/?company={HUGE}&status={HUGE}&page={HUGE}",
    f"/tickets/?company={10**15}&page={10**15}",
    f"/time/week?day={BEYOND}",
    "/time/week?day=0001-01-01",
    f"/time/approval?from={BEYOND}&to={BEYOND}&company={HUGE}",
    f"/audit/?before={HUGE}&from={BEYOND}&to={BEYOND}",
    f"/search?q={HUGE}",
    f"/lookup/company?q={HUGE}",
    f"/companies/show/{HUGE}",
    *(f"/{page}{HUGE}" for page in ("inbox/?page=", "inbox/", "settings/mailboxes/", "logins/")),
    *(f"/{page}{HUGE}" for page in ("mail/?page=", "mail/", "jobs/?page=", "jobs/")),
    f"/companies/{HUGE}/logins",
]


@pytest.fixture
def admin(app):
    return signed_in(app, person("Admin", "Manager", "Billing", "Agent"))


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_huge_number_in_an_address_is_no_incident(admin, address):
    answer = admin.get(address, follow_redirects=True)
    assert answer.status_code in {200, 400, 404, 422}, answer.status_code
