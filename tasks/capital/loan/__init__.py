"""Account for a loan: pure functions from terms, days and payments to fen."""
