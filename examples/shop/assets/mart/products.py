"""@bruin
name: mart.products
description: How each product sells, in the shop and on the site.

depends:
  - catalogue.products
  - staging.settled
  - staging.sessions

materialization:
  type: table
  strategy: create+replace

columns:
  - name: product_id
    type: integer
    primary_key: true
    checks:
      - name: unique
  - name: views
    type: bigint
    checks:
      - name: non_negative
@bruin"""

from bruin import query


def materialize():
    return query(
        """
        with sold as (
            select product_id, count(*) as orders, round(sum(net_eur), 2) as net_eur
            from staging.settled group by 1
        ), seen as (
            select product_id, count(*) as views from web.events where kind = 'view' group by 1
        )
        select p.product_id, p.name, p.category, coalesce(s.orders, 0) as orders,
               coalesce(s.net_eur, 0) as net_eur, coalesce(v.views, 0) as views
        from catalogue.products p left join sold s using (product_id) left join seen v using (product_id)
        """
    )
