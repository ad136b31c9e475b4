"""The dashboards: every mark opens rows whose sum it is; filters, exports, roles, bad addresses."""

import csv
import html
import io
import json
import re
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import func, select

from app.billing.engine import ageing
from app.billing.queries_dashboards import due_days
from app.companies.models import Company
from app.core import clock
from app.core.db import db
from app.desk.dashboard_figures import DEFINITIONS
from app.staff.models import Department
from app.timelog.models import TimeEntry
from tests.web import dashboard_world as world
from tests.web.people import person, signed_in, visitor

SPAN = "from=2026-01-05&to=2026-04-14"


@pytest.fixture
def manager(app):
    world.build()
    with clock.frozen(world.TODAY):
        yield signed_in(app, person("Manager"))


def figures(page: str) -> dict:
    told = re.search(r'id="chart-data">(.*?)</script>', page, re.DOTALL)
    return json.loads(told[1])["figures"]


def marks(page: str) -> list[tuple[str, float, str, str]]:
    """(chart, drawn value, words, query) of every mark that can be opened."""
    found = []
    for name, figure in figures(page).items():
        for trace in figure["data"]:
            values = trace["x"] if trace.get("orientation") == "h" else trace["y"]
            found += [
                (name, value, words, query)
                for value, (words, query) in zip(values, trace["customdata"], strict=True)
                if query
            ]
    return found


def total_of(page: str) -> int:
    told = re.search(r'data-total="(-?\d+)"', page)
    return int(told[1]) if told else 0


SCALES = {"hours": 3600, "tickets": 1, "unbilled": 100, "receivables": 100}
DAYS = "from=2026-03-02&to=2026-03-15"
YEAR = "from=2025-04-01&to=2026-03-31"
HEADINGS = (
    (SPAN, "hours", "bucket=all&part=all", "Hours worked, 5 Jan 2026 to 14 Apr 2026"),
    (SPAN, "hours", "bucket=2026-03-02&part=other", "Hours not billable, week of 2 Mar 2026"),
    (DAYS, "hours", "bucket=2026-03-02&part=billable", "Billable hours, 2 Mar 2026"),
    (YEAR, "tickets", "bucket=2026-03-01&part=opened", "Tickets opened, March 2026"),
    (YEAR, "tickets", "bucket=all&part=backlog", "Tickets open at the end of 31 Mar 2026"),
    (SPAN, "tickets", "bucket=2026-03-02&part=backlog", "Tickets open at the end of 8 Mar 2026"),
    (SPAN, "unbilled", "company_id=all", "Unbilled value of all companies"),
    (SPAN, "receivables", "age=all", "All receivables"),
    (SPAN, "receivables", "age=overdue", "Overdue receivables"),
    (SPAN, "receivables", "age=current", "Receivables not due yet"),
    (SPAN, "receivables", "age=31-60", "Receivables 31–60 days past due"),
    (SPAN, "receivables", "age=91+", "Receivables over 90 days past due"),
)
FILTERS = ["", "&department=%d", "&company=%d", "&company=%d&department=%d", "&currency=KWD"]


@pytest.mark.parametrize(
    ("span", "more"),
    [*((DAYS, each) for each in FILTERS), *((SPAN, each) for each in (FILTERS[0], FILTERS[3]))],
)
def test_every_mark_is_the_sum_of_the_rows_behind_it(manager, span, more):
    ids = (world.id_of(Company, "Company 01"), world.id_of(Department, "Support"))
    chosen = {1: (ids[0] if "company" in more else ids[1],), 2: ids}.get(more.count("%d"), ())
    query = span + (more % chosen if chosen else more)
    page = manager.get(f"/dashboards/?{query}").text
    found = marks(page)
    assert {name for name, *_ in found} == set(DEFINITIONS) - (
        {"unbilled"} if not figures(page)["unbilled"]["data"][0]["customdata"] else set()
    )
    scales = SCALES | ({"unbilled": 1000, "receivables": 1000} if "KWD" in more else {})
    for name, value, words, key in found:
        answer = manager.get(f"/dashboards/{name}/rows?{key}&{query}")
        assert answer.status_code == 200
        assert total_of(answer.text) == round(value * scales[name]), (name, words, key)


