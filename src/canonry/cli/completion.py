"""`canonry completion`: what the Tab key offers in a shell. The shell's own function asks `canonry __complete WORDS` each time.

A word is completed from the table of commands, from a command's options, or with the slugs of projects, which are kept for some seconds:
asking the server at every Tab would make the shell stutter.
"""

import json
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from canonry.cli.arguments import argument
from canonry.cli.commands import ROOT, Command, Noun
from canonry.core.errors import CanonryError, Invalid

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

SHELLS = ("bash", "zsh", "fish")
_FRESH = 30.0  # seconds that slugs count as known
_PATIENCE = 1.0  # seconds a server has to answer while somebody waits at the prompt

_BASH = r"""# canonry: put this line into ~/.bashrc:  source <(canonry completion bash)
_canonry() {
    local name rest
    COMPREPLY=()
    while IFS=$'\t' read -r name rest; do
        [[ -n $name ]] && COMPREPLY+=("$name")
    done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _canonry canonry
"""
_ZSH = r"""#compdef canonry
# canonry: put this line into ~/.zshrc, behind compinit:  source <(canonry completion zsh)
_canonry() {
    local -a found
    local name rest
    while IFS=$'\t' read -r name rest; do
        found+=("${name//:/\\:}:$rest")
    done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( $#found )); then _describe -t words canonry-words found; else _files; fi
}
compdef _canonry canonry
"""
_FISH = r"""# canonry: put this line into ~/.config/fish/config.fish:  canonry completion fish | source
function __canonry_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (canonry __complete $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c canonry -f -a '(__canonry_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion(shell: Annotated[str, argument("SHELL", help="bash, zsh or fish.")]) -> None:
    """Print the script that lets a shell complete commands, options and the names of projects.

    bash: source <(canonry completion bash) in ~/.bashrc. zsh: the same with zsh in ~/.zshrc. fish: canonry completion fish | source.
    """
    if shell not in _SCRIPTS:
        raise Invalid("unknown_shell", f"There is no completion for {shell!r}.", hint=f"There is one for {', '.join(SHELLS)}.")
    print(_SCRIPTS[shell], end="")


def print_candidates(words: Sequence[str]) -> int:
    """Print what the last of `words` (those behind `canonry`; it may be empty) could become, and behind a tab what it means."""
    try:
        for name, meaning in candidates(words):
            print(f"{name}\t{meaning}" if meaning else name)
    except CanonryError:
        return 1  # somebody is typing: an error message would only be in their way
    return 0


def candidates(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give (word, meaning) of everything that the last word could become; nothing where a file is wanted."""
    *before, partial = [word for word in words if word != "="] or [""]  # bash parts --project=shop at its =
    if words and words[-1] == "=":
        before, partial = [*before, partial], ""
    item: Command | Noun = ROOT
    path: list[str] = []
    rest = list(before)
    while isinstance(item, Noun) and rest:
        if rest[0] not in item.commands:
            return
        path.append(rest.pop(0))
        item = item.commands[path[-1]]
    if isinstance(item, Noun):
        yield from ((name, below.summary) for name, below in item.commands.items() if name.startswith(partial))
        return
    yield from _of_command(path, rest, partial)


def _of_command(path: Sequence[str], rest: Sequence[str], partial: str) -> Iterator[tuple[str, str]]:
    from canonry.cli.main import load

    actions = load(path)._actions  # noqa: SLF001 -- argparse has no other way to its options
    by_flag = {flag: action for action in actions for flag in action.option_strings}
    flag, is_joined, value = partial.partition("=")
    if is_joined and flag in by_flag:
        yield from ((f"{flag}={name}", meaning) for name, meaning in _values(by_flag[flag], value))
    elif rest and (chosen := by_flag.get(rest[-1])) is not None and chosen.nargs != 0:
        yield from _values(chosen, partial)
    elif partial.startswith("-"):
        given = set(rest)
        for name, action in by_flag.items():
            if name.startswith(partial) and (len(name) > 2 or name == partial) and not given & set(action.option_strings):
                yield name, (action.help or "").replace("%%", "%")
    else:
        positional = [action for action in actions if not action.option_strings]
        place = _positionals_in(rest, by_flag)
        if place < len(positional):
            yield from _values(positional[place], partial)


def _positionals_in(rest: Sequence[str], by_flag: "dict[str, argparse.Action]") -> int:
    count, skip = 0, False
    for word in rest:
        if skip:
            skip = False
        elif word.startswith("-"):
            action = by_flag.get(word)
            skip = action is not None and action.nargs != 0
        else:
            count += 1
    return count


def _values(action: "argparse.Action", partial: str) -> Iterator[tuple[str, str]]:
    if action.metavar == "SHELL":
        yield from ((shell, "") for shell in SHELLS if shell.startswith(partial))
    elif action.metavar == "SLUG" and "--slug" not in action.option_strings:
        yield from ((slug, "") for slug in _slugs() if slug.startswith(partial))


def _slugs() -> list[str]:
    """Return the slugs of the caller's projects: those known for some seconds, else those the server tells, else older ones."""
    from canonry.client.credentials import current

    credentials = current()
    kept = _kept_file()
    known, age = _read(kept, credentials.url)
    if age < _FRESH:
        return known
    from canonry.client.transport import Transport

    try:
        answer = Transport(credentials.url, credentials.token, timeout=_PATIENCE).send("GET", "/v1/projects", query={"limit": 100})
    except CanonryError:
        return known
    found = [str(project["slug"]) for project in answer["projects"]]
    _keep(kept, {"url": credentials.url, "at": time.time(), "slugs": found})
    return found


def _kept_file() -> "Path":
    from canonry.client.credentials import path

    return path().with_name("completion.json")


def _read(kept: "Path", url: str) -> tuple[list[str], float]:
    try:
        document = json.loads(kept.read_bytes())
        if document["url"] == url:
            return [str(slug) for slug in document["slugs"]], time.time() - float(document["at"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return [], float("inf")


def _keep(kept: "Path", document: dict[str, object]) -> None:
    import os

    temporary = kept.with_suffix(f".{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(document))
        temporary.replace(kept)
    except OSError:
        temporary.unlink(missing_ok=True)  # it is only slower without
