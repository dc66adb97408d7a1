"""Which environment somebody means."""

from canonry.core.errors import Invalid, Issue

PREVIEWS = "preview"
"""All previews together."""


def check_environment(text: str, path: str, *, together: bool = False) -> str:
    """Return the name of an environment: `production` or `preview/<name>`; with `together` also `preview`.

    Raises: Invalid `invalid_environment`.
    """
    if text == "production" or (together and text == PREVIEWS) or (text.startswith(f"{PREVIEWS}/") and text[8:].isprintable() and text[8:]):
        return text
    names = "production, preview/<branch>" + (" or preview (all of them)" if together else "")
    raise Invalid("invalid_environment", f"There is no environment {text[:60]!r}.", hint=f"Use {names}.",
                  issues=[Issue(path, f"must be {names}", "environment")])  # fmt: skip


def belongs(environment: str, to: str | None) -> bool:
    """Say whether an environment is the one that is meant, or one of those; None means every one."""
    return to in {None, environment} or (to == PREVIEWS and environment.startswith(f"{PREVIEWS}/"))
