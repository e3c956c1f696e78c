"""Two servers, and the plan that launches one after the other: what most tests of a drill begin with."""

WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 3
behaviour: {job_delay: 30}
servers:
  - {id: s-5a4c1e0b7d2f93861, name: db-1, tags: {Tier: database}, durations: {gap: 5, conversion: 20, launch: 30}}
  - {id: s-5b83d60f4a91c2e75, name: app-1, tags: {Tier: app}, durations: {gap: 5, conversion: 20, launch: 30}}
"""
PLAN = """
version: 1
plan: small
sites: {main: {region: us-west-2}}
groups:
  database: {select: {tags: {Tier: database}}}
  app: {select: {tags: {Tier: app}}}
waves:
  - {name: Database, groups: [database]}
  - {name: Application, groups: [app]}
"""
