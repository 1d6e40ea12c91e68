"""policy.yml: a team's own rules for its assets. `assets_parser.rules.policy` asks.

Everything in the file is hostile: patterns match in linear time, expressions have a budget.
"""
