"""Describe a product in open formats: pure functions from facts to documents.

Every function takes facts and gives plain JSON values: no clock, no file, no store. The
same facts give the same document.
"""
