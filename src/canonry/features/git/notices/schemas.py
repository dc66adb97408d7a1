"""What is answered to a host that tells us something."""

from pydantic import BaseModel, Field


class NoticedAnswer(BaseModel):
    """The delivery was taken. reason: why it had no effect; null when it had one."""

    ok: bool = True
    event: str = Field(description="what X-GitHub-Event said")
    processed: bool
    reason: str | None
