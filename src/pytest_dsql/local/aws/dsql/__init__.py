"""Aurora DSQL's control plane: every operation of its service model, with the service's own words and reasons.

moto keeps the paths and the wire; what a cluster is and does stands here. Source: botocore's model of 2026-09.
"""
