"""A trade, as every part of the lake understands it."""

import re
from decimal import Context, Decimal, Inexact
from typing import Literal, NamedTuple

Source = Literal["ws", "rest", "archive", "simulated"]

# Plain notation only: an exponent, a space or a sign other than "-" is not what an exchange sends.
# The bound keeps a hostile frame from carrying a megabyte of digits into every table.
DECIMAL_TEXT = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)


# Python's default context rounds at 28 digits without a word; this one refuses to round.
EXACT = Context(prec=200, traps=[Inexact])


class Trade(NamedTuple):
    """One aggregate trade. Times are microseconds since 1970-01-01 UTC.

    `price` (quote currency per unit of base) and `qty` (base currency) are decimal strings
    exactly as the exchange sent them; `notional` gives their exact product. `agg_id` rises by
    one per exchange and symbol. `is_buyer_maker` true means that the taker sold.
    """

    exchange: str
    symbol: str
    agg_id: int
    price: str
    qty: str
    first_trade_id: int
    last_trade_id: int
    trade_time: int
    event_time: int
    is_buyer_maker: bool
    ingest_time: int
    source: Source

    @property
    def notional(self) -> Decimal:
        """price x qty in quote currency, exact."""
        return EXACT.multiply(Decimal(self.price), Decimal(self.qty))


def is_decimal_text(text: object) -> bool:
    """Whether `text` is a decimal in plain notation."""
    return isinstance(text, str) and DECIMAL_TEXT.fullmatch(text) is not None
