"""The logins that clients hand over: sealed at rest, opened one at a time, each opening noted."""
