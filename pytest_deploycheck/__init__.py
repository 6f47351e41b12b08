"""A deployment checklist as tests, and the answers of the tests a decision."""
