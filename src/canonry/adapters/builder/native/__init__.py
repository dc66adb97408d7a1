"""Plans and builds on this machine, in a bubblewrap sandbox, with toolchains from the package index. `plan/` decides what to do."""
