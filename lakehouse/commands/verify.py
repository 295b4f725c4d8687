"""`firehose verify`: the completeness proof, printed; exit code 1 where it does not hold."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from lakehouse import audit_process, completeness, set_aside_sql, sign_off
from lakehouse.commands import DataDir, Format, console, progress, settings_for
from lakehouse.commands.verify_view import show, show_layers
from lakehouse.completeness import Proof, prove
from lakehouse.errors import IncompleteError, SettingsError
from lakehouse.kafka_audit import KafkaAudit
from lakehouse.query import Lake
from lakehouse.set_aside import SetAside
from lakehouse.setting_values import names
from lakehouse.settings import Settings
from lakehouse.sign_off import Check
from lakehouse.values import Json, plain

__all__ = ["raise_if_incomplete", "show", "verify"]

DIFFERENCES_SHOWN = 50
_KNOWN = (completeness.KAFKA_LAYER, *completeness.LAKE_LAYERS)

HowPrinted = Annotated[Format, typer.Option("--format", help="table, or json for scripts.")]
Layers = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Of kafka,bronze,silver.", show_default="bronze,silver"),
]
Kafka = Annotated[
    bool | None,
    typer.Option(
        help="Read the trades' topic as well.", show_default="if KAFKA_BOOTSTRAP_SERVERS is set"
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Ids that the exchange itself has not are faults, too.")
]
ManifestFile = Annotated[
    Path | None,
    typer.Option("--manifest", metavar="FILE", help="Write the signed-off manifest."),
]
AllowIncomplete = Annotated[
    bool,
    typer.Option(help="Write the manifest also where the proof fails, marked as incomplete."),
]
CheckFile = Annotated[
    Path | None,
    typer.Option("--check", metavar="FILE", help="Hold the lake against a manifest instead."),
]


def verify(
    fmt: HowPrinted = Format.table,
    data_dir: DataDir = None,
    layers: Layers = None,
    kafka: Kafka = None,
    strict: Strict = False,
    manifest: ManifestFile = None,
    allow_incomplete: AllowIncomplete = False,
    check: CheckFile = None,
) -> None:
    """Prove the lake complete per exchange, symbol and hour.

    Every id from a symbol's first to its last trade must stand in Kafka, Bronze and Silver, in
    Silver exactly once, and every record of Bronze in Silver or in quarantine. Exit code 1 where
    one does not, or where there are no trades at all.
    """
    if fmt is Format.csv:
        raise SettingsError("The proof is no list of rows.", "Use --format json.")
    settings = settings_for(data_dir)
    if check is not None:
        if manifest is not None:
            raise SettingsError("--manifest and --check exclude each other.", "Leave one out.")
        _check(settings, check, fmt)
        return
    asked = _layers(settings, layers, kafka)
    if manifest is not None and completeness.SILVER_LAYER not in asked:
        raise SettingsError("A manifest is about Silver.", "Add silver to --layers.")
    proof = _prove(settings, asked, strict, manifest, allow_incomplete)
    _tell(proof, fmt)
    if manifest is not None and _may_write(proof, allow_incomplete):
        notes = sys.stderr if fmt is Format.json else sys.stdout
        print(f"Manifest written: {manifest}", file=notes)
    raise_if_incomplete(proof)


def raise_if_incomplete(proof: Proof) -> None:
    """IncompleteError that says what is wrong, unless the proof holds."""
    if proof.faults:
        raise IncompleteError(
            f"The lake is not complete: {'; '.join(proof.faults)}.",
            "`firehose verify --format json` lists them.",
        )
    if not proof.trades:
        raise IncompleteError(
            "The lake holds no trades yet, so there is nothing to prove.",
            "Fill it with `firehose run` or `make demo`.",
        )


def _layers(settings: Settings, layers: str | None, kafka: bool | None) -> tuple[str, ...]:
    """The layers to prove, in the order of the path."""
    if layers is None:
        with_kafka = bool(settings.kafka_bootstrap_servers) if kafka is None else kafka
        return _KNOWN if with_kafka else completeness.LAKE_LAYERS
    asked = {*names(layers.lower())}
    if kafka is not None:
        asked = asked | {_KNOWN[0]} if kafka else asked - {_KNOWN[0]}
    if unknown := sorted(asked - set(_KNOWN)):
        raise SettingsError(f"There is no layer {unknown[0]}.", f"Choose of {','.join(_KNOWN)}.")
    if not asked:
        raise SettingsError("--layers names no layer.", f"Choose of {','.join(_KNOWN)}.")
    return tuple(name for name in _KNOWN if name in asked)


def _prove(
    settings: Settings,
    asked: tuple[str, ...],
    strict: bool,
    manifest: Path | None,
    allow_incomplete: bool,
) -> Proof:
    """The proof of the layers; the manifest is written from the same snapshot of the lake."""
    if asked == _KNOWN[:1]:
        kafka = _audit(settings, {})
        return Proof((), (), (), None, kafka=kafka, layers=asked, strict=strict)
    read = _audit(settings, _set_aside(settings)) if _KNOWN[0] in asked else None
    with Lake(settings) as lake:
        now = datetime.now(UTC)
        proof = replace(prove(lake, now, asked, strict), kafka=read)
        if manifest is not None and _may_write(proof, allow_incomplete):
            sign_off.write(sign_off.make(lake, proof, now), manifest, _key(settings))
    return proof


def _may_write(proof: Proof, allow_incomplete: bool) -> bool:
    return proof.complete or (allow_incomplete and proof.trades > 0)


def _set_aside(settings: Settings) -> SetAside:
    with Lake(settings) as lake:
        return set_aside_sql.records(lake, settings.kafka_topic)


def _audit(settings: Settings, aside: SetAside) -> KafkaAudit:
    return audit_process.audit(settings, progress, aside)


def _tell(proof: Proof, fmt: Format) -> None:
    if fmt is Format.json:
        print(json.dumps(proof.as_json(), ensure_ascii=False, indent=1))
        return
    out = console(sys.stdout)
    show_layers(proof, out)
    show(proof, out)


def _check(settings: Settings, path: Path, fmt: Format) -> None:
    with Lake(settings) as lake:
        found = sign_off.check(lake, path, _key(settings))
    if fmt is Format.json:
        print(json.dumps(_as_json(found), ensure_ascii=False, indent=1))
    else:
        _show_check(found, console(sys.stdout))
    if not found.holds:
        raise IncompleteError(
            f"The lake is not what {path} says: {_in_words(found)}.",
            "`firehose verify --check FILE --format json` lists all of it.",
        )


def _in_words(found: Check) -> str:
    parts = list(found.broken)
    if found.differences:
        parts.append(f"{len(found.differences):,} hours differ")
    return "; ".join(parts)


def _as_json(found: Check) -> Json:
    return plain(
        {
            "holds": found.holds,
            "complete": found.manifest.complete,
            "broken": found.broken,
            "differences": [difference._asdict() for difference in found.differences],
            "hours_beyond": found.beyond,
        }
    )


def _show_check(found: Check, out: Console) -> None:
    for line in found.broken:
        out.print(Text(line, style="red"))
    for difference in found.differences[:DIFFERENCES_SHOWN]:
        out.print(Text(str(difference), style="red"))
    if (more := len(found.differences) - DIFFERENCES_SHOWN) > 0:
        out.print(f"… and {more:,} more hours.")
    hours = sum(len(symbol.hours) for symbol in found.manifest.symbols)
    trades = sum(symbol.count for symbol in found.manifest.symbols)
    line = f"{hours:,} hours with {trades:,} trades in the manifest; the lake has {found.beyond:,} "
    out.print(line + "hours outside it.")
    if not found.manifest.complete:
        out.print(Text("The manifest itself is marked as incomplete.", style="yellow"))
    if found.holds:
        out.print(Text("The lake is what the manifest says.", style="bold green"))


def _key(settings: Settings) -> bytes:
    return settings.manifest_key.get_secret_value().encode()
