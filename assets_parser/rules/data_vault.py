"""Which columns the Data Vault strategies ask for. The rule about materialization asks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from assets_parser.model import Asset, Column


@dataclass(frozen=True, slots=True, kw_only=True)
class _Role:
    """A part that one column plays: it says so in `meta`, or its name or key does."""

    what: str
    roles: tuple[str, ...]
    suffix: str = ""
    names: tuple[str, ...] = ()
    key: bool = False  # a primary key plays it, too

    def played_by(self, column: Column) -> bool:
        """Whether this column is one."""
        name = column.name.lower()
        return (
            said_role(column) in self.roles
            or (bool(self.suffix) and name.endswith(self.suffix))
            or name in self.names
            or (self.key and column.primary_key)
        )

    @property
    def hint(self) -> str:
        """How a column says that it is this one."""
        named = f"name it *{self.suffix}" if self.suffix else ""
        named = f"name it {self.names[0]}" if self.names else named
        return f"{named}, or write: meta: {{datavault_role: {self.roles[0]}}}"


_COMMON = (
    _Role(
        what="a load datetime column",
        roles=("load_datetime", "load_dts"),
        names=("load_dts", "load_datetime", "loaded_at"),
    ),
    _Role(what="a record source column", roles=("record_source",), names=("record_source",)),
)
_LINK_KEY = _Role(
    what="a link hash key column", roles=("link_hash_key", "hash_key"), suffix="_hk", key=True
)
_RELATED_KEY = _Role(
    what="a hash key column of what it links",
    roles=("hub_hash_key", "parent_hash_key", "foreign_hash_key"),
    suffix="_hk",
)
_ROLES = {
    "datavault_hub": (
        _Role(what="a hash key column", roles=("hash_key", "hub_hash_key"), suffix="_hk", key=True),
        _Role(what="a business key column", roles=("business_key",), suffix="_bk"),
    ),
    "datavault_link": (_LINK_KEY,),
    "datavault_satellite": (
        _Role(
            what="a parent hash key column",
            roles=("parent_hash_key", "hub_hash_key", "hash_key"),
            suffix="_hk",
            key=True,
        ),
        _Role(
            what="a hashdiff column",
            roles=("hashdiff", "hash_diff"),
            names=("hashdiff", "hash_diff"),
        ),
    ),
}


def lacking(asset: Asset) -> Iterator[tuple[str, str]]:
    """What the asset's strategy needs and its columns do not give, each with a hint."""
    if not asset.columns:
        yield "columns", "declare them, with their types"
        return
    for column in asset.columns:
        if not column.type:
            yield f"a type for column '{column.name}'", "the table is made from it"
    for role in (*_ROLES[asset.materialization.strategy], *_COMMON):
        if not any(map(role.played_by, asset.columns)):
            yield role.what, role.hint
    if asset.materialization.strategy == "datavault_link" and not _links(asset.columns):
        yield _RELATED_KEY.what, _RELATED_KEY.hint


def said_role(column: Column) -> str:
    """The role that the column's meta names, in lower case."""
    return column.meta.get("datavault_role", "").strip().lower()


def _links(columns: Iterable[Column]) -> bool:
    """Whether there is a key beside the link's own."""
    own = next((column.name for column in columns if _LINK_KEY.played_by(column)), "")
    return any(_RELATED_KEY.played_by(c) for c in columns if c.name.lower() != own.lower())
