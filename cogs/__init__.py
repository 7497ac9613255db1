"""The Discord face of the application."""
