"""What a target, a file or a test id said, made harmless for the place it is shown in.

Nothing is dropped: what a reader cannot see, or what a terminal, a browser or a CI runner would
obey, is written as its visible escape. Secrets were redacted before, when evidence was noted.
"""

from __future__ import annotations

import re
import urllib.parse
from typing import Final

#: Control characters but tab and newline, bidi and invisible ones, surrogates, noncharacters, tags.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
    "|[\U0001fffe-\U0001ffff\U0002fffe-\U0002ffff\U0010fffe-\U0010ffff]"
)
#: What a CI runner obeys: `::name` at the start of a line, `##[…]` and `##name[…]` anywhere.
_COMMAND: Final = re.compile(r"^(\s*):(?=:)|#(?=#\w*\[)", re.MULTILINE)
#: What is markup in a line of GitHub's Markdown: also bare addresses, emoji names and mentions.
_MARKDOWN: Final = re.compile(
    r"([\\`*\[\]<>|~&$@]|\b_|_\b|_(?=_)|(?<=www)\.|:(?=//|[\w+-]+:)|\A[-+=#]|(?<=\A\d)[.)](?=\s|\Z))"
)


def neutral(text: str | bytes) -> str:
    """Return *text* with everything unseen as a visible escape; lines and tabs stay."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="backslashreplace")
    if text.isascii() and text.isprintable():  # nearly everything, and much faster
        return text
    return _UNSEEN.sub(_escape, text.replace("\r\n", "\n"))


def one_line(text: str | bytes, *, longest: int = 500) -> str:
    """Return *text* neutral and on one line, cut to *longest* characters with a visible end."""
    line = " ".join(neutral(text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def for_log(text: str | bytes) -> str:
    """Return *text* neutral for a log that a CI runner reads for commands; lines stay."""
    return _COMMAND.sub(lambda found: f"{found[1] or ''}{found[0][-1]} ", neutral(text))


def log_line(text: str | bytes, *, longest: int = 500) -> str:
    """Return *text* as one line for a log that a CI runner reads for commands."""
    return for_log(one_line(text, longest=longest))


def for_markdown(text: str | bytes, *, longest: int = 500) -> str:
    """Return *text* as one line that Markdown shows as it is: no markup, no link, no HTML."""
    return _MARKDOWN.sub(
        lambda found: {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(found[1], f"\\{found[1]}"),
        one_line(text, longest=longest),
    )


def http_url(text: str) -> str | None:
    """Return *text* when it is an http(s) URL that may become a link, else None."""
    if neutral(text) != text or " " in text:
        return None
    try:
        parts = urllib.parse.urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.hostname else None


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
