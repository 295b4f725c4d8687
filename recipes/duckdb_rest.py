"""DuckDB alone on a lake behind a REST catalog: none of this project's code, only its settings.

    python recipes/duckdb_rest.py "SELECT * FROM lake.market.crypto_gold_minute LIMIT 20"

Reads LAKE_CATALOG_URI, LAKE_CATALOG_CREDENTIAL, LAKE_WAREHOUSE and the S3 settings from the
environment. Needs `duckdb` with its extensions iceberg, avro and httpfs of the same version: their
wheels, as in this project's .venv, or DuckDB's own INSTALL where it may download.
"""

import importlib.resources
import os
import sys

import duckdb

QUESTION = """
SELECT exchange, symbol, count(*) AS trades, min(agg_id) AS first_id, max(agg_id) AS last_id,
       sum(quote_qty) AS turnover
FROM lake.market.crypto_silver_trades GROUP BY ALL ORDER BY ALL
"""


def connect() -> duckdb.DuckDBPyConnection:
    """A session that knows the catalog as `lake`."""
    con = duckdb.connect(config={"autoinstall_known_extensions": False})
    for name in ("avro", "httpfs", "iceberg"):
        wheel = importlib.resources.files(f"duckdb_extension_{name}")
        con.load_extension(str(wheel / f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"))
    con.execute("SET TimeZone = 'UTC'")
    _know_s3(con)
    _attach(con)
    return con


def _know_s3(con: duckdb.DuckDBPyConnection) -> None:
    scheme, _, host = os.environ["S3_ENDPOINT"].rpartition("://")
    con.execute(
        "CREATE SECRET s3 (TYPE s3, KEY_ID $key, SECRET $secret, REGION $region, "
        f"ENDPOINT $host, URL_STYLE 'path', USE_SSL {scheme != 'http'})",
        {
            "key": os.environ["S3_ACCESS_KEY"],
            "secret": os.environ["S3_SECRET_KEY"],
            "region": os.environ.get("S3_REGION", "us-east-1"),
            "host": host,
        },
    )


def _attach(con: duckdb.DuckDBPyConnection) -> None:
    uri, warehouse = os.environ["LAKE_CATALOG_URI"], os.environ["LAKE_WAREHOUSE"]
    client, _, secret = os.environ.get("LAKE_CATALOG_CREDENTIAL", "").partition(":")
    if client:
        con.execute(
            "CREATE SECRET catalog (TYPE iceberg, CLIENT_ID $id, CLIENT_SECRET $secret, "
            "OAUTH2_SERVER_URI $uri)",
            {"id": client, "secret": secret, "uri": f"{uri.rstrip('/')}/v1/oauth/tokens"},
        )
    how = "SECRET catalog" if client else "AUTHORIZATION_TYPE 'none'"
    # ATTACH takes no bound values.
    quoted = [value.replace("'", "''") for value in (warehouse, uri)]
    con.execute(f"ATTACH '{quoted[0]}' AS lake (TYPE iceberg, ENDPOINT '{quoted[1]}', {how})")


if __name__ == "__main__":
    connect().sql(sys.argv[1] if len(sys.argv) > 1 else QUESTION).show(max_width=200)
