"""Runs the examples of the README, each as it stands in an empty folder."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def main() -> int:
    """The exit status."""
    examples = re.findall(
        r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for example in examples:
        with tempfile.TemporaryDirectory() as folder:
            ran = subprocess.run([sys.executable, "-c", example], cwd=folder, check=False)
        if ran.returncode != 0:
            print(f"an example of {README} failed:\n{example}", file=sys.stderr)
            return 1
    print(f"{len(examples)} examples of the README ran")
    return 0 if examples else 1


if __name__ == "__main__":
    sys.exit(main())
