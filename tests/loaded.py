"""What a server of forks has loaded: libraries, and of the house what computes nothing.

The stages compile their contracts when they are imported, which starts the threads of
Polars; whatever has threads cannot be forked, so a child loads them itself.
"""

import cyclopts
import prefect
import prefect.flows

import flows.face
import flows.summary

__all__ = ["cyclopts", "flows", "prefect"]
