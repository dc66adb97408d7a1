"""Resolves the dependencies of pyproject.toml into requirements/*.txt: names, versions and hashes, no index address.

Versions already locked are kept; `--upgrade` (or `--upgrade-package NAME`) takes newer ones.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = [
    "--quiet", "--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--universal", "--python-version", "3.12",
]  # fmt: skip


def main(arguments: list[str]) -> int:
    """Write runtime.txt and dev.txt. Returns the exit code of the first failure, or 0."""
    for name, extra in (("runtime", []), ("dev", ["--extra", "dev"])):
        command = [
            str(ROOT / ".venv/bin/uv"),
            "pip",
            "compile",
            *OPTIONS,
            *extra,
            *arguments,
            "pyproject.toml",
            "-o",
            f"requirements/{name}.txt",
        ]
        code = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL).returncode
        if code != 0:
            return code
        print(f"wrote requirements/{name}.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
