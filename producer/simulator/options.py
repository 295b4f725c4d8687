"""How a simulated exchange is set up: its limits and its pace."""

from typing import NamedTuple


class Limits(NamedTuple):
    """The exchange's own limits, all settable. Times in seconds."""

    ping_interval: float = 20.0
    pong_timeout: float = 60.0
    max_age: float = 86_400.0
    messages_per_second: int = 5
    connects_per_5_minutes: int = 300
    weight_per_minute: int = 6000
    ban_seconds: int = 120
