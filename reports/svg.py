"""Small bar charts as SVG, for pages without scripts, print and mail. Colours come from CSS."""

from html import escape

from reports.charts import Chart, Series

WIDTH, HEIGHT = 640, 200
BOTTOM, GAP = 22, 0.35
ROW, LABEL = 24, 210


def draw(chart: Chart) -> str:
    """Draw a chart as an SVG with classes `mark mark-MEANING`; each bar is titled in words."""
    return _rows(chart) if chart.horizontal else _columns(chart)


def _columns(chart: Chart) -> str:
    lines = [series for series in chart.series if series.line]
    bars = [series for series in chart.series if not series.line]
    stacked = not lines
    count = max(len(chart.labels), 1)
    tops = [sum(series.marks[at].value for series in bars) for at in range(len(chart.labels))]
    singles = [mark.value for series in chart.series for mark in series.marks]
    most = max([*(tops if stacked else []), *singles, 1])
    step, room = WIDTH / count, HEIGHT - BOTTOM
    parts = [_bar_group(chart, bars, at, step, room / most, stacked) for at in range(len(tops))]
    parts += [_line(series, step, room, room / most) for series in lines]
    every = max(1, -(-count // 8))
    parts += [
        f'<text x="{(at + 0.5) * step:.1f}" y="{HEIGHT - 6}" text-anchor="middle">'
        f"{escape(label)}</text>"
        for at, label in enumerate(chart.labels)
        if at % every == 0
    ]
    return _whole(chart, HEIGHT, parts)


def _bar_group(
    chart: Chart, bars: list[Series], at: int, step: float, unit: float, stacked: bool
) -> str:
    wide = step * (1 - GAP) / (1 if stacked else max(len(bars), 1))
    left, base = step * (at + GAP / 2), float(HEIGHT - BOTTOM)
    drawn = []
    for series in bars:
        mark = series.marks[at]
        high = max(mark.value, 0) * unit
        drawn.append(
            _bar(left, base - high, wide, high, series, f"{chart.labels[at]}: {mark.text}")
        )
        left, base = (left, base - high) if stacked else (left + wide, base)
    return "".join(drawn)


def _line(series: Series, step: float, room: float, unit: float) -> str:
    points = " ".join(
        f"{(at + 0.5) * step:.1f},{room - mark.value * unit:.1f}"
        for at, mark in enumerate(series.marks)
    )
    return f'<polyline class="mark-line mark-{series.meaning}" points="{points}"/>'


def _rows(chart: Chart) -> str:
    series = chart.series[0]
    most = max([mark.value for mark in series.marks] + [1])
    room = WIDTH - LABEL - 130
    parts = []
    for at, (label, mark) in enumerate(zip(chart.labels, series.marks, strict=True)):
        top, wide = at * ROW, room * max(mark.value, 0) / most
        parts.append(f'<text x="0" y="{top + 16}">{escape(label)}</text>')
        parts.append(_bar(LABEL, top + 4, wide, ROW - 8, series, f"{label}: {mark.text}"))
        parts.append(f'<text x="{LABEL + wide + 6:.1f}" y="{top + 16}">{escape(mark.text)}</text>')
    return _whole(chart, max(len(chart.labels), 1) * ROW, parts)


def _bar(left: float, top: float, wide: float, high: float, series: Series, words: str) -> str:
    return (
        f'<rect class="mark mark-{series.meaning}" x="{left:.1f}" y="{top:.1f}" '
        f'width="{wide:.1f}" height="{high:.1f}"><title>{escape(series.name)}, {escape(words)}'
        "</title></rect>"
    )


def _whole(chart: Chart, height: int, parts: list[str]) -> str:
    return (
        f'<svg class="chart-svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(chart.title)}: {escape(chart.takeaway)}">{"".join(parts)}</svg>'
    )
