"""Jars through the real Ivy, from a small Maven repository on this disk."""

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakehouse.errors import MissingToolError, ResourceError
from lakehouse.settings import Settings, load
from lakehouse.stack import ivy, jar_lock, jars

IVY_XML = """<ivy-module version="2.0">
  <info organisation="firehose" module="stack"/>
  <configurations><conf name="spark"/><conf name="kafka"/></configurations>
  <dependencies>
    <dependency org="org.one" name="one" rev="1.0" conf="spark->default"/>
    <dependency org="org.two" name="two" rev="2.0" conf="kafka->default"/>
  </dependencies>
</ivy-module>"""
POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>org.{name}</groupId><artifactId>{name}</artifactId><version>{version}</version></project>"""
CONTENTS = {"spark/one-1.0.jar": b"one" * 1000, "kafka/two-2.0.jar": b"two" * 1000}


class Place:
    """A repository, a lock file and settings of one test."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "repository"
        self.ivy_xml = folder / "ivy.xml"
        self.lock = folder / "jars.lock"
        self.settings: Settings = load(jars_dir=folder / "cache")
        self.told: list[str] = []
        self.ivy_xml.write_text(IVY_XML)
        for name, content in CONTENTS.items():
            self.offer(name, content)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
        self.lock.write_text(jar_lock.render(digests))

    def offer(self, jar: str, content: bytes) -> Path:
        """Put a jar into the repository, with its pom."""
        name, _, version = Path(jar).stem.partition("-")
        folder = self.repository / "org" / name / name / version
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}-{version}.pom").write_text(POM.format(name=name, version=version))
        (folder / f"{name}-{version}.jar").write_bytes(content)
        return folder

    def ensure(self) -> jars.Jars:
        return jars.ensure(self.settings, self.told.append)

    def contents(self) -> dict[str, bytes]:
        folder = jars.folder_of(self.settings)
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("*/*.jar")}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Ivy is pointed at a repository on this disk by the variable that users have for mirrors."""
    made = Place(tmp_path)
    monkeypatch.setattr(ivy, "IVY_XML", made.ivy_xml)
    monkeypatch.setattr(jar_lock, "LOCK_FILE", made.lock)
    monkeypatch.setenv(ivy.MIRROR_VARIABLE, made.repository.as_uri())
    return made


def cached(place: Place, jar: str) -> Path:
    """The copy of a jar in Ivy's own cache."""
    return next((place.settings.jars_path / "ivy-cache").rglob(Path(jar).name))


def test_jars_are_fetched_once_and_found_in_no_time_later(place: Place) -> None:
    found = place.ensure()
    assert [path.name for path in found.spark] == ["one-1.0.jar"]
    assert [path.name for path in found.kafka] == ["two-2.0.jar"]
    assert all(path.is_absolute() for path in (*found.spark, *found.kafka))
    assert place.contents() == CONTENTS
    told, started = list(place.told), time.monotonic()
    assert place.ensure() == found
    assert time.monotonic() - started < 0.1
    assert place.told == told, "nothing to report the second time"


