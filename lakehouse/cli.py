"""`firehose`: the commands. A user error is one sentence and an exit code, never a traceback."""

import errno
import logging
import sys

import typer
from rich.console import Console
from rich.text import Text

from lakehouse import logs
from lakehouse.commands import (
    api,
    check,
    compose,
    demo,
    doctor,
    maintain,
    migrate,
    n8n,
    pulse,
    quarantine,
    rebuild,
    run,
    simulate,
    sql,
    symbols,
    up,
    verify,
)
from lakehouse.errors import FirehoseError

app = typer.Typer(
    help="A streaming lakehouse for crypto trades that can prove it is complete.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run.run)
app.command()(up.up)
app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    }
)(simulate.simulate)
app.command()(demo.demo)
app.command()(verify.verify)
app.command()(check.check)
app.command()(sql.sql)
app.command()(pulse.pulse)
app.command()(symbols.symbols)
app.add_typer(quarantine.app, name="quarantine")
app.command()(rebuild.rebuild)
app.command()(migrate.migrate)
app.command()(maintain.maintain)
app.command()(doctor.doctor)
app.command()(api.api)
app.command()(n8n.n8n)
app.add_typer(compose.app, name="compose")
app.command("env")(compose.make_env)


def main() -> None:
    """The entry point of the console script."""
    logs.to_stderr(logging.WARNING)  # what a library logs is no part of a result
    try:
        app()
    except FirehoseError as error:
        _tell(error.message, error.hint)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)  # the reader of a pipe had enough
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        _tell(f"{error.strerror}: {error.filename or 'a file'}.", "Free space or mend the rights.")
        sys.exit(4)


def _tell(message: str, hint: str) -> None:
    out = Console(stderr=True)
    out.print(Text("Error: ", style="bold red") + Text(message), highlight=False, soft_wrap=True)
    if hint:
        out.print(Text(hint), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
