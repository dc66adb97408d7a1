"""Finds uv or brings it here, with whatever this machine has: uv itself, pip, venv, or only the standard library.

No package index is named here. The last way reads the one that pip or uv is configured for on this machine.
"""

from __future__ import annotations

import configparser
import hashlib
import html
import os
import platform
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

OLDEST = (0, 5)
APT = ["apt-get", "install", "--yes", "--no-install-recommends", "python3-venv"]


class Failed(Exception):
    """A step did not work; the text says what to do."""


def find(folder: Path, requirements: Path, pythons: list[str]) -> str:
    """Return a uv that runs: one that is on PATH, one brought here earlier, or one brought now into `folder`.

    pythons: those of this machine; one whose pip or venv works is enough. Raises: Failed.
    """
    version, hashes = locked(requirements)
    here = folder / version / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(here)):
        if candidate and is_usable(candidate):
            return candidate
    say(f"bringing uv {version}")
    shutil.rmtree(str(folder), ignore_errors=True)
    folder.mkdir(parents=True)
    lock = folder / "uv.txt"
    lock.write_text(f"uv=={version} {' '.join('--hash=sha256:' + item for item in hashes)}\n")
    ways = (
        lambda: by_pip(folder / version, lock, pythons),
        lambda: by_venv(folder / version, lock, pythons),
        lambda: by_index(folder / version, version, hashes),
        lambda: by_apt(folder / version, lock, pythons),
    )
    for way in ways:
        if way() and is_usable(str(here)):
            return str(here)
        shutil.rmtree(str(folder / version), ignore_errors=True)
    raise Failed(f"uv could not be brought here: this machine has neither pip nor venv, or the package index does not answer.\n"
                 f"       Run `sudo {' '.join(APT)}` (or install uv) and then `make setup` again.")  # fmt: skip


def locked(requirements: Path) -> tuple[str, list[str]]:
    """Return the version of uv in the lock, and the hashes its files may have."""
    match = re.search(r"^uv==([0-9.]+)((?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})+)", requirements.read_text(), re.MULTILINE)
    if match is None:
        raise Failed("requirements/dev.txt does not name uv.")
    return match.group(1), re.findall(r"sha256:([0-9a-f]{64})", match.group(2))


def by_pip(target: Path, lock: Path, pythons: list[str]) -> bool:
    """Let the pip of some Python on this machine put it into `target`."""
    return any(pip_into(python, target, lock) for python in pythons if works([python, "-m", "pip", "--version"]))


def by_venv(target: Path, lock: Path, pythons: list[str]) -> bool:
    """Let a virtual environment bring pip (Debian without python3-venv cannot)."""
    home = target.parent / "venv"
    for python in pythons:
        shutil.rmtree(str(home), ignore_errors=True)
        if quiet([python, "-m", "venv", str(home)]) == 0 and pip_into(str(home / "bin" / "python"), target, lock):
            return True
    return False


def by_index(target: Path, version: str, hashes: list[str]) -> bool:
    """Take the wheel from the index or folder this machine is configured for, and check its hash before using it."""
    for place in places():
        for url in wheels_at(place, version):
            try:
                with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310 -- the machine's own configured index
                    content = answer.read()
            except (OSError, ValueError):
                continue
            if hashlib.sha256(content).hexdigest() in hashes:
                unpack(content, target)
                return True
    return False


def by_apt(target: Path, lock: Path, pythons: list[str]) -> bool:
    """As root on Debian install python3-venv and try that way again."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"this machine has neither uv nor pip nor venv: {' '.join(APT)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
    subprocess.run([*APT, "-qq"], check=False, env=environment, stdout=subprocess.DEVNULL)
    return by_venv(target, lock, pythons)


def pip_into(python: str, target: Path, lock: Path) -> bool:
    """Install what `lock` names into `target`, checked by hash."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    return quiet([python, "-m", "pip", "install", *options, "--target", str(target), "-r", str(lock)]) == 0


