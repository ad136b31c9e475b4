"""Priced offers on tickets: drafted, sent for approval, offered again, and used up by the work."""
