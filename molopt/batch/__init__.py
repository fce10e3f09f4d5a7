"""Many systems in flight: relaxed together, each as if it were alone."""
