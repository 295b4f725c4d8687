"""`python -m lakehouse.stack.sbom [FILE]`: what the project is made of, as CycloneDX in JSON.

The Python packages come from uv.lock by `uv export`, the jars from jars.lock with their digests.
n8n is npm's: n8n/package-lock.json lists it.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lakehouse.errors import FirehoseError, MissingToolError, StackError
from lakehouse.stack import jar_lock

_ROOT: Final = Path(__file__).resolve().parents[2]
_EXPORT: Final = (
    "export", "--frozen", "--all-groups", "--quiet",
    "--format", "cyclonedx1.5", "--preview-features", "sbom-export",
)  # fmt: skip
# The version begins at the last dash before a digit: spark-sql-kafka-0-10_2.13-4.1.3.jar.
_JAR: Final = re.compile(r"(?P<name>.+)-(?P<version>\d[\w.+]*(?:-[a-zA-Z][\w.]*)?)\.jar")


def bill(packages: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    """uv's bill of the packages with the jars beside them; `digests` as jar_lock.parse gives."""
    return {**packages, "components": [*packages["components"], *jars(digests)]}


def jars(digests: Mapping[str, str]) -> list[dict[str, Any]]:
    """A component for each jar; one that Spark and Kafka both have stands for each of them."""
    return [_jar(path, digest) for path, digest in sorted(digests.items())]


def _jar(path: str, digest: str) -> dict[str, Any]:
    file = path.rpartition("/")[2]
    found = _JAR.fullmatch(file)
    return {
        "type": "library",
        "bom-ref": f"jar:{path}",
        "name": found["name"] if found else file,
        "version": found["version"] if found else "",
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "properties": [{"name": "firehose:jar", "value": path}],
    }


def packages() -> dict[str, Any]:
    """What `uv export` says of uv.lock, which lies beside the code; MissingToolError without uv."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file() or not (_ROOT / "uv.lock").is_file():
        raise MissingToolError(
            "The list of packages needs uv and uv.lock.", "Run `make sbom` in a clone."
        )
    done = subprocess.run([str(uv), *_EXPORT], cwd=_ROOT, capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"uv could not list the packages: {done.stderr.strip()[:300]}.")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bill to FILE, or print it."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        found = bill(packages(), jar_lock.parse(jar_lock.LOCK_FILE.read_text(encoding="utf-8")))
    except FirehoseError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    text = json.dumps(found, indent=2)
    if words:
        Path(words[0]).write_text(text + "\n", encoding="utf-8")
        print(f"{words[0]}: {len(found['components'])} components")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
