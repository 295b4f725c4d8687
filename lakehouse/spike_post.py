"""One attempt to deliver a spike event: signed, patient with a slow receiver, never redirected."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from lakehouse.http_post import OPENER, no_answer, retry_after
from lakehouse.signing import signature
from lakehouse.spike_delivery import Answer

EVENT: Final = "X-Firehose-Event"
TIMESTAMP: Final = "X-Firehose-Timestamp"
SIGNATURE: Final = "X-Firehose-Signature"
# The receiver answers when its message is out, so that one that is killed before has lost nothing.
TIMEOUT_SECONDS: Final = 180.0
_MOST_ANSWER_BYTES: Final = 65_536


def headers(secret: str, event_id: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Those of one attempt. The id is in ASCII: what is none is percent-encoded."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "firehose",
        EVENT: quote(event_id, safe=":"),
        TIMESTAMP: str(timestamp),
        SIGNATURE: signature(secret, timestamp, body),
    }


def post(
    url: str, secret: str, event_id: str, body: bytes, timeout_seconds: float = TIMEOUT_SECONDS
) -> Answer:
    """Post the event, signed now; nothing is raised, and no word holds the address."""
    try:
        told = headers(secret, event_id, body, int(time.time()))
        request = urllib.request.Request(url, body, told)
        with OPENER.open(request, timeout=timeout_seconds) as answer:
            return Answer(answer.status)
    except urllib.error.HTTPError as error:
        return _refusal(error)
    except ValueError:  # its words would hold the address
        return Answer(400, words="SPIKE_WEBHOOK_URL is no address")
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, words=no_answer(error))


def _refusal(error: urllib.error.HTTPError) -> Answer:
    code = _code(error)
    words = f"it answered {error.code}" + (f" {code}" if code else "")
    return Answer(error.code, code, retry_after(error), words)


def _code(error: urllib.error.HTTPError) -> str:
    """The `code` of a problem in JSON; nothing where the answer has none that is a plain name."""
    try:
        found = json.loads(error.read(_MOST_ANSWER_BYTES))
    except (OSError, ValueError, http.client.HTTPException, RecursionError):
        return ""
    code = found.get("code") if isinstance(found, Mapping) else None
    return code if isinstance(code, str) and code.isidentifier() and len(code) <= 64 else ""
