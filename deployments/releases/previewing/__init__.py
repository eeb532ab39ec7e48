"""Variables as they would be, before anything is deployed."""
