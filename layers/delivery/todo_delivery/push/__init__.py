"""Web push: reminders on devices, encrypted for the browser and signed by the service."""
