"""The plain pages that the edge answers itself: what they say, as HTML, JSON and text. Used by every edge adapter."""

import html
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class PlainPage:
    """One page. code: stable, for programs. hint: what to do next, or empty. retry_after: seconds, or 0 when waiting does not help."""

    status: int
    code: str
    title: str
    message: str
    hint: str = ""
    retry_after: int = 0

    def as_html(self) -> str:
        """Return a whole small document that needs nothing else."""
        hint = f"<p class=hint>{html.escape(self.hint)}</p>" if self.hint else ""
        return (
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
            f"<title>{html.escape(self.title)}</title><style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;"
            "max-width:32rem;margin:20vh auto;padding:0 1rem}h1{font-size:1.4rem}.hint{opacity:.7}</style>"
            f"<h1>{html.escape(self.title)}</h1><p>{html.escape(self.message)}</p>{hint}</html>\n"
        )

    def as_json(self, request_id: str) -> str:
        """Return the error envelope that the whole of Canonry uses."""
        return json.dumps(
            {"error": self.code, "message": self.message, "request_id": request_id} | ({"hint": self.hint} if self.hint else {})
        )

    def as_text(self) -> str:
        """Return one or two lines."""
        return "\n".join(part for part in (self.message, self.hint) if part) + "\n"


STOPPED = PlainPage(503, "project_stopped", "This site is stopped", "Its owner has stopped this site.",
                    "canonry projects start brings it back.", 60)  # fmt: skip
UNKNOWN = PlainPage(404, "unknown_host", "No site here", "No site is served at this address.", "Check the spelling of the address.")
DEAD = PlainPage(502, "app_unreachable", "This site does not answer", "The app behind this address does not answer.",
                 "Try again shortly; its owner finds the reason with canonry logs.", 5)  # fmt: skip
RESTARTING = PlainPage(502, "restarting", "Canonry is restarting", "Canonry is restarting; the sites it serves are not affected.",
                       "Try again in a few seconds; if it stays so, canonry up starts it again.", 2)  # fmt: skip
MISSING = PlainPage(404, "page_not_found", "Page not found", "This site has no such page.")
