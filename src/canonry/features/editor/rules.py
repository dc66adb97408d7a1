"""What may be edited, and how large it may be."""

from canonry.core.errors import Invalid, Issue
from canonry.core.file_paths import parse_file_path
from canonry.specs.config import NAMES

MAX_CHARACTERS = 500_000


def check_path(text: str) -> str:
    """Return the path of a file that the editor may touch: Markdown, or CANON.yaml. Raises: Invalid `invalid_path`."""
    path = parse_file_path(text)
    if not path.endswith(".md") and path not in NAMES:
        raise Invalid("invalid_path", "Invalid file path", hint="The editor takes files that end in .md, and CANON.yaml.",
                      issues=[Issue("file_path", "neither .md nor CANON.yaml", "path")])  # fmt: skip
    return path


def check_content(content: object) -> str:
    """Return what was sent as the text of a file. Raises: Invalid `invalid_content`."""
    fault = ""
    if not isinstance(content, str):
        fault = "is missing, or no text"
    elif len(content) > MAX_CHARACTERS:
        fault = f"is longer than {MAX_CHARACTERS} characters"
    elif not _is_writable(content):
        fault = "holds letters that no text file can have"
    if fault or not isinstance(content, str):
        raise Invalid(
            "invalid_content", f"`content` {fault}.", hint="Send the text of the file.", issues=[Issue("body.content", fault, "content")]
        )
    return content


def _is_writable(content: str) -> bool:
    try:
        content.encode()
    except UnicodeEncodeError:  # half of a pair
        return False
    return "\0" not in content
