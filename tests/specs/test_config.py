"""CANON.yaml: every key, every bad value, and where a spec goes."""

import pytest

from canonry.specs.config import Config, SpecRules, read_config
from canonry.specs.globs import Glob, GlobFault, is_spec_path

FULL = b"""version: "1"
team: payments
ticket_system: jira
project_key: PAY
slack_channel: "#pay"
specs:
  doc_paths: ["docs/**/*.md", specs/*.md]
  auto_tickets: false
  require_review: no
  lifecycle_sync: close_only
  check_pushes: true
  warnings_as_errors: yes
agents: {pr_analysis: false, doc_updates: true, realization_check: off, stale_detection: 7d}
ide:
  auto_context: true
  ai_exposure: {default: metadata, restricted_tags: [secret]}
sre: {x: 1}
ticket_systems:
  main: {system: jira, project: PAY, auth_profile: a, status_map: {forward: {todo: Open}}, dedup_enabled: false}
  other: {system: linear}
routing:
  - match: {tags: [Billing], team: Payments}
    target: main
    shadow_targets: [other]
  - match: {path: "docs/infra/**"}
    target: other
  - match: {default: true}
    target: main
auth_profiles: {a: {kind: token}}
"""


def rules(text: str) -> list[tuple[str, int]]:
    return [(found.rule, found.line) for found in read_config(text.encode()).diagnostics]


def test_everything_that_can_be_said_is_read() -> None:
    config = read_config(FULL)
    assert [(found.rule, found.severity, found.line) for found in config.diagnostics] == [
        ("config.no_effect", "warning", line) for line in (5, 13, 13, 15, 16, 17, 19, 24, 29)
    ]
    assert (config.team, config.ticket_system, config.project_key, config.slack_channel) == ("payments", "jira", "PAY", "#pay")
    assert config.specs == SpecRules(("docs/**/*.md", "specs/*.md"), False, False, "close_only", True, True)  # noqa: FBT003
    assert (config.agents.pr_analysis, config.agents.realization_check, config.agents.stale_detection) == (False, False, "7d")
    assert config.ticket_systems["main"].status_map == {"forward": {"todo": "Open"}}
    assert config.rest["sre"] == {"x": "1"}


@pytest.mark.parametrize(("text", "line"), [
    ("ticket_systems:\n  a:\n    system: canonry\n    field_map:\n      standard: {priority: p}", 5),
    ("ticket_systems: {a: {system: canonry}}\nrouting:\n  - match: {tags: [x]}\n    target: a\n    shadow_targets: [a]", 5),
    ("agents:\n  stale_detection: 30d", 2), ("ide:\n  auto_verify: true", 2), ("auth_profiles:\n  a: {kind: token}", 2),
])  # fmt: skip
def test_what_nothing_follows_is_told_with_its_line(text: str, line: int) -> None:
    assert rules(text) == [("config.no_effect", line)]


@pytest.mark.parametrize("text", ["agents: {pr_analysis: false, stale_detection: false}", "team: a", "extensions: {x: 1}",
                                  "ticket_systems: {slack: {system: canonry, field_map: {custom: {a: b}}}}"])  # fmt: skip
def test_what_is_followed_or_switched_off_draws_nothing(text: str) -> None:
    assert rules(text) == []


def test_nothing_gives_the_defaults() -> None:
    assert read_config(b"") == Config()
    assert Config().specs.doc_paths == ("docs/specs/*.md",)


@pytest.mark.contract("Canon", "CANON.yaml")
@pytest.mark.parametrize("text", ["a: [", "- a", "text", "a: *b", "[" * 30_000, "a: " + "x" * 70_000])
def test_broken_yaml_gives_all_defaults_and_an_error(text: str) -> None:
    config = read_config(text.encode())
    assert [found.rule for found in config.diagnostics] == ["config.yaml"]
    assert config.specs == SpecRules()
    assert [found.rule for found in read_config(b"\xff").diagnostics] == ["config.yaml"]


