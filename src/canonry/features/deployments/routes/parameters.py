"""Parameters that several routes take."""

from typing import Annotated

from fastapi import Query

Environment = Annotated[str, Query(min_length=1, max_length=220, description="production, or preview/<branch>")]
