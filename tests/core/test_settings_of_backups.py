"""Settings of backups: what could not work is refused before anything starts."""

import pytest

from canonry.core.errors import Invalid
from canonry.core.settings import read_settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("URL", "backups"), ("URL", "s3://"), ("URL", "s3://Bucket"), ("URL", "s3://b/../c//d"), ("URL", "https://x"), ("KEY_FILE", "key"),
     ("DAYS", "0"), ("DAYS", "x"), ("S3_ENDPOINT", "s3.example.com"), ("S3_ENDPOINT", "ftp://x"), ("S3_KEY_ID", "alone"),
     ("S3_SECRET_KEY", "alone")],
)  # fmt: skip
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_settings({f"CANONRY_BACKUPS_{name}": value})
    assert "CANONRY_BACKUPS_" in caught.value.message


@pytest.mark.parametrize("url", ["", "/mnt/backups", "/a folder", "s3://bucket", "s3://my.bucket/one/two/"])
def test_places_that_can_be(url: str) -> None:
    assert read_settings({"CANONRY_BACKUPS_URL": url}).backups_url == url
