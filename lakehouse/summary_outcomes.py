"""What became of a summary on the channels that it may go to. Pure."""

from collections.abc import Collection
from typing import Final

# The columns sent_… of ops_summary.
CHANNELS: Final = ("slack", "telegram", "jira")


def handled(outcomes: Collection[object]) -> bool:
    """Whether people have it: it arrived somewhere ("ok"), or there was nowhere to send it.

    `outcomes`: ok, failed or off, of each channel.
    """
    return "ok" in outcomes or "failed" not in outcomes
