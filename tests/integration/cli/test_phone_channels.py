"""`pw channels` with what goes to a phone: ntfy, Slack, quiet hours."""

from __future__ import annotations

from pathlib import Path

from support.api_run import stored, system
from support.poll import poll_until
from support.receiver import receiving
from support.services import running_service

TOKEN = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
HOURS = ("--quiet", "22:00-07:00", "--time-zone", "Europe/Berlin")
NIGHT = {
    "from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin", "severity_min": "critical",
}  # fmt: skip


async def test_ntfy_and_slack_are_added_and_tested_and_their_secrets_stay_hidden(
    tmp_path: Path,
) -> None:
    token, hook = tmp_path / "token", tmp_path / "hook"
    token.write_text(TOKEN + "\n")
    with receiving() as ntfy, receiving() as slack:
        ntfy.always, slack.always = (200, {}, b'{"event":"message"}'), (200, {}, b"ok")
        hook.write_text(f"{slack.url}/services/T0/B0/hunter2hunter2")
        phone = ("channels", "add", "phone", "ntfy", "--url", f"{ntfy.url}/my-own-calls")
        async with system(tmp_path) as (_, command, broker):
            wrong = await command("channels", "add", "phone", "ntfy", "--url", f"{ntfy.url}/a/b")
            assert wrong.code == 1
            assert "one topic" in wrong.err
            for words in (
                (*phone, "--access-token-file", str(token)),
                ("channels", "add", "team", "slack", "--url-file", str(hook)),
            ):
                added = await command(*words)
                assert (added.code, added.err) == (0, ""), added
            for more in ([], ["--json"]):
                shown = (await command("channels", "list", *more)).out
                assert "phone" in shown
                assert not [one for one in (TOKEN, "my-own-calls", "hunter2") if one in shown]
            async with running_service("pw_notifier", broker):
                for name in ("phone", "team"):

                    async def tested(name: str = name) -> bool:
                        return (await command("channels", "test", name)).code == 0

                    await poll_until(tested, f"the test message of {name}", timeout_s=40)
                slack.always = (404, {}, b"no_service")
                refused = await command("channels", "test", "team")
                assert refused.code == 1
                assert "answered 404: no_service" in refused.err
    assert ntfy.taken[0].headers["authorization"] == f"Bearer {TOKEN}"
    # Beside what the notifier itself has to say of a system without an ingest.
    test = "Pocketwatcher: a test message"
    assert test in [one.json()["title"] for one in ntfy.taken]
    assert test in [one.json()["text"].replace("\uff1a", ":") for one in slack.taken]


async def test_quiet_hours_are_set_shown_kept_and_ended(tmp_path: Path) -> None:
    add = ("channels", "add", "term", "console")
    async with system(tmp_path) as (bus, command, _):
        for words, why in (
            (("--quiet", "at night"), "FROM-TO"),
            (("--time-zone", "UTC"), "go with --quiet"),
        ):
            wrong = await command(*add, *words)
            assert wrong.code == 2
            assert why in wrong.err
        mars = await command(*add, "--quiet", "22:00-07:00", "--time-zone", "Mars/Olympus")
        assert mars.code == 1
        assert "quiet.time_zone: no such time zone" in mars.err
        assert (await command(*add, *HOURS)).code == 0
        (entry,) = (await stored(bus, "channels"))["entries"]
        assert entry["quiet"] == NIGHT
        shown = (await command("channels", "list", COLUMNS="200")).out
        assert "22:00 to 07:00 Europe/Berlin only critical and above" in shown
        assert (await command(*add, "--late-after", "60", "--replace")).code == 0
        (entry,) = (await stored(bus, "channels"))["entries"]
        assert (entry["quiet"], entry["late_after_s"]) == (NIGHT, 60)
        assert (await command(*add, "--quiet", "", "--replace")).code == 0
        (entry,) = (await stored(bus, "channels"))["entries"]
        assert entry["quiet"] is None
