"""The bill of materials lists every locked package and every locked jar."""

import json
import tomllib
from pathlib import Path

from lakehouse.stack import jar_lock, sbom
from tests.documents import ROOT


def test_it_lists_every_locked_package_and_jar(tmp_path: Path) -> None:
    file = tmp_path / "sbom.json"
    assert sbom.main([str(file)]) == 0
    found = json.loads(file.read_text())
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    listed = {(each["name"], each["version"]) for each in found["components"]}
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    wanted = {(each["name"], each["version"]) for each in locked} - {_project(locked)}
    assert len(wanted) > 100 and wanted <= listed
    jars = jar_lock.parse(jar_lock.LOCK_FILE.read_text())
    hashes = {
        (entry["value"], each["hashes"][0]["content"])
        for each in found["components"]
        for entry in each.get("properties", ())
        if entry["name"] == "firehose:jar"
    }
    assert hashes == set(jars.items()) and len(jars) > 40
    references = [each["bom-ref"] for each in found["components"]]
    assert len(set(references)) == len(references)


def _project(locked: list[dict[str, str]]) -> tuple[str, str]:
    [own] = [each for each in locked if "editable" in each["source"]]
    return own["name"], own["version"]


def test_a_jar_is_named_with_its_version() -> None:
    files = ("spark-sql-kafka-0-10_2.13-4.1.3", "jackson-core-2.21.2", "guava-33.4.0-jre", "odd")
    found = sbom.jars({f"spark/{file}.jar": "aa" for file in files})
    assert [(each["name"], each["version"]) for each in found] == [
        ("guava", "33.4.0-jre"),
        ("jackson-core", "2.21.2"),
        ("odd.jar", ""),
        ("spark-sql-kafka-0-10_2.13", "4.1.3"),
    ]
