"""Builds the library with cargo and puts it into the wheel; brings its source along in an sdist."""

import json
import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any, Dict, List

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What cargo needs of the project besides the members of the workspace.
SOURCES = [
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "src",
    "include",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
]


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """The hook that hatchling calls for wheels and sdists."""

    def initialize(self, version: str, build_data: Dict[str, Any]) -> None:
        """Adds to what is packed: the library to a wheel, the source to an sdist."""
        here = Path(self.root)
        if self.target_name == "sdist":
            if not (here / "rust").exists():
                build_data["force_include"].update(sources(here.parents[1]))
            return
        library = build(project(here))
        name = "libtokenstore" + library.suffix
        if version == "editable":
            # The package is used where it lies.
            beside = here / "src" / "tokenstore" / "_lib"
            beside.mkdir(exist_ok=True)
            shutil.copy2(library, beside / name)
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + re.sub("[^0-9a-zA-Z]", "_", sysconfig.get_platform())
        build_data["force_include"][str(library)] = f"tokenstore/_lib/{name}"


def project(here: Path) -> Path:
    """The folder with the library's Cargo.toml: `rust` in an sdist, two up in a checkout."""
    for folder in (here / "rust", here.parents[1]):
        if (folder / "Cargo.toml").exists() and (folder / "src" / "ffi").exists():
            return folder
    raise RuntimeError(f"the library's source is neither in {here / 'rust'} nor in {here.parents[1]}")


def sources(root: Path) -> Dict[str, str]:
    """What an sdist takes along of the project, and where to. The members are there since cargo reads them all."""
    found = re.search(r"^members = \[(.*?)\]", (root / "Cargo.toml").read_text(), re.MULTILINE | re.DOTALL)
    members: List[str] = re.findall('"(.+?)"', found[1]) if found else []
    return {str(root / path): f"rust/{path}" for path in SOURCES + members}


def build(root: Path) -> Path:
    """Builds the library; where cargo says that it is."""
    cargo = shutil.which(os.environ.get("CARGO", "cargo"))
    if cargo is None:
        raise RuntimeError(
            "tokenstore is built from Rust, and cargo was not found: install it from https://rustup.rs, or set CARGO"
        )
    command = [cargo, "build", "--release", "--locked", "--lib", "--package", "tokenstore"]
    built = subprocess.run(
        command + ["--message-format=json-render-diagnostics"], cwd=root, stdout=subprocess.PIPE, check=False
    )
    if built.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed in {root}; what it said is above")
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message["target"]["name"] == "tokenstore":
            for file in map(Path, message["filenames"]):
                if file.suffix in (".so", ".dylib"):
                    return file
    raise RuntimeError("cargo built no shared library")
