"""The Plotly template `desk`: applied by the browser, so that a change of theme needs no request.

Colours and their fixed meanings are those of the design system: petrol for done or billable, amber
for unbilled or at risk, slate for non-billable or comparison, red only for overdue.
"""

from typing import Any

COLOURS = {
    "light": [
        "#0B5F6B",
        "#B4540A",
        "#3F5FB0",
        "#8A3FA0",
        "#A61E4D",
        "#5B6B00",
        "#4C6175",
        "#7A4B2A",
    ],
    "dark": [
        "#7AD0DA",
        "#F0A35E",
        "#9DB4FF",
        "#D09AE6",
        "#F48FB1",
        "#C3CF5A",
        "#A9B8C9",
        "#CFA27E",
    ],
}
MEANINGS = {
    "light": {"done": "#0B5F6B", "waiting": "#B4540A", "neutral": "#4C6175", "late": "#A3212A"},
    "dark": {"done": "#7AD0DA", "waiting": "#F0A35E", "neutral": "#A9B8C9", "late": "#FF9AA0"},
}
_INK = {
    "light": {"ink": "#16211F", "muted": "#53615F", "hairline": "#DCE3E1", "panel": "#FFFFFF"},
    "dark": {"ink": "#E4EBE9", "muted": "#A2B0AD", "hairline": "#2A3533", "panel": "#161E1D"},
}
FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif'
HEIGHT, PHONE_HEIGHT = 230, 200


def template(theme: str) -> dict[str, Any]:
    """The layout every figure starts from in `light` or `dark`."""
    ink = _INK[theme]
    axis = {
        "gridcolor": ink["hairline"],
        "linecolor": ink["hairline"],
        "zerolinecolor": ink["hairline"],
        "tickfont": {"color": ink["muted"], "size": 12},
        "title": {"font": {"color": ink["muted"], "size": 12}},
        "automargin": True,
        "tickangle": 0,
        "fixedrange": True,
    }
    return {
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 13, "color": ink["ink"]},
            "colorway": COLOURS[theme],
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "height": HEIGHT,
            "bargap": 0.35,
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": ink["panel"],
                "bordercolor": ink["hairline"],
                "font": {"family": FONT, "size": 13, "color": ink["ink"]},
            },
            "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
            "separators": ".,",
            "xaxis": axis | {"showgrid": False},
            "yaxis": axis,
        }
    }


def desk() -> dict[str, Any]:
    """All the browser needs: both templates, the colour of each meaning, Plotly's settings."""
    return {
        "templates": {theme: template(theme) for theme in COLOURS},
        "meanings": MEANINGS,
        "phoneHeight": PHONE_HEIGHT,
        "config": {
            "displayModeBar": False,
            "displaylogo": False,
            "showSendToCloud": False,
            "plotlyServerURL": "",
            "responsive": True,
        },
    }
