"""The words that the verification gives a meaning to. Whole words, small letters. Pure."""

from collections.abc import Mapping
from typing import Final


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


UP: Final = word_set(
    "up rose rise rises rising risen gain gains gained gaining climb climbs climbed climbing "
    "higher increase increases increased increasing advance advances advanced advancing jump "
    "jumps jumped jumping surge surges surged surging rally rallies rallied rallying soar soars "
    "soared soaring upward upwards upside uptick uptrend bullish positive green grew grow grows "
    "growing growth recover recovers recovered recovering recovery rebound rebounds rebounded "
    "rebounding bounce bounced bounces leap leaps leapt leaped strengthened rocketed "
    "appreciated plus stronger strong strength firm firmer firmed exploded explodes exploding "
    "pumped pumping mooned mooning appreciation appreciating improved improving improvement "
    "regained regains lifted pushed ascended ascending skyrocketed shot elevated upticked "
    "gainer gainers"
)
DOWN: Final = word_set(
    "down fell fall falls falling fallen drop drops dropped dropping decline declines declined "
    "declining lower decrease decreases decreased decreasing lose loses lost losing loss losses "
    "slid slide slides sliding slip slips slipped slipping sink sinks sank sunk sinking plunge "
    "plunges plunged plunging tumble tumbles tumbled tumbling crash crashes crashed crashing "
    "dip dips dipped dipping downward downwards downside downtick downtrend bearish negative "
    "red weaken weakens weakened weakening retreat retreats retreated retreating eased easing "
    "shed sheds selloff plummet plummets plummeted plummeting collapse collapses collapsed "
    "collapsing minus weak weaker weakness soft softer softened off slump slumps slumped "
    "slumping nosedive nosedived nosedives tanked tanking cratered cratering bled bleeding "
    "melted melting dumped dumping worsened deteriorated depreciation depreciating tanks "
    "craters bleeds descended descending depreciated drawdown pullback correction shrank "
    "shrinking loser losers"
)
FLAT: Final = word_set("flat unchanged steady stable sideways static")

# Words that turn a claim about direction or a number round: too easily read the other way.
NEGATIONS: Final = word_set(
    "not never neither nor isn't wasn't didn't doesn't hasn't aren't weren't don't hardly "
    "barely pared pares trimmed trims erased erases reversed reverses recouped gave gives too "
    "likewise same equal equals identical ditto respectively fail fails failed failing instead "
    "rather lacked lacking unable if unless except hadn't haven't"
)
# After these a sentence speaks of something else.
ANOTHER_THOUGHT: Final = word_set("and but while with as on though whereas at")
# These deny what follows: only of what is counted can that be checked.
DENIALS: Final = word_set("no without none nothing zero")

ADVICE: Final = word_set(
    "buy buys buying bought sell sells selling sold hold holds holding hodl should shouldn't "
    "must ought recommend recommends recommended recommendation advice advise advises advised "
    "target targets targeting invest invests investing investment investor investors "
    "opportunity entry exit accumulate accumulating long short longs shorts shorting leverage "
    "leveraged portfolio undervalued overvalued overbought oversold bargain cheap expensive "
    "consider watch avoid profit profits stop-loss stoploss hedge signal signals suggest "
    "suggests"
)
# `taker buy volume` is the name of a column, `short-term` no position.
ALLOWED_PHRASES: Final = (
    ("taker", "buy", "volume"),
    ("taker", "sell", "volume"),
    ("short", "term"),
    ("long", "term"),
    ("usual", "level"),
    ("usual", "levels"),
)
FORECAST: Final = word_set(
    "will won't would could may might expect expects expected expecting likely unlikely "
    "probably forecast forecasts predict predicts predicted prediction outlook soon tomorrow "
    "upcoming next future anticipate anticipated potential potentially poised imminent continue "
    "continues"
)
HEARSAY: Final = word_set(
    "news rumor rumors rumour rumours tweet tweets announcement announced etf regulators "
    "regulation sec fed inflation whale whales hack hacked listing delisting liquidation "
    "liquidations because reportedly institutional sentiment fear greed panic record all-time "
    "ath historic unprecedented elon government approval lawsuit adoption halving ago earlier "
    "previous previously prior former monday tuesday wednesday thursday friday saturday sunday "
    "january february april june july august september october november december highest lowest "
    "peak peaked trough maximum minimum max top bottom largest biggest strongest weakest "
    "fastest slowest best worst leads lead leading leader lags laggard outperform outperforms "
    "outperformed outperforming underperform underperforms underperformed streak straight fee "
    "fees yield apr apy dominance probability chance odds share funding margin volatility "
    "volatile spread slippage tax interest correlation correlated rsi macd ema sma outpaces "
    "outpaced outpacing better worse follows followed beat beats bollinger support resistance "
    "breakout momentum capitalization cap supply liquidity depth pattern trend trends trending "
    "reversal bid bids ask asks offer order orders level levels stop strike mark index futures "
    "perpetual perpetuals spot mid local york london tokyo annualised annualized again demand "
    "buyers buyer seller sellers pressure appetite bulls bears bull bear dominate dominated "
    "dominates"
)

