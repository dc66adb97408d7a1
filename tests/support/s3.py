"""A real S3 server as a process of its own (moto's). Fixture: `s3_server`."""

import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from canonry.adapters.objects.s3 import S3Access
from canonry.core.secret import Secret
from tests.support.waiting import until


@dataclass(frozen=True)
class S3Server:
    """One server. url: where it answers."""

    url: str

    def make_bucket(self, name: str) -> S3Access:
        """Make a bucket and return how it is reached."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=10).close()
        return self.access(name)

    def access(self, bucket: str, prefix: str = "canonry") -> S3Access:
        """Return how a bucket would be reached."""
        return S3Access(bucket, prefix, endpoint=self.url, region="eu-central-1", key_id="test", secret_key=Secret("test"))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Give a running server; it chooses its port itself and says which in its log."""
    with tempfile.TemporaryDirectory(prefix="s3-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], stdout=file, stderr=file)
        try:
            until(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()) is not None, timeout=60)
            found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
            assert found is not None
            yield S3Server(found.group())
        finally:
            process.terminate()
            process.wait(60)
