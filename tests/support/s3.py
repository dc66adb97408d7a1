"""A real S3 server as a process of its own (moto's), which lets everybody in until it is told to ask for keys. Fixture: `s3_server`."""

import json
import re
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from canonry.adapters.objects.s3 import S3Access
from canonry.core.secret import Secret
from tests.support.waiting import until

_USER = "backups"
_UNSIGNED = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x"


@dataclass(frozen=True)
class S3Server:
    """One server. url: where it answers."""

    url: str

    def make_bucket(self, name: str) -> S3Access:
        """Make a bucket and return how it is reached."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=10).close()
        return self.access(name)

    def access(self, bucket: str, prefix: str = "canonry", *, key_id: str = "test", secret: str = "test") -> S3Access:
        """Return how a bucket would be reached."""
        return S3Access(bucket, prefix, endpoint=self.url, region="eu-central-1", key_id=key_id, secret_key=Secret(secret))

    def ask_for_keys(self) -> tuple[str, str]:
        """Make the one key, an id and a secret, without which nobody gets in from now on."""
        self._manage("CreateUser")
        answer = self._manage("CreateAccessKey")
        self.forbid()
        return tuple(answer.partition(f"<{name}>")[2].partition("<")[0] for name in ("AccessKeyId", "SecretAccessKey"))  # type: ignore[return-value]

    def forbid(self, *objects: str) -> None:
        """Let the key do everything but read these objects, named as `bucket/key` with `*` for anything; ask for it from now on."""
        may = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
        may += [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}"} for name in objects]
        self._require_signatures(yes=False)  # managing comes unsigned
        self._manage("PutUserPolicy", PolicyName="may", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": may}))
        self._require_signatures(yes=True)

    def _manage(self, action: str, **values: str) -> str:
        body = urllib.parse.urlencode({"Version": "2010-05-08", "Action": action, "UserName": _USER, **values}).encode()
        request = urllib.request.Request(self.url, data=body, headers={"Host": "iam.amazonaws.com", "Authorization": _UNSIGNED})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())

    def _require_signatures(self, *, yes: bool) -> None:
        body, headers = b"0" if yes else b"inf", {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", data=body, headers=headers)
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Give a running server that lets everybody in."""
    with running_s3() as server:
        yield server


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Run a server of one's own; it chooses its port itself and says which in its log."""
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
