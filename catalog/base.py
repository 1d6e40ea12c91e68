"""What all tables of the catalog have in common: types of columns, names of keys. For tables."""

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean, Double, Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase

# SQLite numbers rows by itself only in a column of the exact type INTEGER
_BIG = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """What every table is made from."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        float: Double(),
        int: _BIG,
        bool: Boolean(),
    }
