"""A decoder that runs as a process: transactions as JSON lines in, trades as JSON lines out."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import IO, Final, Self

import msgspec

from pw_benchmark.scoring import Trade
from pw_benchmark.transactions import Transaction, as_rpc

# For one answer. The first may take longer, since programs start.
ANSWER_S: Final = 30.0
LINE_BYTES_MAX: Final = 1024 * 1024
TRADES_MAX: Final = 1_000
SHOWN_MAX: Final = 200


class DecoderFailed(RuntimeError):
    """The process ended, said nothing in time, or said what is not an answer."""


class Answer(msgspec.Struct, frozen=True):
    """One line of a decoder; `error` says that it cannot read this transaction."""

    signature: str
    trades: list[Trade] = []
    error: str = ""


class Decoder:
    """The process, for as long as `with` lasts."""

    def __init__(self, command: list[str], answer_s: float = ANSWER_S) -> None:
        self._command = command
        self._answer_s = answer_s
        self._lines: queue.Queue[bytes] = queue.Queue(maxsize=1)
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            raise DecoderFailed(f"{self._command[0]}: {error.strerror or error}") from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        # What it has not taken yet is no loss: it is not asked any more.
        with suppress(BrokenPipeError):
            self._pipe(self._process.stdin).close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._pipe(self._process.stdout).close()

    def ask(self, transaction: Transaction) -> list[Trade] | None:
        """The trades of one transaction; None where the decoder says that it cannot read it.

        Raises:
            DecoderFailed: it can be asked nothing more.
        """
        body = {"signature": transaction.signature, "transaction": as_rpc(transaction)}
        stdin = self._pipe(self._process.stdin)
        try:
            stdin.write(msgspec.json.encode(body) + b"\n")
            stdin.flush()
            line = self._lines.get(timeout=self._answer_s)
        except BrokenPipeError as error:
            raise DecoderFailed(f"it ended before {transaction.signature}") from error
        except queue.Empty as error:
            raise DecoderFailed(
                f"no answer in {self._answer_s:g} s to {transaction.signature}"
            ) from error
        return _answer(line, transaction.signature)

    def _read(self) -> None:
        stdout = self._pipe(self._process.stdout)
        while True:
            line = stdout.readline(LINE_BYTES_MAX + 1)
            while not self._ended.is_set():
                try:
                    self._lines.put(line, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if not line or self._ended.is_set():
                return

    def _pipe(self, pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


def _answer(line: bytes, signature: str) -> list[Trade] | None:
    if not line:
        raise DecoderFailed(f"it ended before it answered {signature}")
    if len(line) > LINE_BYTES_MAX:
        raise DecoderFailed(f"a line of over {LINE_BYTES_MAX >> 20} MiB for {signature}")
    try:
        answer = msgspec.json.decode(line, type=Answer)
    except msgspec.MsgspecError as error:
        shown = line[:SHOWN_MAX].decode(errors="replace").rstrip()
        raise DecoderFailed(f"no answer to {signature}: {error}: {shown}") from error
    if answer.signature != signature:
        raise DecoderFailed(f"asked for {signature}, answered {answer.signature[:SHOWN_MAX]}")
    if len(answer.trades) > TRADES_MAX:
        raise DecoderFailed(f"over {TRADES_MAX} trades in {signature}")
    return None if answer.error else answer.trades


def decoded(
    command: list[str], transactions: Iterable[Transaction], answer_s: float = ANSWER_S
) -> dict[str, list[Trade] | None]:
    """The answers of a decoder to transactions, one after another. Raises DecoderFailed."""
    with Decoder(command, answer_s) as decoder:
        return {one.signature: decoder.ask(one) for one in transactions}
