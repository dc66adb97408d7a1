"""What goes first, and which mark the disk has passed."""

from hypothesis import given
from hypothesis import strategies as st

from canonry.core.settings import Settings
from canonry.features.disk import Mark, mark_of, rules
from canonry.features.disk.models import KeptArtifact, KeptFile
from canonry.ports.builder import Stored
from canonry.ports.disk import Space

artifacts = st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=20).map(
    lambda rows: [KeptArtifact(f"art_{number}", needed, size) for number, (needed, size) in enumerate(rows)]
)


@given(artifacts, st.integers(-50, 500))
def test_what_is_needed_and_the_way_back_stay_whatever_the_budget(rows: list[KeptArtifact], budget: int) -> None:
    dropped = set(rules.artifacts_to_drop(rows, budget=budget))
    assert not dropped & {row.id for row in rows if row.needed}
    newest_spare = next((row.id for row in rows[: rules.KEPT] if not row.needed), None)
    assert newest_spare not in dropped
    assert {row.id for row in rows[rules.KEPT :] if not row.needed} <= dropped


@given(artifacts)
def test_with_room_the_newest_five_and_what_is_needed_stay(rows: list[KeptArtifact]) -> None:
    dropped = rules.artifacts_to_drop(rows, budget=1 << 40)
    assert dropped == [row.id for number, row in enumerate(rows) if number >= rules.KEPT and not row.needed]


@given(st.lists(st.integers(0, 100), max_size=20), st.integers(0, 500), st.integers(0, 500))
def test_files_go_oldest_first_and_no_more_than_has_to(sizes: list[int], others: int, budget: int) -> None:
    files = [KeptFile(str(number), size) for number, size in enumerate(sizes)]
    total = sum(sizes) + others
    dropped = rules.files_to_drop(files, total=total, budget=budget)
    assert dropped == files[: len(dropped)]
    left = total - sum(item.bytes for item in dropped)
    assert left <= budget or dropped == files
    if dropped:
        assert left + dropped[-1].bytes > budget


def test_caches_go_before_toolchains_and_what_is_in_use_stays() -> None:
    stored = [
        Stored("toolchain", "node-24.1.0", 5, used_at=1), Stored("toolchain", "go-1.25.0", 5, used_at=0, in_use=True),
        Stored("cache", "prj_b", 5, used_at=9), Stored("cache", "prj_a", 5, used_at=2),
    ]  # fmt: skip
    assert [item.name for item in rules.first_to_go(stored)] == ["prj_a", "prj_b", "node-24.1.0"]


def test_only_the_project_with_too_many_caches_loses_some() -> None:
    stored = [
        Stored("cache", "prj_a", 60, used_at=5),
        Stored("cache", "prj_a-0123", 60, used_at=1),
        Stored("cache", "prj_b", 90, used_at=0),
    ]
    assert [item.name for item in rules.caches_over_budget(stored, 100)] == ["prj_a-0123"]


def test_builds_stop_after_caches_went() -> None:
    settings = Settings(disk_reserve=100, disk_clean_below=300)
    marks = [mark_of(settings, Space(1 << 40, free << 20)) for free in (300, 299, 100, 99, 0)]
    assert marks == [Mark.FINE, Mark.LOW, Mark.LOW, Mark.FULL, Mark.FULL]
