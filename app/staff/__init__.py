"""The agency's own people and departments."""
