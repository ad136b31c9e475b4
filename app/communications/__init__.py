"""Mail in and out: what came, what it means for a ticket, and what is said in return."""
