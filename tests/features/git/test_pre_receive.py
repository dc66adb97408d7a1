"""The check of specs before a push lands: what is refused, what is said, and what cannot get around it."""

import pytest

from tests.support.git import GitServer, Person

GOOD = "---\ntitle: Login\nowner: Ada\nteam: core\ncreated: 2026-01-01\nupdated: 2026-01-01\n---\n\n## 1. Login\n\n- [ ] It MUST work.\n"
BAD = GOOD.replace("## 1. Login\n", "## 1. Login\n\n<!-- canon:system:1 status:perhaps -->\n")
WARNED = GOOD.replace("team: core\n", "")
ASKS = "specs:\n  doc_paths: ['docs/specs/*.md']\n  check_pushes: true\n"
LOGIN = "docs/specs/login.md"


@pytest.fixture
def url(server: GitServer, ada: Person) -> str:
    """A repository whose default branch asks for the check and has an error in an old spec, from before the check."""
    ada.commit({"docs/specs/old.md": BAD})
    ada.git("push", server.url("shop"), "main")
    ada.commit({"CANON.yaml": ASKS})
    ada.git("push", server.url("shop"), "main")
    return server.url("shop")


def push(ada: Person, url: str, *words: str) -> tuple[bool, str]:
    result = ada.git("push", url, *words, check=False)
    return result.returncode == 0, "\n".join(line[7:].strip() for line in result.stderr.splitlines() if line.startswith("remote:"))


def tips(ada: Person, url: str) -> dict[str, str]:
    return {line.split("\t")[1]: line.split("\t")[0] for line in ada.git("ls-remote", url).stdout.splitlines()}


class TestThePush:
    @pytest.mark.criterion("living-specs#checked-first")
    def test_an_error_is_refused_with_its_place_and_nothing_lands(self, ada: Person, url: str) -> None:
        before = tips(ada, url)
        ada.commit({LOGIN: BAD})
        landed, said = push(ada, url, "main:main", "main:other")
        assert not landed
        assert f"{LOGIN}:11:1: error: `perhaps` is no state" in said
        assert "main is refused: 1 error in 1 changed spec," in said
        assert tips(ada, url) == before
        ada.commit({LOGIN: GOOD})
        landed, said = push(ada, url, "main")
        assert landed
        assert "error" not in said
        assert tips(ada, url)["refs/heads/main"] == ada.head()

    def test_warnings_are_said_and_land_unless_they_count_as_errors(self, ada: Person, url: str) -> None:
        ada.commit({LOGIN: WARNED})
        landed, said = push(ada, url, "main")
        assert landed
        assert f"{LOGIN}:1:1: warning: There is no `team`." in said
        assert "main: 1 warning in 1 changed spec." in said
        ada.commit({"CANON.yaml": f"{ASKS}  warnings_as_errors: true\n", LOGIN: WARNED + "\nMore.\n"})
        landed, said = push(ada, url, "main")
        assert not landed
        assert f"{LOGIN}:1:1: error: There is no `team`." in said

    def test_only_what_changed_is_looked_at_and_other_files_are_not(self, ada: Person, url: str) -> None:
        ada.commit({"README.md": BAD, "docs/specs/_draft.md": BAD, "docs/specs/deep/x.md": BAD})
        assert push(ada, url, "main")[0]  # nor old.md, which has had its error all along

    def test_without_the_key_nothing_is_checked(self, server: GitServer, ada: Person) -> None:
        ada.commit({LOGIN: BAD, "CANON.yaml": "specs:\n  check_pushes: false\n"})
        assert push(ada, server.url("shop"), "main")[0]


