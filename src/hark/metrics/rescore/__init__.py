"""Corrections of hubness: scores are changed so that no item is near to every query. Each file is one, by its name.

A `Config.build()` gives a function of (scores, bank): `scores` is (queries, items), and `bank` (other queries, items)
the scores that the same items get from a bank of queries, which tell how near an item is to anything. Without a bank
(None) the queries are their own: that is transductive, since a query's ranking then depends on which others are asked,
and a figure got so must say it. What comes back ranks the items of a query; it is no cosine any more.
"""
