"""First stage: raw bytes become one clean, labelled resource."""
