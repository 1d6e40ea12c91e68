"""Packages made on the spot, so that tests of environments need no index."""

import base64
import hashlib
import zipfile
from pathlib import Path

# a build backend inside the project: building needs nothing from anywhere
BACKEND = """
import pathlib, tomllib, zipfile
KIND = "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
def build_editable(folder, config=None, metadata=None):
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    info, file = f"{name}-{version}.dist-info", f"{name}-{version}-py3-none-any.whl"
    about = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    about += "".join(f"Requires-Dist: {one}\\n" for one in project.get("dependencies", ()))
    with zipfile.ZipFile(pathlib.Path(folder) / file, "w") as wheel:
        wheel.writestr(f"{name}.pth", str(pathlib.Path("code").resolve()))
        wheel.writestr(f"{info}/METADATA", about)
        wheel.writestr(f"{info}/WHEEL", KIND)
        wheel.writestr(f"{info}/RECORD", f"{info}/RECORD,,\\n")
    return file
build_wheel = build_editable
"""
BUILD_SYSTEM = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"


def wheel(folder: Path, name: str, version: str, code: str = "") -> Path:
    """A wheel of one module, with a command of the same name that calls its main()."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code or f"VERSION = {version!r}\ndef main(): print('command', VERSION)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return made


def package(folder: Path, name: str, *, dependencies: tuple[str, ...] = (), more: str = "") -> Path:
    """A project that is a package: its modules are in `code`, found when it is installed only."""
    (folder / "code" / name).mkdir(parents=True, exist_ok=True)
    (folder / "code" / name / "__init__.py").write_text(f"NAME = {name!r}\n")
    (folder / "backend.py").write_text(BACKEND)
    head = f"[project]\nname = {name!r}\nversion = '0.3'\nrequires-python = '>=3.11'\n"
    head += f"dependencies = {list(dependencies)!r}\n"
    (folder / "pyproject.toml").write_text(head + more + BUILD_SYSTEM)
    return folder / "pyproject.toml"


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
