"""Is it the host of the repository who calls? Only who knows the secret can sign the very bytes that came."""

import hmac
import re
from collections.abc import Mapping

from canonry.core.secret import Secret

_SIGNATURES = ("x-hub-signature-256", "x-canonry-signature", "x-cantila-signature", "x-gitea-signature")
_TOKEN = "x-gitlab-token"  # noqa: S105 -- the name of a header; GitLab sends the secret itself
_FORM = re.compile(r"(?:sha256=)?([0-9a-f]{64})", re.IGNORECASE)


class SignatureCheck:
    """Checks one request: fed with the body as it comes, asked at its end.

    headers: names in lower case. Every signature header that is there has to be right; at least one has to be there.
    """

    def __init__(self, headers: Mapping[str, str], secret: Secret) -> None:
        self._claims = [headers[name].strip() for name in _SIGNATURES if name in headers]
        self._token = headers.get(_TOKEN)
        self._secret = secret.reveal().encode()
        self._digest = hmac.new(self._secret, digestmod="sha256")

    def update(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._digest.update(piece)

    def is_right(self) -> bool:
        """Say whether the body was signed with the secret; takes the same time whatever is wrong."""
        expected = self._digest.hexdigest()
        results = []
        for claim in self._claims:
            form = _FORM.fullmatch(claim)
            results.append(hmac.compare_digest(form[1].lower() if form else "", expected))
        if self._token is not None:
            results.append(hmac.compare_digest(self._token.encode("utf-8", "surrogateescape"), self._secret))
        return bool(results) and all(results)


def claims_anything(headers: Mapping[str, str]) -> bool:
    """Say whether there is something to check; if not, the body need not even be read."""
    return _TOKEN in headers or any(_FORM.fullmatch(headers.get(name, "").strip()) for name in _SIGNATURES)
