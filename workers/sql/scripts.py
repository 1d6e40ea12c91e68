"""What a SQL asset becomes: statements in order, with the place of the asset's own text in them.

workers.sql.strategies writes them, workers.query_step runs them, `fleet render` prints them. Pure.
"""

from dataclasses import dataclass


class BadAsset(ValueError):
    """The asset cannot be written as SQL; the text says why, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the database knows. `existing` are the table's columns, None if there is no table;
    `produced` the names that the query gives, empty as long as they are not known."""

    existing: tuple[str, ...] | None
    produced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement. Its rows are the asset's if it is `counted`.

    `refuses` says what is wrong if the statement gives a row. Lines `first` to `last` of the text
    (from 1; 0 for none) are the asset's own, `first` being line `line` of its body's file.
    """

    text: str
    counted: bool = False
    refuses: str = ""
    first: int = 0
    last: int = 0
    line: int = 0

    def line_of(self, number: int) -> int:
        """The line of the asset's file that a line of the text is, 0 if it is not the asset's."""
        return self.line + number - self.first if self.first <= number <= self.last else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A SQL asset as it runs: `schema`, `before`, then `setup` and `main`, which are one
    transaction if `atomic`, `after`; `finish` follows also where something failed.

    `describe` gives, after `setup`, the columns of the query: with them in its facts the script is
    written once more, for the final `main`.
    """

    schema: str = ""  # makes the schema, which another asset may be making too
    before: tuple[Statement, ...] = ()
    setup: tuple[Statement, ...] = ()
    describe: Statement | None = None
    main: tuple[Statement, ...] = ()
    after: tuple[Statement, ...] = ()
    finish: tuple[Statement, ...] = ()
    atomic: bool = False

    @property
    def statements(self) -> tuple[str, ...]:
        """All statements in the order in which they run, as text."""
        body = [one.text for one in (*self.setup, *self.main)]
        if self.atomic:
            body = ["BEGIN", *body, "COMMIT"]
        before = [self.schema] if self.schema else []
        before += [one.text for one in self.before]
        after = [one.text for one in (*self.finish, *self.after)]
        return (*before, *body, *after)
