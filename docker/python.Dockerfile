# syntax=docker/dockerfile:1.7
# Producer, API and checks: what uv.lock pins, without Spark and without Java.
FROM python:3.11.14-slim-bookworm AS build
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /src
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-install-project --no-install-package pyspark --no-install-package py4j
COPY lakehouse lakehouse
COPY producer producer
COPY spark_jobs spark_jobs
COPY sql sql
COPY n8n n8n
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-editable --no-install-package pyspark --no-install-package py4j

FROM python:3.11.14-slim-bookworm AS parts
RUN useradd --uid 10001 --no-create-home --home-dir /tmp firehose \
 && install -d -o firehose -g firehose /data
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /data
USER 10001:10001
CMD ["firehose", "--help"]

FROM build AS notebook-build
RUN --mount=type=cache,target=/root/.cache/uv \
    uv pip install --python /opt/venv/bin/python jupyterlab==4.6.6

FROM parts AS notebook
COPY --from=notebook-build /opt/venv /opt/venv

# The last stage is what is built where no target is named.
FROM parts
