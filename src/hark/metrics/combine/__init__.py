"""Combinations of several members' scores into one: each file is one, and its name is the name in an ensemble.

A `Config.build()` gives a function of (scores, weights): `scores` one (queries, items) matrix for each member, and
`weights` one number for each, of which only the proportions count. All that normalise or rank do so query by query: to
search the other way (items by queries) the matrices are transposed first, not the result. The result is float32,
computed in float64 and rounded once, so that sums which are equal but for the order of the terms stay ties.
"""
