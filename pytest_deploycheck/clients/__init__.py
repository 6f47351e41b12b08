"""One module per subject or instrument: asks, notes evidence, says whose fault a silence is."""
