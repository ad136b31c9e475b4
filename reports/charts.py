"""A chart: marks that can be opened, the same marks as a table, and a figure for the browser."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from app.core.formats import grouped

HOUR = 3600

Meaning = Literal["done", "waiting", "neutral", "late"]
"""Fixed colours (ux §5): done petrol, waiting amber, neutral slate, late red."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing to click: its whole value, that value in words, and what finds its rows."""

    value: int
    text: str
    key: Mapping[str, str]

    @property
    def query(self) -> str:
        return urlencode(self.key)


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a mark for every label. `scale` turns values into drawn units."""

    name: str
    meaning: Meaning
    marks: tuple[Mark, ...]
    line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything a page shows of one report; `labels` stand on the axis, one for each mark.

    `scale` is what one drawn unit holds (seconds of an hour, minor units of the currency); `note`
    is a second remark, for the figure above the charts.
    """

    name: str
    title: str
    unit: str
    takeaway: str
    definition: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    scale: int = 1
    horizontal: bool = False
    label_title: str = "Period"
    note: str = ""

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Every mark that can be opened; one without a key only fills a place."""
        return tuple(mark for series in self.series for mark in series.marks if mark.key)

    @property
    def is_empty(self) -> bool:
        return not any(mark.value for mark in self.marks)

    def rows(self) -> list[tuple[str, list[Mark]]]:
        """The chart as a table: a label, then one mark of every series."""
        return [
            (label, [series.marks[at] for series in self.series])
            for at, label in enumerate(self.labels)
        ]

    def figure(self) -> dict[str, Any]:
        """A Plotly figure without colours: the browser adds the template of its theme."""
        return {
            "data": [self._trace(series) for series in self.series],
            "layout": {
                "barmode": "stack" if self._stacked else "group",
                "showlegend": len(self.series) > 1,
                "meta": {"meanings": [series.meaning for series in self.series]},
            }
            | self._axes(),
        }

    @property
    def _stacked(self) -> bool:
        return not any(series.line for series in self.series)

    def _trace(self, series: Series) -> dict[str, Any]:
        values = [mark.value / self.scale for mark in series.marks]
        labels = list(self.labels)
        place = "%{y}" if self.horizontal else "%{x}"
        trace: dict[str, Any] = {
            "type": "scatter" if series.line else "bar",
            "name": series.name,
            "x": values if self.horizontal else labels,
            "y": labels if self.horizontal else values,
            "customdata": [[mark.text, mark.query] for mark in series.marks],
            "hovertemplate": f"{place}<br>{series.name}: %{{customdata[0]}}<extra></extra>",
        }
        if series.line:
            trace["mode"] = "lines+markers"
        if self.horizontal:
            trace["orientation"] = "h"
        return trace

    def _axes(self) -> dict[str, Any]:
        values = {"rangemode": "tozero", "tickformat": ","}
        labels: dict[str, Any] = {"type": "category"}
        if self.horizontal:
            return {"xaxis": values, "yaxis": labels | {"autorange": "reversed"}}
        return {"xaxis": labels, "yaxis": values}


def percent(part: int, whole: int) -> str:
    """Write a share in whole percent, half up; an en dash where there is no whole."""
    return f"{(200 * part + whole) // (2 * whole)} %" if whole > 0 else "–"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{grouped(number)} {one if number == 1 else many or one + 's'}"


def difference(now: int, before: int) -> str:
    """Say by how much a count grew or shrank, in words."""
    if now == before:
        return "as many as"
    return f"{grouped(abs(now - before))} {'more' if now > before else 'fewer'} than"


def shortened(name: str, most: int = 28) -> str:
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"


def distinct(names: Sequence[str]) -> list[str]:
    """Tell equal labels apart by a number, since an axis would draw them as one."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
