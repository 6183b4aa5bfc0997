"""No URL and no text that is shown has a secret in it."""

from __future__ import annotations

import pytest

from pw_common.service.run import CommonSettings
from pw_common.service.settings import BadSettings, load, url
from pw_common.text.redact import keep_secret, redacted, redacted_url, shown_path

SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
        ("nats://a:1,nats://b:2", "nats://a:1,nats://b:2"),
        (f"nats://user:{SECRET}@b:4222", "nats://***@b:4222"),
        (f"nats://{SECRET}@b:4222", "nats://***@b:4222"),
        (f"nats://a:1, tls://u:{SECRET}@b:2", "nats://a:1,tls://***@b:2"),
        (f"https://host.example/{SECRET}", "https://host.example/***"),
        (f"https://host.example:8443/?api-key={SECRET}", "https://host.example:8443/***"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        # Not encoded as a URL wants it: then no part is surely the host.
        (f"nats://u:{SECRET}/x@b:4222", "nats://***"),
        (f"nats://u:{SECRET}?x@b", "nats://***"),
        (f"nats://u:1,{SECRET}@b", "nats://***@b"),
        (f"nats://u:1@{SECRET}@b", "nats://***@b"),
        (f"nats://u:{SECRET}", "nats://***"),
        (f"u:{SECRET}@b:4222", "***@b:4222"),
        (SECRET, "***"),
    ],
)
def test_of_a_url_only_scheme_host_and_port_are_shown(address: str, shown: str) -> None:
    assert redacted_url(address) == shown
    assert SECRET not in redacted(f"cannot reach '{address}' ({address}).") or "://" not in address


def test_a_text_keeps_everything_but_the_secrets() -> None:
    text = f"GET https://api.telegram.org/bot1:{SECRET}/sendMessage (503), see http://127.0.0.1:80."
    assert redacted(text) == "GET https://api.telegram.org/*** (503), see http://127.0.0.1:80."


def test_a_secret_that_is_known_is_hidden_wherever_it_stands() -> None:
    keep_secret("https://hooks.example/services/T0/abcdefghijklmnopq", "s%20ecret", "abc")
    assert redacted("Cannot POST /services/T0/abcdefghijklmnopq") == "Cannot POST /***"
    assert redacted("token s%20ecret, abc") == "token ***, abc"


def test_what_is_no_path_is_not_shown_as_one() -> None:
    assert shown_path("/run/secrets/token") == "/run/secrets/token"
    assert shown_path(SECRET) == "*** (shown only where it begins with / or ./)"


@pytest.mark.parametrize(
    "environ",
    [
        {"PW_NATS_URL": f"http://u:{SECRET}@b"},
        {"PW_NATS_URL": f"nats://u:{SECRET}/x@b:4222"},
        {"PW_NATS_URL": f"nats://u:x/{SECRET}@b:4222"},
        {"PW_NATS_URL": SECRET},
        {"PW_NATS_PASSWORD_FILE": SECRET},
        {"PW_HTTP_LISTEN": f"http://u:{SECRET}@b"},
    ],
)
def test_no_error_about_a_setting_repeats_a_secret(environ: dict[str, str]) -> None:
    with pytest.raises(BadSettings) as error:
        load(CommonSettings, environ)
    assert SECRET not in str(error.value)
    assert next(iter(environ)) in str(error.value)


def test_a_port_that_is_none_is_an_error_and_no_crash() -> None:
    assert url("nats")("nats://a:b") is not None


def test_an_address_without_a_secret_in_it_stays_readable() -> None:
    keep_secret("http://endpoint.example:10000", "https://user:hunter22@other.example/path")
    assert redacted("no answer from http://endpoint.example:10000") == (
        "no answer from http://endpoint.example:10000"
    )
    assert "hunter22" not in redacted("hunter22 at https://user:hunter22@other.example/path")
