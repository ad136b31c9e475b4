"""From time to company invoice, to money, to proof."""
