"""Which assets of a pipeline a SQL text reads. For ordering and the rule about used tables."""

import re
from collections.abc import Collection, Iterable, Iterator

from assets_parser.sql_references import Reference
from assets_parser.sql_tables import reads

_WORD = re.compile(r"\w+")


class KnownTables:
    """The names of a pipeline's assets; a text is parsed only if it may read one of them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {name.casefold(): name for name in names}
        self._words = {key: frozenset(_WORD.findall(key)) for key in self._names}

    def named(self, tables: Iterable[str]) -> Iterator[str]:
        """The assets that these tables are, in any case of letters."""
        found = (self._names.get(table.casefold()) for table in tables)
        return (name for name in found if name)

    def read(
        self, sql: str, dialect: str, ignored: Collection[str] = ()
    ) -> Iterator[tuple[str, Reference]]:
        """The assets that the SQL reads, and where, but for those that do not matter."""
        words = set(_WORD.findall(sql.casefold()))
        keys = {key for key, parts in self._words.items() if parts <= words}
        keys -= {name.casefold() for name in ignored}
        if keys:
            for one in reads(sql, dialect):
                if one.name.casefold() in keys:
                    yield self._names[one.name.casefold()], one
