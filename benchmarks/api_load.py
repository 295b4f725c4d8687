"""Open-loop load on the read API, as a process of its own.

`python -m benchmarks.api_load URL RATE SECONDS SYMBOL…`: requests leave at a fixed rate, whether or
not the ones before have been answered; a latency counts from the moment the request was due. Prints
one JSON object on stdout: {"late": …, "answers": [[path, status, milliseconds, bytes], …]}.
"""

import asyncio
import itertools
import json
import sys
import time
from typing import Final, TypeAlias

import aiohttp

Answer: TypeAlias = tuple[str, int, float, int]

# What a page with charts, a bot and a monitor ask, in this order, again and again.
MIX: Final = (
    *("/v1/pulse?symbols={symbol}",) * 4,
    *("/v1/minutes?symbol={symbol}",) * 3,
    "/v1/pulse",
    "/v1/spikes",
    "/v1/health",
)


async def load(url: str, rate: float, seconds: float, symbols: list[str]) -> dict[str, object]:
    """Send for so many seconds and wait for what is under way."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    paths = itertools.cycle(MIX)
    names = itertools.cycle(symbols)
    tasks, worst_late, began = [], 0.0, time.perf_counter() + 0.5
    async with aiohttp.ClientSession(url, connector=connector) as session:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            worst_late = max(worst_late, time.perf_counter() - due)
            path = next(paths).format(symbol=next(names))
            tasks.append(asyncio.create_task(_ask(session, path, due)))
        answers = await asyncio.gather(*tasks)
    return {"late": 1000 * worst_late, "answers": answers}


async def _ask(session: aiohttp.ClientSession, path: str, due: float) -> Answer:
    kind = path.split("=")[0]
    try:
        async with session.get(path, timeout=aiohttp.ClientTimeout(30)) as answer:
            body = await answer.read()
            return kind, answer.status, 1000 * (time.perf_counter() - due), len(body)
    except (aiohttp.ClientError, TimeoutError):
        return kind, 0, 1000 * (time.perf_counter() - due), 0


def main() -> None:
    """The command line."""
    url, rate, seconds, *symbols = sys.argv[1:]
    json.dump(asyncio.run(load(url, float(rate), float(seconds), symbols)), sys.stdout)


if __name__ == "__main__":
    main()
