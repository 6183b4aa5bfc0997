"""A market that a data folder has had is not stored there a second time."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from pw_cli.up.options.arguments import UpOptions, add_arguments, options
from pw_cli.up.options.folder import FolderTaken, data_folder
from pw_cli.up.options.seeds import SEEDS_FILE, note_seed, with_seed


def chosen(*words: str) -> UpOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return options(parser.parse_args(list(words)))


def seed(data: Path, *words: str, played: bool = True) -> tuple[int, str]:
    with data_folder(data) as folder:
        found, said = with_seed(chosen("--data", str(data), *words), folder)
        if played:
            note_seed(found, folder)
    return found.seed, said


def test_a_second_demo_on_the_same_data_takes_another_seed_and_says_so(tmp_path: Path) -> None:
    assert seed(tmp_path) == (1, "")
    number, said = seed(tmp_path)
    assert number == 2
    assert "playing seed 2" in said
    assert seed(tmp_path)[0] == 3
    assert seed(tmp_path, "--seed", "77") == (77, "")
    assert seed(tmp_path)[0] == 78


def test_a_seed_that_was_chosen_and_played_here_is_refused(tmp_path: Path) -> None:
    assert seed(tmp_path, "--seed", "5")[0] == 5
    with pytest.raises(FolderTaken, match=r"--seed 5: --data .* has had this market"):
        seed(tmp_path, "--seed", "5")


def test_a_run_that_ended_before_its_market_began_leaves_the_seed_free(tmp_path: Path) -> None:
    assert seed(tmp_path, "--seed", "5", played=False) == (5, "")
    assert seed(tmp_path, played=False) == (1, "")
    # Its broker ran: the folder is no older version's for that.
    (tmp_path / "nats/jetstream").mkdir()
    assert seed(tmp_path, "--seed", "1", played=False) == (1, "")
    assert seed(tmp_path, "--seed", "5") == (5, "")
    with pytest.raises(FolderTaken, match="--seed 5"):
        seed(tmp_path, "--seed", "5")


def test_a_list_that_cannot_be_written_is_a_sentence_about_the_folder(tmp_path: Path) -> None:
    (tmp_path / SEEDS_FILE / "full").mkdir(parents=True)
    with pytest.raises(FolderTaken, match=r"^--data .*; choose another folder$"):
        seed(tmp_path)
    assert [one.name for one in tmp_path.glob(".*")] == []


def test_a_folder_of_an_older_version_is_taken_to_have_had_the_default(tmp_path: Path) -> None:
    (tmp_path / "nats/jetstream").mkdir(parents=True)
    assert seed(tmp_path)[0] == 2


def test_captures_endpoints_and_temporary_folders_are_left_alone(tmp_path: Path) -> None:
    for one in (chosen("--data", str(tmp_path), "--endpoint", "https://h.example"), chosen()):
        with_seed(one, tmp_path)
        note_seed(one, tmp_path)
    assert not (tmp_path / SEEDS_FILE).exists()
