"""n8n as a child process on the loopback, with our workflows in it, published.

Its state lies in `<data>/n8n`. The workflows there are those of n8n/workflows: they are imported
when these files have changed, and whatever was changed in the editor under the same id goes.
"""

import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Final, Self

import orjson

from lakehouse.errors import ResourceError, StackError
from lakehouse.settings import Settings
from lakehouse.stack import n8n_install, ports
from lakehouse.stack.file_lock import open_lock_file, try_lock
from lakehouse.stack.log_file import telling_line
from lakehouse.stack.n8n_environment import environment
from lakehouse.stack.n8n_install import SOURCE, Report, Runtime
from lakehouse.stack.process import ManagedProcess

WEBHOOK_PATH: Final = "/webhook/firehose-spike"
WORKFLOWS: Final = SOURCE / "workflows"
CREDENTIALS: Final = SOURCE / "credentials"
_READY_SECONDS: Final = 180.0
_STEP_SECONDS: Final = 180.0
# n8n lets what is under way end, for 30 s.
_GRACE_SECONDS: Final = 35.0
_POLL_SECONDS: Final = 0.25


class N8n:
    """`with N8n(settings, port, report) as n8n:` owns the folder and the process.

    Enters when the webhook is registered. MissingToolError, ResourceError, StackError where it
    can't be installed, can't have its folder or port, or does not come up.
    """

    def __init__(self, settings: Settings, port: int, report: Report) -> None:
        self._settings = settings
        self._report = report
        self._folder = settings.data_path / "n8n"
        self._log = settings.data_path / "logs" / "n8n.log"
        self._cleanup = ExitStack()
        self.port = port
        self.url = f"http://{ports.LOOPBACK}:{port}"

    def __enter__(self) -> Self:
        with ExitStack() as so_far:
            self._lock = open_lock_file(self._folder / ".lock")
            so_far.callback(os.close, self._lock)
            if not try_lock(self._lock):
                raise ResourceError(
                    f"Another n8n uses the folder {self._folder}.",
                    "End it, or choose another folder with --data-dir or DATA_DIR.",
                )
            ports.require_free(self.port, "N8N_PORT")
            runtime = n8n_install.ensure(self._settings, self._report)
            self._environment = environment(self._settings, self.port, runtime.node.parent)
            self._seed(runtime)
            self.process = self._spawn(runtime.command("start"))
            so_far.callback(self.process.stop)
            self._wait_until_ready()
            self._cleanup = so_far.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def watch(self) -> None:
        """Return never; StackError when n8n ends by itself."""
        while not self.process.wait(3600):
            pass
        raise self._failure(self.process, "n8n ended")

    def _seed(self, runtime: Runtime) -> None:
        """Import credentials and workflows and publish these, unless just these are in."""
        mark = self._folder / "seeded"
        wanted = _digest(runtime)
        if mark.is_file() and mark.read_text() == wanted:
            return
        mark.unlink(missing_ok=True)
        self._report("Importing the workflows into n8n.")
        for kind, source in (("credentials", CREDENTIALS), ("workflow", WORKFLOWS)):
            count = len(list(source.glob("*.json")))
            words = (f"import:{kind}", "--separate", f"--input={source}")
            # n8n ends with 0 whatever happened: what counts is what it says.
            self._command(runtime, words, f"Successfully imported {count} {kind.rstrip('s')}")
        for path in sorted(WORKFLOWS.glob("*.json")):
            name = orjson.loads(path.read_bytes())["id"]
            self._command(runtime, ("publish:workflow", f"--id={name}"), "Note: Changes")
        mark.write_text(wanted)

    def _command(self, runtime: Runtime, words: tuple[str, ...], success: str) -> None:
        process = self._spawn(runtime.command(*words))
        try:
            ended = process.wait(_STEP_SECONDS)
        finally:
            code = process.stop()
        if not ended or code or not any(success in line for line in process.log_tail(200)):
            raise self._failure(process, f"n8n {words[0]} failed")

    def _spawn(self, words: list[str]) -> ManagedProcess:
        return ManagedProcess(
            "n8n", words, self._log, self._environment, _GRACE_SECONDS, (self._lock,), bare=True
        )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not has_webhook(self.port):
            if self.process.wait(_POLL_SECONDS):
                raise self._failure(self.process, "n8n ended")
            if time.monotonic() > deadline:
                seconds = f"{_READY_SECONDS:.0f} s"
                raise self._failure(self.process, f"n8n had no webhook after {seconds}")

    def _failure(self, process: ManagedProcess, what: str) -> StackError:
        told = telling_line(process.log_tail(200))
        return StackError(f"{what}: {told}", f"Log: {self._log}")


def has_webhook(port: int) -> bool:
    """Whether n8n answers there and has registered our webhook; runs no workflow."""
    link = HTTPConnection(ports.LOOPBACK, port, timeout=5)
    try:
        # A question that browsers ask before they post: n8n looks the webhook up to answer it.
        link.request("OPTIONS", WEBHOOK_PATH, headers={"Origin": f"http://{ports.LOOPBACK}"})
        answer = link.getresponse()
        return answer.status < 300 and "POST" in answer.headers.get(
            "Access-Control-Allow-Methods", ""
        )
    except (OSError, HTTPException):
        return False
    finally:
        link.close()


def _digest(runtime: Runtime) -> str:
    """What is to be in n8n, and in which n8n."""
    found: Mapping[str, bytes] = {
        str(path.relative_to(SOURCE)): path.read_bytes()
        for folder in (CREDENTIALS, WORKFLOWS)
        for path in sorted(folder.glob("*.json"))
    }
    told = orjson.dumps({name: hashlib.sha256(each).hexdigest() for name, each in found.items()})
    return f"{runtime.folder.name} {hashlib.sha256(told).hexdigest()}"
