"""Static sites: what is served, what is left out, what is compressed, and how fast."""

import gzip
import os
import statistics
import time
from pathlib import Path

import pytest

from canonry.ports.builder import Plan, StaticSite
from canonry.ports.errors import BuildFailed
from tests.support.builds import Workshop

SITE = Plan("static", static=StaticSite("."))


def names(folder: Path | None) -> list[str]:
    assert folder is not None
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_text_gets_a_compressed_copy_and_small_or_packed_files_do_not(workshop: Workshop) -> None:
    text = "<p>" + "hello " * 500
    site = workshop.build(SITE, {"index.html": text, "small.css": "a{}", "noise.js": os.urandom(3000), "photo.jpg": text,
                                 "done.js": text, "done.js.br": b"brotli"}).site  # fmt: skip
    assert names(site) == ["done.js", "done.js.br", "index.html", "index.html.gz", "noise.js", "photo.jpg", "small.css"]
    assert site is not None
    assert gzip.decompress((site / "index.html.gz").read_bytes()).decode() == text


def test_hidden_files_of_the_source_are_not_served_and_well_known_ones_are(workshop: Workshop) -> None:
    site = workshop.build(SITE, {"index.html": "1", ".env": "SECRET=1", ".git/config": "x", "canonry.toml": "", ".well-known/a": "1"}).site
    assert names(site) == [".well-known/a", "index.html"]


def test_a_link_out_of_the_site_is_left_out_and_one_within_becomes_the_file(workshop: Workshop) -> None:
    request = workshop.request(SITE, {"index.html": "1", "page.html": "2"})
    (request.source / "passwd").symlink_to("/etc/passwd")
    (request.source / "up").symlink_to("../../../../secret.key")
    (request.source / "same.html").symlink_to("page.html")
    (request.source / "ring").symlink_to("ring")
    os.mkfifo(request.source / "pipe")
    artifact = workshop.run(request)
    assert names(artifact.site) == ["index.html", "page.html", "same.html"]
    assert not any(path.is_symlink() for path in artifact.folder.rglob("*"))
    assert "Left out passwd" in workshop.log


def test_the_site_may_be_a_folder_that_the_build_makes(workshop: Workshop) -> None:
    plan = Plan("shell", build="mkdir -p out/deep && echo 1 > out/index.html && echo 2 > out/deep/.kept", static=StaticSite("out"))
    assert names(workshop.build(plan, {"x": "1"}).site) == ["deep/.kept", "index.html"]


def test_a_site_with_a_worker_keeps_both(workshop: Workshop) -> None:
    plan = Plan("shell", static=StaticSite("public"), processes={"worker": "sh work.sh"})
    artifact = workshop.build(plan, {"public/index.html": "1", "work.sh": "echo"})
    assert names(artifact.site) == ["index.html"]
    assert names(artifact.folder / "app") == ["public/index.html", "work.sh"]


@pytest.mark.parametrize("root", ["dist", "../..", "/etc", "empty"])
def test_an_output_folder_that_is_missing_empty_or_outside_is_refused(workshop: Workshop, root: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        workshop.build(Plan("shell", build="mkdir -p empty", static=StaticSite(root)), {"x": "1"})
    assert caught.value.code == "output_missing"
    assert workshop.leftovers() == []


def test_an_output_folder_swapped_for_a_link_outside_is_refused(workshop: Workshop) -> None:
    with pytest.raises(BuildFailed) as caught:
        workshop.build(Plan("shell", build="ln -s /etc dist", static=StaticSite("dist")), {"x": "1"})
    assert caught.value.code == "output_missing"


def test_fifty_files_are_built_in_a_blink(workshop: Workshop) -> None:
    times = []
    for turn in range(5):
        files: dict[str, str | bytes] = {f"page{number}.html": f"<p>{turn} {number}</p>" * 700 for number in range(50)}
        request = workshop.request(SITE, {"index.html": "1", **files})
        started = time.monotonic()
        workshop.run(request)
        times.append(time.monotonic() - started)
    assert statistics.median(times) < 0.3, times  # 0.06 on an idle machine; this one may be shared
