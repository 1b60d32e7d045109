"""What the platform says about itself: structured logs and traces."""
