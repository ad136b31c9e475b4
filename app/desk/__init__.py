"""Staff pages that join domains."""
