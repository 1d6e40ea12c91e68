"""The asset's file as a module: run as `python -m` would, or imported under its dotted name.

Module names follow from the path below the root, so that relative imports work. Where Python's own
search would find something else (an installed package of the same name, a dot in a folder's name),
the file's parent packages are made by hand.
"""

from __future__ import annotations

import builtins
import importlib.machinery
import os
import sys
from types import CodeType, ModuleType

CACHE = importlib.machinery.SourceFileLoader
OURS, THEIRS, NOBODY = "ours", "theirs", "nobody"


def run_as_main(file: str, root: str) -> None:
    """Execute the file as __main__, with the package of its folder around it."""
    name = _prepare(file, root)
    loader = CACHE(name, file)
    main = ModuleType("__main__")
    main.__dict__.update(
        __file__=file,
        __loader__=loader,
        __package__=name.rpartition(".")[0],
        __spec__=importlib.machinery.ModuleSpec(name, loader, origin=file),
        __builtins__=builtins,
    )
    if main.__spec__ is not None:
        main.__spec__.has_location = True
    if name != _plain_name(file, root):
        main.__spec__ = None  # children that multiprocessing spawns then go by __file__
    sys.modules["__main__"] = main
    exec(_compiled(file), main.__dict__)  # noqa: S102 - running the user's code is the purpose


def load(file: str, root: str) -> ModuleType:
    """Import the file under its dotted name; a __main__ guard does not fire."""
    name = _prepare(file, root)
    loader = CACHE(name, file)
    spec = importlib.machinery.ModuleSpec(name, loader, origin=file)
    spec.has_location = True
    module = ModuleType(name)
    module.__dict__.update(
        __file__=file, __loader__=loader, __package__=name.rpartition(".")[0], __spec__=spec
    )
    sys.modules[name] = module
    exec(_compiled(file), module.__dict__)  # noqa: S102
    parent, _, last = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], last, module)
    return module


def hide_impostors() -> dict[str, ModuleType]:
    """Take out of sys.modules what has a standard name and is not Python's own; what was there."""
    library = os.path.dirname(os.path.realpath(os.__file__)) + os.sep
    names = getattr(sys, "stdlib_module_names", ("json", "traceback", "types", "typing"))
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.partition(".")[0] in names and isinstance(file, str):
            if not os.path.realpath(file).startswith(library):
                found[name] = sys.modules.pop(name)
    return found


def _compiled(file: str) -> CodeType:
    """The asset's code from its source, never from a cache: Python takes an old cache for good if a
    file changes twice in one second and keeps its size."""
    with open(file, "rb") as source:
        return compile(source.read(), file, "exec", dont_inherit=True)


def _prepare(file: str, root: str) -> str:
    """The module's dotted name, after its parent packages were imported or made."""
    path = os.path.relpath(os.path.realpath(file), os.path.realpath(root))
    folders = path.split(os.sep)
    last = folders.pop()
    last = last[:-3] if last.endswith(".py") else last
    if not folders or folders[0] == os.pardir:
        return last.replace(".", "_")
    parent = _package(folders, root)
    return "%s.%s" % (parent, last.replace(".", "_"))


def _plain_name(file: str, root: str) -> str:
    """The name by which a new interpreter would find the module, if nobody else has it."""
    path = os.path.relpath(os.path.realpath(file), os.path.realpath(root))
    return (path[:-3] if path.endswith(".py") else path).replace(os.sep, ".")


def _package(folders: list[str], root: str) -> str:
    """Import the packages that the folders are, from the outermost on; the dotted name."""
    name, path = "", root
    for folder in folders:
        path = os.path.join(path, folder)
        part = folder.replace(".", "_")
        name = _enter("%s.%s" % (name, part) if name else part, folder, path)
    return name


def _enter(name: str, folder: str, path: str) -> str:
    """Make the package of one folder importable; its name, changed if somebody else owns it."""
    owner = _owner(name, path)
    if owner == OURS and "." not in folder:
        __import__(name)
        return name
    if owner == THEIRS:
        name = name + "_"
    if name not in sys.modules:
        _make(name, path)
    return name


def _owner(name: str, path: str) -> str:
    """Who would answer to this name: the folder, something else, or nothing. Imports nothing."""
    if name in sys.modules:
        places = list(getattr(sys.modules[name], "__path__", []))
        return OURS if _same(path, places) else THEIRS
    parent = name.rpartition(".")[0]
    where = list(getattr(sys.modules.get(parent), "__path__", [])) if parent else None
    spec = importlib.machinery.PathFinder.find_spec(name, where)
    if spec is None:
        return THEIRS if name in sys.builtin_module_names else NOBODY
    return OURS if _same(path, list(spec.submodule_search_locations or [])) else THEIRS


def _same(path: str, places: list[str]) -> bool:
    real = os.path.realpath(path)
    return any(os.path.realpath(place) == real for place in places)


def _make(name: str, path: str) -> None:
    """A package for the folder: its __init__.py if it has one, else empty."""
    init = os.path.join(path, "__init__.py")
    loader = CACHE(name, init) if os.path.exists(init) else None
    spec = importlib.machinery.ModuleSpec(name, loader, origin=init, is_package=True)
    module = ModuleType(name)
    module.__dict__.update(__path__=[path], __package__=name, __spec__=spec, __loader__=loader)
    sys.modules[name] = module
    if loader is not None:
        module.__file__ = init
        loader.exec_module(module)
