"""House rules that no linter knows. Each says what to do when it breaks."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from lakehouse.gaps import GapMessage, PositionMessage
from lakehouse.messages import TradeMessage
from lakehouse.spike_event import SpikeEvent
from tests.conftest import KINDS, TESTS, kind_of

ROOT = TESTS.parent
CODE = ("lakehouse", "producer", "spark_jobs")
SOURCES = sorted(file for folder in CODE for file in (ROOT / folder).rglob("*.py"))
ALL_FILES = sorted([*SOURCES, *TESTS.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
MOST_LINES = 250
# A name that holds money or an amount: any float of it may have lost a digit.
AMOUNT = re.compile(r"\b\w*(price|qty|quantity|amount|notional|volume|vwap)\w*\b")
HEAVY = {
    "pyspark": {"spark_jobs"},
    "picows": {"producer"},
    "websockets": {"producer"},
    "confluent_kafka": {"producer"},
    "aiohttp": {"producer"},
    "duckdb": {"lakehouse"},
    "pyiceberg": {"lakehouse"},
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    """The top-level packages that a module imports anywhere, functions included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def amounts_made_float(source: str) -> list[str]:
    """The calls `float(…)` of a name that holds money or an amount."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    floats = (ast.unparse(call) for call in calls if ast.unparse(call.func) == "float")
    return [call for call in floats if AMOUNT.search(call)]


def test_the_rules_see_the_code() -> None:
    assert len(SOURCES) > 10
    assert {file.relative_to(ROOT).parts[0] for file in SOURCES} == set(CODE)


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_a_file_is_small_enough_to_feel_at_home_in(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{name_of(path)} has {lines} lines: split it by its ideas"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_public_module_says_what_it_is(path: Path) -> None:
    tree = tree_of(path)
    # An empty __init__.py is no more than the mark of a package.
    if tree.body:
        assert ast.get_docstring(tree), f"{name_of(path)} begins without a docstring"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_money_and_amounts_never_become_floats(path: Path) -> None:
    assert amounts_made_float(path.read_text(encoding="utf-8")) == [], "use Decimal"


def test_the_rule_about_floats_finds_what_it_should() -> None:
    assert amounts_made_float("x = float(trade.price)") == ["float(trade.price)"]
    assert amounts_made_float("x = [float(row['qty']) for row in rows]") == ["float(row['qty'])"]
    assert amounts_made_float("x = float(seconds) + price") == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_heavy_library_comes_in_through_one_door(path: Path) -> None:
    here = path.relative_to(ROOT).parts[0]
    strangers = {name for name in imported(tree_of(path)) if here not in HEAVY.get(name, {here})}
    assert not strangers, f"{name_of(path)} imports {strangers}: see .importlinter"


def test_every_kind_of_test_has_a_folder_a_marker_and_a_target() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert {line.split(":")[0] for line in options["markers"]} == KINDS
    assert {folder.parent.name for folder in TESTS.glob("*/__init__.py")} == KINDS
    makefile = (ROOT / "Makefile").read_text()
    for kind in KINDS:
        target = kind if kind == "chaos" else f"test-{kind}"
        assert re.search(rf"^{target}:.*## ", makefile, flags=re.MULTILINE), target


def test_the_folder_gives_the_marker(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("unit") is not None
    assert kind_of(TESTS / "chaos" / "deep" / "test_kill.py") == "chaos"
    assert kind_of(TESTS / "lakes.py") is None
    assert kind_of(ROOT / "lakehouse" / "trade.py") is None


def test_every_test_file_lies_in_a_kind() -> None:
    strays = [name_of(file) for file in TESTS.rglob("test_*.py") if kind_of(file) is None]
    assert strays == [], "put each under tests/unit, spark, integration, e2e or chaos"


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("aggtrade", TradeMessage),
        ("gap", GapMessage),
        ("position", PositionMessage),
        ("spike", SpikeEvent),
    ],
)
def test_the_published_schema_is_the_model(name: str, model: type[BaseModel]) -> None:
    published = json.loads((ROOT / f"docs/schema/{name}.v1.schema.json").read_text())
    wanted = model.model_json_schema()
    assert published == wanted, "a change that old readers can't take needs a v2 file beside it"


def test_every_make_target_is_explained_and_phony() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", makefile, flags=re.MULTILINE))
    explained = set(re.findall(r"^([a-z][a-z0-9-]*):.*## \S", makefile, flags=re.MULTILINE))
    phony = set(" ".join(re.findall(r"^\.PHONY:(.*)$", makefile, flags=re.MULTILINE)).split())
    assert targets == explained == phony


def test_set_up_installs_the_pinned_uv() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    [pinned] = [word for word in groups["dev"] if str(word).startswith("uv==")]
    version = re.search(r"UV_VERSION=(\S+)", (ROOT / ".ci/setup").read_text())
    assert version is not None and pinned == f"uv=={version[1]}"
