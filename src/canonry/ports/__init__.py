"""What Canonry needs from outside, as Protocols. The docstring of a method is its contract; `tests/contracts` proves it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from canonry.ports.builder import Builder
from canonry.ports.certificates import Certificates
from canonry.ports.clusters import Clusters
from canonry.ports.disk import BuildRoom, Disk
from canonry.ports.dns import Dns
from canonry.ports.edge import Edge
from canonry.ports.gates import ReleaseGate
from canonry.ports.git_host import GitHost
from canonry.ports.identity import Identity
from canonry.ports.limits import AccountLimits
from canonry.ports.mail import Mailer
from canonry.ports.objects import Objects
from canonry.ports.rates import Rates
from canonry.ports.runtime import Runtime
from canonry.ports.sign_in_provider import SignInProvider
from canonry.ports.trackers import Tracker


@dataclass(frozen=True)
class Ports:
    """One frozen bundle of everything outside, handed around; made in `wiring/container.py` only.

    trackers: by the name of the system, as CANON.yaml has it.
    """

    builder: Builder
    runtime: Runtime
    edge: Edge
    gate: ReleaseGate
    limits: AccountLimits
    identity: Identity
    mail: Mailer
    rates: Rates
    dns: Dns
    certificates: Certificates
    clusters: Clusters
    objects: Objects
    disk: Disk
    build_room: BuildRoom
    sign_in_provider: SignInProvider | None = None
    git_host: GitHost | None = None
    trackers: Mapping[str, Tracker] = field(default_factory=dict)


__all__ = [
    "AccountLimits",
    "BuildRoom",
    "Builder",
    "Certificates",
    "Clusters",
    "Disk",
    "Dns",
    "Edge",
    "GitHost",
    "Identity",
    "Mailer",
    "Objects",
    "Ports",
    "Rates",
    "ReleaseGate",
    "Runtime",
    "SignInProvider",
    "Tracker",
]
