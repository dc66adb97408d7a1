"""Node apps: npm with a lock file, a build over the shared packages, and what it writes there."""

import dataclasses
import json

import pytest

from canonry.ports.builder import Artifact, Plan, StaticSite, Toolchain
from canonry.ports.errors import BuildFailed
from tests.support.builds import Workshop, run_in

NODE = Toolchain("node", "24", "default")
PACKAGE = {
    "name": "app", "version": "1.0.0", "private": True, "scripts": {"build": "vite build"},
    "dependencies": {"express": "5.1.0"}, "devDependencies": {"vite": "4.5.14"},
}  # fmt: skip
SOURCE = {
    "package.json": json.dumps(PACKAGE), "index.html": "<script type=module src=/main.js></script>", "main.js": "console.log('built')",
    "server.js": "const express = require('express'); console.log(typeof express(), process.env.NODE_ENV)",
}  # fmt: skip
VITE = Plan(
    "node", toolchains=(NODE,), install="npm ci", build="npm run build", static=StaticSite("dist"), lockfiles=("package-lock.json",)
)
EXPRESS = Plan("node", toolchains=(NODE,), install="npm ci", processes={"web": "node server.js"}, lockfiles=("package-lock.json",))


@pytest.fixture(scope="module")
def source(workshop: Workshop) -> dict[str, str]:
    """The source with a lock file, made by npm itself; it names no index."""
    plan = Plan("node", toolchains=(NODE,), install="npm install --package-lock-only --omit-lockfile-registry-resolved")
    made = workshop.build(plan, SOURCE)
    return SOURCE | {"package-lock.json": (made.folder / "app/package-lock.json").read_text()}


@pytest.fixture(scope="module")
def express(workshop: Workshop, source: dict[str, str]) -> Artifact:
    return workshop.build(EXPRESS, source)


def test_express_is_installed_and_runs_read_only(express: Artifact) -> None:
    assert (
        run_in(express, "node server.js && npm --version > /dev/null && which vite") == "function production\n/app/node_modules/.bin/vite\n"
    )


def test_a_changed_app_uses_the_same_packages_at_once(workshop: Workshop, source: dict[str, str], express: Artifact) -> None:
    changed = workshop.build(EXPRESS, source | {"server.js": "console.log(2)"})
    assert changed.mounts == express.mounts
    assert "unchanged" in workshop.log
    assert run_in(changed, "node server.js") == "2\n"


def test_vite_builds_a_site_with_the_same_packages(workshop: Workshop, source: dict[str, str], express: Artifact) -> None:
    artifact = workshop.build(VITE, source)
    assert express.mounts
    assert "unchanged" in workshop.log
    assert artifact.mounts == ()
    assert artifact.site is not None
    (script,) = (artifact.site / "assets").glob("index-*.js")
    assert "built" in script.read_text()


def test_node_env_production_of_the_project_does_not_keep_build_tools_out(workshop: Workshop, source: dict[str, str]) -> None:
    plan = dataclasses.replace(EXPRESS, build="ls node_modules/.bin/vite && echo is $NODE_ENV")
    workshop.build(plan, source, variables={"NODE_ENV": "production"})
    assert "is production" in workshop.log


def test_what_a_build_writes_among_the_packages_is_in_its_artifact_only(
    workshop: Workshop, source: dict[str, str], express: Artifact
) -> None:
    plan = dataclasses.replace(EXPRESS, build="echo 'module.exports = 7' > node_modules/express/made.js && rm -r node_modules/vite")
    artifact = workshop.build(plan, source)
    assert run_in(artifact, "node -p 'require(\"express/made.js\")'; ls node_modules | grep -c '^vite$' || true") == "7\n0\n"
    assert run_in(express, "ls node_modules/express/made.js 2>/dev/null || ls -d node_modules/vite") == "node_modules/vite\n"


def test_kept_folders_come_back_in_the_next_build_and_not_in_the_artifact(
    workshop: Workshop, source: dict[str, str], express: Artifact
) -> None:
    write = "mkdir -p .next/cache node_modules/.cache; echo x >> .next/cache/a; echo y >> node_modules/.cache/b"
    build = f"{write}; cat .next/cache/a node_modules/.cache/b"
    plan = dataclasses.replace(EXPRESS, build=build, caches=(".next/cache", "node_modules/.cache"))
    for turn in (1, 2):
        artifact = workshop.build(plan, source | {"turn": str(turn)})
        assert [line for line in workshop.lines if line in {"x", "y"}] == ["x"] * turn + ["y"] * turn
        assert not (artifact.folder / "app/.next").exists()
    assert artifact.mounts == express.mounts


def test_a_lock_file_that_does_not_fit_is_told(workshop: Workshop, source: dict[str, str]) -> None:
    package = PACKAGE | {"dependencies": {"express": "5.1.0", "ms": "2.1.3", "left-pad": "1.3.0"}}
    with pytest.raises(BuildFailed, match="the lock file does not fit") as caught:
        workshop.build(EXPRESS, source | {"package.json": json.dumps(package)})
    assert "npm ci" in caught.value.message
    assert workshop.leftovers() == []


def test_a_missing_script_is_named(workshop: Workshop, source: dict[str, str]) -> None:
    with pytest.raises(BuildFailed, match=r"no such script \(biuld\)"):
        workshop.build(dataclasses.replace(VITE, build="npm run biuld"), source)


def test_a_hook_of_the_project_makes_the_source_part_of_the_layer(workshop: Workshop, source: dict[str, str], express: Artifact) -> None:
    hooked = source | {
        "package.json": json.dumps(PACKAGE | {"scripts": {"postinstall": "cp main.js made.js && cp main.js node_modules/made.js"}})
    }
    first = workshop.build(EXPRESS, hooked)
    assert first.mounts != express.mounts
    second = workshop.build(EXPRESS, hooked | {"main.js": "console.log('new')"})
    assert run_in(second, "cat made.js node_modules/made.js") == "console.log('new')" * 2
    third = workshop.build(EXPRESS, hooked | {"main.js": "console.log('new')"}, variables={})
    assert third.reused


def test_files_that_an_install_wrote_into_the_source_are_there_with_a_reused_layer(workshop: Workshop, source: dict[str, str]) -> None:
    plan = dataclasses.replace(
        EXPRESS, install="mkdir -p packages/a/node_modules/x generated && echo 1 > generated/file && echo 2 > packages/a/node_modules/x/y"
    )
    for turn in (1, 2):
        artifact = workshop.build(plan, source | {"packages/a/turn": str(turn)})
        assert run_in(artifact, "cat generated/file packages/a/node_modules/x/y packages/a/turn") == f"1\n2\n{turn}"
    assert "unchanged" in workshop.log


def test_a_link_where_packages_belong_is_refused(workshop: Workshop, source: dict[str, str]) -> None:
    plan = dataclasses.replace(EXPRESS, install="mkdir -p packages/a/node_modules/x")
    workshop.build(plan, source | {"packages/a/turn": "1"})
    outside = workshop.home.root / "victim" / "a" / "node_modules"
    outside.mkdir(parents=True)
    (outside / "precious").write_text("1")
    request = workshop.request(plan, source)
    (request.source / "packages").symlink_to(workshop.home.root / "victim")
    with pytest.raises(BuildFailed) as caught:
        workshop.run(request)
    assert caught.value.code == "source_conflict"
    assert (outside / "precious").read_text() == "1"
