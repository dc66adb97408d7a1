"""`canonry doctor`: what this machine offers, what is missing, and how to get it."""

from canonry.cli.output import print_json, say
from canonry.cli.server.options import HomeOption, JsonOption, PortOption
from canonry.core.settings import read_settings

_MARKS = {"ok": "ok      ", "missing": "missing ", "problem": "PROBLEM "}


def doctor(
    home: HomeOption = None,
    http_port: PortOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check this machine and explain each finding. Ends with 0 when Canonry can work here, with 1 when something must be mended.

    What is only missing (docker, nginx, chromium) is optional: everything else works without it.
    """
    from canonry.cli.server.checks import all_checks

    findings = all_checks(read_settings(home=home, http_port=http_port))
    if as_json:
        print_json({"checks": [{"name": f.name, "state": f.state, "found": f.found, "remedy": f.remedy} for f in findings]})
    else:
        width = max(len(item.name) for item in findings)
        for item in findings:
            print(f"{_MARKS[item.state]}{item.name:<{width}}  {item.found}")
            if item.remedy:
                print(f"{'':8}{'':{width}}  -> {item.remedy}")
    problems = [item.name for item in findings if item.state == "problem"]
    if not as_json:
        say(f"To mend: {', '.join(problems)}." if problems else "Canonry can work here.")
    return 1 if problems else 0
