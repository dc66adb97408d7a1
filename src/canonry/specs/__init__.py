"""The format of specs: parsing, writing, measuring, comparing and rendering them. Plain Python that knows no server and no git.

`parse(content)` gives a `Document` and never raises; `edits` changes single lines and leaves every other byte; `config` reads CANON.yaml;
`measures` (coverage, tasks), `matching` (search), `changes` (diff, history) and `lint` answer questions about documents; `render` makes
HTML and is the only one that loads heavy libraries. Features and the command line both stand on it.
"""

from canonry.specs.models import (
    Criterion,
    Delta,
    Diagnostic,
    Document,
    Evidence,
    Frontmatter,
    Scenario,
    Section,
    Severity,
    State,
    Status,
    Step,
    Ticket,
)
from canonry.specs.parser import parse

__all__ = [
    "Criterion",
    "Delta",
    "Diagnostic",
    "Document",
    "Evidence",
    "Frontmatter",
    "Scenario",
    "Section",
    "Severity",
    "State",
    "Status",
    "Step",
    "Ticket",
    "parse",
]
