"""What runs inside an asset's own interpreter: standard library and pyarrow, Python 3.8 syntax.

workers.main_step starts launch.py by path; inside, this folder is the package `_fleet_inside`, so
that a project's own `workers` folder stays free.
"""
