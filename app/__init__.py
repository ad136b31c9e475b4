"""Tallydesk: help desk, time and billing for service agencies, with a client portal."""
