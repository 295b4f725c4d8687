"""Messages of other versions: what was published stays readable, what is new is optional."""

import json
from typing import Annotated, Any

import pytest
from hypothesis import given
from msgspec import Meta, ValidationError
from msgspec.json import Decoder
from pydantic import Field

from lakehouse import messages
from lakehouse.messages import QuickMessage, TradeMessage, columns, encode, required
from lakehouse.trade import Trade
from producer.audit.decoding import Seen, read
from tests.conftest import TESTS
from tests.unit.test_messages import TRADE, TRADES, altered

PUBLISHED = TESTS / "unit" / "published"
SCHEMAS = TESTS.parent / "docs" / "schema"


class NextMessage(TradeMessage):
    """The contract of a version to come, with one more field."""

    venue: Annotated[str | None, Field(description="where it was traded")] = None
    legs: int | None = None


class NextQuick(QuickMessage):
    venue: Annotated[str, Meta(min_length=1)] | None = None
    legs: int | None = None


def incompatibilities(old: Any, new: Any) -> list[str]:
    """What a reader of `old` would stumble over in messages of `new`; wording doesn't count."""
    found = [f"{name} is gone" for name in old["properties"] if name not in new["properties"]]
    found += [
        f"{name} is another"
        for name, field in old["properties"].items()
        if name in new["properties"] and _meaning(field) != _meaning(new["properties"][name])
    ]
    added = {*new["required"]} - {*old["required"]}
    found += [f"{name} must be there, and old messages lack it" for name in sorted(added)]
    dropped = {*old["required"]} - {*new["required"]}
    return found + [f"{name} may be left out now" for name in sorted(dropped)]


def _meaning(field: Any) -> Any:
    return {key: value for key, value in field.items() if key not in ("description", "title")}


@pytest.mark.parametrize("name", ["aggtrade", "gap", "position"])
def test_the_published_schemas_change_compatibly_only(name: str) -> None:
    old = json.loads((PUBLISHED / f"{name}.v1.of_issue_4.json").read_text())
    new = json.loads((SCHEMAS / f"{name}.v1.schema.json").read_text())
    again = "such a change needs schema_version 2 (docs/schema-evolution.md)"
    assert incompatibilities(old, new) == [], again


def test_the_rule_finds_what_it_should() -> None:
    old = TradeMessage.model_json_schema()
    assert incompatibilities(old, NextMessage.model_json_schema()) == []
    worse = json.loads(json.dumps(old))
    del worse["properties"]["qty"]
    worse["properties"]["price"]["type"] = "number"
    worse["required"] = [*(n for n in old["required"] if n != "symbol"), "venue"]
    assert incompatibilities(old, worse) == [
        "qty is gone",
        "price is another",
        "venue must be there, and old messages lack it",
        "symbol may be left out now",
    ]


@given(TRADES)
def test_the_next_version_reads_old_messages(trade: Trade) -> None:
    message = NextMessage.model_validate_json(encode(trade))
    assert (message.venue, message.legs) == (None, None)
    assert Trade(**message.model_dump(include=set(Trade._fields))) == trade
    assert Decoder(NextQuick).decode(encode(trade)).venue is None


def test_this_version_passes_over_what_it_does_not_know() -> None:
    newer = altered(venue="spot", legs=2)
    with pytest.raises(ValidationError):
        Decoder(QuickMessage).decode(newer)
    assert messages.decode(newer) == TRADE
    assert read(newer) == Seen("binance", "BTCUSDT", TRADE.agg_id, TRADE.trade_time, "ws")
    assert NextMessage.model_validate_json(newer).venue == "spot"


def test_an_optional_field_becomes_a_column_and_no_rule() -> None:
    assert columns(NextMessage) == {**columns(), "venue": "STRING", "legs": "BIGINT"}
    assert required(NextMessage) == required() == tuple(TradeMessage.model_fields)


def test_money_can_never_be_a_float_of_a_message() -> None:
    class Wrong(TradeMessage):
        fee: float | None = None

    with pytest.raises(KeyError, match="number"):
        columns(Wrong)
