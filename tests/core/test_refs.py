"""Names and addresses for git: what is let through is never an option, never a shell's business, never another transport."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canonry.core.errors import Invalid
from canonry.core.refs import parse_branch, parse_ref, parse_repository_url

NASTY = st.text(alphabet=st.sampled_from(list("-./~^:?*[\\@{} \t\n\0\x7f$`;&|<>'\"()!#%éab1\u202e\ud7ff")), max_size=12)


class TestParseRef:
    @pytest.mark.parametrize(
        "text", ["main", "feature/login", "v1.2.3", "refs/heads/x", "refs/pull/7/head", "deadbeef", "a" * 40, "é", "HEAD", "x-y"]
    )
    def test_ordinary_names_pass(self, text: str) -> None:
        assert parse_ref(text).name == text

    @pytest.mark.parametrize(
        "text",
        ["", "-x", "--upload-pack=touch /tmp/x", "a..b", "a b", "a~1", "a^{}", "a:b", "x.lock", "x.lock/y", "/a", "a/", "a//b",
         ".a", "a/.b", "a.", "@",
         "a@{1}", "a\nb", "a\0b", "a\x7fb", "a\u202eb", "a\\b", "a*", "a?", "[a]", "x" * 201],
    )  # fmt: skip
    def test_what_git_forbids_or_could_take_for_an_option_is_refused_with_an_issue(self, text: str) -> None:
        with pytest.raises(Invalid) as caught:
            parse_ref(text, field="body.ref")
        assert caught.value.code == "invalid_ref"
        assert caught.value.issues[0].path == "body.ref"
        assert caught.value.hint

    def test_a_branch_comes_before_a_tag_of_the_same_name(self) -> None:
        assert parse_ref("v1").full_names == ("refs/heads/v1", "refs/tags/v1")

    def test_a_full_commit_is_known_in_any_case(self) -> None:
        assert parse_ref("A" * 40).commit == "a" * 40
        assert parse_ref("a" * 39).commit is None
        assert parse_ref("abcdef1").may_be_short_commit

    @settings(max_examples=150, deadline=None)
    @given(NASTY)
    def test_git_itself_agrees_with_everything_that_passes(self, text: str) -> None:
        try:
            name = parse_ref(text).name
        except Invalid:
            return
        assert not name.startswith("-")
        git = shutil.which("git")
        assert git
        assert subprocess.run([git, "check-ref-format", f"refs/heads/{name}"], check=False).returncode == 0


class TestParseBranch:
    def test_the_long_form_is_shortened(self) -> None:
        assert parse_branch("refs/heads/feature/x") == "feature/x"

    @pytest.mark.parametrize("text", ["HEAD", "refs/tags/v1", "a" * 40, "-x"])
    def test_what_is_no_branch_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            parse_branch(text)


class TestParseRepositoryUrl:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("acme/site", "https://github.com/acme/site.git"),
            ("acme/site.git", "https://github.com/acme/site.git"),
            ("https://Git.Example.com/a/b.git", "https://git.example.com/a/b.git"),
            ("https://git.example.com:8443/a/b/", "https://git.example.com:8443/a/b"),
            ("http://127.0.0.1:3000/a.git", "http://127.0.0.1:3000/a.git"),
            ("http://localhost/a.git", "http://localhost/a.git"),
            ("https://[2001:db8::1]/a.git", "https://[2001:db8::1]/a.git"),
            ("  https://example.com/a.git \n", "https://example.com/a.git"),
        ],
    )
    def test_addresses_are_made_uniform(self, text: str, expected: str) -> None:
        assert parse_repository_url(text).text == expected

    @pytest.mark.parametrize(
        "text",
        ["", "-oProxyCommand=x", "--upload-pack=x", "ext::sh -c touch% /tmp/x", "ext::sh", "fd::3", "file:///etc", "git://x.com/a",
         "git@github.com:a/b.git", "ssh://git@x.com/a", "http://example.com/a.git", "https://", "https://x.com",
         "https://x.com/", "https://-x.com/a",
         "https://x.com/a b", "https://x.com/../a", "https://x.com/%2e%2e/a", "https://x.com/a%0ab", "https://x.com/a?b",
         "https://x.com/a#b",
         "https://x.com:99999/a", "https://x.com:x/a", "https://169.254.169.254/a", "https://0.0.0.0/a", "/etc/passwd", "./a",
         "../a", "a", "a/b/c", "a/..", "a\\b",
         "https://x.com/é", "https://x.com/" + "a" * 3000, "https://x.com\n/a", "javascript:alert(1)", "C:/x"],
    )  # fmt: skip
    def test_other_transports_and_odd_forms_are_refused(self, text: str) -> None:
        with pytest.raises(Invalid) as caught:
            parse_repository_url(text)
        assert caught.value.code == "invalid_repository_url"
        assert caught.value.issues[0].path == "repo_url"

    def test_ssh_is_refused_with_the_way_out_unless_there_is_a_key(self) -> None:
        for text in ("git@github.com:a/b.git", "ssh://git@github.com/a/b.git"):
            with pytest.raises(Invalid, match="https://"):
                parse_repository_url(text)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("git@github.com:a/b.git", "git@github.com:a/b.git"),
            ("GitHub.com:a/b", "git@github.com:a/b"),
            ("ssh://git@github.com/a/b.git", "ssh://git@github.com/a/b.git"),
            ("ssh://example.com:2222/srv/a.git/", "ssh://git@example.com:2222/srv/a.git"),
            ("ssh://deploy@[2001:db8::1]:22/a", "ssh://deploy@[2001:db8::1]:22/a"),
        ],
    )
    def test_with_a_key_ssh_addresses_pass(self, text: str, expected: str) -> None:
        url = parse_repository_url(text, allow_ssh=True)
        assert (url.text, url.scheme, url.credential) == (expected, "ssh", None)

    @pytest.mark.parametrize(
        "text",
        ["-oProxyCommand=x:a/b", "git@-oProxyCommand=x:a", "ssh://-oProxyCommand=x/a", "ssh://git@x.com", "ssh://git:s3cret@x.com/a",
         "git@x.com:-a", "git@x.com:../a", "git@x.com:", "a b@x.com:c", "ssh://-x@x.com/a", "ssh://git@x.com/a?b", "x.com::a",
         "git@x.com:/",
         "ssh://git@169.254.169.254/a", "C:/x", "git+ssh://git@x.com/a", "ssh://git@x.com:0x16/a"],
    )  # fmt: skip
    def test_what_could_become_an_option_of_ssh_is_refused_even_then(self, text: str) -> None:
        with pytest.raises(Invalid) as caught:
            parse_repository_url(text, allow_ssh=True)
        assert "s3cret" not in str(caught.value)

    def test_the_addresses_of_one_repository_name_one_place(self) -> None:
        texts = ["https://github.com/Acme/Shop.git", "https://github.com/acme/shop", "git@github.com:acme/shop.git",
                 "ssh://git@github.com:22/acme/shop"]  # fmt: skip
        assert {parse_repository_url(text, allow_ssh=True).place for text in texts} == {"github.com/acme/shop"}
        assert parse_repository_url("file:///srv/a.git", allow_file=True).place == "/srv/a"

    def test_files_pass_only_when_allowed(self) -> None:
        assert parse_repository_url("file:///srv/a%20b.git", allow_file=True).text == "file:///srv/a%20b.git"
        with pytest.raises(Invalid):
            parse_repository_url("file:///srv/a.git")
        with pytest.raises(Invalid):
            parse_repository_url("file://other/srv/a.git", allow_file=True)

    def test_a_credential_is_split_off_and_never_shown(self) -> None:
        url = parse_repository_url("https://ada:s3cret%21@example.com/a.git")
        assert url.text == "https://example.com/a.git"
        assert url.credential is not None
        assert url.credential.reveal() == "ada:s3cret!"
        assert "s3cret" not in f"{url} {url!r}"

    def test_the_same_address_with_another_credential_is_another_mirror(self) -> None:
        keys = {parse_repository_url(f"https://{login}example.com/a.git").key for login in ("", "a:b@", "a:c@")}
        assert len(keys) == 3

    def test_a_refusal_never_repeats_the_credential(self) -> None:
        with pytest.raises(Invalid) as caught:
            parse_repository_url("http://ada:s3cret@example.com/a.git")
        assert "s3cret" not in str(caught.value)

    @settings(max_examples=300, deadline=None)
    @given(st.one_of(NASTY, NASTY.map("https://x.com/{}".format), NASTY.map("https://{}/a".format), st.text(max_size=30)))
    def test_whatever_passes_begins_with_its_scheme_and_has_nothing_a_shell_or_git_could_misread(self, text: str) -> None:
        try:
            url = parse_repository_url(text).text
        except Invalid:
            return
        assert url.startswith(("https://", "http://"))
        assert url.isascii()
        assert url.isprintable()
        assert " " not in url
        assert "::" not in url.partition("]")[2] if "[" in url else "::" not in url.split("/")[2]
