"""Variables written as one text: edited together, taken out, and brought in."""
