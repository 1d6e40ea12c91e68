"""One module per verb; each holds a click command named `command`. Loaded by dispatcher.cli."""
