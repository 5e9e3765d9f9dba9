"""`python -m tools.architecture CDK_OUT > docs/architecture.svg`; CDK_OUT is the folder `cdk synth` wrote.

`make snapshots` does the same with the app of today, and tests/snapshot/test_architecture.py
compares the stored picture with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.architecture.picture import draw
from tools.architecture.reading import read


def main(arguments: list[str]) -> int:
    """Draw the cloud assembly in the folder that is the only argument."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "manifest.json").is_file():
        print("Give the folder of a cloud assembly, such as cdk.out after `cdk synth`.", file=sys.stderr)
        return 2
    print(draw(read(Path(arguments[0]))), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
