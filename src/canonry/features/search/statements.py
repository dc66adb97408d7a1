"""The statements that find documents, for each choice of filters; `store` asks them."""

import functools
import re
from dataclasses import dataclass

from psycopg import sql

# Where a document has every word: a in its title, b in a heading, c in a criterion, d in its text; the score is the sum.
_WEIGHTS = {"a": 3.0, "b": 2.0, "c": 1.5, "d": 1.0}
# Who has every word in each of these places, best first: the first class a document is in says its score.
_CLASSES = ("abcd", "abc", "abd", "acd", "ab", "ac", "bcd", "ad", "bc", "a", "bd", "cd", "b", "c", "d", "")
_APART = ("a", "b")  # the places where often few documents have every word
_BY_HAND, _OF_CLASS = "by hand", "of a class"
_ANYWHERE = sql.SQL("d.search @@ %(query)s::tsquery")
_ASKED = sql.SQL("d.search @@ asked.query::tsquery")
_SHOWN = ("id", "is_spec", "repository_id", "path")
_ORDER = sql.SQL("is_spec DESC, repository_id, path")
# Filter → the columns it looks at, and what has to be true. Only what narrows a search is in its statement: columns cost time as well.
_NARROWING = {
    "teams": (("team",), sql.SQL("d.team = ANY(%(teams)s)")),
    "statuses": (("status", "section_states"), sql.SQL("(d.status = ANY(%(statuses)s) OR d.section_states && %(statuses)s::text[])")),
    "tags": (("tags",), sql.SQL("d.tags && %(tags)s::text[]")),
    "review": (("review_status",), sql.SQL("d.review_status = lower(%(review)s)")),
    "repositories": (("repository_id",), sql.SQL("d.repository_id = ANY(%(repositories)s)")),
}


@dataclass(frozen=True)
class Statement:
    """A statement as PostgreSQL reads it, with `$1` and so on, and the names of these values in their order."""

    text: bytes
    names: tuple[str, ...]


@dataclass(frozen=True)
class Statements:
    """What is asked for one choice of filters.

    count: how many have the words. few, many: a page of them; they give the same, few by taking all of them apart.
    count_of_specs, specs: likewise without words. best_choices: which of some words go together.
    """

    count: Statement
    few: Statement
    many: Statement
    count_of_specs: Statement
    specs: Statement
    best_choices: Statement


@functools.cache
def statements(narrowed: tuple[str, ...]) -> Statements:
    """Return the statements that have these filters."""
    wanted = _Wanted(narrowed)
    specs = sql.SQL("spec_documents d WHERE d.is_spec AND {}").format(wanted.passes)
    choices = sql.SQL("""WITH hits AS MATERIALIZED (SELECT d.id, array_agg(asked.term::int - 1 ORDER BY asked.term) AS terms
            FROM unnest(%(queries)s::text[]) WITH ORDINALITY AS asked (query, term), LATERAL {} GROUP BY d.id)
        SELECT terms FROM hits WHERE cardinality(terms) = (SELECT max(cardinality(terms)) FROM hits)
        GROUP BY terms ORDER BY count(*) DESC, terms LIMIT %(limit)s""").format(wanted.found(_ASKED, "id"))
    return Statements(
        _count(wanted.found(_ANYWHERE)),
        _page(_apart(sql.SQL("SELECT * FROM {}").format(wanted.found(_ANYWHERE, *_SHOWN, "search")))),
        _page(_many(wanted)),
        _count(specs),
        # What is the same in all rows is said so: then their order is that of an index.
        _page(sql.SQL("SELECT id, TRUE AS is_spec, repository_id, path, NULL::float8 AS score FROM {}").format(specs)),
        _numbered(choices),
    )


@dataclass(frozen=True)
class _Wanted:
    """The documents that pass some filters."""

    narrowed: tuple[str, ...]

    @property
    def passes(self) -> sql.Composed:
        """What is true of them."""
        return sql.SQL(" AND ").join([sql.SQL("d.organization_id = %(organization)s"), *(_NARROWING[name][1] for name in self.narrowed)])

    def found(self, which: sql.Composable, *columns: str) -> sql.Composed:
        """Return those with some words.

        Taken from the index of words before they are filtered (OFFSET 0 keeps the two apart): the planner knows no other way then.
        """
        needed = dict.fromkeys([*columns, "organization_id", *(column for name in self.narrowed for column in _NARROWING[name][0])])
        names = sql.SQL(", ").join(map(sql.Identifier, needed))
        return sql.SQL("(SELECT {} FROM spec_documents d WHERE {} OFFSET 0) d WHERE {}").format(names, which, self.passes)


