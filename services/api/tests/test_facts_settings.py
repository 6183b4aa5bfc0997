"""The node that is asked for facts: named once, whole, and its key not in clear or in an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pw_api.config import Settings
from pw_common.service.settings import BadSettings, load

KEY = "a-secret-of-the-plan-1234"
URL, FILE, HEADER = (f"PW_API_FACTS_RPC_{one}" for one in ("URL", "URL_FILE", "HEADER_FILE"))


def node_of(**environ: str) -> str:
    return load(Settings, environ).node_url()


def refused(**environ: str) -> str:
    with pytest.raises(BadSettings) as caught:
        load(Settings, environ)
    [problem] = caught.value.problems
    assert KEY not in problem
    return problem


def test_no_node_is_asked_unless_one_is_named_and_nothing_for_it_is_loaded() -> None:
    assert node_of() == ""
    script = "import sys, pw_api.main; print({'httpx', 'solders', 'pw_rpc.node'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    "url",
    [
        f"https://node.example/{KEY}",
        f"https://node.example/?api-key={KEY}",
        f"http://127.0.0.1:8899/{KEY}",
        # A node of one's own asks for no key.
        "http://10.0.0.5:8899",
        "http://10.0.0.5:8899/",
    ],
)
def test_a_node_is_named_by_a_variable_or_by_a_file(url: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(url + "\n")
    assert node_of(**{URL: url}) == url
    assert node_of(**{FILE: str(file)}) == url
    assert URL in refused(**{URL: url, FILE: str(file)})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"http://node.example/{KEY}", "in clear"),
        (f"http://node.example/?api-key={KEY}", "in clear"),
        (f"http://{KEY}@node.example", "in clear"),
        (f"ftp://node.example/{KEY}", "allowed: http"),
        (f"https://a.example/{KEY},https://b.example", "one node only"),
        (KEY, "allowed: http"),
    ],
)
def test_what_names_no_node_or_shows_its_key_is_refused(url: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text(url)
    assert why in refused(**{URL: url})
    assert why in refused(**{FILE: str(file)})


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in refused(**{FILE: str(tmp_path / "none")})
    assert "cannot be read" in refused(**{FILE: str(tmp_path)})
    (tmp_path / "url").write_text("")
    assert "holds no URL" in refused(**{FILE: str(tmp_path / "url")})
    (tmp_path / "header").write_text(KEY)
    assert HEADER in refused(**{URL: "https://n.example", HEADER: str(tmp_path / "header")})


def test_a_header_is_a_key_too(tmp_path: Path) -> None:
    header = tmp_path / "header"
    header.write_text(f"x-api-key: {KEY}\n")
    assert "in clear" in refused(**{URL: "http://node.example", HEADER: str(header)})
    assert node_of(**{URL: "https://node.example", HEADER: str(header)}) == "https://node.example"
