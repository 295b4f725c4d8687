"""Live subscriptions: the exchange's control messages and its answers. Pure.

Source: Binance spot, "Live Subscribing/Unsubscribing to streams" and its error table.
"""

from collections.abc import Iterable
from typing import Any, Final

import orjson

MAX_STREAMS: Final = 1024
_METHODS: Final = (
    "SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY",
)  # fmt: skip


class RequestError(Exception):
    """A control message that is refused: the exchange's code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Subscriptions:
    """The streams of one connection, and whether events come wrapped. Unknown names are kept."""

    def __init__(self, streams: Iterable[str], combined: bool) -> None:
        self.streams = set(filter(None, streams))
        self.combined = combined

    def answer(self, text: str | bytes) -> bytes:
        """Carry out a control message; the answer to send."""
        request_id: object = None
        try:
            request = _object(text)
            request_id = request.get("id")
            _check_id(request_id)
            result = self._carry_out(request.get("method"), request.get("params"))
        except RequestError as error:
            body: dict[str, Any] = {"error": {"code": error.code, "msg": str(error)}}
            return orjson.dumps(body if request_id is None else body | {"id": request_id})
        return orjson.dumps({"result": result, "id": request_id})

    def _carry_out(self, method: object, params: object) -> object:
        match method:
            case "LIST_SUBSCRIPTIONS":
                return sorted(self.streams)
            case "SUBSCRIBE":
                self._subscribe(_names(params))
            case "UNSUBSCRIBE":
                self.streams.difference_update(_names(params))
            case "SET_PROPERTY":
                self._set(_property(params, 2))
            case "GET_PROPERTY":
                _property(params, 1)
                return self.combined
            case None:
                raise RequestError(2, "Invalid request: missing field `method` at line 1 column 73")
            case _:
                raise RequestError(2, _unknown(method))
        return None

    def _subscribe(self, names: list[str]) -> None:
        if len(self.streams.union(names)) > MAX_STREAMS:
            raise RequestError(2, "Invalid request: too many parameters")
        self.streams.update(names)

    def _set(self, params: list[Any]) -> None:
        if type(params[1]) is not bool:
            raise RequestError(1, "Invalid value type: expected Boolean")
        self.combined = params[1]


def _unknown(method: object) -> str:
    wanted = ", ".join(f"`{name}`" for name in _METHODS)
    return (
        f"Invalid request: unknown variant `{method}`, expected one of {wanted} at line 1 column 28"
    )


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        request = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestError(3, f"Invalid JSON: {error}") from None
    if not isinstance(request, dict):
        raise RequestError(3, "Invalid JSON: expected an object at line 1 column 1")
    return request


def _check_id(value: object) -> None:
    # The exchange takes unsigned integers, and strings of up to 36 characters.
    if (type(value) is int and value >= 0) or (isinstance(value, str) and len(value) <= 36):
        return
    raise RequestError(2, "Invalid request: request ID must be an unsigned integer")


def _names(params: object) -> list[str]:
    if not isinstance(params, list):
        raise RequestError(2, "Invalid request: missing field `params` at line 1 column 73")
    if not all(isinstance(name, str) and name for name in params):
        raise RequestError(2, "Invalid request: stream names must be strings")
    return params


def _property(params: object, size: int) -> list[Any]:
    if not isinstance(params, list) or len(params) > size:
        raise RequestError(2, "Invalid request: too many parameters")
    if len(params) < size or not isinstance(params[0], str):
        raise RequestError(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise RequestError(0, "Unknown property")
    return params
