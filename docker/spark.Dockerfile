# syntax=docker/dockerfile:1.7
# Spark master, workers, the driver of the jobs, and every `firehose` command: what uv.lock pins,
# Java 17, and the jars of jars.lock, fetched and held to their digests while the image is built.
FROM python:3.11.14-slim-bookworm AS build
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-install-project
COPY lakehouse lakehouse
COPY producer producer
COPY spark_jobs spark_jobs
COPY sql sql
COPY n8n n8n
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --no-editable

FROM python:3.11.14-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends openjdk-17-jre-headless procps \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --no-create-home --home-dir /tmp firehose \
 && install -d -o firehose -g firehose /data /checkpoints /work
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 JARS_DIR=/opt/jars \
    JAVA_HOME=/usr/lib/jvm/default-java
RUN ln -s "$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")" "$JAVA_HOME" \
 && python -m lakehouse.stack.jars \
 && rm -rf /opt/jars/ivy-cache
COPY --chmod=0755 docker/spark/entrypoint.sh /opt/entrypoint.sh
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["/opt/entrypoint.sh"]
CMD ["firehose", "--help"]
