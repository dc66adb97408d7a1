"""The small pieces of shell that plans are written with."""

import shlex

ADDRESS = '"${HOST:-127.0.0.1}"'
"""Where a server listens: the runtime says otherwise in $HOST (a container needs 0.0.0.0)."""


def quote(text: str) -> str:
    """Return a word of shell, quoted when it must be."""
    return shlex.quote(text)


def with_programs(below: str, command: str, *more: str) -> str:
    """Return the command run in a folder below /app with the programs of its node_modules on the path, and of further folders of /app."""
    folders = [f"{folder}/node_modules/.bin" for folder in (below, ".") if folder != "."] + ["node_modules/.bin", *more]
    path = ":".join(f"$PWD/{folder}" for folder in folders)
    return f'export PATH="{path}:$PATH" && {within(below, command)}'


def within(folder: str, command: str) -> str:
    """Return the command run in a folder below /app."""
    return command if folder == "." else f"cd {quote(folder)} && {command}"
