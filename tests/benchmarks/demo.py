"""Time the demo as a person sees it: first run, second run, and the imports alone.

Whole processes, taking turns; the figures are medians of wall seconds.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.command import ROOT, environment

ROUNDS = 5
IMPORTS = [sys.executable, "-c", "import flows.cli, flows.value_chain"]
DEMO = [sys.executable, "-m", "flows.cli", "demo"]


def seconds(command: list[str], home: Path) -> float:
    """Run one command to its end."""
    begun = time.perf_counter()
    subprocess.run(
        command, check=True, cwd=ROOT, env=environment(home), capture_output=True
    )
    return time.perf_counter() - begun


def main() -> None:
    """Print medians and what the imports share of them is."""
    taken: dict[str, list[float]] = {"imports": [], "first run": [], "second run": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            taken["imports"].append(seconds(IMPORTS, home))
            taken["first run"].append(seconds(DEMO, home))
            taken["second run"].append(seconds(DEMO, home))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, median in medians.items():
        share = medians["imports"] / median
        print(f"{name:10} {median:5.2f} s   imports are {share:4.0%} of it")
    print(
        f"first run without imports {medians['first run'] - medians['imports']:.2f} s"
    )


if __name__ == "__main__":
    main()
