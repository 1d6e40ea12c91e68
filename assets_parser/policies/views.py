"""Assets and pipelines as the expressions of policies see them: by Bruin's own names of fields."""

from collections.abc import Mapping
from typing import Any

from assets_parser.model import Asset, Check, Column, CustomCheck, Pipeline
from assets_parser.policies.evaluation import Struct
from assets_parser.rules.types import SQL

_INITIALS = {"id": "ID", "sql": "SQL", "uri": "URI"}
_ASSET = (
    *("name", "type", "description", "owner", "image", "instance", "start_date", "connection"),
    *("uri", "tier", "retries", "retries_delay", "rerun_cooldown", "meta", "metadata"),
    *("parameters", "refresh_restricted", "enabled"),
)
_COLUMN = (
    *("name", "type", "description", "primary_key", "update_on_merge", "merge_sql", "nullable"),
    *("default", "precision", "scale", "length", "collation", "source_column", "mask", "owner"),
    *("meta", "extends"),
)
_PIPELINE = (
    *("name", "schedule", "start_date", "default_connections", "variables", "variants", "retries"),
    *("concurrency", "max_active_steps", "catchup", "meta", "owner", "agent", "commit"),
)
_PLATFORMS = {"snowflake": ("warehouse",), "athena": ("query_results_path",)}


def asset(one: Asset, root: str) -> Struct:
    """An asset, with its columns, checks and files."""
    checks = sum(len(column.checks) for column in one.columns) + len(one.custom_checks)
    keys = [column.name for column in one.columns if column.primary_key]
    definition, body = f"{root}/{one.path}", f"{root}/{one.body_path or one.path}"
    return _struct(
        "asset",
        _fields(one, _ASSET),
        Tags=list(one.tags),
        Domains=list(one.domains),
        Extends=list(one.extends),
        Materialization=_struct("materialization", _fields(one.materialization, _MATERIAL)),
        Columns=[_column(column) for column in one.columns],
        CustomChecks=[_custom_check(check) for check in one.custom_checks],
        Upstreams=[_struct("upstream", _fields(d, ("type", "value", "mode"))) for d in one.depends],
        Secrets=[_secret(secret.key, secret.inject_as) for secret in one.secrets],
        Hooks=_hooks(one),
        Notifications=_notifications(one),
        ExecutableFile=_file(body, one.body),
        DefinitionFile=_file(definition, ""),
        Snowflake=_platform(one, "snowflake"),
        Athena=_platform(one, "athena"),
        CheckCount=lambda: checks,
        IsSQLAsset=lambda: one.type in SQL,
        ColumnNames=lambda: [column.name for column in one.columns],
        ColumnNamesWithPrimaryKey=lambda: keys,
    )


def pipeline(one: Pipeline) -> Struct:
    """A pipeline with all its assets."""
    push = Struct(BigQuery=one.metadata_push, HasAnyEnabled=lambda: one.metadata_push)
    return _struct(
        "pipeline",
        _fields(one, _PIPELINE),
        LegacyID=one.id,
        Tags=list(one.tags),
        Domains=list(one.domains),
        Notifications=_notifications(one),
        MetadataPush=push,
        DefinitionFile=_file(f"{one.root}/{one.path}", ""),
        Assets=[asset(each, one.root) for each in one.assets],
    )


_MATERIAL = (
    *("type", "strategy", "partition_by", "cluster_by", "incremental_key"),
    *("incremental_predicate", "time_granularity"),
)


def _struct(what: str, fields: Mapping[str, Any], **more: Any) -> Struct:
    made = Struct({**fields, **more})
    made.what = what
    return made


def _fields(owner: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {_go(name): _plain(getattr(owner, name)) for name in names}


def _go(name: str) -> str:
    """`primary_key` is PrimaryKey there."""
    return "".join(_INITIALS.get(word, word.capitalize()) for word in name.split("_"))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _column(column: Column) -> Struct:
    key = column.foreign_key
    return _struct(
        "column",
        _fields(column, _COLUMN),
        Tags=list(column.tags),
        Domains=list(column.domains),
        Checks=[_check(check) for check in column.checks],
        Upstreams=[
            _struct("upstream", _fields(up, ("table", "column"))) for up in column.upstreams
        ],
        ForeignKey=_struct("foreign key", _fields(key, ("table", "column"))) if key else None,
    )


def _check(check: Check) -> Struct:
    names = ("name", "value", "blocking", "description", "retries")
    return _struct("check", _fields(check, names))


def _custom_check(check: CustomCheck) -> Struct:
    names = ("name", "query", "value", "count", "blocking", "description", "retries")
    return _struct("custom check", _fields(check, names))


def _secret(key: str, inject_as: str) -> Struct:
    return _struct("secret", {"SecretKey": key, "InjectedKey": inject_as})


def _hooks(one: Asset) -> Struct:
    pre, post = (
        [_struct("hook", {"Query": q}) for q in part] for part in (one.hooks.pre, one.hooks.post)
    )
    return _struct("hooks", {"Pre": pre, "Post": post})


def _notifications(one: Asset | Pipeline) -> Struct:
    services = {"slack": "Slack", "ms_teams": "MSTeams", "discord": "Discord"}
    services |= {"webhook": "Webhook", "email": "Email"}
    made = _struct("notifications", {name: [] for name in services.values()})
    for notice in one.notifications:
        field = {"slack": "Channel", "email": "Recipients"}.get(notice.service, "Connection")
        target = list(notice.target) if field == "Recipients" else "".join(notice.target)
        ends = {"Success": notice.success, "Failure": notice.failure}
        made[services[notice.service]].append(_struct("notification", {field: target, **ends}))
    return made


def _file(path: str, content: str) -> Struct:
    name = path.rpartition("/")[2]
    return _struct("file", {"Name": name, "Path": path, "Content": content})


def _platform(one: Asset, name: str) -> Struct:
    options = one.options.get(name) or {}
    return _struct(name, {_go(word): options.get(word, "") for word in _PLATFORMS[name]})
