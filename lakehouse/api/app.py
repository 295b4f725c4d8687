"""The application: its paths, its errors, its gate, its figures."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from lakehouse.api import models, problems, summary_examples
from lakehouse.api.claims import Claims
from lakehouse.api.desk import Desk
from lakehouse.api.examples import EXAMPLES
from lakehouse.api.gate import Crowd, KeyGate, Meter, Weight
from lakehouse.api.history import History
from lakehouse.api.hour_paths import HourPaths, hour_router
from lakehouse.api.hour_watch import HourWatch
from lakehouse.api.lake_figures import LakeFigures
from lakehouse.api.metrics import Metrics
from lakehouse.api.page_files import page_router
from lakehouse.api.refresher import Refresher
from lakehouse.api.routes import router
from lakehouse.api.scribe import Scribe
from lakehouse.api.seal import Seal
from lakehouse.api.summary_paths import SummaryPaths
from lakehouse.api.summary_routes import summary_router
from lakehouse.settings import Settings
from lakehouse.summary_record import put_on_record

VERSION: Final = "1.0.0"
_ABOUT: Final = (
    "What the lake holds, from a snapshot that follows every commit. Decimals are exact strings, "
    "times ISO 8601 in UTC, errors problem details. The meaning of every figure: docs/api.md."
)
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def create_app(
    settings: Settings,
    refresher: Refresher,
    clock: Callable[[], float] = time.time,
    watch: HourWatch | None = None,
) -> FastAPI:
    """The API over what `refresher` holds; who makes the refresher starts and stops it.

    The watch over the hours is started and stopped with the application.
    """
    history = History(settings)
    watch = watch or HourWatch(settings, refresher, clock)
    scribe = Scribe(partial(put_on_record, settings), partial(_on_record, refresher))
    app = FastAPI(
        title="Firehose lakehouse",
        version=VERSION,
        description=_ABOUT,
        docs_url=None,  # its page would be fetched from the Internet
        redoc_url=None,
        lifespan=_lifespan(history, watch, scribe),
    )
    problems.install(app)
    desk = Desk(refresher, history, settings.freshness_seconds, clock)
    app.include_router(router(desk))
    app.include_router(summary_router(SummaryPaths(desk, Seal.of(settings), Claims(clock), scribe)))
    app.include_router(hour_router(HourPaths(lambda: refresher.state, watch, clock)))
    app.include_router(page_router())
    metrics = Metrics(refresher, clock)
    metrics.register(LakeFigures(refresher, watch, settings.freshness_seconds, clock))
    _add_operations(app, refresher, metrics)
    _describe(app)
    if key := settings.api_key.get_secret_value():
        app.add_middleware(KeyGate, key=key)
    app.add_middleware(Weight)
    app.add_middleware(Crowd)
    app.add_middleware(Meter, metrics=metrics)
    return app


def _on_record(refresher: Refresher, summary_id: str) -> bool:
    snapshot = refresher.state.snapshot
    return snapshot is not None and summary_id in snapshot.summaries.ids


def _lifespan(history: History, watch: HourWatch, scribe: Scribe) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watch.start()
        yield
        await asyncio.to_thread(watch.stop)
        await asyncio.to_thread(scribe.close)
        history.close()

    return lifespan


def _add_operations(app: FastAPI, refresher: Refresher, metrics: Metrics) -> None:
    @app.get("/health/live", include_in_schema=False)
    async def live() -> dict[str, bool]:
        return {"live": True}

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        state = refresher.state
        if state.snapshot is None:
            detail = "The lake has not been read yet."
            raise problems.ProblemError(503, "lake_not_ready", detail, retry_after=2)
        return problems.json({"ready": True, "lake_answers": not state.failure})

    @app.get("/metrics", include_in_schema=False)
    def figures() -> Response:  # in a thread: there may be many
        return Response(metrics.page(), headers={"Content-Type": _METRICS_TYPE})


def _describe(app: FastAPI) -> None:
    """OpenAPI as FastAPI makes it, with the shape of errors and the two ways to bring a key."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=VERSION, description=_ABOUT, routes=app.routes
            )
            parts = made["components"]
            parts["schemas"] |= _schemas(models.Problem)
            parts["securitySchemes"] = {
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            }
            for path, example in EXAMPLES.items():
                told = made["paths"][f"/v1{path}"]["get"]["responses"]["200"]
                # Not by FastAPI, which would leave out what is null.
                told["content"]["application/json"]["example"] = example
            for (method, path), example in summary_examples.examples().items():
                answers = made["paths"][f"/v1{path}"][method]["responses"]
                told = answers.get("200") or answers["201"]
                told["content"]["application/json"]["example"] = example
            made["security"] = [{}, {"header": []}, {"bearer": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _schemas(model: type[models.Answer]) -> dict[str, Any]:
    made = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**made.pop("$defs", {}), model.__name__: made}
