"""Charts: whole marks, sentences that are true, figures that travel light, tables that agree."""

import json
import xml.etree.ElementTree as ET

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import svg, theme
from reports.charts import Chart, distinct, percent
from reports.frames import AGEING, FLOW, HOURS, UNBILLED, FrameError, validate
from reports.receivables import AGES, REST, receivables_by_age, unbilled_by_company
from reports.workload import hours_by_billability, ticket_flow

WEEKS = {f"2026-{month:02}-{day:02}": f"{day}/{month}" for month in range(1, 13) for day in (2, 16)}


def hours_chart() -> Chart:
    frame = HOURS.frame([("2026-01-02", 7200, 1800), ("2026-03-16", 5400, 0)])
    return hours_by_billability(frame, WEEKS, before=(3600, 3600))


def flow_chart() -> Chart:
    frame = FLOW.frame([(week, 3, 2, 10 + at) for at, week in enumerate(WEEKS)])
    return ticket_flow(frame, WEEKS, open_before=9)


def unbilled_chart(count: int = 14) -> Chart:
    rows = [(number, f"Company {number}", 1000 * number, 2) for number in range(1, count + 1)]
    return unbilled_by_company(UNBILLED.frame(rows), currency="EUR", exponent=2)


def ageing_chart() -> Chart:
    rows = [("current", 5000, 2), ("1-30", 2500, 1), ("91+", 2500, 4)]
    return receivables_by_age(AGEING.frame(rows), currency="EUR", exponent=2)


CHARTS = [hours_chart, flow_chart, unbilled_chart, ageing_chart]


def test_hours_say_how_much_was_billable_and_how_much_before():
    chart = hours_chart()
    assert chart.takeaway == "4:00 h worked, 88 % of it billable; 50 % in the period before"
    assert [row[0] for row in chart.rows()] == list(WEEKS.values())
    assert sum(mark.value for mark in chart.series[0].marks) == 12600
    assert chart.series[0].marks[0].query == "bucket=2026-01-02&part=billable"


def test_ticket_flow_says_what_is_left_and_compares():
    chart = flow_chart()
    assert chart.takeaway == (
        "33 tickets open at the end, 24 more than at the start; 72 opened, 48 closed"
    )
    assert chart.series[2].line


def test_unbilled_value_shows_ten_companies_and_the_rest():
    chart = unbilled_chart()
    assert len(chart.marks) == 11
    assert chart.labels[0] == "Company 14"
    assert chart.labels[-1] == "4 other companies"
    assert chart.marks[-1].key == {"company_id": REST}
    assert chart.marks[-1].value == 1000 * (1 + 2 + 3 + 4)
    assert "EUR\u00a01,050.00 wait in 28 entries; Company 14 alone is 13 %" in chart.takeaway
    assert "priced alone" in chart.unit


def test_receivables_say_what_is_past_due():
    chart = ageing_chart()
    assert chart.takeaway == "EUR\u00a0100.00 is owed; EUR\u00a050.00 (50 %) is past due"
    assert {mark.key["age"]: mark.value for mark in chart.marks} == {
        "current": 5000, "1-30": 2500, "31-60": 0, "61-90": 0, "91+": 2500,
    }  # fmt: skip


def test_empty_frames_give_charts_that_say_so():
    empty = [
        hours_by_billability(HOURS.frame([]), WEEKS),
        ticket_flow(FLOW.frame([]), WEEKS, open_before=0),
        unbilled_by_company(UNBILLED.frame([]), currency="JPY", exponent=0),
        receivables_by_age(AGEING.frame([]), currency="KWD", exponent=3),
    ]
    for chart in empty:
        assert chart.is_empty
        assert chart.takeaway
        assert svg.draw(chart)
        go.Figure(chart.figure())


