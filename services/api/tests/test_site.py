"""The pages: built ones under a strict policy, the plain one where there is no build."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from nats.aio.client import Client

from pw_api.app import build_app
from pw_api.http.site import FALLBACK, FILE_BYTES_MAX, Site, load_site
from pw_common.jetstream.bus import Bus
from pw_common.process.log import Log
from pw_common.process.version import VERSION
from pw_common.service.metrics import Metrics
from pw_common.service.run import Runtime

SCRIPT = b"console.log(1);" * 200


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><div id=app></div>")
    (tmp_path / "assets" / "index-abc.js").write_bytes(SCRIPT)
    return tmp_path


@asynccontextmanager
async def client_of(site: Site, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    log = Log("test")
    runtime = Runtime(
        service="api",
        instance="api-test",
        bus=Bus(Client(), log),
        log=log,
        metrics=Metrics("api", VERSION),
        stop=asyncio.Event(),
        started_at_ms=0,
    )
    app = build_app(runtime, token, site=site)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    runtime.metrics.close()


async def test_all_pages_are_one_file_and_no_script_inside_of_it_may_run(built: Path) -> None:
    async with client_of(load_site(built), token="correct-horse-battery") as client:
        for path in ("/", "/system", f"/token/{'1' * 44}", f"/tx/{'1' * 88}"):
            page = await client.get(path)
            assert (page.status_code, page.text) == (200, "<!doctype html><div id=app></div>")
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            # The next version's page names other files.
            assert page.headers["cache-control"] == "no-cache"
            assert (await client.head(path)).status_code == 200


async def test_only_an_address_has_a_page_of_its_own(built: Path) -> None:
    async with client_of(load_site(built), token="correct-horse-battery") as client:
        for name in ("short", "0" * 44, "1" * 89, "1" * 44 + "%0a"):
            assert (await client.get(f"/token/{name}")).status_code in {401, 404}, name


async def test_what_a_page_loads_needs_no_token_is_packed_and_kept(built: Path) -> None:
    async with client_of(load_site(built), token="correct-horse-battery") as client:
        path = "/assets/index-abc.js"
        asset = await client.get(path)
        assert asset.content == SCRIPT
        assert asset.headers["content-encoding"] == "gzip"
        assert "immutable" in asset.headers["cache-control"]
        assert asset.headers["content-type"].startswith("text/javascript")
        assert asset.headers["cross-origin-resource-policy"] == "same-origin"
        assert int(asset.headers["content-length"]) < len(gzip.compress(SCRIPT)) + 64
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        assert plain.content == SCRIPT
        assert "content-encoding" not in plain.headers


async def test_what_the_pages_are_installed_with_needs_no_token_and_is_asked_for_again(
    built: Path,
) -> None:
    (built / "manifest.webmanifest").write_text('{"name": "x"}')
    (built / "icon.svg").write_text("<svg/>")
    (built / "icon-192.png").write_bytes(b"PNG")
    async with client_of(load_site(built), token="correct-horse-battery") as client:
        types = {"manifest.webmanifest": "application/manifest+json", "icon.svg": "image/svg+xml",
                 "icon-192.png": "image/png"}  # fmt: skip
        for name, media_type in types.items():
            got = await client.get(f"/{name}")
            assert got.content == (built / name).read_bytes()
            assert got.headers["content-type"].partition(";")[0] == media_type
            # Their names stay when they change.
            assert got.headers["cache-control"] == "no-cache"
        assert (await client.get("/icon-512.png")).status_code == 404
        # The page may name it.
        policy = (await client.get("/")).headers["content-security-policy"]
        assert "manifest-src 'self';" in policy


async def test_no_other_file_beside_the_page_is_served(built: Path) -> None:
    (built / "icon-13.png").write_bytes(b"PNG")
    async with client_of(load_site(built)) as client:
        for name in ("icon-13.png", ".built-from", "index.html"):
            assert (await client.get(f"/{name}")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/..%2findex.html", "/assets/../access.py", "/assets/"]
)
async def test_no_path_leads_out_of_the_folder(built: Path, path: str) -> None:
    (built / "secret.txt").write_text("secret")
    async with client_of(load_site(built), token="correct-horse-battery") as client:
        assert (await client.get(path)).status_code in {401, 404}


async def test_without_a_build_the_plain_page_is_served_and_loads_nothing(tmp_path: Path) -> None:
    site = load_site(tmp_path)
    assert not site.built
    async with client_of(site) as client:
        page = await client.get("/")
        assert page.text == FALLBACK.read_text()
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_half_a_build_counts_as_none(built: Path) -> None:
    (built / "assets" / "index-abc.js").unlink()
    (built / "assets").rmdir()
    assert not load_site(built).built


def test_a_file_that_is_too_large_is_refused_at_start(built: Path) -> None:
    (built / "assets" / "big.js").write_bytes(b"x" * (FILE_BYTES_MAX + 1))
    with pytest.raises(ValueError, match=r"big\.js"):
        load_site(built)


async def test_the_document_of_the_api_names_what_the_page_reads(built: Path) -> None:
    async with client_of(load_site(built)) as client:
        schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    assert schemas["StoredAlert"]["properties"]["supply_raw"]["anyOf"][0] == {"type": "string"}
    assert {"AlertsAnswer", "TokensAnswer", "TriggersAnswer", "WhyRow"} <= schemas.keys()
