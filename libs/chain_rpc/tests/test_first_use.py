"""Blocks are read in several threads at once from the first on, and nobody dies of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Threads change at every chance, as they may on a busy machine.
SCRIPT = """
import sys, threading
sys.setswitchinterval(1e-6)
import msgspec
from {module} import {kind}
start = threading.Barrier(8)
def run():
    start.wait()
    try:
        msgspec.json.decode({body!r}, type={kind})
    except msgspec.ValidationError:
        pass
threads = [threading.Thread(target=run) for _ in range(8)]
for one in threads:
    one.start()
for one in threads:
    one.join()
"""


META = b'{"fee":1,"preBalances":[],"postBalances":[]}'
ENTRY = b'"transaction":["AA==","base64"],"meta":' + META
BLOCK = (
    b'{"parentSlot":1,"blockhash":"a","previousBlockhash":"b","transactions":[{' + ENTRY + b"}]}"
)


@pytest.mark.parametrize(
    ("module", "kind", "body"),
    [
        ("pw_rpc.core.answers", "Block", BLOCK),
        ("pw_rpc.core.single", "Single", b'{"slot":1,' + ENTRY + b"}"),
        ("pw_common.documents.channels", "Channels", b'{"entries":[]}'),
        ("pw_common.documents.programs", "ProgramTable", b'{"entries":[]}'),
        ("pw_detection.rules.rules", "StoredRules", b'{"rules":[]}'),
        ("pw_detection.rules.lists", "Mutes", b'{"entries":[]}'),
    ],
)
def test_the_first_use_in_many_threads_ends_no_process(module: str, kind: str, body: bytes) -> None:
    script = SCRIPT.format(module=module, kind=kind, body=body)
    codes = [
        subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode
        for _ in range(6)
    ]
    assert codes == [0] * 6
