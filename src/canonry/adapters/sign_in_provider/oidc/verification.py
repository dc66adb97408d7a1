"""Whether a token is the provider's own word, meant for us, and still good."""

from typing import Any

import jwt

from canonry.adapters.sign_in_provider.oidc.directory import Directory

# Asymmetric ones only: with a shared secret (HS256) everybody who may check a token could make one, and `none` is no signature.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY = 60  # seconds by which clocks may differ


class Refused(Exception):
    """The token is not good; the text says why, for the log and for whoever set the provider up."""


def verify(token: str, directory: Directory, *, audience: str, nonce: str | None = None) -> dict[str, Any]:
    """Return the claims of a token: signed by a key of the issuer, made for `audience`, not expired, with the nonce when one is given.

    Raises: Refused; Unavailable `provider_unavailable`.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise Refused("it is no signed token") from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise Refused(f"it is signed with {str(algorithm)[:20]!r}, which is not accepted")
    claims = _claims(token, directory, str(algorithm), key_id if isinstance(key_id, str) else None, audience)
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp", audience) != audience:
        raise Refused("it was made for another client")
    if nonce is not None and claims.get("nonce") != nonce:
        raise Refused("it belongs to another sign-in")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise Refused("it does not say who signed in")
    return claims


def _claims(token: str, directory: Directory, algorithm: str, key_id: str | None, audience: str) -> dict[str, Any]:
    reason = "none of the provider's keys made it"
    for key in directory.keys(key_id):
        try:
            return dict(jwt.decode(
                token, key=jwt.PyJWK(dict(key), algorithm=algorithm).key, algorithms=[algorithm], audience=audience,
                issuer=directory.issuer, leeway=_LEEWAY, options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            ))  # fmt: skip
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidKeyError:  # a key of another kind than the algorithm
            continue
        except jwt.PyJWTError as error:
            reason = str(error)
            break
    raise Refused(reason)
