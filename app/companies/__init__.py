"""Client companies in a tree, their people, and who pays for whom."""
