"""What every strategy is given: the asset, its platform, its text. Pure; for the strategies."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from assets_parser.model import Column
from assets_parser.spec import AssetSpec
from workers.sql import bodies
from workers.sql.bodies import Body, Part
from workers.sql.names import table_parts
from workers.sql.platforms import Platform
from workers.sql.scripts import Facts, Script, Statement


@dataclass(frozen=True)
class Target:
    """An asset on its way to become a script. `note` is the comment before each statement."""

    spec: AssetSpec
    platform: Platform
    note: str = ""
    facts: Facts | None = field(default=None)

    @cached_property
    def body(self) -> Body:
        """The asset's query and the statements around it; BadAsset if that is not clear."""
        return bodies.body(self.spec.query, self.platform.grammar)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The parts of the table's name."""
        return table_parts(self.spec.name)

    @cached_property
    def table(self) -> str:
        """The table, quoted."""
        return self.platform.dialect.table(self.parts)

    @cached_property
    def temp(self) -> str:
        """The temporary table that holds the query's rows, quoted; another one for each asset."""
        digest = hashlib.sha256(self.spec.name.encode()).hexdigest()[:10]
        return self.platform.dialect.identifier(f"__bruin_tmp_{digest}")

    @property
    def existing(self) -> tuple[str, ...]:
        """The columns of the table; none if there is none, or if that is not known."""
        return (self.facts.existing if self.facts else None) or ()

    @property
    def produced(self) -> tuple[str, ...]:
        """The columns of the query; none as long as they are not known."""
        return self.facts.produced if self.facts else ()

    @property
    def keys(self) -> tuple[Column, ...]:
        """The columns of the primary key."""
        return tuple(column for column in self.spec.columns if column.primary_key)

    @property
    def fresh(self) -> bool:
        """Whether the table is made anew, whatever the strategy."""
        return self.spec.full_refresh

    def quoted(self, names: tuple[str, ...], prefix: str = "") -> str:
        """The names, quoted, as a list."""
        return ", ".join(prefix + self.platform.dialect.identifier(name) for name in names)

    def run(self, text: str, *, counted: bool = False, refuses: str = "") -> Statement:
        """A statement of ours."""
        return Statement(text=self.note + text, counted=counted, refuses=refuses)

    def around(self, prefix: str, suffix: str = "", *, counted: bool = False) -> Statement:
        """A statement that holds the asset's query between ours; both sides on their own lines."""
        return self.placed(self.body.query, prefix, suffix, counted=counted)

    def placed(
        self, part: Part, prefix: str = "", suffix: str = "", *, counted: bool = False
    ) -> Statement:
        """A part of the asset's text as a statement, or within one."""
        before = self.note + (prefix + "\n" if prefix else "")
        after = "\n" + suffix if suffix else ""
        first = before.count("\n") + 1
        return Statement(
            text=before + part.text + after,
            counted=counted,
            first=first,
            last=first + part.text.count("\n"),
            line=self.spec.query_line + part.line if self.spec.query_line else 0,
        )

    @property
    def setup(self) -> tuple[Statement, ...]:
        """What the asset wants to be done before its query."""
        return tuple(self.placed(part) for part in self.body.setup)

    @property
    def after(self) -> tuple[Statement, ...]:
        """What the asset wants to be done behind its query, within the transaction."""
        return tuple(self.placed(part) for part in self.body.after)

    def staged(self) -> tuple[Statement, ...]:
        """The setup, and the query's rows in the temporary table."""
        return (*self.setup, self.around(self.platform.temp.format(self.temp)))

    @property
    def unstaged(self) -> Statement:
        """Takes the temporary table away."""
        word = "TEMPORARY " if self.platform.swaps else ""  # without it, MySQL would commit
        return self.run(f"DROP {word}TABLE {self.temp}")

    def updated(self, sets: Mapping[str, str], where: str) -> str:
        """UPDATE of the table from the temporary one; `sets` are values by quoted column."""
        if self.platform.joins_to_update:
            changes = ", ".join(f"target.{name} = {value}" for name, value in sets.items())
            joined = f"{self.table} AS target JOIN {self.temp} AS source ON {where}"
            return f"UPDATE {joined}\nSET {changes}"
        changes = ", ".join(f"{name} = {value}" for name, value in sets.items())
        table, temp = self.table, self.temp
        return f"UPDATE {table} AS target\nSET {changes}\nFROM {temp} AS source\nWHERE {where}"

    def aside(self, word: str) -> str:
        """A table beside the asset's own, quoted: the new one or the old one of a swap."""
        digest = hashlib.sha256(self.spec.name.encode()).hexdigest()[:10]
        return self.platform.dialect.table((*self.parts[:-1], f"__bruin_{word}_{digest}"))

    def made_anew(self, made: Callable[[str], Statement]) -> tuple[Statement, ...]:
        """The table made anew; `made` gives the statement that makes a table of a name.

        Where such a statement commits, the table is made aside and takes its place by a renaming,
        so that nobody sees none, or half of one.
        """
        if not self.platform.swaps:
            return self.run(f"DROP TABLE IF EXISTS {self.table}"), made(self.table)
        new, old = self.aside("new"), self.aside("old")
        return (
            self.run(f"DROP TABLE IF EXISTS {new}, {old}"),
            made(new),
            self.run(f"CREATE TABLE IF NOT EXISTS {self.table} (nothing INT)"),
            self.run(f"RENAME TABLE {self.table} TO {old}, {new} TO {self.table}"),
            self.run(f"DROP TABLE {old}"),
        )

    @property
    def staged_columns(self) -> Statement:
        """Gives the columns of the temporary table."""
        return self.run(f"SELECT * FROM {self.temp} LIMIT 0")  # noqa: S608 - quoted

    @property
    def query_columns(self) -> Statement:
        """Gives the columns of the query, without its rows."""
        return self.around("SELECT * FROM (", ") AS q LIMIT 0")


Writer: TypeAlias = Callable[[Target], Script]
