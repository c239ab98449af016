"""Configuration that ships with the code: documents, policies, entities, deployments.

A package, so that it is found wherever the process stands; nothing imports it.
"""
