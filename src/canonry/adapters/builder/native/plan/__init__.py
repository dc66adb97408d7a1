"""Looks at a source and says what a deploy would do with it. `plan_source` is the door.

`faults_of` looks at settings before there is a source, `satisfies` reads version requirements.
"""

from canonry.adapters.builder.native.plan.detect import plan_source
from canonry.adapters.builder.native.plan.faults import faults_of
from canonry.adapters.builder.native.plan.ranges import satisfies
from canonry.adapters.builder.native.plan.versions import DEFAULTS

__all__ = ["DEFAULTS", "faults_of", "plan_source", "satisfies"]
