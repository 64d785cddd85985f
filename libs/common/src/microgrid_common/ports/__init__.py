"""What the services need from outside, as protocols that name no vendor."""
