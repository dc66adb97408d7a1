"""The search against its own definition, and what happens to one that takes too long."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.core.errors import Unavailable
from canonry.features.search import service, store
from canonry.features.search.models import Filters
from canonry.features.search.query import Term, counter, finder, tsquery
from canonry.features.specs import check_words
from canonry.features.specs.store import words
from canonry.infra.tx import Tx
from tests.support.api import Api
from tests.support.signing_in import work
from tests.support.specs import spec_repository

_WORDS = ["refund", "webhook", "order", "pay", "payment"]
_NAIVE = """SELECT d.path, 3 * (search @@ to_tsquery('simple', %(a)s))::int + 2 * (search @@ to_tsquery('simple', %(b)s))::int
        + 1.5 * (search @@ to_tsquery('simple', %(c)s))::int + (search @@ to_tsquery('simple', %(d)s))::int AS score
    FROM spec_documents d WHERE search @@ to_tsquery('simple', %(all)s) AND (%(status)s::text IS NULL OR d.status = %(status)s
        OR EXISTS (SELECT 1 FROM spec_sections s WHERE s.document_id = d.id AND s.status = %(status)s))
    ORDER BY score DESC, d.is_spec DESC, d.repository_id, d.path"""


def _spec(number: int) -> str:
    """Return a spec that has each word in another place, or nowhere."""
    places = [[word for at, word in enumerate(_WORDS) if (number + 3 * at) // 2 % 5 == place] for place in range(4)]
    title, heading, criterion, text = (" ".join(words) or "nothing" for words in places)
    status = ("todo", "done", "blocked")[number % 3]
    top = f"---\ntitle: {title}\nstatus: draft\n---\n\n## 1. {heading}\n\n"
    return f"{top}<!-- canon:system:1 status:{status} -->\n\n{text}.\n\n- [ ] {criterion}\n"


def _whole(term: Term) -> Term:
    return Term(term.word, term.lexemes, {term.word: tuple(word for word in _WORDS if word.startswith(term.word))})


@pytest.fixture
def reading(api: Api, tmp_path: Path) -> Iterator[Tx]:
    spec_repository(api, tmp_path).push(
        {f"docs/specs/{number:02}.md": _spec(number) for number in range(24)} | {"order.md": "# Pay order\n"}
    )
    with api.container.transactions.begin() as tx:
        yield tx


@pytest.mark.parametrize("words", [["refund"], ["order", "pay"], ["pay"], ["webhook", "refund", "order"]])
@pytest.mark.parametrize("status", [None, "todo", "draft", "done"])
@pytest.mark.parametrize("few", [0, 2, 5, 40])
@pytest.mark.parametrize("is_whole", [False, True])
def test_order_and_total_are_those_of_the_definition(
    api: Api, reading: Tx, monkeypatch: pytest.MonkeyPatch, words: list[str], status: str | None, few: int, is_whole: bool
) -> None:
    monkeypatch.setattr(store, "FEW", few)
    terms = [Term(word, (word,)) for word in words]
    weighted = {place: " & ".join(f"'{word}':*{place}" for word in words) for place in "abcd"}
    if is_whole:  # likewise, of words that are known
        assert tsquery(terms) != (query := tsquery([_whole(term) for term in terms]))
    else:
        query = tsquery(terms)
    naive = reading.connection.execute(_NAIVE, {**weighted, "all": tsquery(terms), "status": status}).fetchall()
    assert naive or (status, words) != (None, ["pay"])
    for limit, offset in ((100, 0), (1, 0), (3, 0), (4, 3), (5, 1000)):
        found, total = store.matching(
            reading, api.owner.organization_id, query, Filters(statuses=None if status is None else [status]), limit, offset
        )
        assert [(item.path, item.score) for item in found] == [(path, float(score)) for path, score in naive][offset : offset + limit]
        assert total == len(naive)


def test_a_search_that_takes_too_long_is_given_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(tx: Tx, *_: object) -> None:
        tx.connection.execute("SELECT pg_sleep(60)")

    with api.container.transactions.reading() as tx:
        with pytest.raises(Unavailable, match="given up"), store.bounded(tx, 0.01):
            tx.connection.execute("SELECT pg_sleep(60)")
        assert tx.connection.execute("SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')").fetchone() == (
            "0",
            "on",
        )
    monkeypatch.setattr(service, "_LONGEST", 0.01)
    monkeypatch.setattr(store, "everything", slow)
    answer = api.ask("GET", "/app/ada/api/search")
    assert (answer.status, answer.json["error"]) == (503, "search_too_slow")
    assert "fewer or longer words" in str(answer.json)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.lists(st.sampled_from(["pay", "payment", "Paying", "repay", "_pay", "retries", "Retry", "x.pay", "12pay", "zü", " "])).map(
        " ".join
    ),
    words=st.lists(st.sampled_from(["pay", "payment", "retry", "zü", "1"]), min_size=1, max_size=3, unique=True),
)
def test_what_is_counted_is_what_is_marked(text: str, words: list[str]) -> None:
    stems = {"retry": ("retri",)}
    terms = [Term(word, stems.get(word, (word,))) for word in words]
    marked = {match[0].lower() for match in finder(terms).finditer(text)}
    beginnings = [tuple(lexeme[:-1] if lexeme == "retri" else lexeme for lexeme in term.lexemes) for term in terms]
    assert counter(terms)(text) == sum(any(word.startswith(of) for word in marked) for of in beginnings)


def _words(api: Api) -> set[str]:
    with api.container.transactions.begin() as tx:
        return {row[0] for row in tx.connection.execute("SELECT word FROM spec_words").fetchall()}


def test_what_stands_nowhere_any_more_is_no_suggestion_and_is_forgotten(api: Api, tmp_path: Path) -> None:
    handbook = spec_repository(api, tmp_path)
    handbook.push({"docs/a.md": "A zygote, and 'o\\'clock\\ C:\\\\windows\\.\n", "docs/b.md": "A gazette.\n"})
    assert api.get("/app/ada/api/search?q=zygotte")["corrected"] == {"zygotte": ["zygot"]}
    assert api.ask("GET", "/app/ada/api/search?q=windoows").status == 200
    handbook.push({"docs/a.md": ""})
    assert "zygot" in _words(api)
    assert api.get("/app/ada/api/search?q=zygotte")["corrected"] == {}
    check_words(api.container.transactions)
    work(api)
    assert _words(api) == {"gazett"}
    check_words(api.container.transactions)
    with api.container.transactions.begin() as tx:
        assert words.overdue(tx) == []
        tx.connection.execute("UPDATE spec_word_checks SET checked_at = now() - interval '25 hours'")
        assert words.overdue(tx) == []  # nothing has changed
    handbook.push({"docs/c.md": "A zygote.\n"})
    with api.container.transactions.begin() as tx:
        assert words.overdue(tx) == [api.owner.organization_id]
    assert api.get("/app/ada/api/search?q=zygotte")["corrected"] == {"zygotte": ["zygot"]}


def test_a_word_of_a_repository_out_of_reach_is_no_suggestion(api: Api, tmp_path: Path) -> None:
    handbook = spec_repository(api, tmp_path)
    handbook.push({"docs/a.md": "A zygote.\n"})
    with api.container.transactions.begin() as tx:
        assert store.alike(tx, api.owner.organization_id, ["zygott"], [handbook.id]) == {"zygott": ["zygot"]}
        assert store.alike(tx, api.owner.organization_id, ["zygott"], ["rep_another"]) == {}
        assert store.alike(tx, "org_another", ["zygott"], None) == {}


_LONG = "extraordinary" + "x" * 70


def test_beginnings_find_words_of_any_length_and_number(api: Api, tmp_path: Path) -> None:
    words = ["extra", "extrapolate", _LONG, f"{_LONG}y", "loopa", "loop\U00020bb7", *(f"loop{letter}z" for letter in "abcdefghi"), "zq"]
    spec_repository(api, tmp_path).push({f"docs/{number}.md": f"{word}.\n" for number, word in enumerate(words)})
    for q, total in (
        ("extra", 4),
        ("extrap", 1),
        ("extraord", 2),
        (_LONG, 2),
        ("loop", 11),
        ("loopaz", 1),
        ("loop\U00020bb7", 1),
        ("zq", 1),
        ("z", 1),
    ):
        found = api.get(f"/app/ada/api/search?q={quote(q)}")
        assert (q, found["total"], found["relaxed"]) == (q, total, False)
    assert api.get("/app/ada/api/search?q=extraordinaryy")["corrected"] == {"extraordinaryy": ["extra"]}


def test_words_between_the_bounds_of_letters_are_known(api: Api, tmp_path: Path) -> None:
    spec_repository(api, tmp_path).push({"docs/a.md": "pay payment repay\n"})
    with api.container.transactions.begin() as tx:
        tx.connection.execute("INSERT INTO spec_words VALUES (%s, %s)", (api.owner.organization_id, "pay\U0010fffd"))
        found = store.lexemes(tx, api.owner.organization_id, ["pay", "the"], 9)
        assert [(word, stem, sorted(begins)) for word, stem, begins in found] == [("pay", "pay", ["pay", "payment", "pay\U0010fffd"])]
        assert len(store.lexemes(tx, api.owner.organization_id, ["pay"], 2)[0][2]) == 2


@pytest.mark.parametrize(
    ("q", "paths"),
    [
        ("qwertzuiop apple", ["a", "ab"]),
        ("apple qwertzuiop banana", ["ab"]),
        ("apple qwertzuiop cherry", ["a", "ab", "c"]),
        ("qwertzuiop uiopqwertz", []),
        ("zq qwertzuiop", ["z"]),
        ("apple cherry", ["a", "ab", "c"]),
    ],
)
def test_words_that_stand_nowhere_are_left_out_of_a_relaxed_search(api: Api, tmp_path: Path, q: str, paths: list[str]) -> None:
    documents = {"a": "apple", "ab": "apple banana", "c": "cherry", "z": "zq"}
    spec_repository(api, tmp_path).push({f"docs/{name}.md": f"{text}\n" for name, text in documents.items()})
    found = api.get(f"/app/ada/api/search?q={quote(q)}")
    assert sorted(item["file_path"] for item in found["results"]) == [f"docs/{name}.md" for name in paths]
    assert (found["total"], found["relaxed"]) == (len(paths), bool(paths))


def test_words_that_an_earlier_version_did_not_note_are_found_after_a_day(api: Api, tmp_path: Path) -> None:
    spec_repository(api, tmp_path).push({"docs/a.md": f"{_LONG}\n", "docs/b.md": "extra\n"})
    with api.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM spec_words WHERE length(word) > 60")
        assert words.forget_unused(tx, api.owner.organization_id) == 0
    assert api.get("/app/ada/api/search?q=extra")["total"] == 2
