"""Worked examples run the engine itself; what it does not know it says, and never guesses."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app
from app.billing.cases import check, check_file
from app.billing.wording import UnknownWordingError, understand
from app.core.errors import UnusableInputError
from tests.conftest import shared_folder

EXACT = "exact seconds, amount to 4 places half up"
TWELVE = [900, 1600, 4200, 8763, 3300, 600, 1300, 1837, 4217, 5400, 3283, 600]


def case(topic: str, policy: str, inputs: dict[str, Any], expected: dict[str, Any]) -> Any:
    return {"id": topic, "topic": topic, "policy": policy, "inputs": inputs, "expected": expected}


def rollup(policy: str, total: str, **more: Any) -> Any:
    inputs = {"hourly_rate": "114.75", "entry_seconds": TWELVE} | more
    return case("rollup", policy, inputs, {"total": total})


def one_line(amount: str, rate: str, **more: Any) -> dict[str, Any]:
    return {"lines": [{"qty": "1", "price": amount, "rate": rate}]} | more


KNOWN = [
    rollup("line-once", "1147.50"),
    rollup("sum the exact seconds first, then one amount", "1147.50"),
    rollup("entry-once", "1147.53"),
    rollup("each entry's amount rounded, then summed", "1147.53"),
    rollup("entry-4dp", "1147.50"),
    rollup("hours-2dp", "1147.51"),
    rollup("hours to 2 places half up first, then amount to 2 places half up", "1147.51"),
    rollup("each entry up to 15 min", "1262.25"),
    rollup("round each entry up to the next quarter of an hour, then sum", "1262.25"),
    rollup("line-once", "1262.25", step_min=15, mode="up"),
    case("time_amount", EXACT, {"hourly_rate": "3.60", "seconds": 25}, {"amount": "0.0250"}),
    case("duration", "up", {"seconds": 901, "step_seconds": 900}, {"billable_seconds": 1800}),
    case(
        "duration",
        "edges",
        {"begin": "9:05", "end": "9:20:01", "mode": "outward", "begin_step_min": 10},
        {"begin": "09:00:00", "billable_seconds": 1201},
    ),
    case(
        "tax",
        "tax per line rounded",
        {"prices": "inclusive", "lines": [{"price": "50", "rate": "19"}] * 2},
        {"tax": "15.96", "line_taxes": ["7.98", "7.98"]},
    ),
    case(
        "duration",
        "edges",
        {"begin": "9:01", "end": "9:04", "mode": "up", "begin_step_min": 15},
        {"begin": "09:15:00", "end": "09:04:00", "billable_seconds": 0},
    ),
    case("duration", "up", {"seconds": 0, "step_seconds": 900}, {"billable_seconds": 0}),
    case("tax", "category", one_line("100", "10", prices="inclusive"), {"net": "90.91"}),
    case(
        "tax",
        "category",
        one_line("100", "10", prices="exclusive"),
        {"taxable_amounts": ["100"], "tax": "10"},
    ),
    case(
        "invoice",
        "line net rounded",
        {"currency": "KWD", "lines": [{"price": "1.2345", "rate": "10"}]},
        {"net": "1.235", "tax": "0.124", "total": "1.359"},
    ),
    case(
        "invoice",
        "line net rounded",
        {"currency": "CLF", "lines": [{"price": "1.23455", "rate": "10"}]},
        {"net": "1.2346", "tax": "0.1235"},
    ),
    case(
        "rollup",
        "entry-4dp",
        {"hourly_rate": "3.6", "entry_seconds": [1] * 5, "currency": "KWD"},
        {"total": "0.005", "amounts": ["0.0010"] * 5},
    ),
    case(
        "invoice",
        "discount before tax",
        one_line("90", "10", invoice_discount={"kind": "percent", "value": "50"}),
        {"total": "49.50"},
    ),
    case(
        "tax",
        "discount spread over lines by their amount; tax per line rounded",
        {
            "prices": "exclusive",
            "lines": [{"price": "10", "rate": "10"}, {"price": "30", "rate": "10"}],
            "invoice_discount": {"kind": "amount", "value": "10"},
        },
        {"line_nets": ["7.50", "22.50"], "line_taxes": ["0.75", "2.25"]},
    ),
    case(
        "invoice",
        "line",
        {"currency": "JPY", "lines": [{"net": "5", "rates": ["10"], "discount_percent": "0"}]},
        {"tax": "1"},
    ),
    case(
        "invoice",
        "line net rounded",
        {"lines": [{"qty": "3", "price": "10", "rate": "0", "discount_percent": "5"}]},
        {"net": "28.50"},
    ),
    case(
        "en16931",
        "EN 16931: tax per category and rate on (line nets - allowances + charges)",
        {
            "lines": [{"net": "100", "rate": "20"}],
            "document_allowances_charges": [{"kind": "allowance", "amount": "10", "rate": "20"}],
            "prepaid": "8",
            "rounding": "0.02",
        },
        {"line_sum": "100", "allowances": "10", "net": "90", "gross": "108", "payable": "100.02"},
    ),
    case(
        "cash_rounding",
        "total to the nearest 0.05",
        {"total": "10.02"},
        {"total": "10.00", "rounding": "-0.02"},
    ),
    case(
        "tax",
        "category",
        {"lines": [{"price": "0.10", "rate": "5"}] * 3},
        {"tax": "0.02", "line_taxes": ["0.01", "0.01", "0"]},
    ),
    case(
        "cash_rounding",
        "total to the nearest 0.05",
        {"total": "-10.03"},
        {"total": "-10.05", "rounding": "-0.02"},
    ),
    case("cash_rounding", "", {"total": "10.02", "step": "0"}, {"total": "10.02", "rounding": "0"}),
    case(
        "proration",
        "credit and charge rounded each, net is their difference",
        {"old_price": "10", "new_price": "20", "days_left": 0, "days_in_period": 3},
        {"credit": "0", "charge": "0", "net": "0"},
    ),
    case(
        "proration",
        "credit and charge rounded each, net is their difference",
        {"old_price": "10", "new_price": "20", "days_left": 1, "days_in_period": 3},
        {"credit": "3.33", "charge": "6.67", "net": "3.34", "next_invoice": "3.34"},
    ),
    case(
        "rollup",
        "bill finished work only",
        {
            "hourly_rate": "20",
            "fixed_price": "50",
            "done_first": [{"hours": "1.5"}],
            "done_later": [{"fixed": True}],
        },
        {"first": "30", "second": "50", "billed_total": "80"},
    ),
    # what a discount cannot take is carried
    case(
        "invoice",
        "discount before tax",
        one_line("4", "0", invoice_discount={"kind": "amount", "value": "10"}),
        {"net": "0", "carried": "6"},
    ),
    case(
        "invoice",
        "discount before tax",
        {
            "lines": [{"price": "0", "rate": "0"}, {"price": "0.02", "rate": "0"}],
            "invoice_discount": {"kind": "amount", "value": "0.02"},
        },
        {"line_nets": ["0", "0"], "carried": "0"},
    ),
    case(
        "invoice",
        "discount before tax",
        {
            "lines": [{"price": "-0.05", "rate": "0"}, {"price": "0.03", "rate": "0"}],
            "invoice_discount": {"kind": "amount", "value": "0.01"},
        },
        {"line_nets": ["-0.05", "0.03"], "carried": "0.01"},
    ),
    *(
        case(
            "invoice",
            "discount before tax",
            one_line("10", "0", invoice_discount={"kind": kind, "value": "0"}),
            {"net": "10"},
        )
        for kind in ("amount", "percent")
    ),
    # what is owed
    case(
        "ageing",
        "",
        {
            "as_of": "2026-04-30",
            "open": [
                {"due": "2026-04-30", "amount": "1"},
                {"due": "2026-04-29", "amount": "2"},
                {"due": "2026-03-31", "amount": "4"},
                {"due": "2026-03-30", "amount": "8"},
                {"due": "2026-03-01", "amount": "16"},
                {"due": "2026-02-28", "amount": "32"},
                {"due": "2026-01-30", "amount": "64"},
                {"due": "2026-01-29", "amount": "128"},
            ],
        },
        {"current": "1", "1-30": "6", "31-60": "24", "61-90": "96", "91+": "128"},
    ),
    case("ageing", "", {"as_of": "2026-04-30", "open": []}, {"current": "0", "91+": "0"}),
    case(
        "statement",
        "",
        {
            "start": "2026-04-01",
            "end": "2026-05-01",
            "postings": [
                {"on": "2026-04-01", "amount": "50"},
                {"on": "2026-05-01", "amount": "7"},
                {"on": "2026-04-30", "amount": "-40"},
                {"on": "2026-03-31", "amount": "100"},
            ],
        },
        {"opening": "100", "movements": ["50", "-40"], "closing": "110"},
    ),
]

UNKNOWN = [
    rollup("half to even", "1147.50"),
    rollup("entry-once, line-once", "1147.50"),
    rollup("line-once", "1147.50", surcharge="5"),
    rollup("line-once", "1147.50", step_min=15),
    rollup("line-once", "1147.50", hourly_rate="a lot"),
    case("weather", "line-once", {}, {"rain": "1"}),
    case("duration", "up", {"begin": "9:00", "end": "10:00", "mode": "up"}, {"end": "10:00:00"}),
    case("duration", "edges", {"begin": "9:00", "end": "8:00", "mode": "up"}, {"end": "8:00:00"}),
    case("duration", "edges", {"begin": "noon", "end": "8:00", "mode": "up"}, {"end": "8:00:00"}),
    case("tax", "category", one_line("1", "1", prices="none"), {"tax": "0.01"}),
    case("tax", "inclusive", one_line("1", "1", prices="exclusive"), {"tax": "0.01"}),
    case("tax", "category", one_line("1", "1"), {"mood": "good"}),
    case(
        "tax",
        "category",
        one_line("1", "1", invoice_discount={"kind": "gift", "value": "1"}),
        {"tax": "0.01"},
    ),
    case("en16931", "inclusive", {"lines": []}, {"net": "0"}),
    case("cash_rounding", "total to the nearest 0.05", {"total": "1", "step": "1"}, {"total": "1"}),
    {"id": "empty"},
]


@pytest.mark.parametrize("known", KNOWN)
def test_a_case_that_is_understood_is_computed(known: Any) -> None:
    verdict = check([known])
    assert (verdict.passed, verdict.failed, verdict.unsupported) == (1, [], [])


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_what_is_not_known_is_unsupported(unknown: Any) -> None:
    assert check([unknown]).unsupported == [unknown["id"]]


def test_a_wrong_figure_fails_with_what_was_got() -> None:
    verdict = check([rollup("line-once", "1147.51")])
    assert verdict.failed == [
        {"id": "rollup", "expected": {"total": "1147.51"}, "got": {"total": "1147.50"}}
    ]


def test_lists_of_another_length_are_not_the_same() -> None:
    lines = one_line("100", "20")
    assert check([case("tax", "line", lines, {"line_taxes": ["20", "0"]})]).failed


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\x00", b'{"cases": '])
def test_a_file_without_cases_is_unusable(content: bytes) -> None:
    with pytest.raises(UnusableInputError, match="worked examples"):
        check_file(content)


@pytest.mark.parametrize(
    "policy",
    [
        "tax on the unrounded net",
        "discount after tax",
        "bankers' rounding",
        "half down",
        "each entry up to 15 min, each entry down to 15 min",
    ],
)
def test_a_wording_with_anything_unknown_is_refused(policy: str) -> None:
    with pytest.raises(UnknownWordingError):
        understand(policy)


@pytest.mark.parametrize(
    ("module", "constant", "changed"),
    [
        ("billing/engine/amounts.py", "SECONDS_PER_HOUR = 3600", "SECONDS_PER_HOUR = 3599"),
        ("billing/engine/amounts.py", "(hours_to_two_places(seconds)", "(seconds // 36"),
        ("billing/engine/amounts.py", "10 ** (4 - ", "10 ** (3 - "),
        ("billing/engine/duration.py", "-(-seconds // step)", "(seconds // step + 1)"),
        ("billing/engine/tax.py", "100 * denominator", "101 * denominator"),
        ("billing/engine/tax.py", 'if scope == "category"', 'if scope == "line"'),
        ("billing/engine/compile.py", "share(off, left)", "share(off, [1] * len(left))"),
        ("billing/engine/proration.py", "price_minor * days_left", "price_minor * (days_left - 1)"),
        (
            "core/money.py",
            "return (2 * numerator + denominator) // (2 * denominator)",
            "return round(numerator / denominator)",  # half to even, and through a float
        ),
    ],
)
def test_changing_one_constant_of_the_engine_turns_a_case_red(
    short_dir: Path, module: str, constant: str, changed: str
) -> None:
    copy = shutil.copytree(Path(app.__file__).parent, short_dir / "app")
    source = (copy / module).read_text()
    assert constant in source
    (copy / module).write_text(source.replace(constant, changed))
    (short_dir / "cases.json").write_text(json.dumps({"cases": [*KNOWN, HALVES]}))
    program = (
        "from pathlib import Path; from app.billing.cases import check_file;"
        "verdict = check_file(Path('cases.json').read_bytes());"
        "print(len(verdict.failed) + len(verdict.unsupported))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=short_dir,
        env=os.environ | {"PYTHONPATH": str(short_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) > 0


HALVES = case("tax", "category", one_line("0.50", "5"), {"tax": "0.03", "total": "0.53"})


def test_the_published_examples_all_pass() -> None:
    verdict = check_file((shared_folder("billing") / "cases.json").read_bytes())
    assert (verdict.failed, verdict.unsupported) == ([], [])
    assert verdict.passed == verdict.cases > 0


def test_the_unchanged_engine_passes_them_all() -> None:
    assert check([*KNOWN, HALVES]).passed == len(KNOWN) + 1
