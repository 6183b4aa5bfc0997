"""`pw channels list|add|rm|on|off|test`: where alerts go."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pw_cli.commands.configuring.rules import RULES
from pw_cli.connect.broker import read_secret
from pw_cli.entries.entries import (
    EXIT_OK,
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
from pw_common.documents.channels import NEEDS

CHANNELS: Final = "/api/v1/channels"
ENTRIES: Final = Named(CHANNELS, "entries", "channel")
KINDS: Final = tuple(sorted(NEEDS))
SEVERITIES: Final = ("info", "warning", "critical")
ALERTS: Final = ("opened", "escalated", "closed", "blind", "sighted")
QUIET: Final = re.compile(r"([0-9:]{1,8})-([0-9:]{1,8})")
NOWHERE: Final = "No channels: alerts go nowhere. Add one: pw channels add"
# Longer than the API waits for the notifier, and this for the service.
TEST_TIMEOUT_S: Final = 20.0
# An option that names a file, and the field that is in it.
SECRETS: Final = {
    "url_file": "url",
    "secret_file": "secret",
    "bot_token_file": "bot_token",
    "access_token_file": "access_token",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `pw channels`."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listed = verbs.add_parser("list", help="where alerts go")
    listed.add_argument("--json", action="store_true", help="print the document")
    add = verbs.add_parser("add", help="add a channel")
    add.add_argument("name", metavar="NAME")
    add.add_argument("kind", metavar="KIND", choices=KINDS, help=", ".join(KINDS))
    _add_options(add)
    remove = verbs.add_parser("rm", help="remove channels, with what they have not delivered")
    on = verbs.add_parser("on", help="turn channels on")
    off = verbs.add_parser("off", help="turn channels off and keep them")
    for verb in (remove, on, off):
        verb.add_argument("names", nargs="+", metavar="NAME")
    test = verbs.add_parser("test", help="send a test message through a channel")
    test.add_argument("name", metavar="NAME")
    add_common(add, remove, on, off)
    add_common(listed, test, notes=False)


def _add_options(add: argparse.ArgumentParser) -> None:
    add.add_argument("--url", metavar="URL", help="a webhook's, Discord's or Slack's, or "
                     "ntfy's server and topic (https://ntfy.sh/TOPIC); others on this machine can "
                     "see it while the command runs: --url-file hides it")  # fmt: skip
    for option, field in SECRETS.items():
        add.add_argument(
            f"--{option.replace('_', '-')}", type=Path, metavar="FILE", help=f"holds the {field}"
        )
    add.add_argument("--chat-id", metavar="ID", help="Telegram: a number or @name")
    add.add_argument(
        "--severity-min", choices=SEVERITIES, help="only alerts of at least this severity"
    )
    add.add_argument(
        "--rule", action="append", metavar="NAME", help="only of this rule; repeat; '' for all"
    )
    add.add_argument(
        "--alert", action="append", choices=("", *ALERTS), metavar="KIND",
        help=f"only of this kind ({', '.join(ALERTS)}); repeat; '' for all",
    )  # fmt: skip
    add.add_argument("--delivery", choices=("at_least_once", "at_most_once"))
    add.add_argument("--late-after", type=int, metavar="S", help="then it goes into a digest")
    add.add_argument("--give-up-after", type=int, metavar="S", help="then it is a dead letter")
    add.add_argument("--quiet", metavar="FROM-TO", help="hours such as 22:00-07:00 in which only "
                     "what is urgent is sent, and all else after them; '' for none")  # fmt: skip
    add.add_argument("--time-zone", metavar="ZONE", help="of --quiet, such as Europe/Berlin or "
                     "+02:00; UTC if not given")  # fmt: skip
    add.add_argument("--quiet-severity-min", choices=SEVERITIES, help="of --quiet: what is urgent; "
                     "critical if not given")  # fmt: skip
    add.add_argument(
        "--replace",
        action="store_true",
        help="change the channel of this name: what is not given stays, a secret if the URL does",
    )


def run(args: argparse.Namespace) -> int:
    """0 done, 1 refused, 2 wrong usage, 69 no API, 78 settings."""
    if args.verb == "add" and args.url and args.url_file:
        complain("channels", "add: give --url or --url-file")
        return EXIT_USAGE
    if args.verb == "add" and (wrong := _quiet_wrong(args)):
        complain("channels", f"add: {wrong}")
        return EXIT_USAGE
    return asked(args, lambda api: _VERBS[args.verb](api, args))


def _list(api: Asking, args: argparse.Namespace) -> int:
    now = api.get(CHANNELS)
    rows = [
        [one["name"], one["kind"], "on" if one["enabled"] else "off", _takes(one), one["delivery"]]
        for one in now["entries"]
    ]
    columns = ("channel", "kind", "is", "takes", "delivery")
    none = "No channels: alerts go to the notifier's own output."
    code = show(args, now, columns, rows, none if _is_from(now, "output") else NOWHERE)
    if rows and not args.json and _is_from(now, "file"):
        sys.stdout.write(
            "They come from the notifier's file, which is read until the first change.\n"
        )
    return code


def _is_from(now: dict[str, Any], origin: str) -> bool:
    return bool(now.get("from") == origin)


def _say(before: dict[str, Any], revision: int, what: str) -> int:
    """What was done; after a first change also that the file is no longer read."""
    say(revision, what)
    if _is_from(before, "file"):
        sys.stdout.write("The channels of the notifier's file are stored here now. The file is no "
                         "longer read: use pw channels.\n")  # fmt: skip
    return EXIT_OK


def _takes(one: Entry) -> str:
    parts = [] if one["severity_min"] == "info" else [f"{one['severity_min']} and above"]
    parts += [", ".join(one[name]) for name in ("triggers", "kinds") if one[name]]
    if quiet := one.get("quiet"):
        hours = f"{quiet['from']} to {quiet['to']} {quiet['time_zone']}"
        parts.append(f"{hours} only {quiet['severity_min']} and above")
    return "; ".join(parts) or "everything"


def _add(api: Asking, args: argparse.Namespace) -> int:
    given = {
        "url": args.url,
        "chat_id": args.chat_id,
        "severity_min": args.severity_min,
        "triggers": _all_but_empty(args.rule),
        "kinds": _all_but_empty(args.alert),
        "delivery": args.delivery,
        "late_after_s": args.late_after,
        "alert_age_max_s": args.give_up_after,
    }
    for option, field in SECRETS.items():
        path: Path | None = getattr(args, option)
        if path is not None:
            given[field] = read_secret(path, f"--{option.replace('_', '-')}")
    entry: dict[str, Any] = {"name": args.name, "kind": args.kind}
    entry |= {name: value for name, value in given.items() if value is not None}
    if args.quiet is not None:
        entry["quiet"] = _quiet(args)

    def made(now: dict[str, Any]) -> Entry:
        there = {(one["name"], one["kind"]): one for one in now["entries"]} if args.replace else {}
        # Stored secrets come as `(kept)`, and are kept.
        return {**there.get((args.name, args.kind), {}), **entry}

    if entry.get("triggers"):
        # A misspelt rule would be a channel that never gets an alert.
        must_be_there(entry["triggers"], [one["name"] for one in api.get(RULES)["rules"]], "rule")
    before = api.get(CHANNELS)
    revision = api.edit(CHANNELS, made, replace=args.replace)
    _say(before, revision, f"channel {args.name}; try it: pw channels test {args.name}")
    if _is_from(before, "output") and args.kind != "console":
        sys.stdout.write("Alerts no longer go to the notifier's own output. To have both: "
                         "pw channels add terminal console\n")  # fmt: skip
    return EXIT_OK


def _quiet_wrong(args: argparse.Namespace) -> str:
    if args.quiet and not QUIET.fullmatch(args.quiet):
        return "--quiet: allowed: FROM-TO, such as 22:00-07:00"
    if not args.quiet and (args.time_zone or args.quiet_severity_min):
        return "--time-zone and --quiet-severity-min go with --quiet"
    return ""


def _quiet(args: argparse.Namespace) -> dict[str, str] | None:
    """Quiet hours as they are given: what is not given is the document's own."""
    found = QUIET.fullmatch(args.quiet)
    if found is None:
        return None
    fields = {"time_zone": args.time_zone, "severity_min": args.quiet_severity_min}
    named = {name: value for name, value in fields.items() if value is not None}
    return {"from": found[1], "to": found[2], **named}


def _all_but_empty(given: list[str] | None) -> list[str] | None:
    return None if given is None else [one for one in given if one]


def _remove(api: Asking, args: argparse.Namespace) -> int:
    before, revision = ENTRIES.removed(api, args.names)
    _say(before, revision, f"without {', '.join(args.names)}")
    if not api.get(CHANNELS)["entries"]:
        sys.stdout.write(f"{NOWHERE}\n")
    return EXIT_OK


def _turn(api: Asking, args: argparse.Namespace) -> int:
    before, revision = ENTRIES.turned(api, args.names, on=args.verb == "on")
    return _say(before, revision, f"{', '.join(args.names)} {args.verb}")


def _test(api: Asking, args: argparse.Namespace) -> int:
    api.post(f"{CHANNELS}/{quote(args.name, safe='')}/test", deadline_s=TEST_TIMEOUT_S)
    sys.stdout.write(f"channel {args.name} took a test message\n")
    return EXIT_OK


_VERBS: Final = {
    "list": _list,
    "add": _add,
    "rm": _remove,
    "on": _turn,
    "off": _turn,
    "test": _test,
}
