"""Before and after: what the base and the tuned model make of text that neither was trained on here."""
