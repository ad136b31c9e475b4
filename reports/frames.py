"""What the queries must deliver: each report names its columns, and refuses any other frame.

Pandas is loaded by the first frame, so that no process that draws nothing waits for it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pandas import DataFrame as Frame
    from pandas import Series
else:
    Frame = Any

__all__ = ["AGEING", "FLOW", "HOURS", "UNBILLED", "Contract", "Frame", "FrameError", "validate"]

Kind = Literal["text", "whole"]
_DTYPES: Mapping[Kind, str] = {"text": "str", "whole": "int64"}


class FrameError(Exception):
    """A frame is not what its report asked for; a fault of ours."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of one frame, in order; `whole` is a count, seconds or minor units."""

    name: str
    columns: Mapping[str, Kind]

    def frame(self, rows: Iterable[Sequence[Any]]) -> Frame:
        """Make the frame out of rows whose cells stand in the order of the columns."""
        import pandas as pd

        made = pd.DataFrame([tuple(row) for row in rows], columns=list(self.columns), dtype=object)
        for column, kind in self.columns.items():
            made[column] = made[column].astype(_DTYPES[kind])
        return validate(made, self)


def validate(frame: Frame, contract: Contract) -> Frame:
    """Return `frame` unchanged, or raise FrameError naming everything that is wrong with it."""
    faults = [f"no column {name}" for name in contract.columns if name not in frame.columns]
    faults += [f"unknown column {name}" for name in frame.columns if name not in contract.columns]
    for name, kind in contract.columns.items():
        if name in frame.columns:
            faults += _faults_of(frame[name], kind)
    if faults:
        raise FrameError(f"{contract.name}: {', '.join(faults)}")
    return frame


def _faults_of(column: "Series[Any]", kind: Kind) -> list[str]:
    if kind == "whole":
        return [] if column.dtype == "int64" else [f"{column.name} is {column.dtype}, not whole"]
    empty = bool(column.isna().any())
    return [f"{column.name} has empty cells"] if empty else []


HOURS = Contract("hours", {"bucket": "text", "billable": "whole", "other": "whole"})
FLOW = Contract(
    "flow", {"bucket": "text", "opened": "whole", "closed": "whole", "backlog": "whole"}
)
UNBILLED = Contract(
    "unbilled", {"company": "text", "name": "text", "amount": "whole", "entries": "whole"}
)
AGEING = Contract("ageing", {"bucket": "text", "amount": "whole", "invoices": "whole"})
