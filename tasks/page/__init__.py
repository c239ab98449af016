"""Show published figures on a page: HTML and SVG, and no arithmetic but of places."""
