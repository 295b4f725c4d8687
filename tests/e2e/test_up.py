"""`firehose up`: every part as a process, told where, ended as one."""

import json
import re
import signal
import stat
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import httpx
from dotenv import dotenv_values

from lakehouse.settings import load
from lakehouse.stack import n8n_install
from lakehouse.stack.n8n import WEBHOOK_PATH
from lakehouse.stack.ports import free_ports
from lakehouse.stack.probe import ping
from tests.commands import firehose, nothing_left, processes_of, start, wait_for
from tests.e2e.test_errors_in_a_run import read_until
from tests.long import LONG

pytestmark = LONG
KEY = "the-key-of-this-test"
# Not installed for this: `firehose n8n --install-only` takes minutes, and `make test` does it.
N8N = ["--n8n"] if n8n_install.runtime_of(load(_env_file=None)).whole else []
ENV = {"API_PORT": "0", "API_KEY": KEY, "CHECK_SECONDS": "0", "SYMBOLS": "BTCUSDT,ETHUSDT"}


def ask(url: str) -> Any:
    request = urllib.request.Request(url, headers={"X-API-Key": KEY})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def prices(api: str) -> list[str]:
    """The symbols with a minute in Gold; none while the API says 503, as Gold is empty."""
    try:
        return [row["symbol"] for row in ask(f"{api}/v1/pulse")["symbols"]]
    except OSError:
        return []


def test_all_parts_come_up_answer_and_end(tmp_path: Path) -> None:
    data = tmp_path / "lake"
    words = ["up", "--simulate", "--rate", "200", "--data-dir", str(data)]
    port = str(free_ports(1)[0])
    process = start(tmp_path, *words, *N8N, env=ENV | {"N8N_PORT": port})
    try:
        output = read_until(process, "All parts are healthy.")
        look_at(tmp_path, data, dict(re.findall(r"^ *(\w+) +(\S+:\d+) ", output, re.MULTILINE)))
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=200)
        assert process.returncode == 0 and "Stopped." in rest, rest
        assert nothing_left(data)
    finally:
        end(process, data)
    logs = "".join(path.read_text(errors="replace") for path in data.glob("logs/*.log"))
    assert str(dotenv_values(data / "up.env")["S3_SECRET_KEY"]) not in logs + output + rest
    assert "Traceback" not in output + rest


def look_at(folder: Path, data: Path, told: dict[str, str]) -> None:
    """What the table told answers, and a trade goes all the way."""
    assert set(told) == {"kafka", "s3", "catalog", "api"} | ({"n8n"} if N8N else set())
    if N8N:
        # Its workflows are published: the spikes' one takes no event that is not signed.
        hook = f"{told['n8n'].rstrip('/')}{WEBHOOK_PATH}"
        wait_for(lambda: httpx.post(hook, json={}).status_code == 401, 60, "the webhook of spikes")
    ping(told["kafka"], 10)
    with urllib.request.urlopen(f"{told['s3']}/healthz", timeout=10) as answer:
        assert answer.status == 200
    assert "status" in ask(f"{told['api']}/v1/health")["source"]
    wait_for(lambda: len(prices(told["api"])) == 2, 240, "both symbols in Gold, over the API")
    lead = {name: str(value) for name, value in dotenv_values(data / "up.env").items()}
    assert stat.S_IMODE((data / "up.env").stat().st_mode) == 0o600
    assert lead["LAKE_CATALOG_URI"] == told["catalog"] and lead["DATA_DIR"] == str(data)
    sql = "SELECT count(DISTINCT symbol) AS n FROM crypto_silver_trades"
    done = firehose(folder, "sql", sql, "--format", "json", env=lead)
    assert json.loads(done.stdout) == [{"n": 2}]
    assert not list(data.glob("warehouse")) and not list(data.glob("catalog.db"))
    # What dies is started again: S3 and catalog on the ports that everybody knows.
    [weed] = [p for p in processes_of(data) if p.name() == "weed"]
    weed.kill()
    wait_for(lambda: answers(f"{told['s3']}/healthz"), 60, "S3 again")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def end(process: "subprocess.Popen[str]", data: Path) -> None:
    process.kill()
    process.communicate()
    assert nothing_left(data, 60)
