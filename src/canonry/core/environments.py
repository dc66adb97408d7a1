"""Environments of a project: `production`, and `preview/<branch>` for each preview."""

PRODUCTION = "production"
_PREVIEW = "preview/"


def preview_of(name: str) -> str:
    """Return the environment of the preview of a branch, or of whatever else it is named after."""
    return f"{_PREVIEW}{name}"


def is_preview(environment: str) -> bool:
    """Say whether the environment is that of a preview."""
    return environment.startswith(_PREVIEW)
