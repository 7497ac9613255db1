"""Makes `bot/classifier.bin` from the corpus: `python -m training.train`.

Seeded and repeatable. Trains on the development part alone, so that the test part still says
something about the artefact that is shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bot import learned
from bot.reading import Reading
from training.corpus import Row, corpus_rows, fold, parts
from training.fit import Fit, Settings, fit, hottest, readings, sums
from training.record import SEED, record

FOLDS = 4
ARTEFACT = Path(learned.__file__).with_name("classifier.bin")


def main() -> None:
    rows, _ = parts(corpus_rows())
    texts, settings = readings(rows), Settings()
    heat = _heat(rows, texts, settings)
    ARTEFACT.write_bytes(pack(fit(rows, texts, settings), heat))


def _heat(rows: Sequence[Row], texts: Sequence[Reading], settings: Settings) -> float:
    """From rows the weights have not seen."""
    totals, judged = list[np.ndarray](), list[Row]()
    for part in range(FOLDS):
        held = [fold(row, SEED, FOLDS) == part for row in rows]
        kept = [i for i, out in enumerate(held) if not out]
        found = fit([rows[i] for i in kept], [texts[i] for i in kept], settings)
        judged += [row for row, out in zip(rows, held, strict=True) if out]
        unseen = [one for one, out in zip(texts, held, strict=True) if out]
        totals.append(sums(found, unseen))
    return hottest(np.concatenate(totals), judged)


def pack(found: Fit, heat: float) -> bytes:
    """The artefact; weights too large for their byte are cut off, which a handful are."""
    most = float(np.quantile(np.abs(found.rows[found.rows.any(1)]), 0.9999))
    scale = most / 127
    cut = np.clip(np.rint(found.rows / scale), -127, 127).astype(np.int16) + learned.ZERO
    header = {**record(), "heat": round(heat, 3), "scale": scale}
    names = {"": tuple(found.bias.tolist())}
    names |= {name: tuple(found.named[i].tolist()) for name, i in found.names.items()}
    return learned.dump(header, names, cut.astype(np.uint8).tobytes())


if __name__ == "__main__":
    main()