@pytest.mark.parametrize("make", CHARTS)
def test_a_figure_is_valid_small_and_without_colours(make):
    figure = make().figure()
    told = json.dumps(figure)
    assert len(told) < 15_000
    assert "#" not in told
    assert "template" not in figure["layout"]
    go.Figure(figure)


@pytest.mark.parametrize("make", CHARTS)
def test_the_figure_the_table_and_the_marks_hold_the_same_values(make):
    chart = make()
    drawn = [pair for trace in chart.figure()["data"] for pair in trace["customdata"]]
    listed = [mark for at in range(len(chart.series)) for mark in chart.series[at].marks]
    assert drawn == [[mark.text, mark.query] for mark in listed]
    cells = [mark for _, marks in chart.rows() for mark in marks]
    assert sorted(mark.query for mark in cells) == sorted(mark.query for mark in listed)


@pytest.mark.parametrize("make", CHARTS)
def test_the_svg_is_well_formed_and_draws_every_bar_within_its_frame(make):
    chart = make()
    root = ET.fromstring(svg.draw(chart).replace("<svg", '<svg xmlns="urn:svg"', 1))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    bars = root.findall("{urn:svg}rect")
    assert len(bars) == sum(len(series.marks) for series in chart.series if not series.line)
    for bar in bars:
        left, top, wide, high = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert left >= 0
        assert top > -0.1
        assert left + wide <= width + 0.1
        assert top + high <= height + 0.1


def test_a_hostile_company_name_is_text_in_the_svg():
    name = '"><script>alert(1)</script>'
    chart = unbilled_by_company(UNBILLED.frame([(1, name, 100, 1)]), currency="EUR", exponent=2)
    assert "<script" not in svg.draw(chart)


def test_companies_of_one_name_keep_bars_of_their_own():
    rows = [(1, "Acme", 300, 1), (2, "Acme", 200, 1)]
    chart = unbilled_by_company(UNBILLED.frame(rows), currency="EUR", exponent=2)
    assert chart.labels == ("Acme", "Acme (2)")
    assert [mark.key["company_id"] for mark in chart.marks] == ["1", "2"]


@given(st.lists(st.integers(0, 10**12), max_size=40))
def test_all_unbilled_money_stands_in_some_mark(amounts):
    rows = [(at, f"C{at}", amount, 1) for at, amount in enumerate(amounts)]
    chart = unbilled_by_company(UNBILLED.frame(rows), currency="EUR", exponent=2)
    assert sum(mark.value for mark in chart.marks) == sum(amounts)


def test_a_frame_that_breaks_its_contract_is_refused_with_every_fault():
    frame = HOURS.frame([("2026-01-02", 1, 2)]).rename(columns={"other": "else"})
    frame["billable"] = frame["billable"] / 2
    with pytest.raises(FrameError, match="no column other, unknown column else, billable is float"):
        validate(frame, HOURS)


def test_every_contract_keeps_whole_numbers_whole():
    big = 2**53 + 1
    frame = AGEING.frame([("current", big, 1)])
    assert int(frame["amount"].sum()) == big
    assert set(AGES) == {"current", "1-30", "31-60", "61-90", "91+"}


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("name", "panel"), [("light", "#FFFFFF"), ("dark", "#161E1D")])
def test_every_colour_stands_out_from_the_panel(name, panel):
    ground = luminance(panel)
    for colour in [*theme.COLOURS[name], *theme.MEANINGS[name].values()]:
        pair = sorted((luminance(colour), ground))
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_the_browser_never_sends_a_chart_away():
    config = theme.desk()["config"]
    assert config["showSendToCloud"] is False
    assert config["plotlyServerURL"] == ""
    for one in theme.desk()["templates"].values():
        go.layout.Template(layout=one["layout"])


def test_shares_and_labels():
    assert [percent(1, 3), percent(1, 2), percent(5, 8), percent(0, 0)] == [
        "33 %",
        "50 %",
        "63 %",
        "–",
    ]
    assert distinct(["a", "b", "a"]) == ["a", "b", "a (2)"]
