"""The apps that are deployed: the static site of 50 files, the Flask example, a plain Express server; and lock files that differ."""

import json
import os
import random
import shutil
import subprocess
import sysconfig
from itertools import combinations
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_FILES, _BYTES = 50, 616 << 10
_WORDS = ("deploy", "release", "artifact", "criterion", "edge", "switch", "drain", "route", "host", "token", "key", "plan", "build", "log")
# Small packages without dependencies of their own; a lock file holds some of them, so that there are many lock files and few packages.
_PYTHON_EXTRAS = ("six", "idna", "certifi", "iniconfig", "packaging")
_NODE_EXTRAS = ("ms", "kleur", "slash", "left-pad", "is-number")
_SERVER = """import express from "express";
const app = express();
app.get("/", (_request, response) => response.send("<p>MARKER</p>"));
const server = app.listen(Number(process.env.PORT), () => console.log("listening"));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
"""
_PACKAGE = {
    "name": "bench-express", "version": "1.0.0", "private": True, "type": "module", "scripts": {"start": "node main.js"},
    "dependencies": {"express": "^5.1.0"},
}  # fmt: skip


def write_static(folder: Path) -> Path:
    """Write a site of 50 files, 616 KiB together: pages, styles and scripts of words, and pictures (random bytes)."""
    folder.mkdir()
    chance = random.Random(7)
    size = _BYTES // _FILES
    for number in range(_FILES - 1):
        end = ("html", "css", "js", "png")[number % 4]
        text = " ".join(chance.choices(_WORDS, k=size // 4)).encode()[:size]
        (folder / f"file-{number:02}.{end}").write_bytes(chance.randbytes(size) if end == "png" else text)
    change_static(folder, "first")
    return folder


def change_static(folder: Path, marker: str) -> None:
    """Let the front page say `marker`."""
    (folder / "index.html").write_text(f"<!doctype html><title>bench</title><p>{marker}</p>\n" + "<p>bench</p>\n" * 900)


def write_flask(folder: Path) -> Path:
    """Copy the Flask example."""
    shutil.copytree(_ROOT / "examples" / "flask-notes", folder, ignore=shutil.ignore_patterns(".canonry"))
    return folder


def change_flask(folder: Path, marker: str) -> None:
    """Let the front page say `marker`."""
    page = (_ROOT / "examples" / "flask-notes" / "templates" / "page.html").read_text()
    (folder / "templates" / "page.html").write_text(page.replace("</body>", f"<!-- {marker} --></body>"))


def write_express(folder: Path) -> Path:
    """Write an Express server of five lines with a package-lock.json, by npm."""
    folder.mkdir()
    change_express(folder, "first")
    lock_node(folder, ())
    return folder


def change_express(folder: Path, marker: str) -> None:
    """Let the front page say `marker`."""
    (folder / "main.js").write_text(_SERVER.replace("MARKER", marker))


def choices_of_python() -> list[tuple[str, ...]]:
    """Return different sets of additional Python packages; the first holds them all."""
    return _choices(_PYTHON_EXTRAS)


def choices_of_node() -> list[tuple[str, ...]]:
    """Return different sets of additional Node packages; the first holds them all."""
    return _choices(_NODE_EXTRAS)


def lock_python(folder: Path, extras: tuple[str, ...]) -> None:
    """Lock the Flask example with these additional packages, by `uv pip compile`. Names, versions and hashes only."""
    source = folder / "requirements.in"
    source.write_text((_ROOT / "examples" / "flask-notes" / "requirements.in").read_text() + "".join(f"{name}\n" for name in extras))
    uv = shutil.which("uv", path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}") or "uv"
    command = [uv, "pip", "compile", "-q", "--generate-hashes", "--no-header", "--no-emit-index-url", "-o", "requirements.txt"]
    subprocess.run([*command, "--", source.name], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def lock_node(folder: Path, extras: tuple[str, ...]) -> None:
    """Lock the Express server with these additional packages, by npm. The lock names no registry."""
    package = {**_PACKAGE, "dependencies": {**_PACKAGE["dependencies"], **dict.fromkeys(extras, "*")}}  # type: ignore[dict-item]
    (folder / "package.json").write_text(json.dumps(package, indent=2))
    (folder / "package-lock.json").unlink(missing_ok=True)
    command = ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _choices(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [chosen for size in range(len(names), 0, -1) for chosen in combinations(names, size)]
