"""What the editor refuses in a way of its own."""

from canonry.core.errors import Conflict


class EditConflict(Conflict):
    """Somebody else saved the file meanwhile: what is there now comes with the answer."""

    def __init__(self, path: str, server_content: str | None, server_sha: str | None) -> None:
        what = "changed" if server_sha else "removed"
        super().__init__(
            "conflict", f"{path} was {what} after you loaded it.", hint="Bring your change into server_content, and save with server_sha."
        )
        self.details = {"server_content": server_content, "server_sha": server_sha}