class TestBranches:
    def test_a_new_branch_is_compared_with_where_it_left_the_default_branch(self, ada: Person, url: str) -> None:
        ada.git("checkout", "--quiet", "-b", "edit")
        ada.commit({"docs/specs/new.md": GOOD})
        assert push(ada, url, "edit")[0]
        ada.git("checkout", "--quiet", "-b", "worse")
        ada.commit({LOGIN: BAD})
        landed, said = push(ada, url, "worse")
        assert not landed
        assert "worse is refused: 1 error in 2 changed specs" in said
        assert push(ada, url, "worse:refs/tags/v1")[0]  # nothing reads specs from tags
        assert push(ada, url, ":edit")[0]

    def test_a_first_push_and_an_unrelated_branch_are_checked_whole(self, server: GitServer, ada: Person, url: str) -> None:
        ada.git("checkout", "--quiet", "--orphan", "alone")
        ada.commit({LOGIN: GOOD})
        landed, said = push(ada, url, "alone")
        assert not landed
        assert "docs/specs/old.md:" in said
        assert not push(ada, server.url("fresh"), "alone:main")[0]
        ada.commit({"docs/specs/old.md": GOOD})
        assert push(ada, server.url("fresh"), "alone:main")[0]

    def test_a_forced_push_is_compared_with_what_it_replaces(self, ada: Person, url: str) -> None:
        ada.commit({LOGIN: GOOD})
        assert push(ada, url, "main")[0]
        ada.git("commit", "--quiet", "--amend", "-m", "Other")
        assert push(ada, url, "+main")[0]
        ada.commit({LOGIN: BAD})
        ada.git("reset", "--quiet", "--soft", "HEAD~2")
        ada.git("commit", "--quiet", "-m", "Rewritten")
        landed, said = push(ada, url, "+main")
        assert not landed
        assert f"{LOGIN}:11:1: error" in said


class TestTheWaysAroundIt:
    @pytest.mark.parametrize("content", [None, ASKS.replace("true", "false"), "a: [", "- a list\n"])
    def test_ending_the_check_has_to_be_meant(self, ada: Person, url: str, content: str | None) -> None:
        (ada.tree / "CANON.yaml").unlink()
        ada.commit({} if content is None else {"CANON.yaml": content})
        landed, said = push(ada, url, "main")
        assert not landed
        assert "CANON.yaml:1:1: error: This would end the check" in said
        assert "git push -o spec-check=off" in said

    def test_when_it_is_meant_the_push_itself_is_still_checked(self, ada: Person, url: str) -> None:
        ada.commit({"CANON.yaml": "team: core\n", LOGIN: BAD})
        landed, said = push(ada, url, "-o", "spec-check=off", "main")
        assert not landed
        assert f"{LOGIN}:11:1: error" in said
        ada.commit({LOGIN: GOOD})
        landed, said = push(ada, url, "-o", "spec-check=off", "main")
        assert landed
        assert "specs are not checked before they land" in said
        ada.commit({LOGIN: BAD})
        assert push(ada, url, "main")[0]

    def test_specs_that_move_out_of_sight_are_still_seen_in_that_push(self, ada: Person, url: str) -> None:
        ada.commit({"CANON.yaml": ASKS.replace("docs/specs", "elsewhere"), LOGIN: BAD})
        landed, said = push(ada, url, "main")
        assert not landed
        assert f"{LOGIN}:11:1: error" in said

    def test_the_default_branch_is_not_deleted_by_the_way(self, ada: Person, url: str) -> None:
        landed, said = push(ada, url, ":main")
        assert not landed
        assert "git push -o spec-check=off" in said
        assert push(ada, url, "-o", "spec-check=off", ":main")[0]

    def test_hostile_files_are_answered_and_their_names_move_no_cursor(self, ada: Person, url: str) -> None:
        ada.commit({"docs/specs/\x1b[2Jclear.md": b"\xff\xfe\0\1" * 10, "docs/specs/long.md": b"a\n" * (1 << 20)})
        (ada.tree / "docs/specs/link.md").symlink_to("/etc/passwd")
        ada.commit({})
        result = ada.git("push", url, "main", check=False)
        assert result.returncode != 0
        assert "\x1b[2J" not in result.stderr
        assert "docs/specs/?[2Jclear.md:1:1: error" in result.stderr
        assert "docs/specs/long.md:1:1: error: The file is longer than 1 MiB." in result.stderr
        assert "link.md" not in result.stderr

    def test_many_complaints_are_cut(self, ada: Person, url: str) -> None:
        ada.commit({f"docs/specs/s{number}.md": BAD for number in range(250)})
        landed, said = push(ada, url, "main")
        assert not landed
        assert said.count(": error: ") == 200
        assert "… and 50 more" in said
        assert "250 errors in 250 changed specs" in said
