"""Notes that live in their own address: the text is packed into the URL, so nothing is stored and every instance can answer."""

import base64
import binascii
import os
import zlib

from flask import Flask, abort, redirect, render_template, request, url_for
from markupsafe import Markup, escape

LONGEST = 2000

app = Flask(__name__)


@app.get("/")
def write() -> str:
    """Show the form."""
    return render_template("write.html", longest=LONGEST)


@app.post("/")
def keep():
    """Turn a text into its address."""
    text = request.form.get("text", "").strip()
    if not text or len(text) > LONGEST:
        return render_template("write.html", longest=LONGEST, text=text, problem=f"Write 1 to {LONGEST} characters."), 400
    return redirect(url_for("read", packed=pack(text)), code=303)


@app.get("/n/<packed>")
def read(packed: str) -> str:
    """Show the note that this address holds."""
    text = unpack(packed)
    if text is None:
        abort(404)
    title, _, rest = text.partition("\n")
    return render_template("read.html", title=title.lstrip("# "), body=paragraphs(rest))


@app.get("/healthz")
def health() -> dict[str, object]:
    """Say that this instance answers."""
    return {"ok": True, "pid": os.getpid()}


@app.errorhandler(404)
def missing(_error: Exception):
    """Answer for an address that holds no note."""
    return render_template("missing.html"), 404


def pack(text: str) -> str:
    """Return the text as letters for an address."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def unpack(packed: str) -> str | None:
    """Return the text in an address, None when there is none. A bomb does not unpack: it stops at the longest note."""
    try:
        data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        return zlib.decompressobj().decompress(data, LONGEST * 4).decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError, ValueError):
        return None


def paragraphs(text: str) -> Markup:
    """Return paragraphs and lists (lines that begin with `- `) as HTML."""
    blocks = []
    for block in text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = [line for line in block.split("\n") if line.strip()]
        if lines and all(line.startswith("- ") for line in lines):
            blocks.append("<ul>" + "".join(f"<li>{escape(line[2:])}</li>" for line in lines) + "</ul>")
        elif lines:
            blocks.append("<p>" + "<br>".join(str(escape(line)) for line in lines) + "</p>")
    return Markup("".join(blocks))
