"""A program that feeds the parser, the edits and the renderer with what atheris makes of itself, guided by the branches it takes.

    python -m tests.support.fuzz_specs SECONDS [FOLDER OF INPUTS]

Ends with an error and the input when something raises, takes longer than five seconds or leaves something dangerous in the HTML.
"""

import sys

import atheris

from tests.support.alive import what_is_alive

with atheris.instrument_imports(include=["canonry.specs"]):
    from canonry.core.errors import CanonryError
    from canonry.specs import edits, parse, render
    from canonry.specs.config import read_config
    from canonry.specs.lint import lint

SEEDS = (
    (
        b"---\ntitle: T\ntags: [a, b]\n---\n## 1. A\n<!-- canon:system:1 status:todo -->\n"
        b"- [ ] The a MUST b {#x}\n<!-- canon:realized-in:PR#1 file:a:1 -->\n"
    ),
    b"## A\n```\n## B\n```\n#### Scenario: s\n- GIVEN a\n<pre>\n- [x] c\n</pre>\n",
    b"specs: {doc_paths: ['docs/**/*.md']}\nrouting:\n  - {match: {tags: [a]}, target: t}\n",
)


def try_one(content: bytes) -> None:
    """Do everything with one file that strangers' files are done with."""
    document = parse(content)
    lint(document)
    read_config(content)
    html = render.render(document)
    if alive := what_is_alive(html):
        raise AssertionError(f"alive: {alive} in {html!r}")
    for section in list(document.walk())[:2]:
        try:
            new = edits.set_status(content, section.id, "done")
        except CanonryError:
            continue
        found = next(item for item in parse(new).walk() if item.id == section.id)
        if found.status.state != "done":
            raise AssertionError(f"status not written: {new!r}")


def main() -> None:
    """Run for so many seconds."""
    for seed in SEEDS:
        try_one(seed)
    limits = [f"-max_total_time={sys.argv[1]}", "-timeout=5", "-max_len=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, *sys.argv[2:]], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
