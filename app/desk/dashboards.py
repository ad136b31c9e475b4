"""The manager's dashboards: figures, charts, the rows behind every mark, and exports of all."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for

from app.core.errors import RuleError
from app.core.export import KINDS, Cell, download
from app.core.security import may, requires
from app.desk import dashboard_figures as figures
from app.desk.dashboard_filters import Filters, read
from app.desk.dashboard_rows import behind
from app.desk.periods import presets
from app.staff.queries import departments
from reports import svg, theme
from reports.charts import HOUR, Chart

blueprint = Blueprint("dashboards", __name__, url_prefix="/dashboards")
PAGE_SIZE = 50


@blueprint.get("/")
@requires("see", "Dashboards")
def index() -> str | tuple[str, int]:
    """Show every chart over the filters of the address; without scripts as tables and drawings."""
    problems: tuple[str, ...] = ()
    try:
        filters = read(request.args)
    except RuleError as error:
        filters, problems = read({}), error.problems
    charts = figures.draw_all(filters)
    page = render_template(
        "desk/dashboards/index.html",
        filters=filters,
        problems=problems,
        charts=charts.values(),
        drawings={name: svg.draw(chart) for name, chart in charts.items()},
        kpis=figures.kpis(filters, charts),
        presets=presets(filters.today),
        department_choices=[(one.id, one.name) for one in departments()],
        currency_choices=[(code, code) for code in filters.currencies],
        may_export=may("export", "Dashboards"),
        browser={
            "figures": {name: chart.figure() for name, chart in charts.items()},
            "theme": theme.desk(),
        },
        rows_url=_rows_addresses(filters),
        chart_url=chart_url,
    )
    return (page, 400) if problems else page


def _rows_addresses(filters: Filters) -> Callable[[str, str], str]:
    """By chart and key, the address of the rows behind a mark, all filters kept.

    A page has a hundred marks: what their addresses share is made once.
    """
    places = {name: url_for("dashboards.rows", name=name) for name in figures.DEFINITIONS}
    return lambda name, key: f"{places[name]}?{key}&{filters.query}"


def chart_url(name: str, kind: str, filters: Filters) -> str:
    """The address of a chart's own figures as a file."""
    return f"{url_for('dashboards.chart_file', name=name, kind=kind)}?{filters.query}"


@blueprint.get("/<name>/rows")
@requires("see", "Dashboards")
def rows(name: str) -> str:
    """Show the rows behind a mark, with their count and sum; in the drawer or as a page."""
    filters, found = _behind(name)
    count, total = found.total()
    pages = max(1, -(-count // PAGE_SIZE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    key = request.query_string.decode()
    return render_template(
        "desk/dashboards/rows.html",
        name=name,
        filters=filters,
        rows=found,
        shown=found.page(page, PAGE_SIZE),
        count=count,
        total=total,
        page=page,
        pages=pages,
        page_url=lambda number: f"{request.path}?{_without_page(key)}&page={number}",
        file_url=lambda kind: (
            f"{url_for('dashboards.rows_file', name=name, kind=kind)}?{_without_page(key)}"
        ),
        may_export=may("export", "Dashboards"),
    )


def _without_page(query: str) -> str:
    return "&".join(pair for pair in query.split("&") if pair and not pair.startswith("page="))


@blueprint.get("/<name>/rows.<kind>")
@requires("export", "Dashboards")
def rows_file(name: str, kind: str) -> Response:
    """Download all rows behind a mark as CSV or XLSX."""
    _, found = _behind(name)
    return download(_kind(kind), found.title, found.headers(), found.cells())


@blueprint.get("/<name>.<kind>")
@requires("export", "Dashboards")
def chart_file(name: str, kind: str) -> Response:
    """Download the figures of a chart as CSV or XLSX."""
    chart = figures.draw(_known(name), read(request.args))
    headers = [chart.label_title, *(f"{series.name} ({chart.unit})" for series in chart.series)]
    return download(_kind(kind), chart.title, headers, _figures_of(chart))


def _figures_of(chart: Chart) -> Iterator[list[Cell]]:
    for label, marks in chart.rows():
        yield [label, *(_exact(mark.value, chart.scale) for mark in marks)]


def _exact(value: int, scale: int) -> Cell:
    """Drawn units without a float: whole ones, else with as many decimals as they need."""
    if scale == 1:
        return value
    places = Decimal("0.0001") if scale == HOUR else Decimal(1) / scale
    return (Decimal(value) / scale).quantize(places)


def _behind(name: str) -> tuple[Filters, Any]:
    filters = read(request.args)
    return filters, behind(_known(name), request.args, filters)


def _known(name: str) -> str:
    if name not in figures.DEFINITIONS:
        abort(404)
    return name


def _kind(kind: str) -> str:
    if kind not in KINDS:
        abort(404)
    return kind
