"""Grafana's dashboards: `python -m tests.dashboards` writes docker/grafana/dashboards/*.json."""

import json
from pathlib import Path
from typing import Final

from tests.dashboard_lake import COMPLETENESS, QUALITY
from tests.dashboard_market import MARKET
from tests.dashboard_model import Dashboard
from tests.dashboard_parts import STREAM, SYMBOL
from tests.dashboard_pipeline import API, EXCHANGE, STATE, STREAMS
from tests.documents import ROOT

FOLDER: Final = ROOT / "docker" / "grafana" / "dashboards"

DASHBOARDS: Final = (
    Dashboard(
        "firehose-pipeline", "Firehose: pipeline",
        "From the exchange to Gold: what runs, how fast, how far behind.",
        (STATE, EXCHANGE, STREAMS, API), (STREAM,),
    ),
    Dashboard(
        "firehose-market", "Firehose: market",
        "The newest minute of each symbol, as Gold has it. Exact decimals: /v1/pulse.",
        MARKET, (SYMBOL,),
    ),
    Dashboard(
        "firehose-quality", "Firehose: data quality",
        "Which promises of the tables hold, and which rows break a rule.", QUALITY, (STREAM,),
    ),
    Dashboard(
        "firehose-completeness", "Firehose: completeness",
        "Whether a trade is missing, by the ids that rise by one.", COMPLETENESS, (SYMBOL,),
    ),
)  # fmt: skip


def rendered(dashboard: Dashboard) -> str:
    """The file's text."""
    return json.dumps(dashboard.json(), indent=2, ensure_ascii=False) + "\n"


def file_of(dashboard: Dashboard) -> Path:
    """docker/grafana/dashboards/<uid>.json."""
    return FOLDER / f"{dashboard.uid}.json"


if __name__ == "__main__":
    for each in DASHBOARDS:
        file_of(each).write_text(rendered(each), encoding="utf-8")
