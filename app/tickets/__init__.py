"""Tickets and their append-only timeline."""
