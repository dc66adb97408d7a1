"""Instances as processes of this machine, each in a bubblewrap sandbox and a control group of its own.

runtime.py    what the port promises          keeper.py     brings records and processes together (crashes included)
launch.py     command line and environment    endings.py    why an instance ended, in words
command.py    release commands                watch.py      notices ends at once, watches memory where no control group does
records.py    state on disk                   processes.py  what /proc says      addresses.py  free ports
"""

from canonry.adapters.runtime.process.runtime import ProcessRuntime

__all__ = ["ProcessRuntime"]
