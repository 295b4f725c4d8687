"""Exact decimals as whole numbers of their smallest unit: 1.50 with scale 8 is 150000000. Pure."""


def quotient(dividend: int, divisor: int, scale: int) -> int | None:
    """dividend / divisor in units of 10^-scale, rounded half up (away from zero) once.

    Null where there is nothing to divide by.
    """
    if not divisor:
        return None
    above, below = abs(dividend) * int(10**scale), abs(divisor)
    digits = (2 * above + below) // (2 * below)
    return digits if (dividend < 0) == (divisor < 0) else -digits


def text(units: int | None, scale: int) -> str | None:
    """The decimal in plain notation with all digits of its scale; null stays null."""
    if units is None:
        return None
    whole, part = divmod(abs(units), 10**scale)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{part:0{scale}d}" if scale else f"{sign}{whole}"
