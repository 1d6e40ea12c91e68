"""Flags that several verbs share. Each has an environment variable: FLEET_<NAME>, and Bruin's."""

import functools
from collections.abc import Callable
from typing import Any

import click

from dispatcher.look import Look
from dispatcher.terminal import Terminal

Command = Callable[..., Any]

SETTINGS = ("home", "broker", "results", "catalog", "storage", "config")


def flag(*names: str, env: tuple[str, ...] = (), **options: Any) -> Callable[[Command], Command]:
    """A click option that may also come from FLEET_<NAME> or one of the variables `env`."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    own = "FLEET_" + long.removeprefix("--").upper().replace("-", "_")
    return click.option(*names, envvar=[own, *env], **options)


def output_flags(function: Command) -> Command:
    """--json, -q, -v, --no-color; the command gets them as `look`, a Look."""
    for option in (
        flag("--json", "as_json", is_flag=True, help="Print JSON for programs."),
        flag("-q", "--quiet", is_flag=True, help="Print failures and the last line only."),
        flag("-v", "--verbose", is_flag=True, help="Print more: each step, and what assets print."),
        flag("--no-color", is_flag=True, help="No colours; NO_COLOR says the same."),
    ):
        function = option(function)
    return _with_look(function)


def _with_look(function: Command) -> Command:
    @functools.wraps(function)
    def call(*args: Any, no_color: bool, **kwargs: Any) -> Any:
        wishes = {name: kwargs.pop(name) for name in ("as_json", "quiet", "verbose")}
        look = Look(terminal=Terminal(color=False if no_color else None), **wishes)
        return function(*args, look=look, **kwargs)

    return call


def settings_flags(function: Command) -> Command:
    """--home, --broker and so on; the command gets them as `overrides`, a dict."""
    helps = {
        "home": "Folder of the fleet's state on this host.",
        "broker": "Address of a Redis or Valkey server.",
        "results": "Address of the result store; the broker's if not given.",
        "catalog": "Address of the catalog: sqlite:///file or postgresql://...",
        "storage": "Folder or URL that all workers share.",
        "config": "Path of fleet.toml.",
    }
    for name in reversed(SETTINGS):
        # the environment is read by workers.settings itself, which then can name its source
        function = click.option(f"--{name}", f"set_{name}", help=helps[name], metavar="TEXT")(
            function
        )
    return _with_overrides(function)


def _with_overrides(function: Command) -> Command:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(f"set_{name}") for name in SETTINGS}
        overrides = {name: value for name, value in given.items() if value is not None}
        return function(*args, overrides=overrides, **kwargs)

    return call