def test_every_key_figure_is_the_sum_of_the_rows_it_opens(manager):
    page = manager.get(f"/dashboards/?{SPAN}").text
    links = re.findall(r'<a href="([^"]+)" data-drawer class="kpi[^>]*>(.*?)</a>', page, re.DOTALL)
    assert len(links) == 5
    for link, body in links:
        answer = manager.get(html.unescape(link))
        figure = re.search(r'kpi-figure">(?:<small.*?</small> )?([\d,.:]+|–)', body)[1]
        told = re.search(r"<b data-total[^>]*>([^<]*)</b>", answer.text)[1]
        if "%" not in body:
            assert re.sub(r"[^\d.:]", "", told).startswith(figure.replace(",", ""))


def test_the_heading_of_the_rows_says_what_they_are(manager):
    for span, chart, key, heading in HEADINGS:
        page = manager.get(f"/dashboards/{chart}/rows?{key.replace('+', '%2B')}&{span}").text
        assert f"<h1>{heading}</h1>" in page, re.search("<h1.*?</h1>", page, re.DOTALL)[0]


def test_the_figures_equal_a_plain_sum(manager):
    page = manager.get(f"/dashboards/?{SPAN}").text
    billable, recorded = db.session.execute(
        select(func.sum(TimeEntry.billable_seconds), func.sum(TimeEntry.recorded_seconds))
    ).one()
    hours = figures(page)["hours"]["data"]
    drawn = [sum(round(value * 3600) for value in trace["y"]) for trace in hours]
    assert drawn == [billable, recorded - billable]


def test_pages_of_rows_and_exports_hold_the_same_rows(manager):
    address = f"/dashboards/hours/rows?bucket=all&part=all&{SPAN}"
    rows = 0
    for number in range(1, 6):
        page = manager.get(f"{address}&page={number}").text
        rows += len(re.findall(r"<tr><td", page)) if f">{number}<" in page or number == 1 else 0
    total = total_of(page)
    file = manager.get(address.replace("/rows?", "/rows.csv?"))
    told = list(csv.reader(io.StringIO(file.get_data().decode("utf-8-sig"), newline="")))
    assert told[0][-1] == "Hours (seconds)"
    assert sum(int(row[-1]) for row in told[1:]) == total
    assert rows == len(told) - 1 == 180
    book = openpyxl.load_workbook(
        io.BytesIO(manager.get(address.replace("/rows?", "/rows.xlsx?")).get_data())
    )
    values = [row[-1] for row in book.active.iter_rows(min_row=2, values_only=True)]
    assert sum(values) == total


def test_a_formula_in_a_description_is_text_in_the_export_and_on_the_page(manager):
    address = f"/dashboards/hours/rows.csv?bucket=all&part=all&{SPAN}"
    told = manager.get(address).get_data().decode()
    assert "\"'=cmd" in told
    assert ',"=cmd' not in told
    page = manager.get(f"/dashboards/hours/rows?bucket=all&part=all&{SPAN}").text
    assert "<script>alert" not in page


def test_a_chart_leaves_as_a_file_with_its_own_figures(manager):
    page = manager.get(f"/dashboards/?{SPAN}").text
    for name in DEFINITIONS:
        file = manager.get(f"/dashboards/{name}.csv?{SPAN}")
        rows = list(csv.reader(io.StringIO(file.get_data().decode("utf-8-sig"), newline="")))
        for at, trace in enumerate(figures(page)[name]["data"]):
            values = trace["x"] if trace.get("orientation") == "h" else trace["y"]
            told = [float(row[at + 1]) for row in rows[1:]]
            assert told == pytest.approx(values, abs=0.0001), name
        assert manager.get(f"/dashboards/{name}.xlsx?{SPAN}").get_data().startswith(b"PK")


def test_the_page_works_without_scripts(manager):
    page = manager.get(f"/dashboards/?{SPAN}").text
    assert page.count('<svg class="chart-svg"') == 4
    assert page.count("<summary>Show as table</summary>") == 4
    links = re.findall(r'<td class="figure"><a href="([^"]+)"', page)
    assert len(links) > 30
    assert all(manager.get(html.unescape(link)).status_code == 200 for link in links[::10])


