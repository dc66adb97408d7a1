"""Two sites in one repository that Canonry hosts: everything real, from `repos create` to the second push."""

from pathlib import Path

from tests.support.canonry import eventually, running_canonry
from tests.support.git import Person


def test_a_push_deploys_the_sites_that_it_concerns(tmp_path: Path) -> None:
    with running_canonry(tmp_path / "canonry") as canonry:
        ada = Person(tmp_path / "ada")
        repository = canonry.api("POST", "/v1/repositories", {"name": "mono"})["repository"]
        for slug in ("one", "two"):
            said = canonry.command("git", "connect", repository["full_name"], "--root", slug, "--project", slug, cwd=tmp_path).stderr
            assert f"{slug} is deployed from {repository['full_name']}, branch main" in said
        address = f"http://ada:{canonry.token()}@localhost:{canonry.port}/git/{repository['full_name']}.git"

        first = ada.commit({"one/index.html": "<p>one</p>", "two/index.html": "<p>two</p>"})
        pushed = ada.git("push", address, "main").stderr
        assert f"one: deployed at {first[:12]}" in pushed
        assert f"http://two.localhost:{canonry.port}" in pushed
        for slug in ("one", "two"):
            eventually(lambda slug=slug: canonry.site(slug).text, lambda text, slug=slug: slug in text)  # type: ignore[misc]

        ada.commit({"two/index.html": "<p>two again</p>"})
        pushed = ada.git("push", address, "main").stderr
        assert f"one: not deployed: nothing of it changed since {first[:12]}" in pushed
        assert "for two/index.html changed" in pushed
        assert "two again" in canonry.site("two").text
        assert len(canonry.api("GET", "/v1/projects/one/deployments")["deployments"]) == 1

        refused = canonry.command("repos", "rm", "mono", "--yes")
        assert refused.returncode == 5
        assert "canonry git disconnect --project one" in refused.stderr
