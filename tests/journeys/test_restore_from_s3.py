"""Everything is lost but a bucket, its access key and the key of the backups: an empty home becomes the same Canonry again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, free_port
from tests.support.lost import Lost, kill_in_the_middle, shows_everything
from tests.support.s3 import S3Server, running_s3

_PLACE = "s3://backups/of/canonry"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture(scope="module")
def lost(tmp_path_factory: pytest.TempPathFactory, server: S3Server) -> Iterator[Lost]:
    server.make_bucket("backups")
    key_id, secret = server.ask_for_keys()
    made = Lost(
        tmp_path_factory.mktemp("lost"), _PLACE, CANONRY_BACKUPS_S3_ENDPOINT=server.url, CANONRY_BACKUPS_S3_REGION="eu-central-1",
        CANONRY_BACKUPS_S3_KEY_ID=key_id, CANONRY_BACKUPS_S3_SECRET_KEY=secret,
    )  # fmt: skip
    try:
        made.fill()
        made.lose()
        yield made
    finally:
        made.canonry.down()


def new(lost: Lost, folder: Path, **settings: str) -> Canonry:
    """Return an empty home with the access to the bucket that the lost one had, or another one."""
    folder.mkdir(exist_ok=True)
    return Canonry(folder, free_port(), {**lost.canonry.settings, **settings})


def test_a_new_home_is_the_same_canonry_after_kills_and_a_refusal_in_the_middle(lost: Lost, server: S3Server, tmp_path: Path) -> None:
    target = new(lost, tmp_path / "new")
    for written in ("secret.key", "postgres/data"):  # killed while parts are unpacked, and while rows are brought back
        kill_in_the_middle(lost, target, written)
    server.forbid("backups/of/canonry/base/db_*")
    refused = lost.restore(target)
    assert (refused.returncode != 0, "refuses us" in refused.stderr, "CANONRY_BACKUPS_S3_SECRET_KEY" in refused.stderr) == (True,) * 3
    assert "Traceback" not in refused.stderr
    assert (target.home / ".restoring").exists()
    assert target.command("up", "--detach").returncode != 0
    server.forbid()
    done = lost.restore(target)
    assert (done.returncode, "Set CANONRY_BACKUPS_URL" in done.stderr) == (0, False), done.stderr
    assert not (target.home / ".restoring").exists()
    target.up()
    try:
        shows_everything(lost, target)
    finally:
        target.down()


@pytest.mark.parametrize(
    ("settings", "words", "says"),
    [
        ({"CANONRY_BACKUPS_S3_SECRET_KEY": "not-the-secret"}, (), "CANONRY_BACKUPS_S3_SECRET_KEY"),
        ({"CANONRY_BACKUPS_S3_KEY_ID": "AKIANOBODY"}, (), "CANONRY_BACKUPS_S3_KEY_ID"),
        ({"CANONRY_BACKUPS_S3_SECRET_KEY": ""}, (), "CANONRY_BACKUPS_S3_SECRET_KEY"),
        ({}, ("--from", "s3://backup/of/canonry"), "There is no bucket s3://backup/"),
        ({}, ("--from", "s3://backups/of/somebody"), "There is no backup of a Canonry in the bucket s3://backups/of/somebody"),
        ({}, ("--from", "s3:/backups"), "s3:/backups"),
        ({}, ("--backup", "20200101T000000Z-abcdef"), "There is no backup '20200101T000000Z-abcdef'"),
        ({}, ("--platform", "0123456789ab"), "There is no backup of a Canonry"),
    ],
    ids=["secret", "key id", "half of the access", "bucket", "prefix", "address", "backup", "platform"],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_begun(
    lost: Lost, tmp_path: Path, settings: dict[str, str], words: tuple[str, ...], says: str
) -> None:
    target = new(lost, tmp_path / "new", **settings)
    done = target.command(*lost.words(), *words)
    assert (done.returncode != 0, says in done.stderr, "Traceback" in done.stderr) == (True, True, False), done.stderr
    assert not target.home.exists()
