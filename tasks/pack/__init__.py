"""Hand over what a loan rests on, and examine what was handed over.

A pack is the store's chain of runs with its signed head, the posted frames that speak
of the loan, the appraisal's bundle, and what follows from these: dossier, facts,
journal. Who receives it needs no store: what follows is made again and compared.
"""
