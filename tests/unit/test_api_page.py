"""The page as files and as answers: small, ours alone, open without the key, nothing foreign."""

import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from lakehouse.api.app import create_app
from lakehouse.api.page_files import FOLDER, POLICY, page_files
from lakehouse.api.refresher import Refresher
from lakehouse.settings import Settings
from tests.api_calls import client_of, refused
from tests.documents import ROOT
from tests.lakes import LakeWriter

FILES = sorted(FOLDER.iterdir())
MODULES = [path for path in FILES if path.suffix == ".js"]
MOST_LINES = 150
# A name space is no address that anything is fetched from.
FOREIGN = re.compile(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[\w.-]+\.\w+")
REFERRED = re.compile(r'(?:from|src=|href=)\s*"(?:/page/|\./)([\w.]+)"')


def name_of(path: Path) -> str:
    return path.name


def test_every_file_of_the_folder_is_served() -> None:
    assert {path.name for path in FILES} == page_files().keys()
    assert len(MODULES) > 10


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_small_and_asks_nobody_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    code = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    assert FOREIGN.findall(code) == []
    assert "url(" not in text and "@import" not in text and "innerHTML" not in text


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("// ")


def test_every_file_is_used_and_there() -> None:
    named = {hit for path in FILES for hit in REFERRED.findall(path.read_text(encoding="utf-8"))}
    assert named | {"index.html"} == page_files().keys()


def test_nothing_is_inline() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", page)


async def test_it_is_served_with_everything_foreign_forbidden(client: httpx.AsyncClient) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/page/app.js", "text/javascript"),
        ("/page/base.css", "text/css"),
        ("/page/icon.svg", "image/svg+xml"),
    ):
        found = await client.get(path)
        assert (found.status_code, found.headers["content-security-policy"]) == (200, POLICY)
        assert found.headers["content-type"].startswith(kind)
        assert found.headers["x-content-type-options"] == "nosniff"
        held = {"If-None-Match": found.headers["etag"]}
        assert (await client.get(path, headers=held)).status_code == 304
    assert POLICY.startswith("default-src 'self';") and "unsafe" not in POLICY
    assert "/page/{name}" not in (await client.get("/openapi.json")).text


@pytest.mark.parametrize("path", ["/page/no.js", "/page/../app.py", "/page/%2e%2e%2fapp.py", "/x"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await refused(client, path))[:2] == (404, "no_such_path")


async def test_the_key_opens_the_figures_and_not_the_page(
    api_lake: LakeWriter, api_refresher: Refresher
) -> None:
    settings = api_lake.settings.model_copy(update={"api_key": SecretStr("open-sesame")})
    async with client_of(locked(settings, api_refresher)) as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/page/app.js")).status_code == 200
        assert (await client.get("/page/no.js")).status_code == 404
        for path in ("/v1/pulse", "/v1/completeness", "/page", "//", "/openapi.json", "/x/page/"):
            assert (await client.get(f"http://api{path}")).status_code == 401, path


def locked(settings: Settings, refresher: Refresher) -> FastAPI:
    return create_app(settings, refresher)


def test_the_readme_shows_it() -> None:
    assert "docs/images/page.png" in (ROOT / "README.md").read_text(encoding="utf-8")
