"""Run the Ivy that pyspark ships: fetch the jars of ivy.xml from Maven Central or a mirror."""

import importlib.util
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lakehouse.errors import MissingToolError
from lakehouse.stack import java

Report = Callable[[str], None]

HERE = Path(__file__).resolve().parent
IVY_XML = HERE / "ivy.xml"
CENTRAL = "https://repo1.maven.org/maven2/"
MIRROR_VARIABLE = "FIREHOSE_MAVEN_URL"
_REPORT_SECONDS = 10.0
_FAILED = re.compile(r"^\s*(?:::|\[FAILED +\]) +(\S+#\S+;\S+?)(?::| |!|$)", re.MULTILINE)


def repository(environ: Mapping[str, str] = os.environ) -> str:
    """The Maven repository in use: FIREHOSE_MAVEN_URL, or Central; ends with a slash."""
    mirror = environ.get(MIRROR_VARIABLE, "").strip()
    return (mirror or CENTRAL).rstrip("/") + "/"


def shown() -> str:
    """The repository for messages: without user and password, which may stand in an address."""
    parts = urlsplit(repository())
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def retrieve(cache: Path, target: Path, report: Report) -> None:
    """Fetch the jars to `target`/<configuration>/; `cache` keeps what came for the next time.

    MissingToolError names what could not be fetched, and from where.
    """
    log = cache.parent / "ivy.log"
    report(f"Fetching jars for Spark and Kafka from {shown()} (about 180 MB, once).")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command(cache, target), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        with process:
            try:
                file.writelines(_reported(process, report))
            except BaseException:
                process.kill()  # Ctrl-C: leaving the block waits for its end
                raise
    if process.returncode != 0:
        raise _failure(log)


def command(cache: Path, target: Path) -> list[str]:
    """Ivy's command line."""
    return [
        str(java.find().binary),
        f"-Dfirehose.ivy.cache={cache}",
        f"-Dfirehose.maven.url={repository()}",
        *proxy_options(urllib.request.getproxies()),
        *("-cp", str(_ivy_jar()), "org.apache.ivy.Main"),
        *("-settings", str(HERE / "ivysettings.xml"), "-ivy", str(IVY_XML)),
        *("-confs", "spark", "kafka", "-types", "jar", "bundle"),
        *("-retrieve", f"{target}/[conf]/[artifact]-[revision].[ext]"),
    ]


def proxy_options(proxies: Mapping[str, str]) -> list[str]:
    """Java's options for HTTP_PROXY and HTTPS_PROXY, which Java does not read by itself."""
    options = []
    for scheme in ("http", "https"):
        proxy = urlsplit(proxies.get(scheme, ""))
        if proxy.hostname:
            options.append(f"-D{scheme}.proxyHost={proxy.hostname}")
            options.append(f"-D{scheme}.proxyPort={proxy.port or 80}")
    return options


def failed_modules(log: str) -> list[str]:
    """The modules that Ivy could not fetch, as organisation#module;revision."""
    return list(dict.fromkeys(_FAILED.findall(log)))


def _reported(process: subprocess.Popen[str], report: Report) -> Iterator[str]:
    fetched, told = 0, time.monotonic()
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        fetched += "[SUCCESSFUL ]" in line and ".jar" in line
        if fetched and time.monotonic() - told > _REPORT_SECONDS:
            told = time.monotonic()
            report(f"Jars fetched so far: {fetched}.")


def _failure(log: Path) -> MissingToolError:
    modules = failed_modules(log.read_text(encoding="utf-8"))
    what = ", ".join(modules[:3]) + (" and others" if len(modules) > 3 else "")
    return MissingToolError(
        f"Could not fetch {what or 'the jars'} from {shown()}.",
        f"Check the network, or set {MIRROR_VARIABLE} to a mirror of Maven Central; "
        f"Ivy's log is {log}.",
    )


def _ivy_jar() -> Path:
    # Not imported: that would start loading Spark in every process that only needs Kafka.
    spec = importlib.util.find_spec("pyspark")
    folder = Path(spec.origin).parent / "jars" if spec and spec.origin else None
    found = sorted(folder.glob("ivy-*.jar")) if folder else []
    if not found:
        raise MissingToolError(
            "pyspark, or the Ivy it ships, is not installed.", "Run `make setup`."
        )
    return found[-1]
