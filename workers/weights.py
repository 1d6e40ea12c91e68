"""How many of a worker's slots an asset takes: more than one where its instance has a weight.

workers.settings checks them, workers.slots keeps to them. Standard library only.
"""

from collections.abc import Mapping, Sequence

MOST = 1_000
_LIGHT_STEPS = ("load", "checks")


def parsed(texts: Sequence[str]) -> dict[str, int]:
    """The weight of each instance from `b1.large=2`; ValueError says which text is none."""
    weights = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        weight = number.strip()
        if not name.strip() or not (weight.isdecimal() and 1 <= int(weight) <= MOST):
            raise ValueError(f"{text!r} is no weight; write instance=slots, such as b1.large=2")
        weights[name.strip()] = int(weight)
    return weights


def of_step(weights: Mapping[str, int], instance: str, step: str) -> int:
    """The slots that a step takes; only an asset's main step takes more than one."""
    return 1 if step in _LIGHT_STEPS else weights.get(instance, 1)
