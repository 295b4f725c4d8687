"""pyiceberg → Arrow, without Spark and without this project's code: exact sums, and what is new.

    python recipes/pyiceberg_arrow.py                    # the embedded lake in .data
    LAKE_CATALOG_TYPE=rest LAKE_CATALOG_URI=… python recipes/pyiceberg_arrow.py

Prints each symbol's exact VWAP of the newest hour, read with a filter on the partition, so that
other hours' files are not opened; then the newest commits of Silver.
"""

import os
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.expressions import GreaterThanOrEqual
from pyiceberg.table import Table


def catalog() -> Catalog:
    """The catalog of the settings, as the environment has them; the embedded one by default."""
    if os.environ.get("LAKE_CATALOG_TYPE", "sql") == "sql":
        folder = Path(os.environ.get("DATA_DIR", ".data")).resolve()
        # The catalog's name is part of its keys.
        return load_catalog("lake", type="sql", uri=f"sqlite:///{folder}/catalog.db")
    uri = os.environ["LAKE_CATALOG_URI"]
    properties = {
        "uri": uri,
        "warehouse": os.environ.get("LAKE_WAREHOUSE", ""),
        "credential": os.environ.get("LAKE_CATALOG_CREDENTIAL", ""),
        "oauth2-server-uri": f"{uri.rstrip('/')}/v1/oauth/tokens",
        "s3.endpoint": os.environ.get("S3_ENDPOINT", ""),
        "s3.region": os.environ.get("S3_REGION", "us-east-1"),
        "s3.access-key-id": os.environ.get("S3_ACCESS_KEY", ""),
        "s3.secret-access-key": os.environ.get("S3_SECRET_KEY", ""),
    }
    given = {name: value for name, value in properties.items() if value}
    return load_catalog("lake", type="rest", **given)


def newest_hour(trades: Table) -> pa.Table:
    """The trades since the start of the newest hour: columns symbol, price, qty, quote_qty."""
    # The files' statistics know it: no trade is read.
    files = trades.inspect.files()["readable_metrics"].to_pylist()
    newest: datetime = max(each["event_ts"]["upper_bound"] for each in files)
    start = newest.replace(minute=0, second=0, microsecond=0)
    wanted = ("exchange", "symbol", "qty", "quote_qty")
    return trades.scan(GreaterThanOrEqual("event_ts", start.isoformat()), wanted).to_arrow()


def main() -> None:
    """Print both."""
    trades = catalog().load_table("market.crypto_silver_trades")
    found = newest_hour(trades).group_by(["exchange", "symbol"])
    # Arrow sums decimals exactly; the division is Python's, with 28 digits.
    sums = found.aggregate([("quote_qty", "sum"), ("qty", "sum"), ("qty", "count")])
    for row in sums.sort_by([("exchange", "ascending"), ("symbol", "ascending")]).to_pylist():
        vwap = row["quote_qty_sum"] / row["qty_sum"]
        print(f"{row['exchange']} {row['symbol']}: {row['qty_count']} trades, VWAP {vwap:.8f}")
    for snapshot in list(trades.snapshots())[-3:]:
        summary = snapshot.summary
        added = summary.get("added-records", "0") if summary else "0"
        print(f"commit {snapshot.snapshot_id}: {added} trades added")


if __name__ == "__main__":
    main()
