"""The open benchmark: what counts as right, what a decoder may do, and that the page is true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pw_benchmark.build import entries_of
from pw_benchmark.listed import LIST, BadList, Entry, list_text, read_list
from pw_benchmark.process import DecoderFailed, decoded
from pw_benchmark.readers import BadAnswers, from_file, parser, sign_rule
from pw_benchmark.scoring import Row, Score, Trade, figures, score
from pw_benchmark.table import show
from pw_benchmark.transactions import Transaction, read_transactions
from support.archive_node import archive_node, archive_of

ROOT = Path(__file__).parents[3]
SOL = "So11111111111111111111111111111111111111112"


def listed(
    signature: str = "s1",
    trader: str = "ann",
    mint: str = "cat",
    side: str = "buy",
    base: str = "500",
    quote: str | None = "1000",
    *,
    expect: str = "trade",
) -> Entry:
    return Entry(
        signature=signature,
        year=2025,
        expect=expect,  # type: ignore[arg-type]
        venue="pumpswap+raydium_v4",
        trader=trader,
        mint=mint,
        side=side,  # type: ignore[arg-type]
        base_amount_raw=base,
        quote_mint=SOL if quote else None,
        quote_amount_raw=quote,
        checked="expectation",
    )


def nothing(signature: str = "s1") -> Entry:
    return Entry(signature=signature, expect="none", venue="other", checked="balances")


def said(
    trader: str = "ann",
    mint: str = "cat",
    side: str = "buy",
    base: str | int = 500,
    quote: str | int | None = 1000,
) -> Trade:
    return Trade(
        trader=trader,
        mint=mint,
        side=side,  # type: ignore[arg-type]
        base_amount_raw=base,
        quote_mint=SOL,
        quote_amount_raw=quote,
    )


def scored(entries: list[Entry], *trades: Trade) -> Score:
    return score(entries, {"s1": list(trades)}, {one.signature for one in entries})


def test_a_right_trade_counts_for_its_year_and_for_each_of_its_venues() -> None:
    made = scored([listed()], said())
    right = Row(trades=1, right=1, base=1, quote_listed=1, quote=1)
    assert made.total == right
    assert made.years == {"2025": right}
    assert made.venues == {"pumpswap": right, "raydium_v4": right}


@pytest.mark.parametrize(
    ("trade", "counts"),
    [
        (said(base=501), (1, 0, 1, 0, 0)),
        (said(quote=1030), (1, 1, 1, 0, 0)),
        (said(quote=1031), (1, 1, 0, 0, 0)),
        (said(quote=None), (1, 1, 0, 0, 0)),
        (said(base="500", quote="970"), (1, 1, 1, 0, 0)),
        (said(side="sell"), (0, 0, 0, 0, 1)),
        (said(trader="bob"), (0, 0, 0, 1, 1)),
        (said(mint="dog"), (0, 0, 0, 1, 1)),
    ],
)
def test_what_is_wrong_in_an_answer_is_counted_by_its_name(
    trade: Trade, counts: tuple[int, ...]
) -> None:
    row = scored([listed()], trade).total
    assert (row.right, row.base, row.quote, row.missing, row.extra) == counts


def test_a_second_answer_to_one_trade_is_extra_and_the_better_one_counts() -> None:
    row = scored([listed()], said(base=7), said()).total
    assert (row.right, row.base, row.extra) == (1, 1, 1)


@pytest.mark.parametrize("sides", [("sell",), ("buy",), ("sell", "buy")])
def test_either_leg_of_a_token_paid_with_a_token_is_right_and_both_are(
    sides: tuple[str, ...],
) -> None:
    legs = [
        listed(mint="cat", side="sell", quote=None, expect="leg"),
        listed(mint="dog", side="buy", quote=None, expect="leg"),
    ]
    mints = {"sell": "cat", "buy": "dog"}
    row = scored(legs, *(said(mint=mints[side], side=side) for side in sides)).total
    assert (row.trades, row.right, row.base, row.missing, row.extra) == (1, 1, 1, 0, 0)
    assert row.quote_listed == 0
    assert scored(legs).total.missing == 1


def test_two_wallets_in_one_transaction_are_two_trades() -> None:
    both = [listed(), listed(trader="bob", side="sell")]
    row = scored(both, said(), said(trader="bob", side="sell")).total
    assert (row.trades, row.right, row.extra) == (2, 2, 0)
    row = scored(both, said()).total
    assert (row.trades, row.right, row.missing) == (2, 1, 1)


def test_a_transaction_without_a_trade_that_got_two_is_invented_once() -> None:
    made = scored([nothing()], said(), said(mint="dog"))
    assert (made.nothing, made.invented, made.total.extra) == (1, 1, 2)


def test_what_the_captures_do_not_hold_is_not_scored_and_is_said() -> None:
    made = score([listed(), nothing("s2")], {"s2": []}, {"s2"})
    assert (made.listed, made.transactions, made.total.trades) == (2, 1, 0)


def test_what_a_reader_cannot_read_is_missing_and_counted() -> None:
    made = score([listed()], {"s1": None}, {"s1"})
    assert (made.unanswered, made.total.missing) == (1, 1)


def test_a_line_that_is_no_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_bytes(list_text([listed()]) + b'{"signature": 5}\n')
    with pytest.raises(BadList, match=r"list\.jsonl:2"):
        read_list(path)


def test_the_list_states_facts_and_each_trade_whole() -> None:
    for one in read_list():
        assert 80 <= len(one.signature) <= 88
        assert one.year is None or 2020 <= one.year <= 2026
        if one.expect != "none":
            assert one.trader
            assert one.mint
            assert one.side
            assert int(one.base_amount_raw) > 0
            assert (one.quote_mint is None) == (one.quote_amount_raw is None)


@pytest.fixture(scope="module")
def transactions(corpus_dir: Path) -> list[Transaction]:
    files = sorted([*corpus_dir.glob("*.pb.gz"), *(corpus_dir / "2026").glob("*.pb.gz")])
    wanted = {one.signature for one in read_list()}
    return [one for one in read_transactions(files) if one.signature in wanted]


@pytest.mark.corpus
def test_the_list_is_what_the_real_transactions_give(corpus_dir: Path) -> None:
    assert list_text(entries_of(corpus_dir)) == LIST.read_bytes()


@pytest.mark.corpus
def test_our_parser_reads_every_listed_trade_and_the_sign_rule_does_not(
    transactions: list[Transaction],
) -> None:
    there = {one.signature for one in transactions}
    ours = score(read_list(), parser(transactions), there)
    assert ours.transactions == ours.listed
    assert ours.total.trades >= 300
    assert ours.total.base == ours.total.trades
    assert (ours.total.extra, ours.invented) == (0, 0)
    plain = score(read_list(), sign_rule(transactions), there)
    assert 0.7 < plain.total.right / plain.total.trades < 0.95
    assert plain.invented > 0


@pytest.mark.corpus
def test_a_decoder_as_a_process_is_scored_as_one_of_ours(
    transactions: list[Transaction],
) -> None:
    command = [sys.executable, str(ROOT / "benchmark" / "pw_benchmark" / "sign_rule.py")]
    assert decoded(command, transactions) == sign_rule(transactions)


@pytest.mark.corpus
def test_the_table_fits_a_terminal_of_80_columns(transactions: list[Transaction]) -> None:
    made = score(read_list(), sign_rule(transactions), {one.signature for one in transactions})
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    show(made, "sign-rule", console)
    shown = console.export_text()
    console.file.close()
    assert "…" not in shown.replace("unlisted:ExA6GYh…", "")
    assert max(map(len, shown.splitlines())) <= 80
    assert "raydium_launchlab" in shown


@pytest.mark.corpus
def test_the_page_is_what_the_scorer_writes(corpus_dir: Path) -> None:
    code, out = benchmark("--check", corpus=corpus_dir)
    assert code == 0, out


@pytest.mark.corpus
@pytest.mark.timeout(480)
def test_the_listed_transactions_from_a_node_score_as_those_of_the_captures(
    corpus_dir: Path, transactions: list[Transaction], tmp_path: Path
) -> None:
    out = tmp_path / "benchmark.pb.zst"
    with archive_node(archive_of([one.update for one in transactions])) as node:
        fetched = subprocess.run(
            [
                sys.executable, "-m", "pw_cli.main", "capture", "--rpc", node.url,
                "--rpc-rate", "1000", "--signatures", str(LIST), "--out", str(out),
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    assert fetched.returncode == 0, fetched.stderr
    code, scored_there = benchmark("--json", "--capture", str(out), corpus=corpus_dir)
    assert code == 0, scored_there
    there = {one.signature for one in transactions}
    assert json.loads(scored_there) == json.loads(
        json.dumps(figures(score(read_list(), parser(transactions), there)))
    )


@pytest.mark.corpus
def test_answers_that_were_written_down_score_as_if_they_were_given(
    corpus_dir: Path, transactions: list[Transaction], tmp_path: Path
) -> None:
    swaps = tmp_path / "swaps.jsonl"
    files = sorted([*corpus_dir.glob("*.pb.gz"), *(corpus_dir / "2026").glob("*.pb.gz")])
    with swaps.open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "pw_cli.main", "parse", *files],
            stdout=out,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    code, written = benchmark("--json", "--answers", str(swaps), corpus=corpus_dir)
    assert code == 0, written
    there = {one.signature for one in transactions}
    assert json.loads(written) == json.loads(
        json.dumps(figures(score(read_list(), parser(transactions), there)))
    )


def benchmark(*words: str, corpus: Path) -> tuple[int, str]:
    paths = [str(ROOT / name) for name in ("benchmark", "tools")]
    ran = subprocess.run(
        [sys.executable, "-m", "pw_benchmark", *words],
        env={
            **os.environ, "PYTHONPATH": os.pathsep.join(paths), "PW_CORPUS_DIR": str(corpus)
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("script", "said_of_it"),
    [
        ("import sys; sys.stdin.readline()", "it ended before it answered"),
        ("", "it ended before"),
        ("import time; time.sleep(600)", "no answer in 1 s"),
        ("print('{}', flush=True); input()", "no answer to"),
        ("print('[' * 5000, flush=True); input()", "no answer to"),
        ('print(\'{"signature":"other"}\', flush=True); input()', "answered other"),
        ("print('x' * 2_000_000, flush=True); input()", "a line of over 1 MiB"),
    ],
)
def test_a_decoder_that_fails_gives_no_result(
    transactions: list[Transaction], script: str, said_of_it: str
) -> None:
    with pytest.raises(DecoderFailed, match=said_of_it):
        decoded([sys.executable, "-c", script], transactions, answer_s=1)


@pytest.mark.corpus
def test_an_amount_that_is_no_number_is_no_answer(transactions: list[Transaction]) -> None:
    trade = {"trader": "a", "side": "buy", "mint": "b", "base_amount_raw": "12x"}
    answer = {"signature": transactions[0].signature, "trades": [trade]}
    with pytest.raises(DecoderFailed, match="no answer to"):
        decoded([sys.executable, "-c", f"print({json.dumps(answer)!r})"], transactions[:1])


@pytest.mark.corpus
def test_a_decoder_that_fails_ends_the_run_with_its_own_code(corpus_dir: Path) -> None:
    code, out = benchmark("--decoder", "false", corpus=corpus_dir)
    assert code == 70, out
    assert "it ended" in out
    assert "right" not in out


def test_answers_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"signature": "s1", "trades": []}\n{"signature": "s2", "side": "up"}\n')
    with pytest.raises(BadAnswers, match=r"answers\.jsonl:2"):
        from_file(path)


def test_answers_say_what_their_reader_could_not_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"signature": "s1", "error": "too new"}\n{"signature": "s2", "trades": []}\n')
    assert from_file(path) == {"s1": None, "s2": []}


def test_giving_up_is_no_way_to_be_right_about_what_holds_no_trade() -> None:
    entries = [nothing("s1"), nothing("s2"), nothing("s3")]
    made = score(entries, {"s1": None, "s2": [], "s3": [said()]}, {"s1", "s2", "s3"})
    assert (made.unanswered, made.nothing, made.invented) == (1, 2, 1)


@pytest.mark.parametrize("amount", ["1.5", "abc", "", "-1", -1])
def test_a_line_with_an_amount_that_is_none_is_named(amount: str | int, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    whole = {"trader": "ann", "side": "buy", "mint": "cat", "base_amount_raw": 1}
    for name in ("base_amount_raw", "quote_amount_raw"):
        trades = [whole | {name: amount}]
        path.write_text(json.dumps({"signature": "s1", "trades": trades}))
        with pytest.raises(BadAnswers, match=r"answers\.jsonl:1: .*whole numbers"):
            from_file(path)
