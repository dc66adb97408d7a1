"""Long lists of specs: each spec is written as JSON once, and after a push only those that it changed are written anew."""

from collections.abc import Sequence

from canonry.core.access import Actor, Permission, require
from canonry.features import git
from canonry.features.specs.models import Listing, Summary, Written
from canonry.features.specs.schemas import spec_summary
from canonry.features.specs.store import reading, states
from canonry.infra.kept import Kept
from canonry.infra.tx import Tx

type _Specs = dict[str, dict[int, Written]]
"""Repository → id → spec, by path."""
_OVERHEAD = 250  # bytes that each takes beside its text


def _weight(specs: _Specs) -> int:
    return sum(_OVERHEAD + len(spec.text) for of in specs.values() for spec in of.values())


_specs = Kept[_Specs](16 << 20, _weight)


def listings(tx: Tx, actor: Actor, repositories: Sequence[git.Repository]) -> dict[str, Listing]:
    """Return what stands in each of these repositories, which the caller may see: all of them are of their organization."""
    require(actor, Permission.SPECS_READ)
    organization_id = actor.organization_id
    state = states.fingerprint(tx, organization_id)
    specs = _specs.renew(organization_id, state, lambda before: _renewed(tx, organization_id, before or {}))
    found = {item.id: Listing(list(specs.get(item.id, {}).values()), []) for item in repositories}
    for row in reading.other_documents(tx, organization_id, list(found)):
        found[row.repository_id].others.append(row)
    return found


def _renewed(tx: Tx, organization_id: str, before: _Specs) -> _Specs:
    ids = reading.spec_ids(tx, organization_id)
    known = {number: spec for of in before.values() for number, spec in of.items()}
    missing = [number for of in ids.values() for number in of if number not in known]
    if missing:
        known |= {number: _written(row) for number, row in reading.specs_by_id(tx, organization_id, missing)}
    return {repository_id: {number: known[number] for number in of if number in known} for repository_id, of in ids.items()}


def _written(row: Summary) -> Written:
    text = spec_summary(row).model_dump_json(by_alias=True).encode()
    return Written(text, row.total_sections, row.done_sections, row.total_ac, row.done_ac, row.realized_ac)
