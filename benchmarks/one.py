"""Run one benchmark in this process and print its result as the last line, in JSON."""

import argparse
import importlib
import json

from benchmarks.results import Section


def main() -> int:
    """Run the module given by name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one")
    parser.add_argument("module")
    parser.add_argument("--short", action="store_true")
    arguments = parser.parse_args()
    try:
        section: Section = importlib.import_module(arguments.module).run(short=arguments.short)
    except KeyboardInterrupt:
        # Its time is over; what it had started has been stopped on the way here.
        return 130
    print(json.dumps(section.to_json()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
