from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from pw_common.service import settings as st
from pw_common.service.run import CommonSettings
from pw_common.service.settings import BadSettings, load, load_or_exit, setting


@dataclass(frozen=True)
class Example:
    endpoint: str = setting("PW_X_ENDPOINT", "where", check=st.url("http", "https"))
    count: int = setting("PW_X_COUNT", "how many", default=3, check=st.between(1, 9))
    ratio: float = setting("PW_X_RATIO", "how much", default=0.5)
    on: bool = setting("PW_X_ON", "whether", default=False)
    listen: str = setting("PW_X_LISTEN", "here", default="a:1", check=st.listen_address)
    token: Path | None = setting("PW_X_TOKEN_FILE", "secret", default=None, check=st.readable_file)


def test_every_wrong_variable_is_listed_at_once() -> None:
    wrong = {
        "PW_X_COUNT": "12",
        "PW_X_RATIO": "much",
        "PW_X_ON": "perhaps",
        "PW_X_LISTEN": "a:99999",
        "PW_X_TOKEN_FILE": "/nowhere",
    }
    with pytest.raises(BadSettings) as error:
        load(Example, wrong)
    assert len(error.value.problems) == 6
    text = str(error.value)
    assert "PW_X_ENDPOINT is missing: where" in text
    for name, value in wrong.items():
        assert f"{name}={value!r}" in text
    assert "allowed: 1 to 9" in text


def test_values_are_typed_and_defaults_stay(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    found = load(
        Example,
        {"PW_X_ENDPOINT": "https://h:1", "PW_X_ON": "yes", "PW_X_TOKEN_FILE": str(token)},
    )
    assert found == Example("https://h:1", 3, 0.5, on=True, listen="a:1", token=token)
    assert "secret" not in repr(found).replace("token", "")


@pytest.mark.parametrize("value", ["h:1", "ftp://h", "http://", "http://a,b"])
def test_an_address_needs_its_scheme_and_host(value: str) -> None:
    with pytest.raises(BadSettings, match="allowed: http://host:port or https://host:port"):
        load(Example, {"PW_X_ENDPOINT": value})


def test_a_service_prints_its_problems_and_exits_78(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        load_or_exit(CommonSettings, {"PW_NATS_URL": "http://x", "PW_LOG_LEVEL": "loud"})
    assert error.value.code == 78
    printed = capfd.readouterr().err
    assert "PW_NATS_URL='http://x'" in printed
    assert "PW_LOG_LEVEL='loud': allowed: debug, info, warning, error" in printed
