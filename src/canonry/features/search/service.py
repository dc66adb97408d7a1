"""Searching: from what somebody typed to the documents that fit, best first."""

import re
from collections.abc import Callable

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import CanonryError, Unavailable
from canonry.core.paths import Home
from canonry.features import git, specs
from canonry.features.search import store
from canonry.features.search.models import Filters, Found, Part, Result, Results, Wanted
from canonry.features.search.prose import parts_of
from canonry.features.search.query import Term, any_of, counter, finder, snippet, tsquery, words_of
from canonry.infra.kept import Kept
from canonry.infra.tx import Tx

MOST = 100
_LARGEST = 1 << 20  # bytes of a document that is looked at for what is shown of it
_LONGEST = 0.8  # seconds for each of the statements that look into documents; they are two or three
_MOST_WHOLE = 8  # words that begin as one of a search: so many are looked for as they are
_SHORTEST = 3  # letters of the words that are known
type _Spellings = dict[tuple[str, str], list[str]]
"""(kind, text in lower case) → how it is written."""
_facets = Kept[dict[str, dict[str, int]]](200)
_spellings = Kept[_Spellings](20_000, len)


def search(tx: Tx, actor: Actor, home: Home, wanted: Wanted) -> Results:
    """Search in what the caller may see; where nothing has every word, for what has most of them. Raises: Denied `insufficient_scope`."""
    require(actor, Permission.SPECS_READ)
    repositories = {item.id: item for item in git.repositories(tx, actor)}
    scope = None if actor.project_id is None else sorted(repositories)
    chosen = scope if wanted.repo is None else [item.id for item in repositories.values() if _is_named(item, wanted.repo)]
    limit, offset = max(1, min(wanted.limit, MOST)), max(0, wanted.offset)
    state = specs.index_state(tx, actor)
    facets = _facets_of(tx, actor, scope, state, repositories)
    filters = _filters(tx, actor, state, wanted, chosen)
    words = words_of(wanted.q)
    if not words and not wanted.q.strip():
        with store.bounded(tx, _LONGEST, by_words=False):
            rows, total = store.everything(tx, actor.organization_id, filters, limit, offset)
        return Results([Result(row, repositories[row.repository_id], None, 0, "") for row in rows if row.repository_id in repositories],
                       total, facets, {})  # fmt: skip
    with store.bounded(tx, _LONGEST):
        terms, corrected = _terms(tx, actor.organization_id, words, scope)
        is_known = bool(terms) and not any(term.is_nowhere for term in terms)
        rows, total = store.matching(tx, actor.organization_id, tsquery(terms), filters, limit, offset) if is_known else ([], 0)
    is_relaxed = not total and len(terms) > 1
    if is_relaxed:
        rows, total = _relaxed(tx, actor.organization_id, terms, filters, (limit, offset))
    if not rows:
        return Results([], total, facets, corrected, is_relaxed=bool(total))
    parts = store.parts(tx, [row.id for row in rows]) | _parts_of_others(home, rows, repositories)
    pattern, count = finder(terms), counter(terms)
    results = [
        _result(row, repositories[row.repository_id], parts.get(row.id, []), pattern, count)
        for row in rows
        if row.repository_id in repositories
    ]
    return Results(results, total, facets, corrected, is_relaxed)


def _relaxed(tx: Tx, organization_id: str, terms: list[Term], filters: Filters, page: tuple[int, int]) -> tuple[list[Found], int]:
    """Return a page of the documents that have most of the terms, and how many they are; nothing when that takes too long."""
    there = [term for term in terms if not term.is_nowhere]
    try:
        with store.bounded(tx, _LONGEST):
            if len(there) < len(terms):  # then they may all be together
                rows, total = store.matching(tx, organization_id, tsquery(there), filters, *page) if there else ([], 0)
                if total or len(there) < 2:
                    return rows, total
            choices = store.best_choices(tx, organization_id, [tsquery([term]) for term in there], filters)
            query = any_of([[there[at] for at in choice] for choice in choices])
            return store.matching(tx, organization_id, query, filters, *page) if choices else ([], 0)
    except Unavailable:
        return [], 0


