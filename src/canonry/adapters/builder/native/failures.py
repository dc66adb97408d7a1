"""Why a command failed, in words: the last lines of package managers and compilers, read for the remedy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from canonry.ports.errors import BuildFailed

_SHOWN = 200
_NOT_FOUND = re.compile(r"(?:sh: \d+: )?([\w./@-]+): (?:command )?not found")


@dataclass(frozen=True)
class _Cause:
    reason: str
    hint: str
    signs: tuple[str, ...]

    def found_in(self, text: str) -> str | None:
        """Return the reason, with what a sign names, when one of the signs is in the text."""
        for sign in self.signs:
            if match := re.search(sign, text):
                named = next((group for group in match.groups() if group), None)
                return f"{self.reason} ({named})" if named else self.reason
        return None


_CAUSES = (
    _Cause("the lock file does not fit the list of dependencies",
           "Update the lock file (npm install, pnpm install, yarn install, uv lock, poetry lock) and commit it.",
           (r"EUSAGE", r"package-lock\.json .*(?:in sync|are not)", r"can only install with an existing package-lock",
            r"ERR_PNPM_OUTDATED_LOCKFILE", r"lockfile .*needs to be updated", r"lockfile would have been modified", r"lockfile had changes",
            r"lock file .*(?:out of date|not up to date)", r"pyproject\.toml changed significantly since")),
    _Cause("a package or version it asks for is not in the package index", "Check the name and version in the list of dependencies.",
           (r"not found in the package registry", r"No solution found", r"no versions? of",
            r"npm (?:error|ERR!) (?:code )?(?:E404|ETARGET)", r"No matching distribution", r"ERR_PNPM_FETCH_404")),
    _Cause("package.json has no such script", "Add the script to package.json, or set the command in canonry.toml.",
           (r"Missing script: ?\"?([\w:.-]+)", r"ERR_PNPM_NO_SCRIPT", r"Command \"([^\"]+)\" not found")),
    _Cause("there is no space left", "The build's private /tmp holds 256 MiB; write into /app or the home folder.",
           (r"No space left on device", r"ENOSPC")),
    _Cause("it wrote a file larger than the build's disk limit", "Write less, or raise CANONRY_BUILD_DISK.",
           (r"File size limit exceeded", r"File too large", r"EFBIG")),
    _Cause("it ran out of memory", "Make the build use less memory (fewer workers), or raise CANONRY_BUILD_MEMORY.",
           (r"JavaScript heap out of memory", r"MemoryError", r"Cannot allocate memory")),
    _Cause("it started more processes than a build may have", "Make the build start fewer processes at once.",
           (r"Cannot fork", r"fork: (?:retry: )?Resource temporarily unavailable", r"BlockingIOError: .*Resource temporarily unavailable",
            r"spawn .*EAGAIN")),
    _Cause("a host on the network did not answer", "Check that this machine reaches the package index, and try again.",
           (r"ENOTFOUND", r"EAI_AGAIN", r"dns error", r"Could not resolve host", r"Temporary failure in name resolution", r"ECONNREFUSED",
            r"error sending request")),
    _Cause("the certificate of a host on the network is not trusted here", "Add the authority to this machine's, or set SSL_CERT_FILE.",
           (r"CERTIFICATE_VERIFY_FAILED", r"SELF_SIGNED_CERT", r"unable to get local issuer certificate", r"invalid peer certificate")),
    _Cause("a package does not work with this version of the language",
           "Ask for another version in .python-version, .nvmrc or the project's settings.",
           (r"[Rr]equires-python", r"EBADENGINE", r"The engine \"node\" is incompatible")),
    _Cause("a module it needs is not installed", "Add the package to the list of dependencies, and commit the lock file.",
           (r"Cannot find module '([^']+)'", r"No module named '?([\w.]+)'?", r"Cannot find package '([^']+)'")),
    _Cause("a package must be compiled and this machine lacks what that needs",
           "Prefer a version with a ready-made wheel, or install the compiler and headers on this machine.",
           (r"error: command '(?:gcc|cc|g\+\+|[\w-]+-gcc)' failed", r"(?:gcc|cc): (?:not found|command not found)",
            r"pg_config executable not found", r"fatal error: .*\.h: No such")),
    _Cause("the code does not compile", "The lines above say where.",
           (r"SyntaxError", r"error TS\d+", r"Build failed with", r"Failed to compile")),
)  # fmt: skip


def command_failed(what: str, command: str, code: int, tail: Sequence[str]) -> BuildFailed:
    """Return the error for a command that ended with `code`. what: `install` or `build`. tail: its last lines."""
    shown = command if len(command) <= _SHOWN else command[: _SHOWN - 1] + "…"
    reason, hint = _explain(code, tail)
    because = f": {reason}" if reason else ""
    return BuildFailed(f"{what}_failed", f"The {what} command `{shown}` ended with exit code {code}{because}.", hint=hint)


def _explain(code: int, tail: Sequence[str]) -> tuple[str, str]:
    text = "\n".join(tail)
    if code == 127 and (missing := _NOT_FOUND.search(text)):
        return f"there is no program {missing[1]}", "Install it as a dependency of the project, or correct the command."
    for cause in _CAUSES:
        if reason := cause.found_in(text):
            return reason, cause.hint
    if code in {137, 9}:
        return "it was killed", "No limit of Canonry did that: something in the build sent the signal, or the machine is short of memory."
    return "", "The last lines of the build log say why."