def places() -> list[tuple[str, bool]]:
    """Return the indexes and folders that pip and uv are configured for here: `(address, is it an index)`."""
    simple, flat = [], []
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        simple += [word.rpartition("=")[2] if name == "UV_INDEX" else word for word in os.environ.get(name, "").split()]
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        flat += os.environ.get(name, "").replace(",", " ").split()
    for file in pip_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(file)
        except configparser.Error:
            continue
        for section in parser.sections():
            simple += " ".join(parser.get(section, key, fallback="") for key in ("index-url", "extra-index-url")).split()
            flat += parser.get(section, "find-links", fallback="").split()
    return [(address, True) for address in dict.fromkeys(simple)] + [(address, False) for address in dict.fromkeys(flat)]


def pip_files() -> list[str]:
    """Return where pip keeps its configuration."""
    home = Path.home()
    base = os.environ.get("XDG_CONFIG_HOME", str(home / ".config"))
    files = [
        os.environ.get("PIP_CONFIG_FILE"),
        base + "/pip/pip.conf",
        str(home / ".pip/pip.conf"),
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
    ]
    return [file for file in files if file and os.access(file, os.R_OK)]


def wheels_at(place: tuple[str, bool], version: str) -> list[str]:
    """Return the addresses of this version's wheels for this machine."""
    address, is_index = place
    if "://" not in address:
        address = Path(address).absolute().as_uri()
    page = address.rstrip("/") + ("/uv/" if is_index else "/")
    return [link for link in links_on(page) if fits(urllib.parse.unquote(link.rpartition("/")[2].partition("#")[0]), version)]


def links_on(page: str) -> list[str]:
    """Return the addresses a page (or, for file:, a folder) leads to."""
    if page.startswith("file:"):
        folder = Path(urllib.request.url2pathname(urllib.parse.urlsplit(page).path))
        if not os.access(str(folder), os.R_OK | os.X_OK):
            return []
        if not (folder / "index.html").is_file():
            return [path.as_uri() for path in sorted(folder.glob("*.whl"))] if folder.is_dir() else []
        page = (folder / "index.html").as_uri()
    try:
        with urllib.request.urlopen(page, timeout=30) as answer:  # noqa: S310 -- the machine's own configured index
            text, base = answer.read().decode(errors="replace"), answer.geturl()
    except (OSError, ValueError):
        return []
    return [urllib.parse.urljoin(base, html.unescape(link)) for link in re.findall(r'href=["\']([^"\']+)["\']', text)]


def fits(name: str, version: str) -> bool:
    """Say whether a wheel of that name is this version for this machine (Linux with glibc, or musl)."""
    machine = platform.machine()
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    return name.startswith(f"uv-{version}-") and name.endswith(f"_{machine}.whl") and libc in name


def unpack(content: bytes, target: Path) -> None:
    """Take the program out of the wheel; the last step makes it appear."""
    wheel = target.parent / "uv.whl"
    wheel.write_bytes(content)
    (target / "bin").mkdir(parents=True)
    part = target / "bin" / "uv.part"
    with zipfile.ZipFile(str(wheel)) as archive:
        part.write_bytes(archive.read(next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))))
    part.chmod(0o755)
    part.rename(target / "bin" / "uv")


def is_usable(uv: str) -> bool:
    """Say whether this uv starts and knows the options we use."""
    match = re.match(r"uv (\d+)\.(\d+)", works([uv, "--version"]))
    return match is not None and (int(match.group(1)), int(match.group(2))) >= OLDEST


def works(command: list[str]) -> str:
    """Return what a program prints, or nothing when it does not start or fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def quiet(command: list[str]) -> int:
    """Run a program without its words and return its exit code."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    return done.returncode


def say(text: str) -> None:
    """Tell the person what is going on."""
    print(f"setup: {text}", flush=True)