def _parts_of_others(home: Home, rows: list[Found], repositories: dict[str, git.Repository]) -> dict[int, list[Part]]:
    """Return document → its parts for those that are no specs: the index has only their words, so the files themselves are read."""
    found: dict[int, list[Part]] = {}
    others = [row for row in rows if not row.is_spec and row.repository_id in repositories]
    for repository_id in sorted({row.repository_id for row in others}):
        ids: dict[str, list[int]] = {}
        for row in others:
            if row.repository_id == repository_id:
                ids.setdefault(row.sha, []).append(row.id)
        folder = git.hosted_repository(home, repositories[repository_id].folder)
        try:
            for sha, content in git.read_blobs(folder, list(ids), _LARGEST):
                found |= {number: parts_of(number, content) for number in ids[sha] if content is not None}
        except CanonryError:  # removed or damaged meanwhile: what fits is shown without its words
            continue
    return found


def _terms(tx: Tx, organization_id: str, words: list[str], scope: list[str] | None) -> tuple[list[Term], dict[str, list[str]]]:
    """Return what is looked up: stems; for a word that stands nowhere, the words most like it."""
    stems, unknown, whole = dict[str, list[str]](), set[str](), dict[str, tuple[str, ...]]()
    for word, stem, beginning in store.lexemes(tx, organization_id, words, _MOST_WHOLE + 1):
        stems.setdefault(word, []).append(stem)
        if not beginning:
            unknown.add(stem)
        if len(stem) >= _SHORTEST and len(beginning) <= _MOST_WHOLE:
            whole[stem] = tuple(beginning)
    alike = store.alike(tx, organization_id, sorted(unknown), scope) if unknown else {}
    terms, corrected = list[Term](), dict[str, list[str]]()
    for word in words:
        own = stems.get(word, [])
        if not own:
            continue  # a word that every text has
        if all(stem in unknown for stem in own) and (instead := alike.get(own[0])):
            corrected[word] = instead
            terms.append(Term(word, tuple(instead)))
        else:
            terms.append(Term(word, tuple(own), {stem: whole[stem] for stem in own if stem in whole}))
    return terms, corrected


def _result(row: Found, repository: git.Repository, parts: list[Part], pattern: re.Pattern[str], count: Callable[[str], int]) -> Result:
    """Return a document with the section that has most of the terms; a heading counts twice."""
    counted = ((2 * count(part.title) + count(part.content), part) for part in parts)
    scored = [(-points, part.position, part) for points, part in counted if points]
    if not scored:
        return Result(row, repository, None, 0, snippet(pattern, row.title))
    scored.sort(key=lambda item: item[:2])
    best = scored[0][2]
    return Result(row, repository, best, len(scored) - 1, snippet(pattern, best.content if pattern.search(best.content) else best.title))


def _facets_of(
    tx: Tx, actor: Actor, scope: list[str] | None, state: str, repositories: dict[str, git.Repository]
) -> dict[str, dict[str, int]]:
    """Return the facets over everything in scope; counted once for each state of the index."""
    key = (actor.organization_id, None if scope is None else tuple(scope))
    found = _facets.get(key, state, lambda: store.facets(tx, actor.organization_id, scope))
    return {**found, "repo": {repositories[key].full_name: count for key, count in found["repo"].items() if key in repositories}}


def _filters(tx: Tx, actor: Actor, state: str, wanted: Wanted, repositories: list[str] | None) -> Filters:
    """Return the filters, with every way in which what is wanted is written: to compare in lower case costs more than all else."""
    if wanted.team is wanted.status is wanted.tag is None:
        return Filters(review=wanted.review_status, repositories=repositories)
    written = _spellings.get(actor.organization_id, state, lambda: _by_lower_case(store.spellings(tx, actor.organization_id)))

    def ways(kind: str, text: str | None) -> list[str] | None:
        return None if text is None else list(dict.fromkeys([text.lower(), *written.get((kind, text.lower()), [])]))

    return Filters(ways("team", wanted.team), ways("status", wanted.status), ways("tag", wanted.tag), wanted.review_status, repositories)


def _by_lower_case(written: list[tuple[str, str]]) -> _Spellings:
    found: _Spellings = {}
    for kind, text in written:
        found.setdefault((kind, text.lower()), []).append(text)
    return found


def _is_named(repository: git.Repository, wanted: str) -> bool:
    return wanted.lower() in {repository.full_name.lower(), repository.name.lower()}
