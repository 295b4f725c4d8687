"""The faults one can ask for: their options, and the text form `kind:value,option=value`. Pure."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lakehouse.errors import SettingsError

Probability = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]
Count = Annotated[int, Field(ge=1)]
Times = Annotated[int | None, Field(ge=1)]


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    times: Times = None


class Drop(_Fault):
    """Trades of a symbol that no websocket gets; REST has them."""

    kind: Literal["drop"]
    symbol: str
    ids: Annotated[str, Field(pattern=r"^\d{1,18}(-\d{1,18})?$")]

    def covers(self, symbol: str, agg_id: int) -> bool:
        """Whether this trade is withheld."""
        first, _, last = self.ids.partition("-")
        return symbol == self.symbol and int(first) <= agg_id <= int(last or first)


class Lose(_Fault):
    """Each trade is withheld from all websockets with this probability; REST has it."""

    kind: Literal["lose"]
    probability: Probability


class Duplicate(_Fault):
    """Each trade is sent again with this probability: at once, or within two seconds."""

    kind: Literal["duplicate"]
    probability: Probability


class Reorder(_Fault):
    """Each frame is held back with this probability, by up to `seconds` of the exchange's time."""

    kind: Literal["reorder"]
    seconds: Seconds
    probability: Probability = 0.1


class Garbage(_Fault):
    """Before each frame, with this probability, one that nobody can read."""

    kind: Literal["garbage"]
    probability: Probability


class Stall(_Fault):
    """After `after` frames a connection gets no data (pings go on); one symbol, or all."""

    kind: Literal["stall"]
    after: Count
    seconds: Seconds
    symbol: str | None = None
    times: Times = 1


class Disconnect(_Fault):
    """Each connection is cut after `every` frames; with this probability inside a frame."""

    kind: Literal["disconnect"]
    every: Count
    mid_frame: Probability = 0.5


class Shutdown(_Fault):
    """After `after` frames a connection gets `serverShutdown`; `grace` seconds later it ends."""

    kind: Literal["shutdown"]
    after: Count
    grace: Seconds = 5.0
    times: Times = 1


class MaxAge(_Fault):
    """A connection ends when it is this old."""

    kind: Literal["max-age"]
    seconds: Annotated[float, Field(gt=0)]


class RestStatus(_Fault):
    """REST answers with this status; 429 and 418 with Retry-After."""

    kind: Literal["rest-status"]
    status: Annotated[int, Field(ge=400, le=599)]
    probability: Probability = 1.0
    retry_after: Annotated[int, Field(ge=0)] = 1


class RestSlow(_Fault):
    """REST answers after this many seconds."""

    kind: Literal["rest-slow"]
    seconds: Seconds
    probability: Probability = 1.0


class RestHoles(_Fault):
    """Each row of an answer with trades is left out with this probability."""

    kind: Literal["rest-holes"]
    probability: Probability


class RestGarbage(_Fault):
    """REST answers 200 with a body that is cut off."""

    kind: Literal["rest-garbage"]
    probability: Probability


FeedFault = Drop | Lose | Duplicate | Reorder | Garbage
LinkFault = Stall | Disconnect | Shutdown | MaxAge
RestFault = RestStatus | RestSlow | RestHoles | RestGarbage
Fault = FeedFault | LinkFault | RestFault

_ADAPTER: Final[TypeAdapter[Fault]] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])
# What the values without a name mean, in their order.
_POSITIONS: Final[dict[str, tuple[str, ...]]] = {
    "drop": ("symbol", "ids"),
    "lose": ("probability",),
    "duplicate": ("probability",),
    "reorder": ("seconds", "probability"),
    "garbage": ("probability",),
    "stall": ("after", "seconds"),
    "disconnect": ("every", "mid_frame"),
    "shutdown": ("after", "grace"),
    "max-age": ("seconds",),
    "rest-status": ("status", "probability"),
    "rest-slow": ("seconds", "probability"),
    "rest-holes": ("probability",),
    "rest-garbage": ("probability",),
}
KINDS: Final = tuple(_POSITIONS)


def parse(spec: str) -> Fault:
    """Read `duplicate:0.1` or `stall:after=5000,seconds=30`; SettingsError says what's off."""
    kind, _, rest = spec.partition(":")
    if kind not in _POSITIONS:
        raise SettingsError(
            f"Fault {spec!r}: there is no kind {kind!r}.", f"There are: {_kinds()}."
        )
    fields: dict[str, object] = {"kind": kind}
    names = iter(_POSITIONS[kind])
    for part in filter(None, rest.replace(":", ",").split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = next(names, ""), part
        fields["probability" if name == "p" else name.replace("-", "_")] = _plain(name, value)
    return from_fields(fields, spec)


def from_fields(fields: Any, shown: object = None) -> Fault:
    """A fault from its JSON object; SettingsError says what's off."""
    try:
        return _ADAPTER.validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "kind"
        text = f"Fault {shown if shown is not None else fields!r}: {where}: {first['msg']}."
        raise SettingsError(text, "docs/simulator.md lists the faults and their options.") from None


def _plain(name: str, value: str) -> str:
    return value.removesuffix("s") if name in ("seconds", "grace") else value


def _kinds() -> str:
    return ", ".join(KINDS)
