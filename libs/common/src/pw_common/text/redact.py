"""What must not be read in a log, an error or a status: secrets, also those inside of URLs.

A URL is a secret nearly everywhere: a webhook's path, a bot's token, a provider's key in path,
query or user part. So only its scheme, host and port are shown, wherever one turns up.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit

HIDDEN: Final = "***"
# Shorter ones would blank out ordinary words.
SECRET_CHARS_MIN: Final = 6
# A part of a path or query that is longer counts as a key.
PART_CHARS_MIN: Final = 12
SECRETS_MAX: Final = 4_096

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_NEXT_URL: Final = re.compile(r",\s*(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\])(?::\d{1,5})?")
_TRAILING: Final = "'\"`),.;:>]}\\"
_secrets: dict[str, None] = {}


def redacted_url(url: str) -> str:
    """Scheme, host and port of a URL, or of several with commas; `***` for anything else."""
    return ",".join(_one(part) for part in _NEXT_URL.split(url))


def redacted(text: str) -> str:
    """A text with each URL as `redacted_url` shows it, and without any secret that is known."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return _URL.sub(_in_text, text) if "://" in text else text


def keep_secret(*values: str) -> None:
    """Never show these again in this process, in whatever text they stand; of a URL its parts."""
    for value in values:
        # The address itself stays readable, so that a log tells two endpoints apart.
        for part in _secret_parts(value) if "://" in value else [value]:
            if len(part) >= SECRET_CHARS_MIN:
                _secrets.pop(part, None)
                _secrets[part] = None
    while len(_secrets) > SECRETS_MAX:
        del _secrets[next(iter(_secrets))]


def shown_path(value: str | Path) -> str:
    """A setting that names a file; what does not look like a path may be the secret itself."""
    text = str(value)
    is_path = text.startswith(("/", "./", "../", "~")) or Path(text).is_file()
    return text if is_path else f"{HIDDEN} (shown only where it begins with / or ./)"


def _secret_parts(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        # A user alone is a token; with a password it is a name such as `ingest`.
        secret = parts.password or parts.username or ""
    except ValueError:
        return []
    tail = url.partition("://")[2].partition("/")[2]
    # `webhooks` or `api-key` is not a key: short words stay.
    words = [one for one in (tail, *re.split(r"[/?&=#]", tail)) if len(one) > PART_CHARS_MIN]
    words.append(secret)
    return [form for one in words for form in {one, unquote(one), quote(one, safe="")}]


def _one(url: str) -> str:
    scheme, found, rest = url.strip().partition("://")
    if not found:
        scheme, rest = "", url.strip()
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    tail = rest[len(authority) :]
    _, at, host = authority.rpartition("@")
    # An @ further on may end a password with a / in it: then nothing here is surely the host.
    # Without a scheme, a bare word may be a key that was put into the wrong setting.
    is_host = _HOST.fullmatch(host) and (found or ":" in host or host == "localhost")
    if "@" in tail or not is_host:
        return f"{scheme}://{HIDDEN}" if found else HIDDEN
    shown = f"{scheme}://" if found else ""
    shown += f"{HIDDEN}@{host}" if at else host
    return shown if tail in {"", "/"} else f"{shown}/{HIDDEN}"


def _in_text(found: re.Match[str]) -> str:
    whole = found.group()
    url = whole.rstrip(_TRAILING)
    if url.endswith("://"):
        return whole
    return redacted_url(url) + whole[len(url) :]