def _many(wanted: _Wanted) -> sql.Composed:
    """Return the best documents, and some others, with their scores; as many as there are up to `enough`.

    The index is asked for one class after the other until there are enough, each time for the first of them: to score all that is found
    takes several times as long as to find it. Who comes to a class has found all of those before, so what is new there has its score.
    Where few documents have every word in a place, they are taken apart, and the classes with that place are left out: to ask for those
    that are empty takes long as well.
    """
    begun = [
        sql.SQL("""few_{0} AS MATERIALIZED (SELECT * FROM {1} LIMIT %(few)s + 1),
        size_{0} AS MATERIALIZED (SELECT count(*) <= %(few)s AS is_small FROM few_{0})""").format(
            sql.SQL(place), wanted.found(_has(place), *_SHOWN, "search")
        )
        for place in _APART
    ]
    best, *others = _CLASSES
    steps = [(_BY_HAND, "a"), (_OF_CLASS, best), (_BY_HAND, "b"), *((_OF_CLASS, places) for places in others)]
    chain = [sql.SQL("found_0 AS (SELECT {}, 0::float8 AS score FROM spec_documents d WHERE FALSE)").format(_columns(*_SHOWN))]
    for number, (kind, places) in enumerate(steps):
        before, after = sql.Identifier(f"found_{number}"), sql.Identifier(f"found_{number + 1}")
        step = _by_hand(places, before) if kind is _BY_HAND else _of_class(wanted, places, before)
        chain.append(sql.SQL("{} AS MATERIALIZED (SELECT * FROM {} UNION ALL ({}))").format(after, before, step))
    return sql.SQL("WITH {} SELECT * FROM {}").format(sql.SQL(", ").join([*begun, *chain]), after)


def _by_hand(place: str, before: sql.Identifier) -> sql.Composed:
    """Return what has every word in a place and is not among those before, with its score, when that are few."""
    rows = sql.SQL("SELECT d.* FROM few_{} d WHERE {} AND d.id NOT IN (SELECT id FROM {})").format(
        sql.SQL(place),
        _unless_enough(before, _score_of(_CLASSES[1]), sql.SQL("(SELECT is_small FROM size_{})").format(sql.SQL(place))),
        before,
    )
    return _apart(rows)


def _of_class(wanted: _Wanted, places: str, before: sql.Identifier) -> sql.Composed:
    """Return the first of a class that are not among those before, unless there are enough, or one of its places was taken apart."""
    # The best class asks only for the title: to know about headings costs more than to look for those that are found already.
    open_places = [place for place in (places[0] if places == _CLASSES[0] else places) if place in _APART]
    gates = [sql.SQL("NOT (SELECT is_small FROM size_{})").format(sql.SQL(place)) for place in open_places]
    gate = sql.SQL(" AND ").join(gates) if gates else sql.SQL("TRUE")
    which = sql.SQL(" AND ").join(map(_has, places)) if places else _ANYWHERE
    return sql.SQL("SELECT {}, {}::float8 FROM {} AND {} AND d.id NOT IN (SELECT id FROM {}) ORDER BY {} LIMIT %(enough)s").format(
        _columns(*_SHOWN), sql.Literal(_score_of(places)), wanted.found(which, *_SHOWN), _unless_enough(before, _score_of(places), gate),
        before, _ORDER,
    )  # fmt: skip


def _unless_enough(before: sql.Identifier, score: float, gate: sql.Composable) -> sql.Composed:
    """Return what is false when enough of those before have more than a score, else `gate`, which is not looked at otherwise."""
    return sql.SQL("CASE WHEN (SELECT count(*) FROM {} WHERE score > {}) >= %(enough)s THEN FALSE ELSE {} END").format(
        before, sql.Literal(score), gate
    )


def _apart(rows: sql.Composable) -> sql.Composed:
    """Return documents with their scores, out of what they are made of. It is unpacked once for each, which is most of the work."""
    parts = [
        sql.SQL("CASE WHEN {} THEN {}::float8 ELSE 0 END").format(_has(place), sql.Literal(weight)) for place, weight in _WEIGHTS.items()
    ]
    unpacked = sql.SQL("SELECT {}, ts_filter(d.search, '{{a,b,c,d}}') AS search FROM ({}) d OFFSET 0").format(_columns(*_SHOWN), rows)
    return sql.SQL("SELECT {}, {} AS score FROM ({}) d").format(_columns(*_SHOWN), sql.SQL(" + ").join(parts), unpacked)


def _has(place: str) -> sql.Composed:
    return sql.SQL("ts_filter(d.search, {}) @@ %(query)s::tsquery").format(f"{{{place}}}")


def _score_of(places: str) -> float:
    return sum(_WEIGHTS[place] for place in places)


def _columns(*names: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier("d", name) for name in names)


def _page(rows: sql.Composable) -> Statement:
    """Return the statement for a page of these. Only what is shown is read whole."""
    return _numbered(sql.SQL("""SELECT d.id, d.repository_id, d.path, d.doc_type, d.is_spec, d.title, d.status, d.owner, d.team, d.tags,
            d.review_status, d.sha, page.score
        FROM (SELECT id, score FROM ({}) d ORDER BY score DESC, {} LIMIT %(limit)s OFFSET %(offset)s) page JOIN spec_documents d USING (id)
        ORDER BY score DESC, {}""").format(rows, _ORDER, _ORDER))  # fmt: skip


def _count(rows: sql.Composable) -> Statement:
    return _numbered(sql.SQL("SELECT count(*) FROM {}").format(rows))


def _numbered(statement: sql.Composable) -> Statement:
    """Return a statement with `$1` for the first of its values: the driver would look for their names each time, in 15 KB of text."""
    text, names = statement.as_string(), dict[str, int]()
    numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${names.setdefault(match[1], len(names) + 1)}", text)
    return Statement(numbered.encode(), tuple(names))
