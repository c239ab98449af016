"""Make the statement on data resources of an entity (财会〔2023〕11号)."""
