"""The files of migrations, and a lake held against them without Spark."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse import doctor, migration_state, migrations, tables
from lakehouse.commands.migrate import migrate
from lakehouse.errors import SettingsError
from lakehouse.migrations import Migration, Record, compare
from lakehouse.settings import Settings, load
from tests.lakes import LakeWriter

KNOWN = migrations.load()
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def row(migration: Migration, **more: object) -> Mapping[str, object]:
    return {
        "number": migration.number,
        "name": migration.name,
        "sha256": migration.sha256,
        "kind": "applied",
        "applied_at": NOW,
        "applied_by": "0.1.0",
        **more,
    }


def lake(folder: Path, *rows: Mapping[str, object]) -> Settings:
    """A lake with these records, and one of a version that kept no records where there are none."""
    names = (tables.SILVER, tables.MIGRATION) if rows else (tables.SILVER,)
    writer = LakeWriter(folder / "lake", names)
    if rows:
        writer.append(tables.MIGRATION, rows)
    return writer.settings


def in_folder(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> None:
    (folder / "migrations").mkdir()
    for name in names:
        (folder / "migrations" / name).write_text("ALTER TABLE t DROP COLUMN c;")
    monkeypatch.setattr(tables, "SQL", folder)


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", ()),
        (" ;;\n-- only this;\n", ()),
        ("a", ("a",)),
        ("a;\n  b ;", ("a", "b")),
        ('a \'x;y\' ; b "x;\\";y"; c `;`', ("a 'x;y'", 'b "x;\\";y"', "c `;`")),
        ("a -- to the end; of the line\nb; /* c; */ d", ("a \nb", "d")),
        ("a '-- no comment' /* ' */; b 'it''s; so'", ("a '-- no comment'", "b 'it''s; so'")),
    ],
)
def test_statements_end_with_a_semicolon_outside_texts(
    text: str, statements: tuple[str, ...]
) -> None:
    assert Migration(1, "x", text).statements == statements


def test_the_ends_of_lines_are_no_change_of_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_folder(monkeypatch, tmp_path)
    file = tmp_path / "migrations" / "0001_x.sql"
    found = []
    for text in (b"a;\nb;\n", b"a;\r\nb;\r\n", b"a;\nb; \n"):
        file.write_bytes(text)
        found.append(migrations.load()[0].sha256)
    assert found[0] == found[1] != found[2]


def test_files_are_read_in_the_order_of_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_folder(monkeypatch, tmp_path, "0002_b.sql", "0001_z.sql", "0003_a.sql")
    assert [str(each) for each in migrations.load()] == ["0001_z", "0002_b", "0003_a"]


@pytest.mark.parametrize(
    "names",
    [
        ("0002_a.sql",),
        ("0001_a.sql", "0003_a.sql"),
        ("0001_a.sql", "0001_b.sql"),
        ("0000_a.sql",),
        ("1_a.sql",),
        ("0001_a.sql", "0002_b.sql.orig"),
        ("0001_A.sql",),
    ],
)
def test_files_that_are_not_numbered_from_1_on_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    in_folder(monkeypatch, tmp_path, *names)
    with pytest.raises(SettingsError):
        migrations.load()


def test_a_lake_lacks_what_is_not_recorded() -> None:
    one, two, three = (Migration(n, "x", str(n)) for n in (1, 2, 3))
    recorded = Record(2, "x", two.sha256)
    assert compare((one, two, three), [recorded]).pending == (one, three)
    compare((one, two, three), [recorded]).require_usable()
    with pytest.raises(SettingsError, match="0002_x was changed after it was applied"):
        compare((one, Migration(2, "x", "other")), [recorded]).require_usable()
    with pytest.raises(SettingsError, match=r"newer version of this program: .* 0002_x"):
        compare((one,), [recorded]).require_usable()


def test_a_lake_is_read_without_spark(tmp_path: Path) -> None:
    assert migration_state.standing(lake(tmp_path)).pending == KNOWN
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    whole = lake(tmp_path / "a", *(row(each) for each in KNOWN))
    assert migration_state.standing(whole) == compare(KNOWN, [Record(*_key(k)) for k in KNOWN])
    assert not migration_state.standing(whole).pending
    empty = LakeWriter(tmp_path / "b" / "lake", (tables.SILVER, tables.MIGRATION)).settings
    assert migration_state.standing(empty).pending == KNOWN


def _key(migration: Migration) -> tuple[int, str, str]:
    return migration.number, migration.name, migration.sha256


def test_a_dry_run_tells_each_statement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = lake(tmp_path).data_path
    migrate(dry_run=True, data_dir=folder)
    told = capsys.readouterr().out
    assert str(KNOWN[0]) in told and "Nothing was changed." in told
    assert " ".join(KNOWN[0].statements[0].split()) in told


def test_a_lake_of_this_version_has_nothing_to_apply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    migrate(data_dir=lake(tmp_path, *(row(each) for each in KNOWN)).data_path)
    assert "nothing to apply" in capsys.readouterr().out


def test_migrating_wants_a_lake_that_is_there_and_not_newer(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no lake"):
        migrate(data_dir=tmp_path / "nothing")
    beyond = row(KNOWN[0], number=9999, name="far")
    with pytest.raises(SettingsError, match="9999_far"):
        migrate(data_dir=lake(tmp_path, beyond).data_path)


def test_the_doctor_tells_a_lake_behind_ahead_and_changed(tmp_path: Path) -> None:
    assert doctor.check_lake(load(data_dir=tmp_path / "nothing")) == []
    whole = [row(each) for each in KNOWN]
    cases = {
        "good": (whole, True, True, "of this version"),
        "behind": ([], False, False, str(KNOWN[0])),
        "ahead": ([*whole, row(KNOWN[0], number=9999)], False, True, "newer version"),
        "changed": ([row(KNOWN[0], sha256="0")], False, True, "was changed"),
    }
    for name, (rows, ok, required, words) in cases.items():
        (tmp_path / name).mkdir()
        [check] = doctor.check_lake(lake(tmp_path / name, *rows))
        assert (check.name, check.ok, check.required) == ("lake", ok, required), name
        assert words in check.detail
        assert bool(check.hint) is not ok
