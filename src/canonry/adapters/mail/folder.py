"""Mail that lies in a folder as `.eml` files, for a Canonry without a mail server: `canonry mail` lists it."""

from pathlib import Path

from canonry.core.errors import Unavailable
from canonry.core.ids import new_id
from canonry.core.mail import Mail
from canonry.infra.files import write_atomic
from canonry.infra.messages import compose


class FolderMailer:
    """Writes each message into a file of its own (0600: it may hold a link that signs somebody in)."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Write the message. Raises: Unavailable `mail_unavailable`, Invalid `mail_refused`."""
        message = compose(mail, self._sender)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(self._folder / f"{new_id('mail')}.eml", message.as_bytes(), mode=0o600)
        except OSError as error:
            raise Unavailable("mail_unavailable", f"The mail to {mail.to} could not be written: {error.strerror}.",
                              hint="Check the disk.") from error  # fmt: skip
