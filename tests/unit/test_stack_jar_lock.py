"""The lock file, the check of jars against it, and what Ivy is told and tells."""

import hashlib
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import MissingToolError
from lakehouse.stack import ivy, jar_lock

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.from_regex(r"\A(spark|kafka)/[a-zA-Z0-9_.-]{1,30}\.jar\Z")


@given(st.dictionaries(NAMES, DIGESTS))
def test_a_lock_reads_as_it_was_written(digests: dict[str, str]) -> None:
    assert jar_lock.parse(jar_lock.render(digests)) == digests


@pytest.mark.parametrize("line", ["", "abc  spark/a.jar", "g" * 64 + "  spark/a.jar", "0" * 64])
def test_a_broken_lock_says_how_to_mend_it(line: str) -> None:
    with pytest.raises(MissingToolError, match="git checkout"):
        jar_lock.parse(f"{line}\n")


def test_the_committed_lock_holds_every_jar_that_ivy_xml_names() -> None:
    locked = jar_lock.parse(jar_lock.LOCK_FILE.read_text(encoding="utf-8"))
    named = {
        f"{each.get('conf', '').split('->')[0]}/{each.get('name')}-{each.get('rev')}.jar"
        for each in ElementTree.parse(ivy.IVY_XML).iter("dependency")
    }
    assert len(named) == 11
    assert named <= locked.keys()


def test_each_kind_of_difference_is_told() -> None:
    found = {"a": "1", "b": "2", "d": "4"}
    assert jar_lock.differences(found, {"a": "1", "b": "x", "c": "3"}) == [
        "c is missing",
        "b is damaged or not the pinned one",
        "d is not in the lock file",
    ]
    assert jar_lock.differences(found, found) == []


def make_jar(folder: Path, content: bytes) -> Path:
    jar = folder / "spark" / "a.jar"
    jar.parent.mkdir(exist_ok=True)
    jar.write_bytes(content)
    return jar


def test_a_file_is_hashed_again_only_when_it_changed(tmp_path: Path) -> None:
    jar = make_jar(tmp_path, b"right")
    right = hashlib.sha256(b"right").hexdigest()
    assert jar_lock.scan(tmp_path) == {"spark/a.jar": right}
    status = jar.stat()
    jar.write_bytes(b"wrong")
    os.utime(jar, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert jar_lock.scan(tmp_path) == {"spark/a.jar": right}, "same size and time: not read"
    os.utime(jar, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert jar_lock.scan(tmp_path) == {"spark/a.jar": hashlib.sha256(b"wrong").hexdigest()}


def test_a_truncated_file_is_seen(tmp_path: Path) -> None:
    jar = make_jar(tmp_path, b"a long content")
    wanted = jar_lock.scan(tmp_path)
    jar.write_bytes(b"a long")
    assert jar_lock.differences(jar_lock.scan(tmp_path), wanted) == [
        "spark/a.jar is damaged or not the pinned one"
    ]


@pytest.mark.parametrize("marker", ["", "[]", '{"spark/a.jar": [1]}', '{"spark/a.jar": 1}', "nul"])
def test_a_broken_marker_costs_a_hash_and_no_more(tmp_path: Path, marker: str) -> None:
    make_jar(tmp_path, b"content")
    (tmp_path / "verified.json").write_text(marker)
    assert jar_lock.scan(tmp_path) == {"spark/a.jar": hashlib.sha256(b"content").hexdigest()}


def test_no_folder_holds_no_jars(tmp_path: Path) -> None:
    assert jar_lock.scan(tmp_path / "nowhere") == {}


def test_a_mirror_stands_in_for_central() -> None:
    assert ivy.repository({}) == ivy.repository({"FIREHOSE_MAVEN_URL": " "}) == ivy.CENTRAL
    assert ivy.repository({"FIREHOSE_MAVEN_URL": "http://m/x"}) == "http://m/x/"


def test_a_mirrors_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ivy.MIRROR_VARIABLE, "https://me:secret@mirror:8081/maven")
    assert ivy.shown() == "https://mirror:8081/maven/"
    monkeypatch.setenv(ivy.MIRROR_VARIABLE, "file:///srv/maven")
    assert ivy.shown() == "file:///srv/maven/"


def test_java_is_told_of_proxies() -> None:
    assert ivy.proxy_options({"https": "http://user:secret@proxy:3128", "no": "localhost"}) == [
        "-Dhttps.proxyHost=proxy",
        "-Dhttps.proxyPort=3128",
    ]
    assert ivy.proxy_options({}) == []


def test_what_ivy_could_not_fetch_is_read_from_its_log() -> None:
    log = """
\t[FAILED     ] org.slf4j#slf4j-api;1.7.36!slf4j-api.jar: Downloaded file size (3) doesn't match
\t\t::::::::::::::::::::::::::::::::::::::::::::::
\t\t::          UNRESOLVED DEPENDENCIES         ::
\t\t:: org.apache.kafka#kafka_2.13;4.2.1: not found
\t\t:: org.apache.kafka#kafka_2.13;4.2.1: not found
\t\t:: ^ see resolution messages for details  ^ ::
:: problems summary ::
"""
    assert ivy.failed_modules(log) == [
        "org.slf4j#slf4j-api;1.7.36",
        "org.apache.kafka#kafka_2.13;4.2.1",
    ]
