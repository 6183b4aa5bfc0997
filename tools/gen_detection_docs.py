"""docs/metrics.md and docs/rules.md from the code's own tables. `--check` writes nothing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pw_detection.rules.lists import shipped_mutes
from pw_detection.rules.rules import (
    BYTES_MAX,
    CONDITIONS_MAX,
    LIST_METRICS,
    OPS,
    RULES_MAX,
    shipped_rules,
)
from pw_detection.state.metrics import METRICS

ROOT = Path(__file__).parent.parent

METRICS_HEAD = """# Metrics

What a rule may name. Windows slide in event time: `5m` in steps of 10 s, `1h` in steps of a
minute; a window covers the step under way and those before it. Sums and sets are exact. A metric
without a value is null, and says why: no condition on it holds, except that `buy_sell_ratio`
without sells is infinite. Until a window was wholly watched it is `cold`: what can only grow is a
lower bound then (`>` and `>=` may hold), everything else is unknown. A token whose launch was
seen is never cold. Dollars are valued at the stream's own price of SOL, the volume-weighted
median of the last 150 closed slots; what cannot be valued is counted in `unvalued_count`.

| metric | unit | formula | no value when |
|---|---|---|---|
"""

RULES_HEAD = """# Rules

A rule holds when all its conditions hold (`metric operator number`; operators: {ops}). It raises
an alert when it begins to hold (`opened`), when the metric of its first `>` or `>=` condition has
grown by `escalate_factor` (2) since its last alert (`escalated`, at most five times, one severity
higher each time), and when it no longer holds at the turn of a minute (`closed`). `cooldown_s`
(900) counts from the opening. An edit ends the episodes for which the rule no longer holds with one
`closed` summary, which names them in `ended`; the others go on. `gates` are further conditions that
must hold before it fires; a gate whose value is unknown keeps it silent, and the reason is shown.
Change rules with `pw rules` or `PUT /api/v1/triggers`, try them with `pw rules test`,
`POST /api/v1/triggers/dry-run` (a job: GET its `Location`) or `pw backtest`, and see for one token
why each fires or not with `pw why MINT`.

There may be {rules} rules, each with {conditions} conditions and {conditions} gates, in
{kilobytes} KiB of YAML or JSON; YAML without anchors, aliases and tags. Names use `a-z0-9_-` and
have at most 64 characters, descriptions at most 500. `schemas/documents/rules.json` says the
same to an editor.

## Shipped

| rule | on | severity | conditions | what it looks for |
|---|---|---|---|---|
"""

MUTES_HEAD = """
## Muted from the start

Trades of these wallets do not count. They lie below your own mutes (at most 2,000), which add to
them: see `pw mutes`. An entry of yours stands in place of a shipped one; with `muted: false` it
takes that one away.

| address | why |
|---|---|
"""


def pages() -> dict[Path, str]:
    """Both pages, whole."""
    rows = [f"| `{m.name}` | {m.unit} | {m.formula} | {m.unknown} |" for m in METRICS]
    lists = ", ".join(f"`{name}`" for name in LIST_METRICS)
    metrics = (
        METRICS_HEAD + "\n".join(rows) + f"\n\nFrom watch lists: {lists} (counts, or 0 and 1).\n"
    )
    rules = [
        f"| `{rule.name}` | {'yes' if rule.enabled else 'no'} | {rule.severity} | "
        f"{', '.join(f'`{one}`' for one in rule.conditions)} | {rule.description} |"
        for rule in shipped_rules()
    ]
    mutes = [f"| `{mute.address}` | {mute.reason} |" for mute in shipped_mutes().entries]
    head = RULES_HEAD.format(
        ops=" ".join(f"`{op}`" for op in OPS),
        rules=RULES_MAX,
        conditions=CONDITIONS_MAX,
        kilobytes=BYTES_MAX // 1024,
    )
    whole = head + "\n".join(rules) + "\n" + MUTES_HEAD + "\n".join(mutes) + "\n"
    return {ROOT / "docs" / "metrics.md": metrics, ROOT / "docs" / "rules.md": whole}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on drift")
    check = parser.parse_args().check
    stale = [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        shown = path.relative_to(ROOT)
        if check:
            sys.stderr.write(f"{shown} differs from the code; run `make schemas`\n")
        else:
            path.write_text(pages()[path], encoding="utf-8")
            print(f"wrote {shown}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
