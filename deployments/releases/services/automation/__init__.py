"""What happens by itself: lifecycles that deploy, triggers of targets, schedules and packages."""
