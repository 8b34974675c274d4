"""Harvest: sources → gather → fetch → map → check → load.

Connectors read sources page by page, mappers say what the fields of a record mean; what comes of it
is written by `ckanext.govopen.logic` alone, as drafts.
"""
