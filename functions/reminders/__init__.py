"""The channels of reminders, and the browsers that get them by web push."""