def test_a_company_brings_those_below_it(manager):
    company = world.id_of(Company, "Company 00")
    page = manager.get(f"/dashboards/hours/rows?bucket=all&part=all&{SPAN}&company={company}").text
    assert "Company 00" in page
    assert "Site 0" in page
    assert "Company 05" not in page


def test_a_typed_company_is_found_without_scripts(manager):
    page = manager.get(f"/dashboards/?{SPAN}&company=&company_text=Company+03").text
    assert "Company 03 and below" in page


def test_filters_stay_in_every_link(manager):
    company = world.id_of(Company, "Company 00")
    page = manager.get(f"/dashboards/?{SPAN}&company={company}").text
    links = [html.unescape(link) for link in re.findall(r'href="(/dashboards/[^"]*\?[^"]*)"', page)]
    assert links
    assert all(f"company={company}" in link for link in links)


BAD_FILTERS = {
    "from=yesterday": "is not a date",
    "from=2026-03-02&to=2026-03-01": "ends (1 Mar 2026) before",
    "from=1900-01-01&to=2026-03-01": "longer than ten years",
    "company=99999": "no company",
    "company=%27%3B--": "no company",
    "department=x": "no department",
    "currency=ZZZ": "currency",
}


def test_a_bad_filter_is_named_and_the_page_still_stands(manager):
    for query, words in BAD_FILTERS.items():
        answer = manager.get(f"/dashboards/?{query}")
        assert answer.status_code == 400, query
        assert words in html.unescape(answer.text), query
        assert "<h1>Dashboards</h1>" in answer.text, query


def test_all_faults_of_an_address_are_told_at_once(manager):
    page = html.unescape(manager.get("/dashboards/?from=x&to=y&company=q").text)
    assert all(words in page for words in ("first day 'x'", "last day 'y'", "no company 'q'"))


def test_unknown_charts_and_files_are_not_there(manager):
    for address in ("nothing/rows", "hours.pdf", "hours/rows.exe?bucket=all&part=all", "no.csv"):
        assert manager.get(f"/dashboards/{address}").status_code == 404, address


BAD_KEYS = {
    "hours": ("", "bucket=1999-01-01&part=all", "bucket=all&part=x"),
    "tickets": ("", "bucket=1999-01-01&part=all", "bucket=all&part=x"),
    "unbilled": ("", "company_id=77"),
    "receivables": ("", "age=old"),
}


def test_a_key_of_no_mark_is_refused_in_words(manager):
    assert set(BAD_KEYS) == set(DEFINITIONS)
    for name, keys in BAD_KEYS.items():
        for key in keys:
            answer = manager.get(f"/dashboards/{name}/rows?{key}&{SPAN}")
            assert answer.status_code in {400, 409, 422}, (name, key)


def test_an_empty_agency_has_dashboards_too(app):
    page = signed_in(app, person("Manager")).get("/dashboards/").text
    assert page.count("Nothing to draw here") == 4


def test_agents_and_strangers_do_not_see_them(app):
    agent = signed_in(app, person("Agent"))
    for address in ("/dashboards/", "/dashboards/hours/rows", "/dashboards/hours.csv"):
        assert agent.get(address).status_code == 403
        assert visitor(app).get(address).status_code == 302


ALL_ROWS = (
    ("hours", "bucket=all&part=all"),
    ("tickets", "bucket=all&part=backlog"),
    ("unbilled", "company_id=all"),
    ("receivables", "age=all"),
)


def test_a_page_costs_the_same_at_any_number_of_rows(manager, statements):
    def asked() -> dict[str, int]:
        found = {}
        for address in (
            f"/dashboards/?{SPAN}",
            *(f"/dashboards/{name}/rows?{key}&{SPAN}" for name, key in ALL_ROWS),
        ):
            with statements() as seen:
                assert manager.get(address).status_code == 200
            found[address] = len(seen)
        return found

    few = asked()
    world.grow(9)
    assert asked() == few
    assert max(few.values()) <= 20


def test_ages_meet_without_gap_or_overlap():
    as_of = world.TODAY.date()
    for days in range(-40, 200):
        due = as_of - timedelta(days=days)
        fitting = []
        for age in ageing.BUCKETS:
            first, last = due_days(age, as_of)
            if (first is None or first <= due) and (last is None or due <= last):
                fitting.append(age)
        assert fitting == [ageing.bucket_of(due, as_of)]
