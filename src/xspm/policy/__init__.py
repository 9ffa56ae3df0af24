"""Policy as code: checks, policies, frameworks, exceptions; what they select, and the verdicts they give.

`library` reads folders of policy files into a `Library`, compiled and cached by digest. `plan` decides which checks
concern an asset, with which parameters. `assess` applies a plan to a snapshot. `gate` says whether the result stops a
pipeline.
"""
