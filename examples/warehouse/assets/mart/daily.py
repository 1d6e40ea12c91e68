"""@bruin
name: mart.daily

depends:
  - raw.stations
  - raw.readings

materialization:
  type: table
  strategy: merge

columns:
  - name: station_id
    type: bigint
    primary_key: true
  - name: day
    type: date
    primary_key: true
  - name: readings
    type: bigint
    checks:
      - name: accepted_values
        value: [24]

custom_checks:
  - name: every station reports
    query: |
      select (select count(*) from raw.stations) - (select count(distinct station_id) from mart.daily)
@bruin"""

from bruin import query


def materialize():
    return query(
        """
        select r.station_id, s.name, cast(r.at at time zone 'UTC' as date) as day,
               count(*) as readings, round(avg(r.celsius)::numeric, 2)::float8 as celsius
        from raw.readings r join raw.stations s using (station_id)
        group by 1, 2, 3
        """
    )
