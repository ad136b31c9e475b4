"""Columns are recognised in five languages; what is not recognised is kept."""

import csv

import pytest

from app.core.errors import UnusableInputError
from app.imports import mapping
from app.imports.identity import IdentityCheck, clash


def proposed(kind: str, *headers: str, rows=(), chosen=None):
    check = IdentityCheck(mapping.propose(kind, headers, rows, chosen))
    for line, row in enumerate(rows, start=2):
        check.see(line, row)
    return check.settle()


def named(columns: mapping.Columns) -> dict[str, str]:
    return {target: columns.headers[at] for target, at in columns.targets.items()}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Account", "Billing City"], {"name": "Account", "billing_city": "Billing City"}),
        (["Customer Name", "Zip"], {"name": "Customer Name", "billing_postcode": "Zip"}),
        (["Firma", "Straße", "PLZ", "Ort", "Währung", "USt-IdNr."],
         {"name": "Firma", "billing_street": "Straße", "billing_postcode": "PLZ",
          "billing_city": "Ort", "currency": "Währung", "tax_id": "USt-IdNr."}),
        (["Raison sociale", "Adresse", "Code postal", "Ville", "N° TVA"],
         {"name": "Raison sociale", "billing_street": "Adresse", "tax_id": "N° TVA",
          "billing_postcode": "Code postal", "billing_city": "Ville"}),
        (["Razón social", "Dirección", "Código postal", "País", "Teléfono", "NIF/CIF"],
         {"name": "Razón social", "billing_street": "Dirección", "billing_country": "País",
          "billing_postcode": "Código postal", "phone": "Teléfono", "tax_id": "NIF/CIF"}),
        (["Bedrijfsnaam", "Adres", "Postcode", "Plaats", "Land", "BTW-nummer"],
         {"name": "Bedrijfsnaam", "billing_street": "Adres", "billing_postcode": "Postcode",
          "billing_city": "Plaats", "billing_country": "Land", "tax_id": "BTW-nummer"}),
    ],
)  # fmt: skip
def test_company_columns_in_five_languages(headers, expected) -> None:
    assert named(proposed("companies", *headers)) == expected


@pytest.mark.parametrize(
    ("headers", "row", "expected"),
    [
        ("Date;Start;End", "2026-11-02;09:00;10:07", {"date", "start_time", "end_time"}),
        ("Tag;Beginn;Ende", "2.11.2026;9:00 Uhr;10:07 Uhr", {"date", "start_time", "end_time"}),
        ("Date;Start;End", "2026-11-02;2026-11-02 09:00;10:07", {"date", "start", "end_time"}),
        ("Start;End", "09:00;10:07", {"start", "end"}),
        ("Start time;End time", "2026-11-02 09:00;2026-11-02 10:07", {"start", "end"}),
        ("Date;Von;Bis", "2.11.2026;9:00;", {"date", "start_time", "end_time"}),
    ],
)
def test_times_of_day_are_told_from_moments_by_their_cells(headers, row, expected) -> None:
    columns = mapping.propose(
        "time", ["User", *headers.split(";")], [["Ada", *row.split(";")]], complete=False
    )
    assert columns.targets.keys() == {"person", *expected}


@pytest.mark.parametrize("header", ["Language", "lang", "Locale", "Sprache", "Langue", "Idioma"])
@pytest.mark.parametrize("kind", ["companies", "contacts"])
def test_the_column_of_languages(kind, header) -> None:
    assert named(proposed(kind, "Name", header))["language"] == header


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Mitarbeiter", "Kunde", "Datum", "Stunden", "Beschreibung", "Abrechenbar"],
         {"person", "company", "date", "hours", "description", "billable"}),
        (["Utilisateur", "Client", "Date", "Durée", "Tâche"],
         {"person", "company", "date", "duration", "task"}),
        (["Medewerker", "Klant", "Datum", "Begintijd", "Eindtijd"],
         {"person", "company", "date", "start_time", "end_time"}),
        (["Usuario", "Cliente", "Fecha", "Horas", "Proyecto"],
         {"person", "company", "date", "hours", "project"}),
    ],
)  # fmt: skip
def test_time_columns_in_other_languages(headers, expected) -> None:
    assert set(named(proposed("time", *headers))) == expected


def test_unknown_columns_keep_their_names() -> None:
    columns = proposed("companies", "Company", "Sector", "Ref", "Type", rows=[("A", "x", "1", "F")])
    assert columns.extras == {1: "Sector", 3: "Type"}
    assert columns.as_json() == {
        "Company": "name", "Sector": "extra", "Ref": "external_id", "Type": "extra",
    }  # fmt: skip


