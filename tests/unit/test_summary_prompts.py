"""Prompts are files with a version: a change of words needs a new one, and the record tells it."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.summary import brief, pulse_facts
from lakehouse.summary.completion import MOST_HEADLINE, MOST_TEXT
from lakehouse.summary.prompts import PROMPTS, Prompt, parse, prompt
from tests.summaries import SPIKING, one, pulse, source, spiked, symbol

ROOT = Path(__file__).resolve().parents[2]
# What each version said. A changed prompt needs a new version, and a line here.
KNOWN = {
    "pulse-1": "f35424e93fe0f790",
    "spike-1": "b2447fb46368aad8",
}


def digest(kind: str) -> str:
    return hashlib.sha256((PROMPTS / f"{kind}.md").read_bytes()).hexdigest()[:16]


@pytest.mark.parametrize("kind", ["pulse", "spike"])
def test_a_version_always_means_the_same_words(kind: str) -> None:
    version = prompt(kind).version
    assert KNOWN[version] == digest(kind), "raise the version of a changed prompt, and add it here"


def test_there_is_a_prompt_for_each_kind_and_no_other() -> None:
    assert {path.stem for path in PROMPTS.glob("*.md")} == {"pulse", "spike"}


def test_the_prompts_are_in_the_wheel() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    # The folder that the package looks into, where it is installed as in a checkout.
    assert included["n8n"] == "n8n" and PROMPTS == ROOT / "n8n" / "prompts"


@pytest.mark.parametrize("kind", ["pulse", "spike"])
def test_a_prompt_asks_for_what_the_verification_wants(kind: str) -> None:
    system = prompt(kind).system
    limits = [int(found) for found in re.findall(r"(\d+) characters at most", system)]
    assert limits[0] <= MOST_HEADLINE and limits[1] <= MOST_TEXT
    for key in ("headline", "symbol", "direction", "text", "source"):
        assert f'"{key}"' in system


def test_the_model_is_told_the_figures_and_nothing_else() -> None:
    asked = brief(one())
    system, user = asked["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert "{facts}" not in user["content"] and asked["prompt_version"] == prompt("pulse").version
    for line in ("price: 61,990.10", "price change (30m): -0.12%", "VWAP (24h): 62,811.12"):
        assert f"  {line}\n" in user["content"] + "\n"
    assert "61990.10000000" not in str(asked["messages"])
    assert brief(spiked())["messages"][0]["content"] == prompt("spike").system


def test_the_model_is_told_what_is_wrong_with_the_source() -> None:
    health = source("degraded", "3 trades are missing.", open_gaps=1, missing_ids=3)
    told = brief(pulse_facts(pulse(symbol(spike=SPIKING), health=health)))["messages"][1]["content"]
    assert "SOURCE status: degraded\n" in told and "reason: 3 trades are missing." in told
    assert "missing trades: 3" in told and "spike status: spike (price up, volume high)" in told


GOOD = "---\nkind: pulse\nversion: 7\n---\n# System\na\n# User\n{facts}\n# Retry\n{complaints}\n"


def test_a_prompt_is_read() -> None:
    assert parse("pulse", GOOD) == Prompt("pulse-7", "a", "{facts}", "{complaints}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD.replace("kind: pulse", "kind: spike"),
        GOOD.replace("version: 7\n", ""),
        GOOD.replace("version: 7", "version: new"),
        GOOD.replace("# Retry", "# Again"),
        GOOD.replace("# User\n", ""),
        GOOD.replace("{facts}", ""),
        GOOD.replace("{facts}", "{facts} {facts}"),
        GOOD.replace("{complaints}", ""),
        GOOD + "# More\n",
    ],
)
def test_a_prompt_that_can_not_be_used_says_why(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse("pulse", text)


def test_a_missing_prompt_has_a_way_out() -> None:
    with pytest.raises(SettingsError, match=r"There is no prompt .*other\.md\. Reinstall"):
        prompt("other")
