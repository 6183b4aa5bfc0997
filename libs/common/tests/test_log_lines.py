"""A log line is one line, has no secret, and comes out the same for a crash."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

SCRIPT = """
import logging, httpx
from pw_common.process.log import setup
from pw_common.text.redact import keep_secret
log = setup("test", "1", level="debug", format_=FORMAT)
keep_secret("hunter2-hunter2")
forged = "fine\\n12:00:00 error   api: forged\\x1b[2J\\u202e\\x9b31m"
log.info("one", reason=forged, n=3, url="https://u:hunter2-hunter2@h/KEYKEYKEY?q=KEYKEYKEY")
log.warning("two", nested={"list": ["hunter2-hunter2", forged]})
logging.getLogger("library").debug("GET https://h/KEYKEYKEY %s", forged)
for name in ("httpx", "httpcore.connection", "httpcore.http11"):
    logging.getLogger(name).info("HTTP Request: POST https://h/KEYKEYKEY")
    logging.getLogger(name).debug("send KEYKEYKEY")
try:
    raise ValueError("at https://h/KEYKEYKEY with hunter2-hunter2\\n12:00:00 error   api: forged")
except ValueError:
    log.error("three", exc_info=True)
raise RuntimeError("end at https://h/KEYKEYKEY with hunter2-hunter2\\n12:00:00 error   api: forged")
"""


def output(format_: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("FORMAT", repr(format_))],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr.decode().split("\n")


@pytest.mark.parametrize("format_", ["json", "text"])
def test_no_line_has_a_secret_or_anything_that_drives_a_terminal(format_: str) -> None:
    text = "".join(output(format_))
    for secret in ("hunter2", "KEYKEYKEY", "\x1b", "\x9b", "\u202e"):
        assert secret not in text
    assert "crashed" in text
    assert "https://h/***" in text


def test_no_value_and_no_exception_forges_a_line_of_text() -> None:
    forged = [line for line in output("text") if line.startswith("12:00:00")]
    assert forged == []


def test_a_json_log_is_a_json_value_a_line() -> None:
    lines = [msgspec.json.decode(line) for line in output("json") if line]
    assert [line["event"] for line in lines if line["event"] in {"one", "two", "three", "crashed"}]
    assert lines[0]["n"] == 3
    assert "RuntimeError" in lines[-1]["exception"]
