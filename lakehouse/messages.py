"""The Kafka message: its model and schema, its key, how it is written and read.

`TradeMessage` is the published contract (docs/schema/aggtrade.v1.schema.json). `encode` and
`decode` are the quick way; a test holds them equal to the model.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct
from msgspec.json import Encoder
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lakehouse.errors import UnreadableError
from lakehouse.trade import DECIMAL_TEXT, Source, Trade

SCHEMA_VERSION: Final = 1
REASON_HEADER: Final = "reason"
INGEST_TIME_HEADER: Final = "ingest_time"
EXCHANGE_HEADER: Final = "exchange"

DecimalText = Annotated[str, Field(pattern=f"^{DECIMAL_TEXT.pattern}$")]
Micros = Annotated[int, Field(description="microseconds since 1970-01-01 UTC")]


class TradeMessage(BaseModel):
    """One aggregate trade on the topic `binance.aggtrade`; the Kafka key is the symbol."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, title="aggtrade v1")

    exchange: Annotated[str, Field(min_length=1, description="lower case: binance")]
    symbol: Annotated[str, Field(min_length=1, description="as the exchange writes it: BTCUSDT")]
    agg_id: Annotated[int, Field(description="rises by one per exchange and symbol")]
    price: Annotated[DecimalText, Field(description="quote per base, exactly as sent")]
    qty: Annotated[DecimalText, Field(description="base currency, exactly as sent")]
    first_trade_id: Annotated[int, Field(description="first trade in the aggregate")]
    last_trade_id: Annotated[int, Field(description="last trade in the aggregate")]
    trade_time: Micros
    event_time: Micros
    is_buyer_maker: Annotated[bool, Field(description="true: the taker sold")]
    ingest_time: Micros
    source: Source
    schema_version: Literal[1] = SCHEMA_VERSION


# No float: money and amounts are text on the wire.
_SQL_TYPES: Final = {"string": "STRING", "integer": "BIGINT", "boolean": "BOOLEAN"}


def columns(model: type[BaseModel] = TradeMessage) -> dict[str, str]:
    """Each field and its type in SQL, in the model's order: how Bronze reads a message.

    KeyError for a type that no message may have.
    """
    fields = model.model_json_schema()["properties"]
    return {name: _sql_type(field) for name, field in fields.items()}


def required(model: type[BaseModel] = TradeMessage) -> tuple[str, ...]:
    """The fields that every message has: all but those that are optional, hence may be null."""
    return tuple(name for name, field in model.model_fields.items() if field.default is not None)


def _sql_type(field: dict[str, Any]) -> str:
    # An optional one is anyOf its type and null; the version alone is a constant, and a small one.
    kinds = [each["type"] for each in field.get("anyOf", [field]) if each["type"] != "null"]
    return "INT" if "const" in field else _SQL_TYPES[kinds[0]]


def key_of(trade: Trade) -> bytes:
    """The Kafka key: one symbol stays in one partition, so its order holds."""
    return trade.symbol.encode()


# msgspec does not look into what it skips, so a message with more fields is not read by this one.
class QuickMessage(Struct, gc=False, forbid_unknown_fields=True):
    """The same for msgspec, which is quicker; what a decimal is, it does not know.

    Trade's fields in Trade's order, so that `QuickMessage(*trade)` is right; a test says so.
    """

    exchange: Annotated[str, Meta(min_length=1)]
    symbol: Annotated[str, Meta(min_length=1)]
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
    schema_version: int = SCHEMA_VERSION


_encode: Final = Encoder().encode


def encode(trade: Trade) -> bytes:
    """The message's value: compact JSON in UTF-8, fields in the order of the model."""
    return _encode(QuickMessage(*trade))


def decode(value: bytes) -> Trade:
    """Read a message back; UnreadableError where it breaks the contract."""
    try:
        message = TradeMessage.model_validate_json(value)
    except ValidationError as error:
        raise contract_broken(error) from None
    fields = message.model_dump(include=set(Trade._fields))
    return Trade(**fields)


def contract_broken(error: ValidationError) -> UnreadableError:
    """What to raise where a message does not fit its model: the first field that does not."""
    where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "value"
    return UnreadableError(f"contract_broken:{where}")


def dead_letter_headers(reason: str, exchange: str, ingest_time: int) -> list[tuple[str, bytes]]:
    """Headers of a dead letter; its value is the raw frame, byte for byte."""
    return [
        (REASON_HEADER, reason.encode()),
        (EXCHANGE_HEADER, exchange.encode()),
        (INGEST_TIME_HEADER, str(ingest_time).encode()),
    ]
