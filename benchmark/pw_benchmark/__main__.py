"""`make benchmark`: score a reader of transactions against the list.

Exit codes: 0 scored, 1 the page is out of date or transactions are missing from the captures,
2 wrong usage or files that cannot be read, 70 the decoder failed.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from pw_benchmark import page, readers
from pw_benchmark.build import entries_of
from pw_benchmark.listed import LIST, BadList, list_text, read_list
from pw_benchmark.process import ANSWER_S, DecoderFailed, decoded
from pw_benchmark.scoring import Score, figures, score
from pw_benchmark.table import show
from pw_benchmark.transactions import Transaction, read_transactions
from pw_common.process.version import VERSION
from pw_common.text.plain_text import SENTENCE_CHARS_MAX, plain_text
from pw_common.wire.captures import BadCapture
from pw_parser.core.decode.programs import BUILT_IN

EXIT_OK: Final = 0
EXIT_NOT_ALL: Final = 1
EXIT_UNREADABLE: Final = 2
EXIT_DECODER: Final = 70
IN_PROCESS: Final[dict[str, Callable[[Iterable[Transaction]], readers.Answers]]] = {
    "parser": readers.parser,
    "sign-rule": readers.sign_rule,
}


class Usage(ValueError):
    """Arguments that do not go together."""


def main() -> int:
    args = _arguments().parse_args()
    try:
        return _run(args)
    except DecoderFailed as error:
        return _failed(error, EXIT_DECODER)
    except (Usage, BadCapture, BadList, readers.BadAnswers, OSError, msgspec.MsgspecError) as error:
        return _failed(error, EXIT_UNREADABLE)


def _failed(error: Exception, code: int) -> int:
    sys.stderr.write(f"benchmark: {plain_text(str(error), SENTENCE_CHARS_MAX)}\n")
    return code


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make benchmark", description=__doc__)
    parser.add_argument(
        "--capture",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="captures of the listed transactions, as `pw capture --rpc URL --signatures "
        "benchmark/trades.jsonl` writes; by default those in PW_CORPUS_DIR",
    )
    reader = parser.add_mutually_exclusive_group()
    reader.add_argument("--reader", choices=sorted(IN_PROCESS), default="parser")
    reader.add_argument(
        "--decoder", metavar="COMMAND", help="a program that speaks benchmark/protocol.md"
    )
    reader.add_argument("--answers", type=Path, metavar="FILE", help="answers written down before")
    parser.add_argument("--patience", type=float, default=ANSWER_S, metavar="S")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    parser.add_argument("--name", default="", help="with --keep, who the reader is")
    parser.add_argument("--release", default="", help="with --keep, which release of it")
    parser.add_argument("--keep", action="store_true", help="keep the result for the page")
    do = parser.add_mutually_exclusive_group()
    do.add_argument("--write", action="store_true", help="measure ours again, write the page")
    do.add_argument("--check", action="store_true", help="fail if the page is out of date")
    do.add_argument("--relist", action="store_true", help="make the list from PW_CORPUS_DIR")
    return parser


def _run(args: argparse.Namespace) -> int:
    if args.relist:
        LIST.write_bytes(list_text(entries_of(_corpus())))
        return EXIT_OK
    captures = args.capture or _captures()
    wanted = {one.signature for one in read_list()}
    held = [one for one in read_transactions(captures) if one.signature in wanted]
    if args.write or args.check:
        return _page(held, write=args.write)
    if args.keep and not (args.name.replace("-", "").isalnum() and args.release):
        raise Usage("--keep needs --name (letters, digits and -) and --release")
    made = _score(held, _answers(args, held))
    if args.json:
        sys.stdout.write(msgspec.json.encode(figures(made)).decode() + "\n")
    else:
        show(made, args.decoder or str(args.answers or args.reader), Console())
    if args.keep:
        page.keep(args.name, args.release, made)
    return EXIT_OK if made.transactions == made.listed else EXIT_NOT_ALL


def _answers(args: argparse.Namespace, held: list[Transaction]) -> readers.Answers:
    if args.answers is not None:
        given = readers.from_file(args.answers)
        return {one.signature: given.get(one.signature, []) for one in held}
    if args.decoder is not None:
        return decoded(shlex.split(args.decoder), held, args.patience)
    return IN_PROCESS[args.reader](held)


def _score(held: list[Transaction], answers: readers.Answers) -> Score:
    return score(read_list(), answers, {one.signature for one in held})


def _page(held: list[Transaction], *, write: bool) -> int:
    """Ours measured again; with `write` they and the page are stored, else compared."""
    stale = []
    for name, reader in IN_PROCESS.items():
        release = f"{VERSION} (programs {BUILT_IN.revision})" if name == "parser" else "1"
        made = _score(held, reader(held))
        if made.transactions != made.listed:
            sys.stderr.write(f"benchmark: {made.transactions} of {made.listed} are there\n")
            return EXIT_NOT_ALL
        if write:
            page.keep(name, release, made)
        elif not page.path_of(name).is_file() or page.read(page.path_of(name)).score != made:
            stale.append(str(page.path_of(name).name))
    text = page.page_text()
    if write:
        page.PAGE.write_text(text, encoding="utf-8")
    elif not page.PAGE.is_file() or page.PAGE.read_text(encoding="utf-8") != text:
        stale.append(page.PAGE.name)
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run make benchmark ARGS=--write\n")
    return EXIT_NOT_ALL if stale else EXIT_OK


def _corpus() -> Path:
    folder = Path(os.environ.get("PW_CORPUS_DIR", "../shared/corpus"))
    if not folder.is_dir():
        raise Usage(f"no real transactions in {folder}: set PW_CORPUS_DIR, or give --capture")
    return folder


def _captures() -> list[Path]:
    folder = _corpus()
    return sorted([*folder.glob("*.pb.gz"), *(folder / "2026").glob("*.pb.gz")])


if __name__ == "__main__":
    sys.exit(main())