@pytest.mark.contract("Canon", "CANON.yaml")
@pytest.mark.parametrize(("text", "line"), [
    ("ticket_system: trello", 1), ("team: [a]", 1), ("specs: 3", 1), ("specs:\n  doc_paths: []", 2), ("specs:\n  doc_paths: docs", 2),
    ("specs:\n  doc_paths: [/etc/*]", 2), ("specs:\n  doc_paths: [../x]", 2), ("specs:\n  auto_tickets: maybe", 2),
    ("specs:\n  lifecycle_sync: sometimes", 2), ("agents: {stale_detection: 30}", 1), ("ide: {ai_exposure: {default: some}}", 1),
    ("ticket_systems:\n  a: {project: x}", 2), ("ticket_systems:\n  a: {system: trello}", 2),
])  # fmt: skip
def test_a_bad_value_is_dropped_with_an_error_at_its_place(text: str, line: int) -> None:
    found = rules(text)
    assert ("config.value", line) in found
    assert read_config(text.encode()).specs == SpecRules()


@pytest.mark.contract("Canon", "CANON.yaml")
@pytest.mark.parametrize("text", ["foo: 1", "specs: {paths: [a]}", "agents: {x: 1}"])
def test_an_unknown_key_draws_a_warning(text: str) -> None:
    assert rules(text) == [("config.unknown", 1)]


@pytest.mark.parametrize("rule", [
    "{match: {tags: [a], default: true}, target: t}", "{match: {default: false}, target: t}", "{target: t}", "{match: {tags: [a]}}",
    "{match: {team: [x], tags: [a]}, target: t}",
])  # fmt: skip
def test_a_rule_that_would_fit_too_much_is_dropped(rule: str) -> None:
    assert read_config(f"ticket_systems: {{t: {{system: jira}}}}\nrouting:\n  - {rule}\n".encode()).routing == ()


def test_a_target_that_does_not_exist_is_told() -> None:
    assert rules("routing:\n  - {match: {tags: [a]}, target: t}\n") == [("config.value", 2)]


def test_the_first_rule_that_fits_wholly_counts() -> None:
    config = read_config(FULL)
    assert config.route(path="docs/a.md", tags=("billing",), team="payments") == ("main", "other")
    assert config.route(path="docs/infra/x/a.md", tags=("billing",), team="growth") == ("other",)
    assert config.route(path="a.md") == ("main",)


def test_without_rules_the_only_system_counts() -> None:
    assert read_config(b"ticket_systems: {a: {system: jira}}").route(path="x") == ("a",)
    assert read_config(b"ticket_systems: {a: {system: jira}, b: {system: jira}}").route(path="x") == ()
    assert Config().route(path="x") == ()


def test_exposure_the_spec_then_its_tags_then_the_default() -> None:
    config = read_config(FULL)
    assert config.exposure("none", ("secret",)) == "none"
    assert config.exposure(None, ("Secret",)) == "metadata"
    assert config.exposure(None, ()) == "metadata"
    assert Config().exposure(None, ()) == "full"


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("docs/specs/*.md", "docs/specs/a.md", True),
        ("docs/specs/*.md", "docs/specs/b/a.md", False),
        ("docs/**/*.md", "docs/a.md", True),
        ("docs/**/*.md", "docs/b/c/a.md", True),
        ("docs/**", "docs/b/c", True),
        ("*.md", "a.md", True),
        ("a?.md", "ab.md", True),
        ("a?.md", "a/.md", False),
        ("./x.md", "x.md", True),
        ("x.[m]d", "x.[m]d", True),
        ("x.md", "x.md\n", False),
        ("**/x.md", "x.md", True),
    ],
)
def test_stars_stop_at_a_slash_and_two_cross_it(pattern: str, path: str, fits: bool) -> None:
    assert Glob(pattern).matches(path) is fits


@pytest.mark.parametrize("pattern", ["/a", "a/../b", "a//b", "a\\b", "~/a", "", "a\n", "x" * 201, "*a*b*c*", "**/a/**/b/**/c"])
def test_a_pattern_that_leads_out_or_takes_long_is_refused(pattern: str) -> None:
    with pytest.raises(GlobFault):
        Glob(pattern)


def test_files_with_an_underscore_are_no_specs() -> None:
    assert is_spec_path("docs/specs/a.md", (Glob("docs/specs/*.md"),))
    assert not is_spec_path("docs/specs/_template.md", (Glob("docs/specs/*.md"),))
