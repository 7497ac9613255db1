"""The words `refine` takes for options, in four languages: data, read by nobody else.

Written without accents and in small letters, as text is compared. A phrase counts as an option
only where its whole clause is made of such words and of `FILLERS`, except for what `SURE` lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ANOTHER", "COURTESY", "FILLERS", "NEGATIONS", "OPTIONS", "SECONDS", "SURE"]

# (field of the brief, value) -> phrases
OPTIONS: Final[Mapping[tuple[str, object], str]] = {
    ("length", 1): """longer, a bit longer, extend, langer, etwas langer, mas largo, mas larga,
        mas tiempo, plus long, plus longue""",
    ("length", -1): """shorter, a bit shorter, kurzer, etwas kurzer, mas corto, mas corta,
        plus court, plus courte""",
    ("aspect", "9:16"): """vertical, portrait, portrait format, portrait mode, upright, hochkant,
        hochformat, vertikal, en vertical, en portrait, format portrait""",
    ("aspect", "1:1"): """square, quadratisch, quadrat, cuadrado, cuadrada, carre, carree""",
    ("aspect", "16:9"): """landscape, landscape format, landscape mode, widescreen, horizontal,
        querformat, breitbild, apaisado, apaisada, paysage, format paysage""",
    ("audio", False): """mute, muted, mute it, silent, audio off, sound off, stumm, ton aus,
        audio aus, mudo, muda, muet, muette""",
    ("audio", True): """with sound, with audio, add sound, add audio, sound on, audio on, mit ton,
        mit sound, mit audio, ton an, con sonido, con audio, avec son, avec le son, avec du son,
        avec audio""",
    ("stage", "final"): """final, final version, final quality, final take, finale, finale version,
        endfassung, version final, toma final, calidad final, version finale, qualite finale""",
    ("stage", "concept"): """draft, a draft, entwurf, borrador, brouillon""",
    ("stage", "animatic"): """animatic, storyboard, animatique""",
    ("resolution", "4k"): "4k, uhd, ultra hd",
    ("resolution", "1080p"): "full hd, fullhd, fhd",
    ("resolution", "720p"): "hd",
}
# Meant as options wherever they stand, as long as nothing in their clause denies them.
SURE: Final[Mapping[tuple[str, object], str]] = {
    ("audio", False): """no audio, no sound, without audio, without sound, ohne ton, ohne audio,
        ohne sound, kein ton, kein audio, sin audio, sin sonido, sans audio, sans son, pas de son,
        pas d'audio""",
}
ANOTHER: Final = """another model, other model, a different model, different model, anderes modell,
    ein anderes modell, anderem modell, otro modelo, un autre modele, autre modele"""
SECONDS: Final = r"s|secs?|seconds?|sek|sekunden?|segs?|segundos?|secondes?"
NEGATIONS: Final = """not, don't, dont, never, nicht, kein, keine, keinen, nie, no, nunca, pas, ne,
    jamais, aucun, aucune, except, ausser, excepto, sauf"""
FILLERS: Final = """make, it, its, it's, the, this, that, a, an, in, as, at, to, be, please, clip,
    video, version, now, but, same, and, with, use, using, for, on, format, mode, resolution,
    quality, aspect, ratio, model, switch, change, try, take, one, just, long, of, set, run, go,
    only, want, i, like,
    mach, mache, machs, mach's, es, das, dies, bitte, als, mit, dem, den, die, der, auf, und, aber,
    nur, nimm, nutze, ein, eine, einen, modell, lang, jetzt, gleich, qualitat, fur, ins, im,
    hazlo, hazla, haz, lo, la, el, en, con, por, favor, un, una, y, formato, modo, modelo, usa,
    pero, de, igual, ahora, para, solo, calidad,
    fais, fais-le, le, les, avec, une, et, modele, utilise, mais, meme, maintenant, pour, du, des,
    seulement, qualite"""
COURTESY: Final = """hi, hello, hey, hey there, please, thanks, thank you, thx, ok, okay, yes,
    great, nice, cool, perfect, hallo, danke, bitte, ja, super, hola, gracias, por favor, si, vale,
    perfecto, bonjour, salut, merci, s'il te plait, s'il vous plait, stp, svp, oui, parfait"""
