"""Signing and checking texts (Ed25519): whoever has the public key can check, without asking anybody."""

import base64
import binascii


def public_key_of(seed: bytes) -> str:
    """Return the public half of the key that these 32 secret bytes are, in base64."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 -- seldom needed, slow to import

    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()).decode()


def sign(seed: bytes, text: str) -> str:
    """Return the signature of a text, in base64. seed: 32 secret bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 -- likewise

    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())).decode()


def is_signed(public_key: str, text: str, signature: str) -> bool:
    """Say whether the signature is one of this very text by that key; what is no key or no signature is none."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- likewise
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 -- likewise

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), text.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
