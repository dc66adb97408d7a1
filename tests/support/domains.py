"""What tests about domains need: the records that make a claim true."""

from dataclasses import dataclass

from canonry.adapters.dns.memory import MemoryDns
from canonry.core.access import Scope
from tests.support.api import Answer, Api, Somebody


def dns_of(api: Api) -> MemoryDns:
    """Return the DNS of an API under test, without anything in it."""
    dns = api.container.ports.dns
    assert isinstance(dns, MemoryDns)
    return dns


@dataclass(frozen=True)
class Tenant:
    """Somebody with a project, who attaches names to it."""

    api: Api
    who: Somebody
    project: str

    @property
    def path(self) -> str:
        """Return where the domains of the project are."""
        return f"/v1/projects/{self.project}/domains"

    def attach(self, hostname: str, **more: object) -> Answer:
        """Claim a name."""
        return self.ask("POST", self.path, {"hostname": hostname, **more})

    def verify(self, hostname: str) -> bool:
        """Look at the DNS now and say whether the name is verified."""
        answer = self.ask("POST", f"{self.path}/{hostname}/verify")
        assert answer.status == 200, answer.body
        return bool(answer.json["verified"])

    def token(self, hostname: str) -> str:
        """Return what the TXT record of a claim must hold."""
        records = self.ask("GET", f"{self.path}/{hostname}").json["dns_records"]
        return str(next(record["value"] for record in records if record["type"] == "TXT"))

    def prove(self, hostname: str) -> None:
        """Write the TXT record of a claim (others stay)."""
        dns_of(self.api).records.setdefault(("_canonry." + hostname, "TXT"), []).append(self.token(hostname))

    def own(self, hostname: str, **more: object) -> None:
        """Claim a name, prove it and verify it."""
        assert self.attach(hostname, **more).status == 201
        self.prove(hostname)
        assert self.verify(hostname)

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Make a request as this person."""
        return self.api.ask(method, path, body, token=self.who.tokens[Scope.ADMIN])

    def deploy(self, text: str) -> None:
        """Deploy a site that says `text`."""
        answer = self.api.upload(self.project, {"index.html": text}, token=self.who.tokens[Scope.ADMIN])
        assert answer.status == 202, answer.body
        self.api.work_for(answer.json["deployment"]["project_id"])


def tenant(api: Api, slug: str, *, who: Somebody | None = None, site: str = "") -> Tenant:
    """Make a project of somebody's (the owner's unless said otherwise), with a site that says `site` when that is not empty."""
    made = Tenant(api, who or api.owner, slug)
    assert made.ask("POST", "/v1/projects", {"name": slug, "slug": slug}).status == 201
    if site:
        made.deploy(site)
    return made
