"""The pages of deployment freezes."""
