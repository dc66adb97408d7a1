"""Plan tiers and payments (room for: subscription, card, seats)."""
