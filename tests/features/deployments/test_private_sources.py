"""A repository inside this network: neither a plan nor a deploy asks it."""

import socket

from tests.support.api import Api


def test_a_plan_and_a_deploy_ask_nothing_inside_this_network(api: Api) -> None:
    with socket.create_server(("127.0.0.2", 0)) as server:  # the tests' own Canonry allows 127.0.0.1 only
        server.settimeout(0.2)
        url = f"http://127.0.0.2:{server.getsockname()[1]}/shop.git"
        assert api.ask("POST", "/v1/deploy/plan", {"repo_url": url}).error == (400, "private_address")
        slug = api.project(repo_url=url)
        assert api.ask("POST", f"/v1/projects/{slug}/deploy", {}).status == 202
        api.work(slug)
        assert api.deployments(slug)[0]["error"]["code"] == "private_address"
        try:
            server.accept()
        except TimeoutError:
            return
        raise AssertionError("somebody connected")
