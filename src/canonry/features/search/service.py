"""Searching: from what somebody typed to the documents that fit, best first."""

import re
import threading
from collections import OrderedDict

from canonry.core.access import Actor, Permission, require
from canonry.features import git
from canonry.features.search import store
from canonry.features.search.models import Filters, Found, Part, Result, Results, Wanted
from canonry.features.search.query import Term, finder, hits, snippet, tsquery, words_of
from canonry.infra.tx import Tx

MOST = 100
_facets: "OrderedDict[tuple[str, str, tuple[str, ...] | None], dict[str, dict[str, int]]]" = OrderedDict()
_facets_lock = threading.Lock()
_KEPT_FACETS = 200


def search(tx: Tx, actor: Actor, wanted: Wanted) -> Results:
    """Search in what the caller may see. Raises: Denied `insufficient_scope`."""
    require(actor, Permission.SPECS_READ)
    repositories = {item.id: item for item in git.repositories(tx, actor)}
    scope = None if actor.project_id is None else sorted(repositories)
    chosen = scope if wanted.repo is None else [item.id for item in repositories.values() if _is_named(item, wanted.repo)]
    filters = Filters(wanted.team, wanted.status, wanted.tag, wanted.review_status, chosen)
    limit, offset = max(1, min(wanted.limit, MOST)), max(0, wanted.offset)
    facets = _facets_of(tx, actor.organization_id, scope, repositories)
    words = words_of(wanted.q)
    if not words and not wanted.q.strip():
        rows = store.everything(tx, actor.organization_id, filters, limit, offset)
        total = rows[0].total if rows else _total(tx, actor, [], filters, offset)
        return Results([_plain(row, repositories) for row in rows if row.repository_id in repositories], total, facets, {})
    terms, corrected = _terms(tx, actor.organization_id, words)
    if not terms:
        return Results([], 0, facets, corrected)
    rows = store.matching(tx, actor.organization_id, _queries(terms), filters, limit, offset)
    parts = store.parts(tx, [row.id for row in rows])
    pattern = finder(terms)
    total = rows[0].total if rows else _total(tx, actor, terms, filters, offset)
    results = [
        _result(row, repositories[row.repository_id], parts.get(row.id, []), pattern, terms)
        for row in rows
        if row.repository_id in repositories
    ]
    return Results(results, total, facets, corrected)


def _terms(tx: Tx, organization_id: str, words: list[str]) -> tuple[list[Term], dict[str, list[str]]]:
    """Return what is looked up: stems; for a word that stands nowhere, the words most like it."""
    stems = store.lexemes(tx, words)
    flat = sorted({stem for found in stems.values() for stem in found})
    unknown = store.unknown(tx, organization_id, flat) if flat else set()
    terms, corrected = list[Term](), dict[str, list[str]]()
    for word in words:
        own = stems.get(word, [])
        if not own:
            continue  # a word that every text has
        if all(stem in unknown for stem in own) and (instead := store.alike(tx, organization_id, own[0])):
            corrected[word] = instead
            own = instead
        terms.append(Term(word, tuple(own)))
    return terms, corrected


def _queries(terms: list[Term]) -> tuple[str, str, str, str, str]:
    return tsquery(terms), tsquery(terms, "A"), tsquery(terms, "B"), tsquery(terms, "C"), tsquery(terms, "D")


def _total(tx: Tx, actor: Actor, terms: list[Term], filters: Filters, offset: int) -> int:
    """Return how many there are when a page beyond the last was asked for."""
    if offset == 0:
        return 0
    if terms:
        rows = store.matching(tx, actor.organization_id, _queries(terms), filters, 1, 0)
    else:
        rows = store.everything(tx, actor.organization_id, filters, 1, 0)
    return rows[0].total if rows else 0


def _plain(row: Found, repositories: dict[str, git.Repository]) -> Result:
    return Result(row, repositories[row.repository_id], None, 0, "")


def _result(row: Found, repository: git.Repository, parts: list[Part], pattern: re.Pattern[str], terms: list[Term]) -> Result:
    scored = []
    for part in parts:
        heading, text = hits(pattern, terms, part.title), hits(pattern, terms, part.content)
        if heading or text:
            scored.append((-(2 * heading + text), part.position, part))
    if not scored:
        return Result(row, repository, None, 0, snippet(pattern, row.title))
    scored.sort(key=lambda item: item[:2])
    best = scored[0][2]
    return Result(row, repository, best, len(scored) - 1, snippet(pattern, best.content if pattern.search(best.content) else best.title))


def _facets_of(tx: Tx, organization_id: str, scope: list[str] | None, repositories: dict[str, git.Repository]) -> dict[str, dict[str, int]]:
    """Return the facets over everything in scope; counted once for each state of the index."""
    key = (organization_id, store.state(tx, organization_id), None if scope is None else tuple(scope))
    with _facets_lock:
        found = _facets.get(key)
    if found is None:
        found = store.facets(tx, organization_id, scope)
        with _facets_lock:
            _facets[key] = found
            while len(_facets) > _KEPT_FACETS:
                _facets.popitem(last=False)
    return {**found, "repo": {repositories[key].full_name: count for key, count in found["repo"].items() if key in repositories}}


def _is_named(repository: git.Repository, wanted: str) -> bool:
    return wanted.lower() in {repository.full_name.lower(), repository.name.lower()}
