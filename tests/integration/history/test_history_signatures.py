"""`pw capture --rpc --signatures`: each asked transaction is there as signed, or is named."""

from __future__ import annotations

import argparse
import base64
from pathlib import Path
from typing import Any

import pytest
from solders.signature import Signature

from pw_cli.commands.captures.capture import add_arguments, run
from pw_common.wire.captures import read_capture
from pw_geyser import geyser_pb2 as pb
from pw_replay.market import generate
from support.archive_node import archive_node, archive_of
from support.history import FAST, kinds, pw, swaps


@pytest.fixture(scope="module")
def real(corpus_dir: Path) -> list[bytes]:
    folders = (corpus_dir, corpus_dir / "2026")
    files = [path for folder in folders for path in sorted(folder.glob("assorted.pb.gz"))]
    return [update for path in files for update in read_capture(path)]


@pytest.mark.corpus
async def test_asked_transactions_are_there_or_named_as_missing(
    real: list[bytes], tmp_path: Path
) -> None:
    node = archive_of(real)
    # Of two years ago or more some have no inner instructions any more, and are refused.
    asked = [
        name
        for name, single in node.singles.items()
        if single["meta"]["innerInstructions"] is not None
    ]
    assert len(asked) > 200
    gone = asked[7]
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("# two forms\n" + "\n".join(f'{{"signature": "{one}"}}' for one in asked))
    out = tmp_path / "some.pb.zst"
    lost = node.singles.pop(gone)
    words = ("capture", "--rpc", "", "--signatures", wanted, "--out", out, *FAST)
    with archive_node(node):
        words = (*words[:2], node.url, *words[3:])
        code, said = await pw(*words)
        assert code == 1, said
        assert f"missing: {gone}: the node: null" in said
        assert "NOT WHOLE: 1 missing" in said
        assert not out.exists()
        node.singles[gone] = lost
        node.asked.clear()
        code, said = await pw(*words)
    assert code == 0, said
    assert node.asked == [("getTransaction", gone)]
    assert f"{len(asked) - 1} of {len(asked)} transactions are there" in said
    _, signatures = kinds(out)
    assert len(signatures) == len(set(signatures)) == len(asked)
    assert swaps(list(read_capture(out))) == swaps(at_index_0(real))
    assert len(swaps(real)) > 100


def at_index_0(updates: list[bytes]) -> list[bytes]:
    found = []
    for one in updates:
        update = pb.SubscribeUpdate.FromString(one)
        update.transaction.transaction.index = 0
        found.append(update.SerializeToString())
    return found


@pytest.mark.corpus
async def test_another_transaction_than_the_asked_one_is_not_taken(
    real: list[bytes], tmp_path: Path
) -> None:
    node = archive_of(real)
    one, two, three, *_ = node.singles
    node.singles[one] = node.singles[two]
    # The right signature in front of another message.
    node.singles[three] = forged(node.singles[three], node.singles[two])
    wanted = tmp_path / "wanted.txt"
    wanted.write_text(f"{one}\n{two}\n{three}\n")
    out = tmp_path / "some.pb"
    with archive_node(node):
        code, said = await pw(
            "capture", "--rpc", node.url, "--signatures", wanted, "--out", out, "--allow-missing",
            *FAST,
        )  # fmt: skip
    assert code == 1, said
    assert f"missing: {one}: the node's answer cannot be used: it is another" in said
    assert f"missing: {three}: the node's answer cannot be used: its signatures" in said
    _, signatures = kinds(out)
    assert len(signatures) == 1


def forged(right: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    first = base64.b64decode(right["transaction"][0])
    second = base64.b64decode(other["transaction"][0])
    assert first[0] == second[0] == 1
    body = base64.b64encode(first[:65] + second[65:]).decode()
    return {**other, "transaction": [body, "base64"]}


async def test_a_node_that_answers_everything_with_a_blob_gives_nothing(tmp_path: Path) -> None:
    node = archive_of(list(generate(seed=5, minutes=0.1, tps=20)))
    asked = list(node.singles)[:3]
    for one in asked:
        body = base64.b64encode(b"\x82junk").decode()
        node.singles[one] = {**node.singles[one], "transaction": [body, "base64"]}
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("\n".join(asked))
    out = tmp_path / "some.pb"
    with archive_node(node):
        code, said = await pw(
            "capture", "--rpc", node.url, "--signatures", wanted, "--out", out, *FAST
        )
    assert code == 1, said
    assert "NOT WHOLE: 3 missing" in said
    assert "the asked signature does not stand in it" in said
    assert list(tmp_path.iterdir()) == [wanted]


async def test_a_transaction_that_is_not_read_is_counted_and_known_again(tmp_path: Path) -> None:
    node = archive_of(list(generate(seed=5, minutes=0.1, tps=20)))
    later, gone = list(node.singles)[:2]
    # A later version, which may keep its signatures anywhere.
    raw = b"\x82" + bytes(200) + bytes(Signature.from_string(later))
    body = base64.b64encode(raw).decode()
    node.singles[later] = {**node.singles[later], "transaction": [body, "base64"]}
    wanted = tmp_path / "wanted.txt"
    wanted.write_text(f"{later}\n{gone}\n")
    # The generator signs nothing.
    del node.singles[gone]
    out = tmp_path / "some.pb"
    with archive_node(node):
        words = ("capture", "--rpc", node.url, "--signatures", wanted, "--out", out, *FAST)
        code, said = await pw(*words)
        assert code == 1, said
        assert "1 transactions of a form that this release does not read" in said
        node.asked.clear()
        code, said = await pw(*words, "--allow-missing")
    assert code == 1, said
    assert node.asked == [("getTransaction", gone)]
    assert "1 of 2 transactions are there" in said
    assert "1 transactions of a form that this release does not read" in said
    _, signatures = kinds(out)
    assert signatures == [bytes(Signature.from_string(later))]


@pytest.mark.parametrize(
    ("words", "said_of_it"),
    [
        (("--slots", "9-5"), "allowed: A-B"),
        (("--slots", "5"), "allowed: A-B"),
        (("--slots", "1-9000000"), "over 2000000 slots"),
        ((), "needs --slots"),
        (("--signatures", "/nowhere"), "No such file"),
        (("--slots", "1-2", "--rpc", "ws://x"), "http:// or https://"),
        (("--slots", "1-2", "--rpc-rate", "0"), "--rpc-rate"),
        (("--slots", "1-2", "--endpoint", "http://x"), "two sources"),
        (("--slots", "1-2", "--out", "a.txt"), "not a capture by its name"),
    ],
)
def test_a_request_that_cannot_be_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said_of_it: str,
) -> None:
    assert refused_here("--out", str(tmp_path / "a.pb.zst"), *words) == 2
    assert said_of_it in capsys.readouterr().err


def test_a_line_that_is_no_signature_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = tmp_path / "wanted.txt"
    wanted.write_text("\n" + "1" * 64 + "\nnonsense\n")
    assert refused_here("--out", str(tmp_path / "a.pb"), "--signatures", str(wanted)) == 2
    assert "wanted.txt:3: no signature: nonsense" in capsys.readouterr().err


def refused_here(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args(["--rpc", "http://127.0.0.1:9", *words]))
