"""Applies a policy to a pipeline: each ruleset's rules to what its selectors match.

`assets_parser.rules.policy` calls it where there is a policy.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from assets_parser import variables
from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.policies import builtin, views
from assets_parser.policies import file as policy_file
from assets_parser.policies.evaluation import Evaluation
from assets_parser.policies.file import CustomRule, Policy, RuleSet
from assets_parser.policies.tokens import ExpressionError
from assets_parser.policies.work import TooMuchWork, Work
from assets_parser.rules.places import at_asset, at_pipeline, warn_asset


def faults(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the policy itself, and of what does not keep to it."""
    policy = policy_file.load(Path(pipeline.root), builtin.NAMES)
    if policy is None:
        return
    yield from policy.faults
    application = _Application(policy, pipeline, Work())
    try:
        for ruleset in policy.sets:
            yield from application.faults(ruleset)
    except (TooMuchWork, ValueError) as error:
        yield Fault(rule=policy_file.RULE, message=str(error), file=policy.file)


@dataclass
class _Application:
    """One policy on one pipeline."""

    policy: Policy
    pipeline: Pipeline
    work: Work

    def faults(self, ruleset: RuleSet) -> Iterator[Fault]:
        """What breaks the rules of one set."""
        assets = [asset for asset in self.pipeline.assets if self._selected(ruleset, asset)]
        here = self._selected(ruleset, None)
        for name in ruleset.rules:
            rule = f"policy:{ruleset.name}:{name}"
            custom = self.policy.custom.get(name)
            if custom is not None:
                yield from self._custom(custom, rule, assets, here=here)
            elif name in builtin.PIPELINE_RULES and here:
                for field, message in builtin.PIPELINE_RULES[name](self.pipeline):
                    yield at_pipeline(self.pipeline, rule, message, field=field)
            for asset in assets if custom is None else ():
                yield from _builtin(name, rule, asset)

    def _selected(self, ruleset: RuleSet, asset: Asset | None) -> bool:
        """Whether all selectors match; those of assets mean nothing to a pipeline."""
        pipeline = self.pipeline
        path = (asset.body_path or asset.path) if asset else pipeline.path
        texts = {"pipeline": pipeline.name, "path": f"{pipeline.root}/{path}"}
        if asset:
            texts |= {"asset": asset.name, "tag": " ".join(asset.tags)}
        return all(
            pattern.search(texts[name], self.work)
            for name, pattern in ruleset.selectors
            if name in texts
        )

    def _custom(
        self, custom: CustomRule, rule: str, assets: Iterable[Asset], *, here: bool
    ) -> Iterator[Fault]:
        if custom.target == "pipeline":
            if here and (message := self._broken(custom, {})):
                yield at_pipeline(self.pipeline, rule, message)
            return
        for asset in assets:
            if message := self._broken(custom, {"asset": self._views[id(asset)]}):
                yield at_asset(asset, rule, message, hint=f"see {self.policy.file}:{custom.line}")

    def _broken(self, custom: CustomRule, names: Mapping[str, Any]) -> str:
        """What to say; empty if the criteria are true. What cannot be evaluated is broken."""
        known = {**names, "pipeline": self._pipeline, "var": self._variables}
        try:
            holds = Evaluation(names=known, work=self.work).holds(custom.criteria)
        except ExpressionError as error:
            return f"the criteria of '{custom.name}' cannot be evaluated: {error}"
        return "" if holds else custom.description

    @cached_property
    def _pipeline(self) -> Mapping[str, Any]:
        return views.pipeline(self.pipeline)

    @cached_property
    def _views(self) -> Mapping[int, Any]:
        """The views of the assets, by identity: two may have one name."""
        ids = [id(asset) for asset in self.pipeline.assets]
        return dict(zip(ids, self._pipeline["Assets"], strict=True))

    @cached_property
    def _variables(self) -> Mapping[str, Any]:
        return variables.values(self.pipeline)


def _builtin(name: str, rule: str, asset: Asset) -> Iterator[Fault]:
    if name in builtin.ASSET_RULES:
        for field, message in builtin.ASSET_RULES[name](asset):
            yield at_asset(asset, rule, message, field=field)
    for field, message in builtin.warned(name, asset):
        yield warn_asset(asset, rule, message, field=field)
