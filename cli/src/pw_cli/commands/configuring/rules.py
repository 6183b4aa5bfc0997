"""`pw rules list|add|rm|on|off|test`: the rules that hold, and what they would have fired."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import msgspec

from pw_cli.entries.dry_run import dry_run
from pw_cli.entries.entries import (
    EXIT_USAGE,
    Asking,
    Entry,
    add_common,
    asked,
    must_be_there,
    say,
    show,
)
from pw_cli.entries.named_entries import Named
from pw_cli.terminal.terminal import complain
from pw_common.documents.document import read_file
from pw_detection.rules.rules import BYTES_MAX, BadRules, read_rules, rules_of

RULES: Final = "/api/v1/triggers"
ENTRIES: Final = Named(RULES, "rules", "rule")
SEVERITIES: Final = ("info", "warning", "critical")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw rules`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="the rules that hold")
    listed.add_argument("--json", action="store_true", help="print the document")
    add = verbs.add_parser(
        "add",
        help="add a rule, or all rules of a file",
        # Conditions stand beside the name: behind an option they would be taken for more of it.
        usage="pw rules add NAME 'METRIC OPERATOR NUMBER'… [--gate CONDITION]… [--severity …] "
        "[--cooldown SECONDS] [--escalate FACTOR] [--description TEXT] [--replace]\n"
        "       pw rules add --file FILE [--replace]",
    )
    add.add_argument("name", nargs="?", metavar="NAME")
    add.add_argument("conditions", nargs="*", metavar="'METRIC OPERATOR NUMBER'")
    add.add_argument("--file", type=Path, metavar="FILE", help="YAML or JSON: a list of rules")
    add.add_argument("--gate", action="append", metavar="CONDITION", help="must hold too, and "
                     "keeps it silent where it is unknown; '' for none")  # fmt: skip
    add.add_argument("--severity", choices=SEVERITIES)
    add.add_argument("--cooldown", type=int, metavar="SECONDS", help="from an episode's opening")
    add.add_argument("--escalate", type=float, metavar="FACTOR", help="growth that fires again")
    add.add_argument("--description", metavar="TEXT")
    add.add_argument(
        "--replace",
        action="store_true",
        help="change the rule of this name: what is not given stays",
    )
    remove = verbs.add_parser("rm", help="remove rules")
    on = verbs.add_parser("on", help="turn rules on")
    off = verbs.add_parser("off", help="turn rules off and keep them")
    for verb in (remove, on, off):
        verb.add_argument("names", nargs="+", metavar="NAME")
    test = verbs.add_parser("test", help="what rules would have fired over the last hour")
    test.add_argument("names", nargs="*", metavar="NAME", help="of rules that hold (default: all)")
    test.add_argument("--file", type=Path, metavar="FILE", help="rules that do not hold yet")
    test.add_argument("--json", action="store_true", help="print the API's answer")
    add_common(add, remove, on, off)
    add_common(listed, test, notes=False)


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused, 2 wrong usage, 69 no API, 78 settings."""
    if args.verb == "add" and bool(args.name) is bool(args.file):
        complain("rules", "add: give NAME and its conditions, or --file FILE")
        return EXIT_USAGE
    if args.verb == "test" and args.names and args.file:
        complain("rules", "test: give names, or --file FILE")
        return EXIT_USAGE
    return asked(args, lambda api: _VERBS[args.verb](api, args))


def _list(api: Asking, args: argparse.Namespace) -> int:
    now = api.get(RULES)
    rows = [
        [
            one["name"],
            "on" if one["enabled"] else "off",
            one["severity"],
            "; ".join([*one["conditions"], *(f"gate: {gate}" for gate in one["gates"])]),
        ]
        for one in now["rules"]
    ]
    return show(args, now, ("rule", "is", "severity", "conditions"), rows, "No rules.")


def _add(api: Asking, args: argparse.Namespace) -> int:
    if args.file is not None:
        return _load(api, args)
    optional = {
        "conditions": args.conditions or None,
        "gates": None if args.gate is None else [one for one in args.gate if one],
        "severity": args.severity,
        "cooldown_s": args.cooldown,
        "escalate_factor": args.escalate,
        "description": args.description,
    }
    given = {"name": args.name} | {
        name: value for name, value in optional.items() if value is not None
    }
    if args.conditions or not args.replace:
        try:
            # Every error is reported before anything is asked.
            rules_of([given])
        except BadRules as error:
            raise BadRules([one.removeprefix("rules[0].") for one in error.errors]) from error

    def made(now: dict[str, Any]) -> Entry:
        there = {one["name"]: one for one in now["rules"]} if args.replace else {}
        return {**there.get(args.name, {}), **given}

    return say(api.edit(RULES, made, replace=args.replace), f"rule {args.name}")


def _load(api: Asking, args: argparse.Namespace) -> int:
    new: list[Entry] = list(msgspec.to_builtins(read_rules(read_file(args.file, BYTES_MAX))))
    by_name = {one["name"]: one for one in new}

    def made(now: dict[str, Any]) -> dict[str, Any]:
        there = [one["name"] for one in now["rules"] if one["name"] in by_name]
        if there and not args.replace:
            raise BadRules(
                [f"{name}: there is such a rule already: see --replace" for name in there]
            )
        left = dict(by_name)
        kept = [left.pop(one["name"], one) for one in now["rules"]]
        return {"rules": [*kept, *left.values()]}

    return say(api.put(RULES, made), ", ".join(one["name"] for one in new) or "no rule")


def _remove(api: Asking, args: argparse.Namespace) -> int:
    _, revision = ENTRIES.removed(api, args.names)
    return say(revision, f"without {', '.join(args.names)}")


def _turn(api: Asking, args: argparse.Namespace) -> int:
    _, revision = ENTRIES.turned(api, args.names, on=args.verb == "on")
    return say(revision, f"{', '.join(args.names)} {args.verb}")


def _test(api: Asking, args: argparse.Namespace) -> int:
    if args.file is not None:
        rules = list(msgspec.to_builtins(read_rules(read_file(args.file, BYTES_MAX))))
    else:
        rules = api.get(RULES)["rules"]
        must_be_there(args.names, [one["name"] for one in rules], "rule")
        if args.names:
            # Somebody who names a rule that is off wants to know what it would do.
            rules = [one | {"enabled": True} for one in rules if one["name"] in args.names]
    return dry_run(api, args, rules)


_VERBS: Final = {
    "list": _list,
    "add": _add,
    "rm": _remove,
    "on": _turn,
    "off": _turn,
    "test": _test,
}
