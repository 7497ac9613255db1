"""Micro-USD for people and back. Money is an integer everywhere else."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["to_micros", "usd"]


def usd(micros: int) -> str:
    """Exact, with at least the cents: a price is never shown lower than it is."""
    sign = "-" if micros < 0 else ""
    dollars, rest = divmod(abs(micros), 1_000_000)
    return f"{sign}${dollars}.{f'{rest:06d}'.rstrip('0').ljust(2, '0')}"


def to_micros(amount_usd: Decimal) -> int:
    """Exact micro-USD of an amount in USD; fractions of a micro round down (a cap never grows)."""
    return int(amount_usd.scaleb(6))
