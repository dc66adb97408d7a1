"""The few pages that Canonry makes itself, without the dashboard: small, whole, readable without JavaScript, and with no outside host."""

import base64
import hashlib
import html

from fastapi.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;
--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--back:#f6f8fa;--card:#fff;--accent:#0b5cad;--on:#fff;--bad:#a40e26}
@media(prefers-color-scheme:dark){:root{
--ink:#e6edf3;--soft:#9aa4af;--line:#3a424c;--back:#0d1117;--card:#161b22;--accent:#58a6ff;--on:#0d1117;--bad:#ff8080}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);margin:0;padding:12vh 1rem 3rem}
main{max-width:26rem;margin:0 auto;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.75rem}
main.wide{max-width:44rem}
.brand{max-width:26rem;margin:0 auto .75rem;color:var(--soft);font-weight:600;letter-spacing:.02em}
.brand.wide{max-width:44rem}
h1{font-size:1.35rem;line-height:1.25;margin:0 0 1rem}h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
p{margin:0 0 1rem}.soft{color:var(--soft);font-size:.9rem}
label{display:block;font-weight:600;margin:0 0 .3rem}
input,select{font:inherit;width:100%;padding:.55rem .7rem;margin:0 0 1rem;color:inherit;background:transparent;
border:1px solid var(--line);border-radius:8px}
input.code{font:600 1.35rem/1.4 ui-monospace,monospace;letter-spacing:.12em;text-align:center;text-transform:uppercase}
button,.button{font:inherit;font-weight:600;display:inline-block;padding:.55rem 1.1rem;border:1px solid var(--accent);border-radius:8px;
background:var(--accent);color:var(--on);text-decoration:none;cursor:pointer}
button.plain,.button.plain{background:transparent;color:var(--accent)}button.wide{width:100%}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
a{color:var(--accent)}
.bad{border-left:4px solid var(--bad);padding:.4rem .8rem;margin:0 0 1rem;color:var(--bad)}
.row{display:flex;gap:.75rem;flex-wrap:wrap;align-items:center}
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1rem;margin:0 0 1.25rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
ul.list{list-style:none;margin:0;padding:0}ul.list li{border-top:1px solid var(--line);padding:.75rem 0}
ul.list li>.row{justify-content:space-between;flex-wrap:nowrap}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def escape(text: str) -> str:
    """Return text so that it stays text inside HTML, in attributes with quotation marks as well."""
    return html.escape(text, quote=True)


def html_page(title: str, body: str, *, status: int = 200, wide: bool = False) -> HTMLResponse:
    """Answer with one page. body: HTML, everything from outside in it escaped already; the title is escaped here."""
    kind = " wide" if wide else ""
    text = (
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)} · Canonry</title><style>{_STYLE}</style></head><body><div class='brand{kind}'>Canonry</div>"
        f"<main class='{kind.strip()}'><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )
    return HTMLResponse(text, status, HEADERS)


def error_page(status: int, message: str, hint: str = "", request_id: str = "") -> HTMLResponse:
    """Answer a person whose request failed."""
    parts = [f"<p class=bad role=alert>{escape(message)}</p>"]
    parts += [f"<p>{escape(hint)}</p>"] if hint else []
    parts += ["<p class=row><a class='button plain' href='/'>Home</a></p>"]
    parts += [f"<p class=soft>{escape(request_id)}</p>"] if request_id else []
    return html_page("That did not work", "".join(parts), status=status)
