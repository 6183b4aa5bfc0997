"""Every setting of history."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pw_common.service.run import CommonSettings
from pw_common.service.settings import between, readable_file, setting
from pw_common.topology.streams import GIB, MIB
from pw_common.topology.subjects import TOKEN
from pw_history.parquet.store import StoreSettings


def _tokens(value: str) -> str | None:
    names = [name for name in value.split(",") if name]
    wrong = [name for name in names if not TOKEN.fullmatch(name)]
    if not names or wrong:
        return f"allowed: source names {TOKEN.pattern}, comma separated"
    return None


def _parquet_url(value: str) -> str | None:
    if value and not value.startswith(("/", "s3://")):
        return "allowed: an absolute folder, or s3://BUCKET/PREFIX"
    return None


@dataclass(frozen=True, kw_only=True)
class Settings(CommonSettings):
    """What history reads beside the common settings."""

    sources: str = setting(
        "PW_HISTORY_SOURCES",
        "Sources whose slots must be complete before a slot is stored, comma separated; as the "
        "detector's",
        default="main",
        check=_tokens,
    )
    folder: Path = setting(
        "PW_HISTORY_DIR",
        "Folder of the file that everything is kept in; made if it is not there",
        default=Path("history"),
    )
    hours: int = setting(
        "PW_HISTORY_HOURS",
        "Hours of event time of which single swaps are kept",
        default=24,
        check=between(1, 24 * 365),
    )
    days: int = setting(
        "PW_HISTORY_DAYS",
        "Days of event time of which minutes and wallets' hours are kept",
        default=30,
        check=between(1, 3_650),
    )
    parquet_url: str = setting(
        "PW_HISTORY_PARQUET_URL",
        "Where closed hours are exported to: an absolute folder, or s3://BUCKET/PREFIX; unset: "
        "`parquet` below PW_HISTORY_DIR",
        default="",
        check=_parquet_url,
    )
    parquet_hours: int = setting(
        "PW_HISTORY_PARQUET_HOURS",
        "Hours of which the exported files are kept; 0 keeps all",
        default=24 * 30,
        check=between(0, 24 * 3_650),
    )
    s3_endpoint: str = setting(
        "PW_HISTORY_S3_ENDPOINT",
        "https://HOST of a service that speaks S3; unset: AWS",
        default="",
    )
    s3_region: str = setting("PW_HISTORY_S3_REGION", "Region of the bucket", default="us-east-1")
    s3_access_key_file: Path | None = setting(
        "PW_HISTORY_S3_ACCESS_KEY_FILE",
        "File with the bucket's access key; unset: the machine's own identity",
        default=None,
        check=readable_file,
    )
    s3_secret_key_file: Path | None = setting(
        "PW_HISTORY_S3_SECRET_KEY_FILE",
        "File with its secret key",
        default=None,
        check=readable_file,
    )
    s3_in_clear: bool = setting(
        "PW_HISTORY_S3_IN_CLEAR",
        "Whether the endpoint may be http://, where others on the way can read",
        default=False,
    )
    free_bytes_min: int = setting(
        "PW_HISTORY_FREE_BYTES_MIN",
        "Room that history leaves on its disk for others, as the broker: with less it stops, says "
        "so, and goes on from its position once there is more; 0 takes all",
        default=GIB,
        check=between(0, 1024 * GIB),
    )
    memory_bytes_max: int = setting(
        "PW_HISTORY_MEMORY_BYTES_MAX",
        "Memory that history may hold; a container's smaller limit counts instead",
        default=GIB,
        check=between(256 * MIB, 1024 * GIB),
    )

    def store(self) -> StoreSettings:
        """Where closed hours are exported to."""
        return StoreSettings(
            url=self.parquet_url or str((self.folder / "parquet").absolute()),
            endpoint=self.s3_endpoint,
            region=self.s3_region,
            access_key_file=self.s3_access_key_file,
            secret_key_file=self.s3_secret_key_file,
            allow_http=self.s3_in_clear,
        )

    def source_names(self) -> tuple[str, ...]:
        """The declared sources, in order."""
        return tuple(sorted({name for name in self.sources.split(",") if name}))
