-- Prefect's own database beside the store's: it may be lost, the store may not.
CREATE DATABASE prefect;
