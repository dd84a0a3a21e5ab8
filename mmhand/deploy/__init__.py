"""What serves speed only."""
