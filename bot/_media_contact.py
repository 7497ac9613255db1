"""Takes side by side as one picture, in the worker process: stills with their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bot._media_canvas import INK, LINE, PAPER, QUIET, Canvas, Colour
from bot._media_pictures import save

__all__ = ["UNREADABLE", "contact"]

UNREADABLE = ()
WIDTH: Final = 1080
GAP: Final = 18
CAPTION: Final = 72
BADGE: Final = 68
NUMBER: Final = 46  # letters; a phone shows the sheet at about a third of its size
WORDS: Final = 36
LINES: Final = 5  # of the frame around the pick
TALLEST: Final = 1.0  # a box is never higher than it is wide

DARK: Final[Colour] = (17, 18, 20)
PICK: Final[Colour] = (67, 181, 129)


def contact(job: dict[str, Any]) -> dict[str, Any]:
    """Draw `cells` (still, number, caption, picked) in rows; `shape` is width / height of most."""
    cells: list[dict[str, Any]] = job["cells"]
    columns = _columns(len(cells))
    width = (WIDTH - GAP * (columns + 1)) // columns
    height = min(round(width / max(job["shape"], 0.1)), round(width * TALLEST))
    rows = -(-len(cells) // columns)
    sheet = Canvas(WIDTH, GAP + rows * (height + CAPTION), PAPER)
    for index, cell in enumerate(cells):
        left = GAP + (index % columns) * (width + GAP)
        top = GAP + (index // columns) * (height + CAPTION)
        _cell(sheet, cell, left, top, width, height)
    image = sheet.picture()
    save(image, job["to"], jpeg_quality=88)
    size_bytes = Path(job["to"]).stat().st_size
    return {"width": image.width, "height": image.height, "size_bytes": size_bytes}


def _columns(count: int) -> int:
    if count <= 2:
        return max(1, count)
    return 2 if count == 4 else 3


def _cell(sheet: Canvas, cell: dict[str, Any], x: int, y: int, width: int, height: int) -> None:
    sheet.box(x, y, width, height, DARK)
    if cell["still"]:
        sheet.still(cell["still"], x, y, width, height)
    sheet.frame(x, y, width, height, PICK if cell["picked"] else LINE, LINES)
    number = str(cell["number"])
    badge = max(BADGE, sheet.width(number, NUMBER) + 28)
    sheet.box(x, y, badge, BADGE, PICK if cell["picked"] else DARK)
    sheet.text(x + (badge - sheet.width(number, NUMBER)) // 2, y + 7, number, NUMBER, INK, width)
    sheet.text(x + 4, y + height + 10, cell["caption"], WORDS, QUIET, width - 8)
