"""JSON logs, one event a line, on stderr; `PW_LOG_FORMAT=text` for people.

A line is an event name in snake_case plus facts with their units last. There is
no prose with values inside and nothing per message on the hot path.

Every line passes `redacted`, at every level and from every library, and stays one line
whatever its values hold: a log is read by people and on terminals.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec

from pw_common.text.plain_text import plain_json, plain_text
from pw_common.text.redact import redacted

VALUE_CHARS_MAX = 4_000
EXCEPTION_CHARS_MAX = 32_000
_LEVELS = ("debug", "info", "warning", "error")
# They log each request with its URL, and at debug with its headers.
_TALKATIVE = ("httpx", "httpcore", "h2", "hpack")


class _JsonFormatter(logging.Formatter):
    def __init__(self, service: str, version: str) -> None:
        super().__init__()
        self._service = service
        self._version = version

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, tz=UTC)
        line: dict[str, Any] = {
            "ts": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": _redacted_text(record.getMessage()),
            "service": self._service,
            "version": self._version,
        }
        line.update((name, _fact(value)) for name, value in _facts(record).items())
        if record.exc_info:
            line["exception"] = _exception(self.formatException(record.exc_info))
        return plain_json(msgspec.json.encode(line, enc_hook=str)).decode()


class _TextFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{k}={_redacted_text(str(v))}" for k, v in _facts(record).items())
        at = datetime.fromtimestamp(record.created, tz=UTC)
        name = record.levelname.lower()
        event = _redacted_text(record.getMessage())
        line = f"{at:%H:%M:%S} {name:<7} {self._service}: {event} {facts}".rstrip()
        if record.exc_info:
            # Indented, so that no line of an exception's message can pass for one of the log.
            text = _exception(self.formatException(record.exc_info)).splitlines()
            line += "".join(f"\n  {plain_text(one, VALUE_CHARS_MAX)}" for one in text)
        return line


class Log:
    """`log.info("batch_acked", seq=3, size_bytes=120)`."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **facts: Any) -> None:
        """For someone who looks for a fault."""
        self._logger.debug(event, extra={"facts": facts})

    def info(self, event: str, **facts: Any) -> None:
        """Something that happens a few times an hour."""
        self._logger.info(event, extra={"facts": facts})

    def warning(self, event: str, **facts: Any) -> None:
        """It will heal by itself."""
        self._logger.warning(event, extra={"facts": facts})

    def error(self, event: str, *, exc_info: bool = False, **facts: Any) -> None:
        """Someone must look."""
        self._logger.error(event, exc_info=exc_info, extra={"facts": facts})


def setup(service: str, version: str, *, level: str = "info", format_: str = "json") -> Log:
    """Configure the root logger once, from `main`, and what writes a crash."""
    if level not in _LEVELS:
        raise ValueError(f"log level {level!r}; allowed: {', '.join(_LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    formatter: logging.Formatter = (
        _TextFormatter(service) if format_ == "text" else _JsonFormatter(service, version)
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for one in _TALKATIVE:
        logging.getLogger(one).setLevel(logging.WARNING)
    sys.excepthook = _crashed
    threading.excepthook = _crashed_in_thread
    return Log(service)


def _crashed(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Python's own traceback would show what the message of an exception holds."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, where)
        return
    logging.getLogger("crash").critical("crashed", exc_info=(kind, error, where))


def _crashed_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _crashed(args.exc_type, args.exc_value, args.exc_traceback)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = getattr(record, "facts", {})
    return found


def _fact(value: Any) -> Any:
    """A value for JSON: numbers stay numbers, and every text in it is redacted."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {_redacted_text(str(name)): _fact(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_fact(one) for one in value]
    return redacted(str(value))[:VALUE_CHARS_MAX]


def _redacted_text(text: str) -> str:
    return plain_text(redacted(text), VALUE_CHARS_MAX)


def _exception(text: str) -> str:
    return redacted(text)[-EXCEPTION_CHARS_MAX:]