def test_a_kind_that_is_not_ours_is_an_extra() -> None:
    headers = ("Company Name", "Kind")
    assert "kind" not in proposed("companies", *headers, rows=[("A", "GENERAL")]).targets
    assert "kind" in proposed("companies", *headers, rows=[("A", "Department")]).targets


@pytest.mark.parametrize("header", ["LEI", "Ref", "External ID", "Customer ID", "ID Number",
                                    "Account Number", "Kundennummer", "Symbol",
                                    "Number"])  # fmt: skip
def test_external_ids(header: str) -> None:
    columns = proposed("companies", "Company", header, rows=[("A", "1"), ("B", "2")])
    assert named(columns)["external_id"] == header
    assert columns.source.endswith(":" + mapping.key(header))


def test_the_surest_id_wins_and_the_other_is_kept() -> None:
    columns = proposed(
        "companies", "Number", "Company", "LEI", rows=[("1", "A", "X"), ("2", "B", "Y")]
    )
    assert named(columns)["external_id"] == "LEI"
    assert columns.extras == {0: "Number"}


def test_a_value_beside_different_names_is_no_identity() -> None:
    rows = [("Fox A", "7", "1"), ("Fox B", "7", "2"), ("fox a", "7", "1")]
    columns = proposed("companies", "Company", "Ref", "Symbol", rows=rows)
    assert named(columns)["external_id"] == "Symbol"
    assert columns.extras == {1: "Ref"}
    alone = proposed("companies", "Company", "Ref", rows=[row[:2] for row in rows])
    assert (alone.identity, alone.source) == (None, "generic")


def test_an_id_that_a_person_named_stays_and_the_rows_in_question_are_told() -> None:
    rows = [("Fox A", "7"), ("Fox B", "7"), ("fox a", "7"), ("Ox", "8")]
    guessed = proposed("companies", "Company", "Ref", rows=rows)
    assert "lines 2 and 3" in guessed.doubts[1]
    stated = proposed("companies", "Company", "Ref", rows=rows, chosen={"Ref": "external_id"})
    assert (stated.identity, stated.doubts) == (1, {})
    told = [clash(stated, row) for row in rows]
    assert ["lines 2 and 3" in reason for reason in told] == [True, True, True, False]
    assert told[3] == ""
    own = ["Tallydesk ID", "Name", "External ID", "Tallydesk source"]
    both = [("1", "A", "7", "x"), ("2", "B", "7", "y"), ("3", "C", "7", "y")]
    columns = proposed("companies", *own, rows=both)
    assert [bool(clash(columns, row)) for row in both] == [False, True, True]
    people = [("Ana", "Ruiz", "1"), ("Bo", "Li", "2")]
    contacts = proposed("contacts", "First name", "Last name", "ID", rows=people)
    assert contacts.identity == 2


def test_an_empty_id_column_is_no_identity() -> None:
    columns = proposed("companies", "Name", "ID Number", rows=[("A", ""), ("B", " ")])
    assert columns.identity is None


def test_a_missing_name_lists_the_headers() -> None:
    with pytest.raises(UnusableInputError, match="'Foo', 'Bar'"):
        mapping.propose("companies", ["Foo", "Bar"])
    with pytest.raises(UnusableInputError, match="duration"):
        mapping.propose("time", ["User", "Date"])


def test_a_person_corrects_the_mapping() -> None:
    columns = mapping.propose("companies", ["Name", "Trading as", "Colour", "Ref"])
    chosen = {"Trading as": "name", "Colour": "", "Name": "extra"}
    changed = mapping.override(columns, chosen)
    assert changed.as_json() == {
        "Name": "extra", "Trading as": "name", "Colour": "", "Ref": "external_id",
    }  # fmt: skip
    with pytest.raises(UnusableInputError) as refusal:
        mapping.override(columns, {"Shape": "name", "Name": "nonsense"})
    assert len(refusal.value.problems) == 2


ITFLOW = (
    "Client Name,Industry,Referral,Website,Location Name,Location Phone,Location Address,City,"
    "State,Postal Code,Country,Contact Name,Title,Contact Phone,Extension,Contact Mobile,"
    "Contact Email,Hourly Rate,Currency,Payment Terms,Tax ID,Abbreviation"
)


def test_the_22_columns_of_itflow() -> None:
    columns = proposed("companies", *ITFLOW.split(","))
    assert columns.preset == "itflow"
    found = named(columns)
    assert found["billing_street"] == "Location Address"
    assert (found["contact_name"], found["contact_email"]) == ("Contact Name", "Contact Email")
    assert (found["phone"], found["terms_days"]) == ("Location Phone", "Payment Terms")


