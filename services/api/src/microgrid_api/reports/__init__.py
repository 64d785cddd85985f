"""Energy reports: their figures as JSON, and as files and pages."""
