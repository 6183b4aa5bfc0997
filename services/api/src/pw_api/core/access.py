"""Who may ask: the Host, the page that asks, the token or its cookie, the type of what is sent.

Pure. A browser sends a request to wherever a page points it, this machine included, and adds the
cookie by itself; so what counts is not who can reach us but which page asked. A page of another
site is known by its Host (a name of its own that it let point here), by its Origin, and by
Sec-Fetch-Site. Commands send neither of the last two.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from pw_common.text.redact import redacted_url
from pw_common.wire.login import LOGIN_PATH, cookie_name, session_holds

# The pages, and what they load: the same for everybody, so they hold no list and no secret.
PAGES: Final = frozenset(
    {"/", "/tokens", "/live", "/days", "/rules", "/lists", "/channels", "/system"}
)
# Pages of one thing, each by its address or signature.
PAGES_OF_ONE: Final = ("/token/", "/wallet/", "/tx/")
ONE: Final = re.compile("[1-9A-HJ-NP-Za-km-z]{32,88}")
ASSETS: Final = "/assets/"
# What a browser installs the pages with; it asks for these without a cookie.
INSTALLED_WITH: Final = frozenset({
    "/manifest.webmanifest", "/icon.svg", "/icon-192.png", "/icon-512.png", "/icon-maskable-512.png"
})  # fmt: skip
# Whatever is not named here is guarded.
OPEN_PATHS: Final = PAGES | INSTALLED_WITH | {
    "/favicon.ico", "/livez", "/readyz", "/metrics", "/openapi.json", "/docs"
}  # fmt: skip
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
HOSTS_MAX: Final = 64
COOKIES_MAX: Final = 16
WRITES: Final = frozenset({"POST", "PUT", "PATCH"})
JSON: Final = "application/json"
# A form can send neither of these; each only where it is read.
OTHER_TYPES: Final[Mapping[str, frozenset[str]]] = {
    "/api/v1/triggers/validate": frozenset({JSON, "application/yaml"}),
    "/api/v1/triggers/dry-run": frozenset({JSON, "application/yaml"}),
    "/api/v1/programs/validate": frozenset({JSON, "application/yaml"}),
    "/api/v1/watchlists/csv": frozenset({"text/csv"}),
}
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
HOST: Final = re.compile(
    r"(?P<name>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
)
SETTING: Final = "PW_API_HOSTS"


class BadHosts(ValueError):
    """An entry of PW_API_HOSTS that is not a host."""


@dataclass(frozen=True)
class Host:
    """A name that the API answers to; None is any port. `https`: a proxy ends TLS for it."""

    name: str
    port: int | None = None
    https: bool = False


@dataclass(frozen=True)
class Asked:
    """What a request says of itself; header names in lower case, with every value of each."""

    method: str
    path: str
    scheme: str
    headers: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str:
        """A header's value; if it came several times, a value that equals nothing."""
        return ", ".join(self.headers.get(name, ()))


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused: a word for the metric, a sentence for a person."""

    status: HTTPStatus
    why: str
    detail: str


def read_hosts(text: str) -> tuple[Host, ...]:
    """The names of PW_API_HOSTS: `name`, `name:port`, or `https://name` behind a proxy.

    Raises:
        BadHosts: naming the entry.
    """
    entries = [one.strip() for one in text.split(",") if one.strip()]
    if len(entries) > HOSTS_MAX:
        raise BadHosts(f"{len(entries)} names, allowed are {HOSTS_MAX}")
    return tuple(_host(one) for one in entries)


def hosts_problem(text: str) -> str | None:
    """A check for the setting."""
    try:
        read_hosts(text)
    except BadHosts as error:
        return str(error)
    return None


def is_https(asked: Asked, hosts: tuple[Host, ...]) -> bool:
    """Whether the browser came by TLS: to us, or to a proxy that PW_API_HOSTS says ends it."""
    found = _known(asked, hosts)
    return asked.scheme == "https" or (found is not None and found.https)


def is_open(path: str) -> bool:
    """Whether a path is answered to anyone."""
    if path in OPEN_PATHS or (path.startswith(ASSETS) and "/" not in path[len(ASSETS) :]):
        return True
    return any(
        path.startswith(one) and ONE.fullmatch(path[len(one) :]) is not None for one in PAGES_OF_ONE
    )


def refusal(
    asked: Asked, hosts: tuple[Host, ...], token: str | None, now_ms: int
) -> Refusal | None:
    """Why this request is refused; None where it may go on."""
    if is_open(asked.path):
        return None
    if _known(asked, hosts) is None:
        return _wrong_host(asked)
    if asked.path == LOGIN_PATH:
        return _not_navigated(asked)
    found = _foreign(asked, hosts)
    if found is None and token is not None and not holds_token(asked, token, now_ms):
        found = Refusal(
            HTTPStatus.UNAUTHORIZED,
            "token",
            "This API requires its token: send Authorization: Bearer … or X-API-Token; in a "
            "browser, open the link that `pw url` prints.",
        )
    return found or _wrong_type(asked)


def holds_token(asked: Asked, token: str, now_ms: int) -> bool:
    """Whether the request carries the token, or the cookie that was given for it."""
    scheme, _, bearer = asked.one("authorization").partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else ""
    given = given or asked.one("x-api-token")
    if given:
        return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())
    return holds_session(asked, token, now_ms)


def holds_session(asked: Asked, token: str, now_ms: int) -> bool:
    """Whether one of the cookies with our name still holds.

    Another program on this machine may have set one of the same name; it must not hide ours.
    """
    name = cookie_name(token)
    found = []
    for part in "; ".join(asked.headers.get("cookie", ())).split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            found.append(value)
    return any(session_holds(token, value, now_ms) for value in found[:COOKIES_MAX])


def _host(entry: str) -> Host:
    https = entry.lower().startswith("https://")
    text = entry.lower().removeprefix("https://")
    match = HOST.fullmatch(text)
    port = int(match["port"]) if match and match["port"] else None
    if match is None or (port is not None and not 0 < port <= 65_535):
        # Somebody may have put a whole URL here, with what opens it.
        shown = redacted_url(entry[:80]) if {"@", "/"} & set(text) else repr(entry[:80])
        raise BadHosts(f"{shown} is not a host: name, name:port, or https://name; no path")
    return Host(match["name"], port, https)


def _known(asked: Asked, hosts: tuple[Host, ...]) -> Host | None:
    """Which of the allowed hosts the request names; None for any other, for none and for two."""
    match = HOST.fullmatch(asked.one("host").lower())
    if match is None:
        return None
    for one in hosts:
        scheme = "https" if one.https else asked.scheme
        port = int(match["port"] or DEFAULT_PORTS.get(scheme, 0))
        if one.name == match["name"] and one.port in {None, port}:
            return one
    return Host(match["name"]) if match["name"] in LOOPBACK else None


def _wrong_host(asked: Asked) -> Refusal:
    return Refusal(
        HTTPStatus.MISDIRECTED_REQUEST,
        "host",
        f"This API does not serve the host {asked.one('host')[:100]!r}: if that name is "
        f"yours, add it to {SETTING}.",
    )


def _foreign(asked: Asked, hosts: tuple[Host, ...]) -> Refusal | None:
    """A request that a page of another site, another port or another scheme made."""
    origin = asked.one("origin")
    if "origin" in asked.headers and not _is_own(origin, asked, hosts):
        return Refusal(
            HTTPStatus.FORBIDDEN,
            "origin",
            f"Refused: the request comes from a page of {origin[:100]!r}, and only this API's own "
            f"page is allowed. Behind a TLS proxy, set https://name in {SETTING}.",
        )
    site = asked.one("sec-fetch-site").lower()
    if site not in {"", "none", "same-origin"}:
        return Refusal(
            HTTPStatus.FORBIDDEN,
            "site",
            f"Refused: the request comes from a page of another site (Sec-Fetch-Site: "
            f"{site[:20]}). Open / directly.",
        )
    return None


def _is_own(origin: str, asked: Asked, hosts: tuple[Host, ...]) -> bool:
    """Whether the Origin is the page that this Host serves, port and scheme included."""
    scheme = "https" if is_https(asked, hosts) else "http"
    its_scheme, _, its_host = origin.partition("://")
    own = _name_and_port(asked.one("host").lower(), scheme)
    return its_scheme == scheme and own is not None and own == _name_and_port(its_host, scheme)


def _name_and_port(host: str, scheme: str) -> tuple[str, int] | None:
    match = HOST.fullmatch(host)
    return (match["name"], int(match["port"] or DEFAULT_PORTS[scheme])) if match else None


def _not_navigated(asked: Asked) -> Refusal | None:
    """A link is followed by a person: an image, a frame or a script of a page is not."""
    if asked.method != "GET":
        return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method", "Open this link in a browser.")
    mode, target = asked.one("sec-fetch-mode").lower(), asked.one("sec-fetch-dest").lower()
    early = asked.one("sec-purpose").lower()
    if mode not in {"", "navigate"} or target not in {"", "document"} or early:
        return Refusal(HTTPStatus.FORBIDDEN, "site", "Open this link itself: no page may for you.")
    return None


def _wrong_type(asked: Asked) -> Refusal | None:
    """A form, or a script without asking first, can send only types that are refused here."""
    sends = "transfer-encoding" in asked.headers or asked.one("content-length") not in {"", "0"}
    if asked.method not in WRITES and not (asked.method == "DELETE" and sends):
        return None
    allowed = OTHER_TYPES.get(asked.path, frozenset({JSON}))
    kind, _, parameters = asked.one("content-type").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() in allowed and charset in {"", "charset=utf-8"}:
        return None
    empty = "" if sends else ", also where there is no body"
    return Refusal(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "type",
        f"Send Content-Type: {' or '.join(sorted(allowed))}, in UTF-8{empty}.",
    )
