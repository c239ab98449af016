"""The seam's logger: a record when a stage begins, one when it has published."""

import logging

LOGGER = logging.getLogger("datafactor")
