"""Webhooks are signed as Standard Webhooks describes, with every key of the channel."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from pw_common.documents.channels import Channel
from pw_common.documents.signing_keys import KEYS_MAX, BadKey, signing_keys
from pw_common.wire.alerts import Alert
from pw_notifier.core.kinds import request_of
from pw_notifier.core.wording.render import signature

# The specification's own example.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EXAMPLE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def alert(n: int) -> Alert:
    return Alert(
        id=f"{n:032}", episode="e", n=n, kind="opened", trigger="t", severity="info", slot=1,
        opened_slot=1, event_time_ms=0, title="\U0001f415 d\u00f6g",
    )  # fmt: skip


def sent(secret: str, *alerts: Alert, late: bool = False) -> Any:
    one = Channel(name="c", kind="webhook", url="https://h", secret=secret)
    return request_of(one, alerts, late=late, now_s=1_700, telegram_url="")


def expected(key: bytes, request: Any) -> str:
    of = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = ".".join(of).encode() + b"." + request.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_the_example_of_the_specification_comes_out() -> None:
    headers = signature(
        SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
    )
    assert headers["webhook-signature"] == EXAMPLE
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-id"] == headers["Idempotency-Key"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_a_webhook_is_signed_over_its_id_its_time_and_its_bytes() -> None:
    request = sent(SECRET, alert(1))
    assert request.headers["webhook-id"] == alert(1).id
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    assert request.headers["webhook-signature"] == expected(key, request)
    assert msgspec.json.decode(request.body)["alerts"][0]["title"] == "\U0001f415 d\u00f6g"


def test_while_a_key_is_changed_the_old_and_the_new_one_sign() -> None:
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    request = sent(f"{new} {SECRET}", alert(1))
    first, second = request.headers["webhook-signature"].split(" ")
    assert first == expected(b"n" * 32, request)
    assert second == sent(SECRET, alert(1)).headers["webhook-signature"]


def test_a_digest_does_not_pass_for_its_first_alert() -> None:
    ids = {
        sent(SECRET, *some, late=True).headers["webhook-id"]
        for some in ([alert(1)], [alert(1), alert(2)], [alert(1), alert(3)], [alert(2), alert(1)])
    }
    assert len(ids) == 4
    again = [sent(SECRET, alert(1), alert(2)).headers["webhook-id"] for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("secret", "keys"),
    [
        (SECRET, [base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]),
        # Without padding, and without the prefix, as the libraries read it.
        ("whsec_" + "QUFB" * 6 + "QQ", [b"A" * 19]),
        ("s" * 24, [base64.b64decode("s" * 24)]),
        ("c29tZSBzZWNyZXQga2V5IQ==", [b"some secret key!"]),
        ("no base64, at all".replace(" ", "_"), [b"no_base64,_at_all"]),
        (f"{SECRET} {'s' * 24}", [base64.b64decode(SECRET[6:]), base64.b64decode("s" * 24)]),
    ],
)
def test_a_key_is_read_as_the_libraries_of_receivers_read_it(
    secret: str, keys: list[bytes]
) -> None:
    assert signing_keys(secret) == keys


@pytest.mark.parametrize(
    "secret",
    [
        "", "short", "whsec_", "whsec_QUFB", "whsec_not base64", "whsec_" + "-" * 40,
        f"{SECRET} ", f" {SECRET}", f"{SECRET}  {SECRET}", f"{SECRET}\n", "whsec_" + "A" * 29,
        " ".join([SECRET] * (KEYS_MAX + 1)),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(BadKey) as error:
        signing_keys(secret)
    assert len(secret) <= 6 or secret.strip() not in str(error.value)
