"""What triggers are made of, as pure data: schedules, filters, actions."""
