"""What the documentation names is there: files, headings, commands, settings, columns, errors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from lakehouse import errors, tables
from lakehouse.cli import app
from lakehouse.settings import Settings
from tests import check_docs, compose_file, documents, table_docs
from tests.documents import PAGES, ROOT, name_of

# Names in capitals that are no settings of ours, and where each comes from.
OTHER_NAMES = {
    "JAVA_HOME",  # the machine
    "FIREHOSE_MAVEN_URL",  # lakehouse/stack/ivy.py
    "HYPOTHESIS_PROFILE",  # tests/conftest.py
    "NO_CODEGEN",  # Spark
    "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY",  # the exchange's protocol
    "PYTHON", "ARGS",  # make
    "PAGE_SCREENSHOT",  # tests/browser/test_looks.py
    "CHAOS_SEED", "CHAOS_INJECTIONS", "CHAOS_SECONDS", "FUZZ_FRAMES",  # tests/chaos/seeds.py
    "N8N_LISTEN_ADDRESS", "N8N_BLOCK_ENV_ACCESS_IN_NODE", "N8N_RUNNERS_BROKER_PORT",  # n8n
    "NODE_FUNCTION_ALLOW_BUILTIN",  # n8n
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "SPARK_HOME",  # AWS, Spark
    "SASL_SSL", "SASL_PLAINTEXT",  # Kafka's words
    "LIBFAKETIME",  # tests/chaos/test_producer_clock.py
}  # fmt: skip
FOLDERS = ("lakehouse", "producer", "spark_jobs", "sql", "tests", "docs", "benchmarks", "n8n")
# A path is written out; `sql/<table>/table.sql` and `tests/*` are patterns.
PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./-]*")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def named(page: Path, pattern: str) -> set[str]:
    """What the pattern's group finds in the page's code."""
    return {hit for piece in documents.code(text_of(page)) for hit in re.findall(pattern, piece)}


def command_lines(page: Path) -> Iterator[tuple[str, str]]:
    """(command, its line up to a comment or a pipe) for each `firehose COMMAND …` of a page."""
    for piece in documents.code(text_of(page)):
        for found in re.finditer(r"\bfirehose ([a-z][a-z0-9]*)([^#|│]*)", piece):
            yield found[1], found[2]


def test_pages_are_read_as_people_read_them() -> None:
    page = (
        "# A `b`, c!\nSee [x](y.md#z), [w](https://w.org), `make up`.\n```sh\nmake it # so\n```\n"
    )
    assert documents.links(page) == ["y.md#z"]
    assert documents.anchors(page) == {"a-b-c"}
    assert documents.code(page) == ["make it # so", "b", "make up"]
    assert documents.table_cells("| `a` | | c |") == [["a", "", "c"]]
    assert len(PAGES) > 10


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in documents.links(text_of(page)):
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            assert anchor in documents.anchors(text_of(goal)), f"{target} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_named_is_there(page: Path) -> None:
    for piece in documents.code(text_of(page)):
        if PATH.fullmatch(piece):
            assert (ROOT / piece).exists(), f"{name_of(page)} names {piece}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_named_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", makefile, flags=re.MULTILINE))
    assert named(page, r"\bmake ([a-z][a-z0-9-]*)") <= targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_firehose_command_and_option_named_exists(page: Path) -> None:
    known = typer.main.get_group(app).commands
    for command, rest in command_lines(page):
        assert command in known, f"{name_of(page)} names firehose {command}"
        if command == "simulate":
            continue  # its options are the simulator's; a test of its own holds those
        options = _options(known[command])
        wanted = set(re.findall(r"(?<![\w\"-])--[a-z][a-z0-9-]*", rest)) - {"--help"}
        assert wanted <= options, f"{name_of(page)}: firehose {command}"


def _options(command: Any) -> set[str]:
    """The options of a command, or those of all the commands of a group."""
    inner = getattr(command, "commands", {}).values()
    own = {option for param in command.params for option in param.opts}
    return own.union(*(_options(each) for each in inner))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_python_module_named_can_be_run(page: Path) -> None:
    for module in named(page, r"python -m ([\w.]+)"):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_named_exists(page: Path) -> None:
    # Anywhere in the text: names are not always set as code.
    wanted = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", text_of(page)))
    wanted |= named(page, r"\b([A-Z][A-Z0-9_]+)=")
    known = {name.upper() for name in Settings.model_fields} | OTHER_NAMES
    known |= set(compose_file.variables())
    known |= {f"{name}_FILE" for name in known}  # secrets from files
    assert wanted <= known, f"{name_of(page)} names {wanted - known}"


def test_the_settings_of_the_readme_have_their_true_defaults() -> None:
    defaults = Settings.model_construct().as_env()
    rows = documents.table_cells(text_of(ROOT / "README.md"))
    shown = {row[0]: row[1] for row in rows if row[0] in defaults}
    assert len(shown) >= 5
    assert shown == {name: defaults[name] for name in shown}


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in documents.links(text_of(index))}
    files = {path for path in (ROOT / "docs").rglob("*.*") if path.suffix in {".md", ".json"}}
    alerts = set((ROOT / "docs" / "runbook").glob("*.md"))  # the runbook's own index has these
    assert files - {index} - alerts <= linked


def test_the_page_of_tables_is_what_the_statements_say() -> None:
    again = "write it again with `python -m tests.table_docs`"
    assert text_of(table_docs.DOCUMENT) == table_docs.render(), again
    assert len(table_docs.columns(tables.SILVER)) == 13


def test_the_page_of_checks_is_what_their_files_say() -> None:
    again = "write it again with `python -m tests.check_docs`"
    assert text_of(check_docs.DOCUMENT) == check_docs.render(), again


def test_the_page_of_gold_explains_every_column() -> None:
    spans = set(documents.code(text_of(ROOT / "docs" / "gold.md")))
    assert {column.name for column in table_docs.columns(tables.GOLD)} <= spans


def test_the_exit_codes_are_those_of_the_errors() -> None:
    rows = documents.table_cells(text_of(ROOT / "docs" / "troubleshooting.md"))
    told = {row[1]: int(row[0]) for row in rows if row[1].endswith("Error")}
    tree = errors.FirehoseError.__subclasses__()
    assert told == {error.__name__: error.exit_code for error in tree}


def test_the_readme_lists_every_query() -> None:
    files = {path.name for path in (ROOT / "sql" / "queries").glob("*.sql")}
    rows = documents.table_cells(text_of(ROOT / "README.md"))
    assert {row[0] for row in rows if row[0].endswith(".sql")} == files
