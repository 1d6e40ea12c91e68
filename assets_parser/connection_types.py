"""What Bruin knows of each connection type in .bruin.yml: order, typed fields, paths, ports."""

# In Bruin's order: if two types hold the same connection name, the later one here wins.
KNOWN = tuple(
    """
    aws athena google_cloud_platform snowflake postgres redshift mssql databricks synapse fabric
    onelake mongo couchbase cassandra cratedb cursor mongo_atlas mysql doris starrocks vitess
    planetscale_mysql notion allium hana hostaway shopify gorgias g2 klaviyo adjust adapty
    anthropic generic facebookads stripe paddle chargebee recurly gitlab appsflyer kafka
    rabbitmq duckdb motherduck clickhouse hubspot intercom github google_sheets chess airtable
    granola zendesk kalshi tiktokads snapchatads s3 slack socrata asana dynamodb docebo
    googleads appstore appleads linkedinads reddit_ads mailchimp manifold revenuecat linear gcs
    iceberg sharepoint applovinmax personio kinesis pipedrive polymarket mixpanel amplitude
    fastspring payrails clickup jobtread posthog pinterest trustpilot quickbooks wise wistia
    zoom emr_serverless dataproc_serverless googleanalytics gsc applovin frankfurter salesforce
    sqlite db2 oracle phantombuster elasticsearch solidgate square spanner smartsheet attio sftp
    isoc_pulse influxdb tableau quicksight trino dremio sail fluxx freshdesk okta fundraiseup
    fireflies trello jira monday plusvibeai bruin primer indeed customerio clevertap sendgrid
    twilio braze espn apifootball footballdata balldontlie vertica surveymonkey typeform dune
    spark http adls csv
    """.split()  # noqa: SIM905 - a list of 150 quoted words hides them
)

INTEGERS = frozenset(
    {
        "port",
        "http_port",
        "secure",
        "pool_max_conns",
        "max_concurrent_assets",
        "max_billable_bytes",
        "max_billable_bytes_soft",
    }
)
NUMBERS = frozenset({"max_query_cost", "max_query_cost_soft"})
BOOLEANS = frozenset(
    {"read_only", "ssl", "use_application_default_credentials", "use_azure_default_credential"}
)

_SSL = ("ssl_ca_path", "ssl_cert_path", "ssl_key_path")
# Relative ones start at the folder of .bruin.yml. Not sqlite's: it starts at the project root.
PATHS = {
    "duckdb": ("path",),
    "google_cloud_platform": ("service_account_file",),
    "google_sheets": ("service_account_file",),
    "mysql": _SSL,
    "doris": _SSL,
    "vitess": _SSL,
    "snowflake": ("private_key_path",),
}

PORTS = {
    "postgres": 5432,
    "redshift": 5439,
    "mysql": 3306,
    "mssql": 1433,
    "synapse": 1433,
    "fabric": 1433,
    "databricks": 443,
    "mongo": 27017,
}
