"""From settings to the place of backups."""

import secrets
from pathlib import Path

from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.wiring.objects import make_objects
from tests.support.s3 import S3Server


def test_without_a_setting_backups_lie_in_the_home(tmp_path: Path) -> None:
    objects = make_objects(Settings(), Home(tmp_path))
    objects.put("a/b", [b"x"])
    assert (tmp_path / "backups" / "a" / "b").read_bytes() == b"x"


def test_a_folder_can_be_named(tmp_path: Path) -> None:
    objects = make_objects(Settings(backups_url=str(tmp_path / "there")), Home(tmp_path / "home"))
    objects.put("a", [b"x"])
    assert (tmp_path / "there" / "a").is_file()


def test_a_bucket_can_be_named(tmp_path: Path, s3_server: S3Server) -> None:
    bucket = f"wired-{secrets.token_hex(4)}"
    s3_server.make_bucket(bucket)
    settings = Settings(backups_url=f"s3://{bucket}/one/two/", backups_s3_endpoint=s3_server.url + "/", backups_s3_region="eu-west-1",
                        backups_s3_key_id="id", backups_s3_secret_key=Secret("secret words"))  # fmt: skip
    objects = make_objects(settings, Home(tmp_path))
    objects.put("a", [b"x"])
    above = make_objects(Settings(**{**vars(settings), "backups_url": f"s3://{bucket}"}), Home(tmp_path))
    assert [found.key for found in above.list("")] == ["one/two/a"]
    assert bucket in objects.place
    assert "secret words" not in objects.place
