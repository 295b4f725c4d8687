"""Summaries to people: Slack by an incoming webhook, Telegram by its Bot API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from lakehouse.errors import SettingsError
from lakehouse.http_post import Refused, Target, deliver
from lakehouse.settings import Settings
from lakehouse.values import Json

Channel = Literal["slack", "telegram"]
Outcome = Literal["ok", "failed", "off"]

CHANNELS: Final[tuple[Channel, ...]] = ("slack", "telegram")
# What a channel needs.
SETTINGS: Final[Mapping[Channel, tuple[str, ...]]] = {
    "slack": ("SLACK_WEBHOOK_URL",),
    "telegram": ("TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID"),
}
_ATTEMPTS: Final = 5
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Delivery:
    """What became of a message on one channel; `words` say why it failed, without a secret."""

    channel: Channel
    outcome: Outcome
    words: str = ""


def require(settings: Settings, channels: Sequence[Channel]) -> None:
    """SettingsError where a channel that is wanted lacks a setting."""
    for channel in channels:
        for name in SETTINGS[channel]:
            if not _clear(settings, name):
                raise SettingsError(
                    f"{name} is empty, and {channel} needs it.",
                    "Set it in `.env` or the environment; .env.example says what it is.",
                )


def send(settings: Settings, channel: Channel, rendered: Mapping[str, Any]) -> Delivery:
    """Send one summary; tries again where that may help, and when the server says.

    `rendered`: payloads by channel, as lakehouse/summary makes them. Nothing is raised.
    """
    if not all(_clear(settings, name) for name in SETTINGS[channel]):
        return Delivery(channel, "off")
    target, body = _request(settings, channel, rendered[channel])
    try:
        deliver(target, body, _ATTEMPTS, _PATIENCE_SECONDS)
    except Refused as error:
        return Delivery(channel, "failed", str(error))
    return Delivery(channel, "ok")


def _request(
    settings: Settings, channel: Channel, payload: Mapping[str, Any]
) -> tuple[Target, Json]:
    if channel == "slack":
        return Target(_clear(settings, "SLACK_WEBHOOK_URL"), "SLACK_WEBHOOK_URL"), dict(payload)
    token = _clear(settings, "TELEGRAM_BOT_TOKEN")
    url = f"{settings.telegram_base_url}/bot{token}/sendMessage"
    body = {
        "chat_id": settings.telegram_chat_id,
        "link_preview_options": {"is_disabled": True},
        **payload,
    }
    return Target(url, "TELEGRAM_BOT_TOKEN"), body


def _clear(settings: Settings, name: str) -> str:
    return settings.as_env()[name].strip()
