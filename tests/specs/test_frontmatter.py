"""The frontmatter, field by field, and YAML that means no good."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from canonry.specs import Frontmatter, Severity, parse
from canonry.specs.yaml_text import YamlFault, plain, read, read_plain


def parsed(fields: str) -> tuple[Frontmatter, list[tuple[str, Severity, int]]]:
    document = parse(f"---\ntitle: T\n{fields}\n---\n")
    return document.frontmatter, [(found.rule, found.severity, found.line) for found in document.diagnostics]


def test_what_is_not_said_has_its_default() -> None:
    assert parsed("") == (Frontmatter(title="T"), [])


def test_a_file_without_title_or_frontmatter_has_an_error() -> None:
    for text in ("", "text\n", "---\nowner: a\n---\n", "---\n---\n", "---\ntitle:\n---\n", '---\ntitle: ""\n---\n'):
        document = parse(text)
        assert document.frontmatter.title == "Untitled Spec"
        assert [(found.rule, found.severity) for found in document.diagnostics] == [("frontmatter.title", Severity.ERROR)]


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("status: blocked", "status", "blocked"),
        ("type: adr", "type", "adr"),
        ("owner: Ann O'Hara", "owner", "Ann O'Hara"),
        ("owner: 007", "owner", "007"),
        ("team: 1.10", "team", "1.10"),
        ("ticket_project: PAY", "ticket_project", "PAY"),
        ("ticket_project: null", "ticket_project", None),
        ("created: 2026-01-07", "created", "2026-01-07"),
        ("updated: '2026-01-07'", "updated", "2026-01-07"),
        ("tags: [a, b]", "tags", ("a", "b")),
        ("tags: a, b", "tags", ("a", "b")),
        ("tags:\n  - a\n  - b", "tags", ("a", "b")),
        ("tags: []", "tags", ()),
        ("depends_on: other", "depends_on", ("other",)),
        ("supersedes: old", "supersedes", "old"),
        ("review_status: in_review", "review_status", "in_review"),
        ("sync: auto", "sync", "auto"),
        ("sync: true", "sync", "true"),
        ("sync: yes", "sync", "true"),
        ("sync: off", "sync", "false"),
        ("ai_exposure: metadata", "ai_exposure", "metadata"),
        ('title: "A: b"', "title", "A: b"),
        ("x-own: [1, {a: b}]", "other", {"x-own": ["1", {"a": "b"}]}),
    ],
)
def test_every_field_is_read(line: str, name: str, value: object) -> None:
    document = parse(f"---\n{'' if line.startswith('title') else 'title: T'}\n{line}\n---\n")
    assert getattr(document.frontmatter, name) == value
    assert document.diagnostics == ()


@pytest.mark.parametrize(
    ("line", "name", "kept", "severity"),
    [
        ("status: finished", "status", "finished", "warning"),
        ("type: novel", "type", "spec", "warning"),
        ("created: yesterday", "created", None, "warning"),
        ("updated: 2026-13-01", "updated", None, "warning"),
        ("review_status: great", "review_status", None, "warning"),
        ("sync: maybe", "sync", "auto", "warning"),
        ("ai_exposure: some", "ai_exposure", None, "error"),
        ("owner: [a]", "owner", "", "warning"),
        ("tags: {a: b}", "tags", (), "warning"),
        ("tags: [a, [b]]", "tags", ("a",), "warning"),
    ],
)
def test_a_wrong_value_is_told_at_its_place(line: str, name: str, kept: object, severity: str) -> None:
    document, found = parsed(line)
    assert getattr(document, name) == kept
    assert found == [(f"frontmatter.{name}", Severity(severity), 3)]


def test_a_field_twice_is_told_and_the_last_counts() -> None:
    document, found = parsed("owner: a\nowner: b")
    assert document.owner == "b"
    assert found == [("frontmatter.repeated", Severity.WARNING, 4)]


def test_a_frontmatter_that_does_not_end_is_told() -> None:
    assert [found.rule for found in parse("---\ntitle: T\n## A\n").diagnostics] == ["frontmatter.unclosed"]
    assert [section.title for section in parse("---\ntitle: T\n## A\n").sections] == ["A"]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 30_000,
        "{" * 30_000,
        "- " * 8000,
        "? " * 8000,
        "a: " + "[" * 40 + "]" * 40,
        "a: &x 1\nb: *x",
        "a: &a [*a]",
        "a: *unknown",
        "a: [b",
        "a:\n\tb: c",
        "? [a]\n: b",
        "!!python/object/apply:os.system ['true']",
        "a: !!binary x",
        "\x07",
        "a: 'b",
        'a: "\\xzz"',
        "%YAML 9",
        "- a",
        "text",
        "a: b: c",
        "? ? ? a",
        "&a",
        "a: >\n" + " x\n" * 4000,
    ],
)
@pytest.mark.criterion("living-specs#hostile-input")
def test_yaml_of_every_kind_gives_a_document(text: str) -> None:
    document = parse(f"---\n{text}\n---\n## A\n")
    assert [section.title for section in document.sections] == ["A"]
    assert document.diagnostics


def test_yaml_that_would_kill_the_process_is_refused_by_name() -> None:
    with pytest.raises(YamlFault, match="deeper than 32"):
        read("a: " + "[" * 33)
    with pytest.raises(YamlFault, match="Aliases"):
        read("a: &x [1]\nb: *x")
    assert [found.rule for found in parse("---\ntitle: " + "x" * 17_000 + "\n---\n").diagnostics] == ["frontmatter.too_large"]


_SIGNS = st.text(st.sampled_from("ab1 :-,#[]'\"\\.&*!?~\n\tü—nul"), max_size=24)
_LINES = st.one_of(
    st.builds("{}: {}".format, st.sampled_from(["a", "b", "tags"]), _SIGNS),
    st.builds("  - {}".format, _SIGNS),
    st.builds("- {}".format, _SIGNS),
    _SIGNS,
)


@given(st.lists(_LINES, max_size=5).map("\n".join))
def test_the_fast_reader_agrees_with_pyyaml_wherever_it_answers(text: str) -> None:
    found = read_plain(text)
    if found is not None:
        assert plain(found) == _by_pyyaml(text)


def _by_pyyaml(text: str) -> object:
    def value(node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return {key.value: value(item) for key, item in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [value(item) for item in node.value]
        is_null = node.style is None and node.value in {"", "~", "null", "Null", "NULL"}
        return None if is_null else node.value

    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert root is not None
    return value(root)
