"""A token must be asked for, unless the settings say that none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pw_api.config import Settings
from pw_api.main import token_of
from pw_api.url import main as print_url
from pw_common.process.clock import now_ms
from pw_common.process.token_file import BadToken, read_token
from pw_common.service.settings import BadSettings, load
from pw_common.wire.login import read_code


def settings(**environ: str) -> Settings:
    return load(Settings, environ)


def test_without_a_token_file_both_ways_are_named() -> None:
    with pytest.raises(BadToken) as error:
        token_of(settings())
    assert "PW_API_TOKEN_FILE" in str(error.value)
    assert "PW_API_NO_TOKEN=true" in str(error.value)


def test_both_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadToken, match="choose one"):
        token_of(settings(PW_API_NO_TOKEN="true", PW_API_TOKEN_FILE=str(tmp_path / "t")))


def test_no_token_is_asked_for_only_where_it_is_said() -> None:
    assert token_of(settings(PW_API_NO_TOKEN="true")) is None
    with pytest.raises(BadToken):
        token_of(settings(PW_API_NO_TOKEN="false"))


def test_a_missing_file_is_made_only_where_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "api-token"
    with pytest.raises(BadToken, match="No such file"):
        token_of(settings(PW_API_TOKEN_FILE=str(path)))
    made = token_of(settings(PW_API_TOKEN_FILE=str(path), PW_API_TOKEN_MAKE="true"))
    assert made == read_token(path)
    assert token_of(settings(PW_API_TOKEN_FILE=str(path), PW_API_TOKEN_MAKE="true")) == made
    assert token_of(settings(PW_API_TOKEN_FILE=str(path))) == made


def test_a_host_that_is_none_is_named_with_its_setting() -> None:
    with pytest.raises(BadSettings, match=r"PW_API_HOSTS.*'\*\.x'"):
        settings(PW_API_HOSTS="api,*.x")


def test_a_container_prints_a_link_that_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "api-token"
    path.write_text("a-token-of-the-tests\n")
    monkeypatch.setenv("PW_API_TOKEN_FILE", str(path))
    assert print_url(["https://pw.example"]) == 0
    link = capsys.readouterr().out.strip()
    base, _, code = link.partition("?code=")
    assert base == "https://pw.example/login"
    assert read_code("a-token-of-the-tests", code, now_ms()) is not None
    assert "a-token-of-the-tests" not in link
    assert print_url(["not a url"]) == 2
    monkeypatch.delenv("PW_API_TOKEN_FILE")
    assert print_url([]) == 78
