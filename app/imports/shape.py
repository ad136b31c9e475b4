"""Rows with too few or too many cells. Pure."""

from collections.abc import Sequence


def fit(cells: list[str], width: int, required: frozenset[int]) -> tuple[list[str], int]:
    """Bring a row to the width of its header; give it with the number of cells that were missing.

    Missing trailing cells of optional columns count as empty. Raises ValueError with the reason
    for a row that is too long, or too short to hold a column it needs.
    """
    count = len(cells)
    held = "1 cell" if count == 1 else f"{count} cells"
    if count == width:
        return cells, 0
    if count > width:
        extra = "one delimiter" if count == width + 1 else f"{count - width} delimiters"
        msg = f"the row has {held}, the header {width}: {extra} too many"
        raise ValueError(msg)
    if any(position >= count for position in required):
        msg = f"the row has {held}, the header {width}, and a cell it needs is missing"
        raise ValueError(msg)
    return cells + [""] * (width - count), width - count


def repeats_header(cells: Sequence[str], headers: Sequence[str]) -> bool:
    """Say whether a data row is the header once more, as in exports that were joined."""
    return len(cells) == len(headers) and all(
        cell.strip() == header for cell, header in zip(cells, headers, strict=True)
    )
