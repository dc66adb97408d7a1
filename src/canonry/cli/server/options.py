"""The options that several server commands share."""

from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import option

HomeOption = Annotated[Path | None, option("--home", metavar="DIR", help="Folder of everything Canonry keeps (CANONRY_HOME).")]
PortOption = Annotated[int | None, option("--http-port", metavar="N", help="Port on which the edge serves HTTP (CANONRY_HTTP_PORT).")]
JsonOption = Annotated[bool, option("--json", help="Print JSON.")]
