"""What `pw completion` prints completes this version's commands, in a real shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import shtab

from pw_cli.commands.configuring.completion import script
from pw_cli.main import COMMANDS

# What bash does on Tab: it calls the registered function with the words typed so far.
TAB = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
$(complete -p pw | sed 's/.*-F \\([^ ]*\\).*/\\1/')
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(folder: Path, *words: str) -> set[str]:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here: completion NOT tried in a shell")
    (folder / "pw.bash").write_text(script("bash"))
    done = subprocess.run(
        [bash, "-c", TAB, "tab", str(folder / "pw.bash"), *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    return {one.strip() for one in done.stdout.split()}


def test_every_command_completes(tmp_path: Path) -> None:
    assert completed(tmp_path, "pw", "") >= {one.name for one in COMMANDS}


def test_a_command_completes_by_its_beginning(tmp_path: Path) -> None:
    assert completed(tmp_path, "pw", "stat") == {"status"}


def test_the_options_of_a_command_complete(tmp_path: Path) -> None:
    assert {"--data", "--parsers", "--json"} <= completed(tmp_path, "pw", "up", "--")


def test_choices_complete(tmp_path: Path) -> None:
    assert completed(tmp_path, "pw", "completion", "") >= set(shtab.SUPPORTED_SHELLS)


@pytest.mark.parametrize("shell", shtab.SUPPORTED_SHELLS)
def test_each_shell_gets_a_script_with_every_command(shell: str) -> None:
    text = script(shell)
    assert [one.name for one in COMMANDS if one.name not in text] == []
