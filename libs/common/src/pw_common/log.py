"""JSON logs, one event a line, on stderr; `PW_LOG_FORMAT=text` for people.

A line is an event name in snake_case plus facts with their units last. There is
no prose with values inside and nothing per message on the hot path.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

_LEVELS = ("debug", "info", "warning", "error")


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
            "event": record.getMessage(),
            "service": self._service,
            "version": self._version,
        }
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class _TextFormatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{k}={v}" for k, v in getattr(record, "facts", {}).items())
        at = datetime.fromtimestamp(record.created, tz=UTC)
        name = record.levelname.lower()
        line = f"{at:%H:%M:%S} {name:<7} {self._service}: {record.getMessage()} {facts}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
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
    """Configure the root logger once, from `main`."""
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
    return Log(service)
