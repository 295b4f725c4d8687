"""Slack's markup. Pure."""


def escaped(text: str) -> str:
    """The three characters that mrkdwn gives a meaning to, as entities: no mention, no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
