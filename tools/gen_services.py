"""Write what follows from `services.toml`: rights at the broker, the collector's targets, tags.

`--check` fails when what is committed differs. What people read and change by hand (compose.yaml,
the manifests, pyproject.toml) is not written here but checked by tests.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator

from declared_services import BadDeclaration, Rights, Service, declared
from workspace import ROOT

RIGHTS = "deploy/nats-rights.conf"
# A long answer is many messages to the one who asked, and takes as long as they take them.
RESPONSES = '{max: -1, expires: "1h"}'
COLLECTOR = "deploy/otel-collector.yaml"
BASE = "k8s/base/kustomization.yaml"
SITE = "k8s/site.example/kustomization.yaml"
# What a site of one's own names, in place of the reader's registry.
REGISTRY = "registry.example/you"
# The broker's image is ours too, and no service.
BROKER = "pocketwatcher-nats"
RIGHTS_HEAD = """\
# Written by `make services` from services.toml, which has the reasons: change it there.
# The least rights of services at a broker that asks for users: include it, and add your own users
# for the others. Passwords come from the broker's environment. See docs/runbook.md, "Passwords and
# tokens".
authorization {
  users: [
"""


def rights(services: list[Service], _now: str) -> str:
    """The whole file of users: those of whom the rights are declared."""
    users = [_user(one, one.rights) for one in services if one.rights is not None]
    return RIGHTS_HEAD + "".join(users) + "  ]\n}\n"


def _user(service: Service, given: Rights) -> str:
    lines = "".join(f'          "{one}"\n' for one in permissions(given))
    heard = ", ".join(f'"{one}"' for one in (f"_INBOX_{service.name}.>", *given.answers_questions))
    # It may reply only to the subject that a request names.
    replies = f"        allow_responses: {RESPONSES}\n" if given.answers_questions else ""
    return (
        f"    {{\n      user: {service.name}\n      password: $PW_{service.name.upper()}_PASSWORD\n"
        f"      permissions: {{\n        publish: [\n{lines}        ]\n"
        f"        subscribe: [{heard}]\n{replies}      }}\n    }}\n"
    )


def permissions(given: Rights) -> Iterator[str]:
    """Each subject that a user with these rights may publish to."""
    yield from given.publishes
    yield from (f"$KV.{one}" for one in given.writes_keys)
    for one in given.answers_consumers:
        yield from (
            f"$JS.ACK.{one}.>",
            f"$JS.API.CONSUMER.INFO.{one}",
            f"$JS.API.CONSUMER.MSG.NEXT.{one}",
        )
    yield from (f"$JS.API.STREAM.INFO.{one}" for one in given.asks_about)
    yield from (f"$JS.API.STREAM.MSG.GET.{one}" for one in given.gets_messages)
    yield from (f"$JS.API.STREAM.PURGE.{one}" for one in given.purges)
    for one in given.reads_streams:
        yield from (
            f"$JS.API.CONSUMER.CREATE.{one}.*",
            f"$JS.API.CONSUMER.MSG.NEXT.{one}.*",
            f"$JS.API.CONSUMER.DELETE.{one}.*",
            f"$JS.API.DIRECT.GET.{one}",
        )
    for one in given.reads_keys:
        yield f"$JS.API.DIRECT.GET.KV_{one.split('.')[0]}.$KV.{one}"
    for one in given.reads_history:
        bucket = f"KV_{one.split('.')[0]}.*"
        yield from (
            f"$JS.API.CONSUMER.CREATE.{bucket}.$KV.{one}",
            f"$JS.API.CONSUMER.MSG.NEXT.{bucket}",
            f"$JS.API.CONSUMER.DELETE.{bucket}",
        )


def collector(services: list[Service], now: str) -> str:
    """The collector's configuration with a job for each service that Compose keeps running."""
    jobs = "".join(
        f"        - job_name: {one.name}\n"
        f"          dns_sd_configs: [{{names: [{one.name}], type: A, port: {one.http_port},"
        " refresh_interval: 10s}]\n"
        for one in services
        if one.is_scraped
    )
    pattern = r"(      scrape_configs:\n)(?:        - job_name: \w+\n          dns_sd_.*\n)*"
    return _replaced(pattern, rf"\g<1>{jobs}", now)


def base(services: list[Service], now: str) -> str:
    """The base's kustomization: each manifest of a service in it, and the tag of its image."""
    ours = [one for one in services if one.manifest.startswith("k8s/base/")]
    names = "".join(f"  - {one.manifest.removeprefix('k8s/base/')}\n" for one in ours)
    now = _replaced(r"(  - nats\.yaml\n)(?:  - .*\n)*?(  - autoscaling\.yaml\n)",
                    rf"\g<1>{names}\g<2>", now)  # fmt: skip
    images = "".join(
        f"  - {{name: {one}, newTag: {_tag(now)}}}\n"
        for one in (BROKER, *(one.image for one in ours))
    )
    return _replaced(r"(images:\n)(?:  - .*\n)*", rf"\g<1>{images}", now)


def site(services: list[Service], now: str) -> str:
    """The example of a site: every image that a cluster runs, in the reader's registry."""
    images = "".join(
        f"  - {{name: {one}, newName: {REGISTRY}/{one}, newTag: {_tag(now)}}}\n"
        for one in (BROKER, *(one.image for one in services if one.manifest))
    )
    return _replaced(r"(images:\n)(?:  - .*\n)*", rf"\g<1>{images}", now)


def _tag(text: str) -> str:
    """The version that a file names already; a test holds it equal to the code's."""
    [first, *_] = re.findall(r"newTag: ([\w.-]+)\}", text) or ["0.1.0"]
    return str(first)


def _replaced(pattern: str, by: str, text: str) -> str:
    changed, count = re.subn(pattern, by, text, count=1)
    if count != 1:
        sys.exit(f"no place for what is written here: {pattern!r}")
    return changed


WRITTEN: dict[str, Callable[[list[Service], str], str]] = {
    RIGHTS: rights,
    COLLECTOR: collector,
    BASE: base,
    SITE: site,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail on drift")
    check = parser.parse_args().check
    try:
        services = declared()
    except BadDeclaration as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stale = []
    for name, written in WRITTEN.items():
        now = (ROOT / name).read_text()
        wanted = written(services, now)
        if wanted != now:
            stale.append(name)
            if not check:
                (ROOT / name).write_text(wanted)
                print(f"wrote {name}")
    if check:
        for name in stale:
            sys.stderr.write(f"{name} differs from services.toml; run `make services`\n")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
