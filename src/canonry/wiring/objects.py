"""Where backups lie, and the key they are sealed with."""

from pathlib import Path

from canonry.adapters.objects.folder import FolderObjects
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.ports.objects import Objects


def make_objects(settings: Settings, home: Home) -> Objects:
    """Return the place that CANONRY_BACKUPS_URL names; touches nothing."""
    url = settings.backups_url
    if not url.startswith("s3://"):
        return FolderObjects(Path(url) if url else home.backups)
    from canonry.adapters.objects.s3 import S3Access, S3Objects  # noqa: PLC0415 -- a large library that a folder needs not

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return S3Objects(
        S3Access(
            bucket, prefix.rstrip("/"), endpoint=settings.backups_s3_endpoint.rstrip("/"), region=settings.backups_s3_region,
            key_id=settings.backups_s3_key_id, secret_key=settings.backups_s3_secret_key,
        )
    )  # fmt: skip
