"""`firehose compose`: the stack in containers. `make up`, `make down` and `make logs` call it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lakehouse.commands import console, say
from lakehouse.stack import address, env_file
from lakehouse.stack.compose import FILE, Compose

ENV_FILE = FILE.with_name(".env")
_WAIT_SECONDS = 900

app = typer.Typer(
    help="The stack in containers, with Docker Compose.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Profile = Annotated[
    list[str] | None,
    typer.Option("--profile", help="What is optional: lineage, notebook. May be repeated."),
]
EnvFile = Annotated[Path, typer.Option("--env-file", help="File of the passwords.")]


@app.command()
def up(profile: Profile = None, env: EnvFile = ENV_FILE) -> None:
    """Build the images, start all parts, wait until all are healthy, and tell where they are."""
    stack = Compose(FILE, env, tuple(profile or ()))
    stack.require_engine()
    _passwords(env)
    stack.run("build")
    stack.run("up", "--detach", "--wait", "--wait-timeout", str(_WAIT_SECONDS))
    console(sys.stdout).print(address.table(stack.addresses()))
    say(f"Keys and passwords are in {env}. `make logs` follows the parts, `make down` ends them.")


@app.command()
def down(
    env: EnvFile = ENV_FILE,
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Remove the data as well: for good.")
    ] = False,
) -> None:
    """End all parts, those of every profile too. The data stay in their volumes."""
    stack = Compose(FILE, env, ("*",))
    stack.require_engine()
    _passwords(env)
    stack.run("down", "--remove-orphans", *(["--volumes"] if volumes else []))


@app.command()
def logs(
    part: Annotated[list[str] | None, typer.Argument(help="Only these parts.")] = None,
    env: EnvFile = ENV_FILE,
) -> None:
    """Follow what the parts say, until Ctrl-C."""
    stack = Compose(FILE, env, ("*",))
    stack.require_engine()
    _passwords(env)
    stack.run("logs", "--follow", "--tail", "100", *(part or ()))


def make_env(
    env: Annotated[Path, typer.Option("--env-file", help="Where they are written.")] = ENV_FILE,
) -> None:
    """Write passwords for the stack in containers into .env, where none stands yet."""
    added = env_file.write(env)
    say(f"{env}: {', '.join(added)} made." if added else f"{env} has every password already.")


def _passwords(env: Path) -> None:
    # Without them Compose refuses every command, `down` included.
    if env_file.write(env):
        say(f"Passwords were made: {env}.")
