"""What a deployment brings to a place, compared with what is there."""
