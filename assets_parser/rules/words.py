"""Rules about the glossary: what columns extend is there, and so is each domain's parent."""

from collections.abc import Iterator

from assets_parser import glossary
from assets_parser.faults import Fault
from assets_parser.glossary import Glossary
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_asset
from assets_parser.suggestions import did_you_mean


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of references that lead nowhere; a broken glossary is a fault of its own."""
    known, _faults = glossary.load(pipeline.root)
    yield from _parents(known)
    if not known.entities:  # with entities, loading has said it
        yield from _references(pipeline)


def _parents(known: Glossary) -> Iterator[Fault]:
    for name, domain in known.domains.items():
        if domain.parent and domain.parent not in known.domains:
            yield Fault(
                rule="valid-parent-domains",
                message=f"'{domain.parent}', the parent of domain '{name}', is not in the glossary",
                file=domain.file,
                line=domain.line,
                hint=did_you_mean(domain.parent, known.domains),
            )


def _references(pipeline: Pipeline) -> Iterator[Fault]:
    for asset in pipeline.assets:
        for index, column in enumerate(asset.columns):
            if column.extends:
                message = f"column '{column.name}' extends '{column.extends}': no such entity"
                place, hint = f"columns.{index}.extends", "a glossary.yml in the project's root"
                yield at_asset(
                    asset,
                    "valid-entity-references",
                    message,
                    field=place,
                    line=column.line,
                    hint=f"entities are declared in {hint}",
                )
