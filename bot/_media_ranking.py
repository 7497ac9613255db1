"""A team's ranking as a picture, in the worker process: a dot with its interval for each model.

Wide enough for a phone's screen, letters large enough to read there. What to show comes ready in
the job; nothing is counted here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from bot._media_canvas import INK, LINE, PAPER, QUIET, Canvas
from bot._media_pictures import save

__all__ = ["UNREADABLE", "chart"]

UNREADABLE = ()
WIDTH: Final = 1080
MARGIN: Final = 48
HEADER: Final = 110
PANEL: Final = 126  # its title and its news
ROW: Final = 104
FOOTER: Final = 124

SURE: Final = (94, 162, 255)
OPEN: Final = (214, 160, 74)  # not told apart yet


def chart(job: dict[str, Any]) -> dict[str, Any]:
    """Draw `panels` under `title`; `note` stands below, with the key to the signs."""
    panels: list[dict[str, Any]] = job["panels"]
    height = HEADER + FOOTER + sum(PANEL + ROW * len(panel["rows"]) for panel in panels)
    sheet = Canvas(WIDTH, height, PAPER)
    sheet.text(MARGIN, 34, job["title"], 44, INK, WIDTH - 2 * MARGIN)
    top = HEADER
    for panel in panels:
        _panel(sheet, top, panel)
        top += PANEL + ROW * len(panel["rows"])
    _key(sheet, top, job["note"])
    image = sheet.picture()
    save(image, job["to"], jpeg_quality=90)
    size_bytes = Path(job["to"]).stat().st_size
    return {"width": image.width, "height": image.height, "size_bytes": size_bytes}


def _panel(sheet: Canvas, top: int, panel: dict[str, Any]) -> None:
    sheet.line(MARGIN, top, WIDTH - MARGIN, top, LINE, 2)
    sheet.text(MARGIN, top + 20, panel["title"], 38, INK, WIDTH - 2 * MARGIN)
    sheet.text(MARGIN, top + 72, panel["news"], 30, QUIET, WIDTH - 2 * MARGIN)
    for index, row in enumerate(panel["rows"]):
        _row(sheet, top + PANEL + ROW * index, row)


def _row(sheet: Canvas, top: int, row: dict[str, Any]) -> None:
    """Name and score; below them the scale, the interval, the prior (hollow) and the value."""
    colour = SURE if row["separated"] else OPEN
    score = f"{row['value']:.2f}  ({row['score']})"
    room = WIDTH - 2 * MARGIN - sheet.width(score, 30) - 24
    sheet.text(MARGIN, top, row["name"], 32, INK, room)
    sheet.text(WIDTH - MARGIN, top + 1, score, 30, QUIET, WIDTH, right=True)
    level = top + 66
    sheet.line(MARGIN, level, WIDTH - MARGIN, level, LINE, 4)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        sheet.line(_at(tick), level - 8, _at(tick), level + 8, LINE, 3)
    sheet.line(_at(row["low"]), level, _at(row["high"]), level, colour, 10)
    sheet.dot(_at(row["value"]), level, 15, colour)
    sheet.ring(_at(row["prior"]), level, 13, INK)


def _key(sheet: Canvas, top: int, note: str) -> None:
    sheet.line(MARGIN, top, WIDTH - MARGIN, top, LINE, 2)
    level, ahead = top + 38, MARGIN + 16
    for colour, hollow, words in (
        (INK, True, "built in"),
        (SURE, False, "with your votes"),
        (OPEN, False, "not enough votes yet"),
    ):
        if hollow:
            sheet.ring(ahead, level, 13, colour)
        else:
            sheet.line(ahead - 30, level, ahead + 30, level, colour, 10)
            sheet.dot(ahead, level, 15, colour)
        ahead += 28 if hollow else 46
        sheet.text(ahead, level - 20, words, 30, QUIET, WIDTH)
        ahead += sheet.width(words, 30) + 74
    sheet.text(MARGIN, top + 72, note, 28, QUIET, WIDTH - 2 * MARGIN)


def _at(value: float) -> int:
    return round(MARGIN + value * (WIDTH - 2 * MARGIN))
