"""Mail that goes into a list, for tests."""

from dataclasses import dataclass, field

from canonry.core.mail import Mail
from canonry.infra.messages import compose


@dataclass
class MemoryMailer:
    """Keeps what was sent, oldest first."""

    sent: list[Mail] = field(default_factory=list)

    def send(self, mail: Mail) -> None:
        """Keep the message. Raises: Invalid `mail_refused`."""
        compose(mail, "canonry@localhost")
        self.sent.append(mail)