def test_all_lies_in_the_cache_folder(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", f"-Duser.home={home}")
    place.ensure()
    assert [*home.iterdir()] == [], "neither ~/.ivy2 nor ~/.m2"


@pytest.mark.parametrize("damage", [b"", b"one" * 999, b"One" + b"one" * 999])
def test_a_damaged_jar_is_mended_without_the_network(place: Place, damage: bytes) -> None:
    place.ensure()
    jar = jars.folder_of(place.settings) / "spark" / "one-1.0.jar"
    jar.write_bytes(damage)
    (place.repository / "org" / "one").rename(place.repository / "gone")
    assert jars.problems(place.settings) == ["spark/one-1.0.jar is damaged or not the pinned one"]
    place.ensure()
    assert place.contents() == CONTENTS
    assert "spark/one-1.0.jar is damaged" in " ".join(place.told)


def test_a_missing_and_a_strange_jar_are_mended(place: Place) -> None:
    place.ensure()
    folder = jars.folder_of(place.settings)
    (folder / "spark" / "one-1.0.jar").rename(folder / "spark" / "strange.jar")
    assert len(jars.problems(place.settings)) == 2
    place.ensure()
    assert place.contents() == CONTENTS


def test_a_damaged_ivy_cache_is_fetched_anew(place: Place) -> None:
    place.ensure()
    cached(place, "one-1.0.jar").write_bytes(b"cut")
    (jars.folder_of(place.settings) / "spark" / "one-1.0.jar").unlink()
    place.ensure()
    assert place.contents() == CONTENTS


def test_a_mirror_that_sends_something_else_is_refused(place: Place) -> None:
    place.offer("spark/one-1.0.jar", b"evil")
    with pytest.raises(MissingToolError) as caught:
        place.ensure()
    assert "is not what jars.lock pins: spark/one-1.0.jar" in caught.value.message
    assert place.repository.as_uri() in caught.value.message
    assert "FIREHOSE_MAVEN_URL" in caught.value.hint
    assert place.contents() == {}, "nothing of it is left to be used"
    place.offer("spark/one-1.0.jar", CONTENTS["spark/one-1.0.jar"])
    place.ensure()
    assert place.contents() == CONTENTS


def test_a_mirror_with_a_hole_is_named_with_what_it_lacks(place: Place) -> None:
    (place.repository / "org" / "two").rename(place.repository / "gone")
    with pytest.raises(MissingToolError) as caught:
        place.ensure()
    assert caught.value.message == (
        f"Could not fetch org.two#two;2.0 from {place.repository.as_uri()}/."
    )
    assert Path(caught.value.hint.split()[-1].rstrip(".")).exists(), "the log it names"
    assert place.contents() == {}


def test_a_jar_that_is_missing_beside_its_pom_is_named(place: Place) -> None:
    (place.repository / "org/two/two/2.0/two-2.0.jar").unlink()
    with pytest.raises(MissingToolError, match=r"Could not fetch org\.two#two;2\.0 from"):
        place.ensure()


def test_a_repository_that_does_not_answer_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ivy.MIRROR_VARIABLE, "http://127.0.0.1:1/maven")
    with pytest.raises(MissingToolError, match=r"from http://127\.0\.0\.1:1/maven/\.") as caught:
        place.ensure()
    assert "Check the network" in caught.value.hint


def test_a_cache_that_cannot_be_made_is_told(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place.settings = load(jars_dir=tmp_path / "file" / "cache")
    with pytest.raises(ResourceError, match="can't be written"):
        place.ensure()


SCRIPT = """
import sys
from pathlib import Path
from lakehouse.settings import load
from lakehouse.stack import ivy, jar_lock, jars
ivy.IVY_XML, jar_lock.LOCK_FILE = Path(sys.argv[1]), Path(sys.argv[2])
found = jars.ensure(load(jars_dir=sys.argv[3]), lambda text: print(text, file=sys.stderr))
print(*(path.stat().st_size for path in (*found.spark, *found.kafka)))
"""


def test_two_processes_at_once_fetch_once(place: Place) -> None:
    arguments = [place.ivy_xml, place.lock, place.settings.jars_path]
    command = [sys.executable, "-c", SCRIPT, *(str(each) for each in arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    told = [process.communicate(timeout=60) for process in started]
    assert [out.strip() for out, _ in told] == ["3000 3000"] * 3, told
    assert sum("Fetching jars" in err for _, err in told) == 1


def test_the_lock_is_written_from_what_was_fetched(place: Place) -> None:
    wanted = place.lock.read_text()
    place.lock.write_text("")
    assert jars.write_lock(place.settings, place.told.append) == place.lock
    assert place.lock.read_text() == wanted
    assert jars.problems(place.settings) == []


def test_the_default_cache_holds_every_pinned_jar() -> None:
    found = jars.ensure(load(), print)
    locked = jar_lock.parse(jar_lock.LOCK_FILE.read_text(encoding="utf-8"))
    assert len(found.spark) + len(found.kafka) == len(locked)


def test_the_command_prints_the_folder_and_nothing_else() -> None:
    command = [sys.executable, "-m", "lakehouse.stack.jars"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    assert told.stdout == f"{jars.folder_of(load())}\n"
    assert "Warning" not in told.stderr


def test_a_wrong_word_on_the_command_line_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert jars.main(["unlock"]) == 2
    assert "Usage: python -m lakehouse.stack.jars [lock]" in capsys.readouterr().err
