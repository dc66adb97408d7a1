"""Domains and aliases: further names of a project, the proof of who owns them, and their certificates.

Stands above deployments, because a name that is attached, proved, made primary or taken away is led there at once
(docs/decisions/0010). Whose a name is, is proved by a TXT record; `verification.py` tells how.
"""

from canonry.features.domains.rounds import DomainRounds

__all__ = ["DomainRounds"]
