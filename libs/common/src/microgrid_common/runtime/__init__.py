"""What every service needs while it runs: settings, logging, retries, tasks, health, metrics."""
