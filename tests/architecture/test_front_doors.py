"""Features meet only at the front door: another feature's package, never its inner modules."""

import grimp


def test_features_meet_at_the_front_door() -> None:
    graph = grimp.build_graph("canonry")
    back_doors = [
        f"{importer} -> {imported}"
        for importer in sorted(graph.modules)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if (mine := _feature_of(importer)) and (theirs := _feature_of(imported)) and mine != theirs and imported.count(".") > 2
    ]
    assert back_doors == [], "Import what you need from the feature's package; if it is not exported there, export it in its __init__."


def _feature_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["canonry", "features"] and len(parts) > 2 else None
