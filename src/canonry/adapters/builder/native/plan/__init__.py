"""Looks at a source and says what a deploy would do with it. `plan_source` is the door; `satisfies` reads version requirements."""

from canonry.adapters.builder.native.plan.detect import plan_source
from canonry.adapters.builder.native.plan.ranges import satisfies
from canonry.adapters.builder.native.plan.versions import DEFAULTS

__all__ = ["DEFAULTS", "plan_source", "satisfies"]
