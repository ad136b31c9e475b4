"""Rules without code: when something happens on a ticket and its conditions hold, then actions."""
