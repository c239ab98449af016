"""Second stage: a resource becomes a product that serves one decision."""
