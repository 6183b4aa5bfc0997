"""How the API is asked: bounded in time and bytes, and the token goes to its address alone."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from time import monotonic
from typing import Final
from urllib.parse import quote, urlsplit

import httpx

from pocketwatcher.errors import BadAnswer, BadSetting, NotReached, Refused, plain, refusal

# The largest page: 1,000 swaps, or 200 alerts with all of their parts.
ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
# What is read of a refusal.
PROBLEM_BYTES_MAX: Final = 64 * 1024
EVENTS: Final = "text/event-stream"
# The API says that it is there every 15 s.
SILENCE_S: Final = 45.0
# As the API asks: a header carries it.
TOKEN: Final = re.compile(r"[!-~]{16,512}")
HIDDEN: Final = "(token)"

Parameters = Mapping[str, str | int | None]


class Transport:
    """One API, its token, and the connections to it. Any thread may ask."""

    def __init__(self, url: str, token: str | None, timeout_s: float) -> None:
        self.url = checked_url(url)
        self._token = None if token is None else checked_token(token)
        self._timeout_s = timeout_s
        headers = {"Accept-Encoding": "identity"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=timeout_s,
            follow_redirects=False,
            # A proxy of the environment is for other hosts; this one is here.
            trust_env=not _is_loopback(httpx.URL(self.url).host),
        )

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def get(self, path: str, parameters: Parameters) -> bytes:
        """The body of an answer.

        Args:
            path: Below `/api/v1`; what is put into it from outside is already quoted.
            parameters: Those that are None are left out.

        Raises:
            NotReached, Refused, BadAnswer: see `errors`.
        """
        deadline = monotonic() + self._timeout_s
        request = self._question(path, parameters)
        with self._asking(), closing(self._send(request)) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise self._refusal(answer, deadline)
            return self._body(answer, ANSWER_BYTES_MAX, deadline)

    @contextmanager
    def file(self, path: str, parameters: Parameters, media: str) -> Iterator[httpx.Response]:
        """An answer that is a file of this kind, and has begun: take its raw bytes.

        No piece of it is waited for longer than any answer. It has a length, or a mark at its end:
        without either, a part of it would look like the whole.

        Raises:
            NotReached, Refused, BadAnswer: see `errors`.
        """
        with self._asking(), closing(self._send(self._question(path, parameters))) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise self._refusal(answer, monotonic() + self._timeout_s)
            if _kind(answer) != media or not _is_plain(answer):
                raise BadAnswer(f"{self.url} answers, but with no file of {media}")
            chunked = answer.headers.get("transfer-encoding", "").lower() == "chunked"
            if not chunked and "content-length" not in answer.headers:
                raise BadAnswer(
                    f"{self.url} sends files of which nobody can tell whether they are whole: is "
                    "there a proxy before it that speaks HTTP/1.0?"
                )
            yield answer

    def stream(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        """An answer of events that has begun; whoever gets it closes it.

        Raises:
            NotReached, Refused, BadAnswer: see `errors`.
        """
        request = self._http.build_request(
            "GET",
            f"/api/v1{path}",
            headers={**headers, "Accept": EVENTS},
            timeout=httpx.Timeout(self._timeout_s, read=SILENCE_S),
        )
        with self._asking():
            answer = self._send(request)
            try:
                if answer.status_code != HTTPStatus.OK:
                    raise self._refusal(answer, monotonic() + self._timeout_s)
                if _kind(answer) != EVENTS:
                    raise BadAnswer(f"{self.url} answers, but with no stream of alerts")
            except BaseException:
                answer.close()
                raise
            return answer

    def _question(self, path: str, parameters: Parameters) -> httpx.Request:
        wanted = {name: str(one) for name, one in parameters.items() if one is not None}
        return self._http.build_request("GET", f"/api/v1{path}", params=wanted)

    def _send(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer to a question, which may be asked twice."""
        try:
            return self._http.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # The API may have closed a connection that was kept, just as it was used again.
            return self._http.send(request, stream=True)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._not_reached(error) from error
        except RuntimeError as error:
            if not self._http.is_closed:
                raise
            raise NotReached("this client is closed: make another one") from error

    def _refusal(self, answer: httpx.Response, deadline: float) -> Refused | BadAnswer:
        if answer.is_redirect:
            return BadAnswer(
                f"{self.url} sends us to {self._where(answer)}, where the token is not sent. If "
                "that is the right address, give it to Client."
            )
        body = self._body(answer, PROBLEM_BYTES_MAX, deadline)
        return refusal(
            answer.status_code,
            answer.headers.get("retry-after", ""),
            body,
            self._shown,
        )

    def _body(self, answer: httpx.Response, bytes_max: int, deadline: float) -> bytes:
        if not _is_plain(answer):
            raise BadAnswer(f"{self.url} encodes its answers, although that was not asked for")
        body = bytearray()
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > bytes_max:
                raise BadAnswer(f"an answer of more than {bytes_max} bytes from {self.url}")
            if monotonic() > deadline:
                raise NotReached(f"no whole answer from {self.url} in {self._timeout_s:g} s")
        return bytes(body)

    def _not_reached(self, error: Exception) -> NotReached:
        why = self._shown(str(error)).rstrip(".") or type(error).__name__
        return NotReached(
            f"no answer from {self.url}: {why}. Is it running, and is that its address?"
        )

    def _where(self, answer: httpx.Response) -> str:
        """The origin that a redirect names; the rest of it may be secret."""
        try:
            to = httpx.URL(self.url).join(answer.headers["location"])
        except (httpx.InvalidURL, KeyError):
            return "nowhere"
        return self._shown(f"{to.scheme}://{to.netloc.decode('ascii', 'replace')}")

    def _shown(self, text: str) -> str:
        """A text from outside as it may be shown: short, printable and without the token."""
        return plain(text if self._token is None else text.replace(self._token, HIDDEN))


def quoted(name: str) -> str:
    """A name from outside as one part of a path.

    Raises:
        BadSetting: it is empty, so that the path would be another one.
    """
    if not name:
        raise BadSetting("an empty address or id: an alert about the system itself has no mint")
    return quote(name, safe="")


def checked_url(url: str) -> str:
    """An address as it is used, without a slash at its end.

    Raises:
        BadSetting: it is none. What it holds is not shown, which may be secret.
    """
    like = "http://127.0.0.1:8080"
    try:
        # httpx takes brackets that do not close, and any number for a port.
        port = urlsplit(url).port
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError):
        # What these say has the address in it.
        raise BadSetting(f"this is not the address of an API, which is like {like}") from None
    if parts.scheme not in {"http", "https"} or not parts.host or port == 0:
        raise BadSetting(f"the address of an API begins with http:// or https://, as {like} does")
    if parts.userinfo or parts.query or parts.fragment:
        raise BadSetting(f"the address of an API has no user, password, ? or #: {like}")
    return str(parts).rstrip("/")


def checked_token(token: str) -> str:
    """A token as it is sent.

    Raises:
        BadSetting: it cannot be one; it is not shown.
    """
    stripped = token.strip()
    if not TOKEN.fullmatch(stripped):
        raise BadSetting("a token is one line of 16 to 512 printable signs without spaces")
    return stripped


def _kind(answer: httpx.Response) -> str:
    kind: str = answer.headers.get("content-type", "")
    return kind.partition(";")[0].strip()


def _is_plain(answer: httpx.Response) -> bool:
    """Whether an answer is sent as it is, without gzip or the like."""
    return bool(answer.headers.get("content-encoding", "identity") == "identity")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
