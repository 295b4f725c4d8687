"""The application: its paths, its errors, its gate, its figures."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from lakehouse.api import models, problems
from lakehouse.api.desk import Desk
from lakehouse.api.examples import EXAMPLES
from lakehouse.api.gate import Crowd, KeyGate, Meter
from lakehouse.api.history import History
from lakehouse.api.hour_paths import HourPaths, hour_router
from lakehouse.api.hour_watch import HourWatch
from lakehouse.api.metrics import Metrics
from lakehouse.api.page_files import page_router
from lakehouse.api.refresher import Refresher
from lakehouse.api.routes import router
from lakehouse.settings import Settings

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
    app = FastAPI(
        title="Firehose lakehouse",
        version=VERSION,
        description=_ABOUT,
        docs_url=None,  # its page would be fetched from the Internet
        redoc_url=None,
        lifespan=_lifespan(history, watch),
    )
    problems.install(app)
    app.include_router(router(Desk(refresher, history, settings.freshness_seconds, clock)))
    app.include_router(hour_router(HourPaths(lambda: refresher.state, watch, clock)))
    app.include_router(page_router())
    metrics = Metrics(refresher, clock)
    _add_operations(app, refresher, metrics)
    _describe(app)
    if key := settings.api_key.get_secret_value():
        app.add_middleware(KeyGate, key=key)
    app.add_middleware(Crowd)
    app.add_middleware(Meter, metrics=metrics)
    return app


def _lifespan(history: History, watch: HourWatch) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        watch.start()
        yield
        await asyncio.to_thread(watch.stop)
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
    async def figures() -> Response:
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
            made["security"] = [{}, {"header": []}, {"bearer": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _schemas(model: type[models.Answer]) -> dict[str, Any]:
    made = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**made.pop("$defs", {}), model.__name__: made}