@pytest.mark.parametrize(
    ("file", "kind", "preset", "checks"),
    [
        ("accounting-exports/zoho_contacts.csv", "companies", "zoho",
         {"name": "Company Name", "external_id": "Customer ID", "contact_email": "EmailID"}),
        ("accounting-exports/zoho_invoices.csv", "companies", "zoho",
         {"name": "Customer Name", "external_id": "Customer ID"}),
        ("accounting-exports/wave_clients.csv", "companies", "wave",
         {"name": "customer_name", "currency": "customer_currency",
          "billing_street": "address_line_1", "shipping_city": "ship-to_city"}),
        ("accounting-exports/wave_invoices.csv", "companies", "wave", {"name": "Customer"}),
        ("accounting-exports/freshbooks_clients.csv", "companies", "freshbooks",
         {"name": "Organization", "contact_email": "Email", "billing_region": "Province/State"}),
        ("accounting-exports/freshbooks_invoices.csv", "companies", "freshbooks",
         {"name": "Client Name"}),
        ("accounting-exports/clients.csv", "companies", "invoiceninja",
         {"name": "Name", "phone": "Phone", "contact_phone": "Phone (2)", "tax_id": "VAT Number",
          "billing_postcode": "Billing Postal Code"}),
        ("companies-gleif/companies_cp1250_tab.txt", "companies", "gleif",
         {"name": "Company Name", "external_id": "LEI", "billing_country": "Country"}),
        ("companies-gleif/companies_utf8_semicolon.csv", "companies", "generic",
         {"name": "Company", "external_id": "Ref"}),
        ("companies-sp500/constituents.csv", "companies", "sp500",
         {"name": "Security", "external_id": "Symbol"}),
        ("incidents-servicenow/incident_events.csv", "tickets", "servicenow",
         {"number": "number", "status": "incident_state", "requester_name": "caller_id",
          "department": "assignment_group", "revision": "sys_mod_count"}),
        ("incidents-servicenow/incidents_rest_demo.csv", "tickets", "servicenow",
         {"subject": "short_description", "opened_at": "opened_at"}),
        ("time-exports/toggl_detailed_real.csv", "time", "toggl",
         {"person": "User", "email": "Email", "start_date": "Start date", "duration": "Duration"}),
        ("time-exports/solidtime_clockify_time_entries_import_test_1.csv", "time", "clockify",
         {"duration": "Duration (h)", "hours": "Duration (decimal)", "end_time": "End Time"}),
        ("time-exports/solidtime_clockify_time_entries_import_test_7.csv", "time", "clockify",
         {"company": "Client"}),
        ("time-exports/solidtime_harvest_time_entries_import_test_1.csv", "time", "harvest",
         {"date": "Date", "hours": "Hours", "first_name": "First Name", "billable": "Billable?"}),
        ("time-exports/solidtime_generic_time_entries_import_test_1.csv", "time", "generic",
         {"person": "user_name", "start": "start", "end": "end"}),
        ("time-exports/solidtime_harvest_clients_import_test_1.csv", "companies", "harvest",
         {"name": "Client Name"}),
    ],
)  # fmt: skip
def test_known_exports(shared_data, file, kind, preset, checks) -> None:
    from app.imports import dialect

    with (shared_data / file).open("rb") as stream:
        found = dialect.sniff(stream, is_known=lambda header: mapping.knows(kind, header))
        rows = [cells for _, cells in dialect.rows(stream, found)]
    columns = proposed(kind, *found.headers, rows=rows)
    assert columns.preset == preset
    assert checks.items() <= named(columns).items()
    assert columns.invoices == ("invoices" in file)


def test_the_central_index_key_of_share_classes_is_no_identity(shared_data) -> None:
    path = shared_data / "companies-sp500" / "constituents.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["Security"], row["CIK"]) for row in csv.DictReader(file)]
    assert proposed("companies", "Security", "Number", rows=rows).identity is None


def test_the_flag_of_a_wave_export_is_no_street() -> None:
    headers = [
        "customer_name", "contact_first_name", "customer_currency", "address_line_1",
        "shipping_address", "ship-to_address_line_1", "ship-to_city",
    ]  # fmt: skip
    found = mapping.propose("companies", headers).as_json()
    assert found["shipping_address"] == "extra"
    assert found["ship-to_address_line_1"] == "shipping_street"
    assert found["ship-to_city"] == "shipping_city"
