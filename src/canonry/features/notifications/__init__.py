"""Mails to people about deployments: that one failed, and that it works again; to those who want to know, and never many in a row."""

from canonry.features.notifications.sending import Digest

__all__ = ["Digest"]
