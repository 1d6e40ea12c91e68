"""How a person wants to see output: dispatcher.flags makes it from -q, -v, --json, --no-color."""

from dataclasses import dataclass

from dispatcher.terminal import Terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The terminal and the wishes about it."""

    terminal: Terminal
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