# Numbers in words can't be held against figures digit by digit: digits are wanted.
NUMBER_WORDS: Final = word_set(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred hundreds thousand thousands million millions billion billions trillion trillions "
    "dozen dozens half halves halved halving double doubles doubled doubling triple triples "
    "tripled tripling quadruple quadrupled twice thrice once twofold threefold fivefold "
    "fourfold tenfold hundredfold manifold third thirds quarter quarters fifth fifths tenth "
    "tenths hundredth hundredths thousandth first second fourth sixth seventh eighth ninth "
    "couple single percent pct bps bp basis points point pips ticks percentage fraction cent "
    "cents score fold tens ii iii iv vi vii viii ix xi xii"
)
SMALL_NUMBERS: Final[Mapping[str, int]] = {
    "one": 1,
    "a": 1,
    "an": 1,
    "five": 5,
    "thirty": 30,
}
MAGNITUDES: Final[Mapping[str, int]] = {
    "k": 3,
    "K": 3,
    "M": 6,
    "mn": 6,
    "B": 9,
    "bn": 9,
    "thousand": 3,
    "million": 6,
    "billion": 9,
    "trillion": 12,
}
MINUTES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 1),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 60),
    **dict.fromkeys(("d", "day", "days"), 1440),
}
# Spans of time for which no figure is ever given.
OTHER_SPANS: Final = word_set(
    "second seconds sec secs week weeks weekly month months monthly year years yearly quarter "
    "today yesterday overnight session morning afternoon evening tonight decade weekend "
    "intraday"
)
BARE_SPANS: Final[Mapping[str, int]] = {
    "minute": 1,
    "hour": 60,
    "hourly": 60,
    "day": 1440,
    "daily": 1440,
    **dict.fromkeys(OTHER_SPANS - {"second", "sec", "quarter"}, -1),
}
LABELS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("price", "prices", "priced"), "price"),
    **dict.fromkeys(("close", "closed", "closing"), "close"),
    **dict.fromkeys(("open", "opened", "opening"), "open"),
    **dict.fromkeys(
        ("average", "averages", "mean", "ma", "averaged", "averaging", "weighted"), "average"
    ),
    **dict.fromkeys(("volume", "volumes"), "volume"),
    **dict.fromkeys(("usual", "normal", "typical"), "usual"),
    **dict.fromkeys(("change", "changes", "changed"), "change"),
    **dict.fromkeys(("return", "returned"), "return"),
    "vwap": "vwap",
    **dict.fromkeys(("now", "currently", "current"), "now"),
    "turnover": "turnover",
    **dict.fromkeys(("high", "highs"), "high"),
    **dict.fromkeys(("low", "lows"), "low"),
}
COUNTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("trade", "trades"), "trades"),
    **dict.fromkeys(("spike", "spikes"), "spikes"),
    **dict.fromkeys(("gap", "gaps"), "gaps"),
    "missing": "missing",
    **dict.fromkeys(("symbol", "symbols", "pair", "pairs", "market", "markets"), "symbols"),
}
# Words in capitals that are no asset.
ACRONYMS: Final = frozenset({"VWAP", "UTC", "MA", "USD", "API", "OK", "AM", "PM", "A", "I"})
COINS: Final[Mapping[str, str]] = {
    "bitcoin": "BTC",
    "ethereum": "ETH",
    "ether": "ETH",
    "solana": "SOL",
    "dogecoin": "DOGE",
    "ripple": "XRP",
    "cardano": "ADA",
    "litecoin": "LTC",
    "polkadot": "DOT",
    "avalanche": "AVAX",
    "chainlink": "LINK",
    "polygon": "POL",
    "tron": "TRX",
    "btc": "BTC",
    "eth": "ETH",
    "sol": "SOL",
    "xrp": "XRP",
    "bnb": "BNB",
    "ada": "ADA",
    "doge": "DOGE",
    "tether": "USDT",
}
